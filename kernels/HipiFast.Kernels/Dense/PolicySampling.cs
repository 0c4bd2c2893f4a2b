using System.Runtime.CompilerServices;
using HipiFast.Kernels.Numerics;
using HipiFast.Kernels.Random;

namespace HipiFast.Kernels.Dense;

/// <summary>Sampling of tanh-Gaussian actions over one kind of vector.</summary>
internal static unsafe class PolicySampling<TSimd, TVector>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <summary>Normals that one Philox block gives: entries 4 k to 4 k + 3 of a row come from block k.</summary>
    private const int BlockNormals = 4;

    /// <summary>Floats of the widest vector.</summary>
    private const int WidestVector = 16;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void TakeMean(in MatrixView actorOutput, PolicySample sample)
    {
        sample.Gather(actorOutput, 0, 0, sample.Mean);
        float* mean = sample.Mean, action = sample.Action;
        int entries = actorOutput.Rows * sample.ActionDimension;
        for (int i = 0; i < entries; i += TSimd.Count)
        {
            TSimd.Store(TanhGaussian<TSimd, TVector>.Squash(TSimd.Load(mean + i)), action + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Draw(in MatrixView actorOutput, PolicySample sample, int firstRow, ActionNoise noise)
    {
        int rows = actorOutput.Rows, actions = sample.ActionDimension, first = firstRow * actions,
            end = first + (rows * actions);
        sample.Gather(actorOutput, firstRow, 0, sample.Mean);
        sample.Gather(actorOutput, firstRow, actions, sample.RawLogStd);
        DrawNormals(firstRow, rows, actions, noise, sample.Noise);
        float* mean = sample.Mean, raw = sample.RawLogStd, std = sample.Std, normals = sample.Noise,
            slope = sample.Slope, term = sample.Term;
        float* action = sample.Action;
        for (int i = first; i < end; i += TSimd.Count)
        {
            TVector z = TSimd.Load(normals + i), logStd = TanhGaussian<TSimd, TVector>.ClampLogStd(TSimd.Load(raw + i));
            TVector deviation = VectorMath<TSimd, TVector>.Exp(logStd), x = TSimd.MultiplyAdd(
                deviation, z, TSimd.Load(mean + i));
            TVector logDerivative = TanhGaussian<TSimd, TVector>.LogDerivative(x);
            TSimd.Store(deviation, std + i);
            TSimd.Store(TanhGaussian<TSimd, TVector>.Squash(x), action + i);
            TSimd.Store(VectorMath<TSimd, TVector>.ExpNonPositive(logDerivative), slope + i);

            // (x - mean) / std is z itself.
            TVector logNormal = TSimd.Subtract(
                TSimd.Multiply(TSimd.Multiply(z, z), TSimd.Broadcast(-0.5f)),
                TSimd.Add(logStd, TSimd.Broadcast(TanhGaussian.HalfLogTwoPi)));
            TSimd.Store(TSimd.Subtract(logNormal, logDerivative), term + i);
        }

        sample.SumTerms(firstRow, rows);
    }

    /// <summary>
    /// Fills z: words 0 and 1 of a block give entries 4 k and 4 k + 1, words 2 and 3 the next two
    /// (<see cref="Philox.ToNormals"/>). One group of blocks serves as many rows as a vector has lanes.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void DrawNormals(int firstRow, int rows, int actions, ActionNoise noise, float* destination)
    {
        float* keys = stackalloc float[PhiloxVector<TSimd, TVector>.KeyLength],
            group = stackalloc float[BlockNormals * WidestVector];
        PhiloxVector<TSimd, TVector>.PrepareKeys(noise.Seed, keys);
        TVector offsets = PhiloxVector<TSimd, TVector>.BlockOffsets;
        int lanes = TSimd.Count;
        for (int done = 0; done < rows; done += lanes)
        {
            int row = firstRow + done, count = Math.Min(lanes, rows - done);
            TVector block0 = TSimd.AddInt32(offsets, TSimd.BroadcastBits((uint)row));
            TVector block1 = TSimd.AddInt32(offsets, TSimd.BroadcastBits((uint)(row + (lanes / 2))));
            for (int d = 0; d < actions; d += BlockNormals)
            {
                uint c1 = (uint)(d / BlockNormals) + noise.BlockOffset;
                PhiloxVector<TSimd, TVector>.Next(
                    block0, block1, c1, c1, noise.Call, (uint)noise.Purpose, noise.Seed, keys,
                    out TVector low0, out TVector high0, out TVector low1, out TVector high1);
                StoreNormals(low0, high0, group);
                StoreNormals(low1, high1, group + (2 * lanes));
                int width = Math.Min(BlockNormals, actions - d);
                float* to = destination + ((nint)row * actions) + d, from = group;
                for (int r = 0; r < count; r++)
                {
                    for (int i = 0; i < width; i++)
                    {
                        to[i] = from[i];
                    }

                    to += actions;
                    from += BlockNormals;
                }
            }
        }
    }

    /// <summary>
    /// Turns pairs of words (radius in the even lane, angle in the odd one) into pairs of normals: cosine, sine.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreNormals(TVector low, TVector high, float* destination)
    {
        TVector even = TSimd.BroadcastEven(uint.MaxValue);
        TVector radius = TSimd.Select(
            even, low, TSimd.SwapPairs(high)), angle = TSimd.Select(even, TSimd.SwapPairs(low), high);
        PhiloxVector<TSimd, TVector>.ToNormals(radius, angle, out TVector cosines, out TVector sines);
        TSimd.Store(TSimd.Select(even, cosines, TSimd.SwapPairs(sines)), destination);
        TSimd.Store(TSimd.Select(even, TSimd.SwapPairs(cosines), sines), destination + TSimd.Count);
    }
}
