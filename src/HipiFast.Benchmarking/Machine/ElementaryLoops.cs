using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using HipiFast.Benchmarking.Cases;
using HipiFast.Kernels.Numerics;
using HipiFast.Kernels.Random;

namespace HipiFast.Benchmarking.Machine;

/// <summary>
/// The arithmetic that the log partition and task sampling cannot do without, on registers alone: the limit of those
/// kernels where memory is not.
/// </summary>
internal abstract class ElementaryLoops
{
    /// <summary>The loops on the vectors of a backend.</summary>
    /// <param name="backend">Name of a managed backend; others sample on the best of those.</param>
    /// <returns>The loops.</returns>
    public static ElementaryLoops Of(string backend) => backend switch
    {
        "managed-256" => new ElementaryLoops<Simd256, Vector256<float>>(),
        "managed-portable" => new ElementaryLoops<SimdPortable, Vector<float>>(),
        _ when Vector512.IsHardwareAccelerated => new ElementaryLoops<Simd512, Vector512<float>>(),
        _ => new ElementaryLoops<SimdPortable, Vector<float>>(),
    };

    /// <summary>An exponential, a maximum and a sum for each entry: the log partition.</summary>
    /// <param name="iterations">How often.</param>
    /// <returns>Entries.</returns>
    public abstract double Exponentials(int iterations);

    /// <summary>
    /// A Gumbel draw, an exponential and both arg-maxima for each entry: task sampling with its diagnostics.
    /// </summary>
    /// <param name="iterations">How often.</param>
    /// <returns>Entries.</returns>
    public abstract double Draws(int iterations);
}

/// <inheritdoc/>
internal sealed unsafe class ElementaryLoops<TSimd, TVector> : ElementaryLoops
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <summary>
    /// Vectors per iteration: as many as one call of the random number generator fills, and chains enough to hide
    /// latencies.
    /// </summary>
    private const int Vectors = 4;

    private float _sink;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override double Exponentials(int iterations)
    {
        TVector x0 = TSimd.Broadcast(-0.1f), x1 = TSimd.Broadcast(-0.2f), x2 = TSimd.Broadcast(-0.3f),
            x3 = TSimd.Broadcast(-0.4f);
        TVector sum0 = TSimd.Zero, sum1 = sum0, sum2 = sum0, sum3 = sum0, most = x3, step = TSimd.Broadcast(-1e-6f);
        for (int i = 0; i < iterations; i++)
        {
            sum0 = TSimd.Add(sum0, VectorMath<TSimd, TVector>.ExpNonPositive(x0));
            sum1 = TSimd.Add(sum1, VectorMath<TSimd, TVector>.ExpNonPositive(x1));
            sum2 = TSimd.Add(sum2, VectorMath<TSimd, TVector>.ExpNonPositive(x2));
            sum3 = TSimd.Add(sum3, VectorMath<TSimd, TVector>.ExpNonPositive(x3));
            most = TSimd.Max(TSimd.Max(x0, x1), TSimd.Max(TSimd.Max(x2, x3), most));
            x0 = TSimd.Add(x0, step);
            x1 = TSimd.Add(x1, step);
            x2 = TSimd.Add(x2, step);
            x3 = TSimd.Add(x3, step);
        }

        Volatile.Write(ref _sink, TSimd.Sum(TSimd.Add(TSimd.Add(sum0, sum1), TSimd.Add(TSimd.Add(sum2, sum3), most))));
        return (double)iterations * Vectors * TSimd.Count;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override double Draws(int iterations)
    {
        float* keys = stackalloc float[PhiloxVector<TSimd, TVector>.KeyLength];
        PhiloxVector<TSimd, TVector>.PrepareKeys(BenchmarkData.Seed, keys);
        TVector offsets = PhiloxVector<TSimd, TVector>.BlockOffsets, score = TSimd.Broadcast(-0.3f),
            step = TSimd.Broadcast(-1e-6f);
        TVector best = TSimd.Broadcast(-1e30f), index = TSimd.Zero, sum = TSimd.Zero, weighted = TSimd.Zero;
        for (int i = 0; i < iterations; i++)
        {
            PhiloxVector<TSimd, TVector>.Next(
                offsets, offsets, (uint)i, 0, 0, 0, BenchmarkData.Seed, keys, out TVector first, out TVector second,
                out TVector third,
                out TVector fourth);
            TVector number = TSimd.BroadcastBits((uint)i);
            Keep(first, score, number, ref best, ref index, ref sum, ref weighted);
            Keep(second, score, number, ref best, ref index, ref sum, ref weighted);
            Keep(third, score, number, ref best, ref index, ref sum, ref weighted);
            Keep(fourth, score, number, ref best, ref index, ref sum, ref weighted);
            score = TSimd.Add(score, step);
        }

        Volatile.Write(ref _sink, TSimd.Sum(TSimd.Add(TSimd.Add(best, index), TSimd.Add(sum, weighted))));
        return (double)iterations * Vectors * TSimd.Count;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Keep(
        TVector bits, TVector score, TVector number, ref TVector best, ref TVector index, ref TVector sum,
        ref TVector weighted)
    {
        TVector noisy = TSimd.Add(
            score, PhiloxVector<TSimd, TVector>.ToGumbel(bits)), better = TSimd.LessThan(best, noisy);
        best = TSimd.Select(better, noisy, best);
        index = TSimd.Select(better, number, index);

        // Scores that differ from draw to draw: an exponential of the same number could be taken out of the loop.
        TVector weight = VectorMath<TSimd, TVector>.ExpNonPositive(TSimd.Min(noisy, score));
        sum = TSimd.Add(sum, weight);
        weighted = TSimd.MultiplyAdd(weight, score, weighted);
    }
}
