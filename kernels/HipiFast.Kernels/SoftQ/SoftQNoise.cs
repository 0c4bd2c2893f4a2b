using System.Runtime.CompilerServices;
using HipiFast.Kernels.Numerics;
using HipiFast.Kernels.Random;

namespace HipiFast.Kernels.SoftQ;

/// <summary>
/// Standard normals of the Bellman estimator's actions; see <see cref="RandomPurpose.BellmanAction"/> for the counter.
/// </summary>
internal static class SoftQNoise
{
    /// <summary>Normals that one Philox block yields.</summary>
    public const int NormalsPerBlock = 4;

    /// <summary>
    /// Counter word 3 of the block that serves an action dimension: the purpose, plus 256 for each block of four
    /// dimensions.
    /// </summary>
    /// <param name="block">Dimension / 4.</param>
    /// <returns>The word.</returns>
    public static uint PurposeWord(int block) => (uint)RandomPurpose.BellmanAction + (256u * (uint)block);

    /// <summary>One normal, in the plainest form.</summary>
    /// <param name="task">Candidate.</param>
    /// <param name="transition">Row within the whole batch.</param>
    /// <param name="call">Number of the call.</param>
    /// <param name="dimension">Action dimension.</param>
    /// <param name="seed">Philox key.</param>
    /// <returns>A standard normal.</returns>
    public static float Normal(uint task, uint transition, uint call, int dimension, ulong seed)
    {
        PhiloxBlock block = Philox.Next(task, transition, call, PurposeWord(dimension / NormalsPerBlock), seed);
        int word = dimension % NormalsPerBlock;
        (float cosine, float sine) = word < 2 ? Philox.ToNormals(block.X, block.Y) : Philox.ToNormals(block.Z, block.W);
        return word % 2 == 0 ? cosine : sine;
    }
}

/// <summary><see cref="SoftQNoise"/> by vectors.</summary>
internal static unsafe class SoftQNoise<TSimd, TVector>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <summary>
    /// The normals of a block of pairs; they differ from <see cref="SoftQNoise.Normal"/> by rounding, below 2e-6.
    /// </summary>
    /// <param name="tasks"><c>[pairs]</c>: the candidate of each pair.</param>
    /// <param name="transitions"><c>[pairs]</c>: the row of each pair within the whole batch.</param>
    /// <param name="pairs">Pairs, a multiple of 16.</param>
    /// <param name="stride">
    /// Floats between rows of <paramref name="normals"/>, <paramref name="pairs"/> or more.
    /// </param>
    /// <param name="call">Number of the call.</param>
    /// <param name="seed">Philox key.</param>
    /// <param name="dimensions">A.</param>
    /// <param name="normals">
    /// Result <c>[A rounded up to 4][stride]</c>; rows from A on hold numbers that nothing needs.
    /// </param>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Fill(
        uint* tasks, uint* transitions, int pairs, int stride, uint call, ulong seed, int dimensions, float* normals)
    {
        float* keys = stackalloc float[PhiloxVector<TSimd, TVector>.KeyLength];
        PhiloxVector<TSimd, TVector>.PrepareKeys(seed, keys);
        for (
            int first = 0; first < dimensions; first += SoftQNoise.NormalsPerBlock,
            normals += SoftQNoise.NormalsPerBlock * stride)
        {
            TVector purpose = TSimd.BroadcastBits(SoftQNoise.PurposeWord(first / SoftQNoise.NormalsPerBlock));
            for (int pair = 0; pair < pairs; pair += TSimd.Count)
            {
                // One set of counters for the pairs in even lanes, one for those in odd lanes.
                TVector x0 = TSimd.Load((float*)tasks + pair), y0 = TSimd.Load((float*)transitions + pair);
                TVector x1 = TSimd.SwapPairs(x0), y1 = TSimd.SwapPairs(y0);
                TVector z0 = TSimd.BroadcastBits(call), z1 = z0, w0 = purpose, w1 = purpose;
                PhiloxVector<TSimd, TVector>.Rounds(
                    keys, ref x0, ref y0, ref z0, ref w0, ref x1, ref y1, ref z1, ref w1);
                float* result = normals + pair;
                PhiloxVector<TSimd, TVector>.ToNormals(
                    Merge(x0, x1), Merge(y0, y1), out TVector cosines, out TVector sines);
                TSimd.Store(cosines, result);
                TSimd.Store(sines, result + stride);
                if (first + 2 < dimensions)
                {
                    PhiloxVector<TSimd, TVector>.ToNormals(Merge(z0, z1), Merge(w0, w1), out cosines, out sines);
                    TSimd.Store(cosines, result + (2 * stride));
                    TSimd.Store(sines, result + (3 * stride));
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Merge(TVector even, TVector odd) =>
        TSimd.Select(TSimd.BroadcastEven(uint.MaxValue), even, TSimd.SwapPairs(odd));
}
