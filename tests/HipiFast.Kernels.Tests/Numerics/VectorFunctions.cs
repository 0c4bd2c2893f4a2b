using HipiFast.Kernels.Dense;
using HipiFast.Kernels.Numerics;
using HipiFast.Kernels.Random;
using HipiFast.Kernels.SoftQ;

namespace HipiFast.Kernels.Tests.Numerics;

/// <summary>The vector functions on arrays, so that one set of tests serves every kind of vector.</summary>
internal abstract unsafe class VectorFunctions
{
    /// <summary>Most floats of a vector.</summary>
    public const int Widest = 16;

    public abstract int Count { get; }

    public abstract float[] Exp(float[] x);

    public abstract float[] ExpNonPositive(float[] x);

    public abstract float[] ExpMinusOneNonPositive(float[] x);

    public abstract float[] Tanh(float[] x);

    public abstract float[] NormalTail(float[] x);

    public abstract float[] Log(float[] x);

    public abstract float[] NegativeLogOneMinus(float[] u);

    public abstract (float[] Sine, float[] Cosine) SinCosTurn(float[] u);

    public abstract float[] ToUniform(uint[] bits);

    public abstract float[] ToGumbel(uint[] bits);

    public abstract float[] ClampLogStd(float[] x);

    public abstract float[] Squash(float[] x);

    public abstract float[] Unsquash(float[] x);

    public abstract float[] LogDerivative(float[] x);

    /// <summary>Words of two sets of consecutive blocks, set 0 first.</summary>
    public abstract uint[] Next(uint first0, uint first1, uint c10, uint c11, uint c2, uint c3, ulong key);

    /// <summary>The Bellman noise of 16 n pairs.</summary>
    public abstract float[] Normals(
        uint[] tasks, uint[] transitions, int stride, uint call, ulong seed, int dimensions);

    /// <summary>A part of the sequence of uniform indices.</summary>
    public abstract int[] Indices(int count, uint bound, ulong seed, uint call, ulong firstEntry);

    public abstract float[] LoadPartial(float* source, int count);

    public abstract void StorePartial(float[] value, float* destination, int count);

    public abstract float MaxLane(float[] x);

    public abstract int MinLane(int[] x);
}

/// <inheritdoc cref="VectorFunctions"/>
internal sealed unsafe class VectorFunctions<TSimd, TVector> : VectorFunctions
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    public override int Count => TSimd.Count;

    public override float[] Exp(float[] x) => Map(x, VectorMath<TSimd, TVector>.Exp);

    public override float[] ExpNonPositive(float[] x) => Map(x, VectorMath<TSimd, TVector>.ExpNonPositive);

    public override float[] ExpMinusOneNonPositive(float[] x) =>
        Map(x, VectorMath<TSimd, TVector>.ExpMinusOneNonPositive);

    public override float[] Tanh(float[] x) => Map(x, VectorMath<TSimd, TVector>.Tanh);

    public override float[] NormalTail(float[] x) => Map(x, VectorMath<TSimd, TVector>.NormalTail);

    public override float[] Log(float[] x) => Map(x, VectorMath<TSimd, TVector>.Log);

    public override float[] NegativeLogOneMinus(float[] u) => Map(u, VectorMath<TSimd, TVector>.NegativeLogOneMinus);

    public override (float[] Sine, float[] Cosine) SinCosTurn(float[] u) => (
        Map(u, v => { VectorMath<TSimd, TVector>.SinCosTurn(v, out TVector sine, out _); return sine; }),
        Map(u, v => { VectorMath<TSimd, TVector>.SinCosTurn(v, out _, out TVector cosine); return cosine; }));

    public override float[] ToUniform(uint[] bits) => Map(Floats(bits), PhiloxVector<TSimd, TVector>.ToUniform);

    public override float[] ToGumbel(uint[] bits) => Map(Floats(bits), PhiloxVector<TSimd, TVector>.ToGumbel);

    public override float[] ClampLogStd(float[] x) => Map(x, TanhGaussian<TSimd, TVector>.ClampLogStd);

    public override float[] Squash(float[] x) => Map(x, TanhGaussian<TSimd, TVector>.Squash);

    public override float[] Unsquash(float[] x) => Map(x, TanhGaussian<TSimd, TVector>.Unsquash);

    public override float[] LogDerivative(float[] x) => Map(x, TanhGaussian<TSimd, TVector>.LogDerivative);

    public override uint[] Next(uint first0, uint first1, uint c10, uint c11, uint c2, uint c3, ulong key)
    {
        float* keys = stackalloc float[PhiloxVector<TSimd, TVector>.KeyLength], words = stackalloc float[4 * Widest];
        PhiloxVector<TSimd, TVector>.PrepareKeys(key, keys);
        TVector offsets = PhiloxVector<TSimd, TVector>.BlockOffsets;
        PhiloxVector<TSimd, TVector>.Next(
            TSimd.AddInt32(TSimd.BroadcastBits(first0), offsets), TSimd.AddInt32(TSimd.BroadcastBits(first1), offsets),
            c10, c11, c2, c3, key, keys, out TVector low0, out TVector high0, out TVector low1, out TVector high1);
        TSimd.Store(low0, words);
        TSimd.Store(high0, words + Count);
        TSimd.Store(low1, words + (2 * Count));
        TSimd.Store(high1, words + (3 * Count));
        return new ReadOnlySpan<uint>(words, 4 * Count).ToArray();
    }

    public override float[] Normals(uint[] tasks, uint[] transitions, int stride, uint call, ulong seed, int dimensions)
    {
        float[] result = new float[(dimensions + 3) / 4 * 4 * stride];
        fixed (uint* t = tasks, j = transitions)
        fixed (float* r = result)
        {
            SoftQNoise<TSimd, TVector>.Fill(t, j, tasks.Length, stride, call, seed, dimensions, r);
        }

        return result;
    }

    public override int[] Indices(int count, uint bound, ulong seed, uint call, ulong firstEntry)
    {
        int[] result = new int[count];
        UniformIndex<TSimd, TVector>.Fill(result, bound, seed, call, (uint)RandomPurpose.SyntheticData, firstEntry);
        return result;
    }

    public override float[] LoadPartial(float* source, int count)
    {
        float[] result = new float[Count];
        fixed (float* r = result)
        {
            TSimd.Store(TSimd.LoadPartial(source, count), r);
        }

        return result;
    }

    public override void StorePartial(float[] value, float* destination, int count)
    {
        fixed (float* v = value)
        {
            TSimd.StorePartial(TSimd.Load(v), destination, count);
        }
    }

    public override float MaxLane(float[] x)
    {
        fixed (float* v = x)
        {
            return TSimd.MaxLane(TSimd.Load(v));
        }
    }

    public override int MinLane(int[] x)
    {
        fixed (int* v = x)
        {
            return TSimd.MinLaneInt32(TSimd.Load((float*)v));
        }
    }

    private static float[] Floats(uint[] bits) => [.. bits.Select(BitConverter.UInt32BitsToSingle)];

    private static float[] Map(float[] x, Func<TVector, TVector> function)
    {
        float[] result = new float[x.Length];
        float* lanes = stackalloc float[Widest];
        Span<float> span = new(lanes, TSimd.Count);
        for (int i = 0; i < x.Length; i += TSimd.Count)
        {
            int count = Math.Min(TSimd.Count, x.Length - i);
            span.Fill(0.5f);
            x.AsSpan(i, count).CopyTo(span);
            TSimd.Store(function(TSimd.Load(lanes)), lanes);
            span[..count].CopyTo(result.AsSpan(i));
        }

        return result;
    }
}
