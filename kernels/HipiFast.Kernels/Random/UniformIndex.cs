using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using HipiFast.Kernels.Numerics;

namespace HipiFast.Kernels.Random;

/// <summary>
/// Exactly uniform integers from Philox words: Lemire's multiply-and-shift with rejection ("Fast Random Integer
/// Generation in an Interval", 2019).
/// </summary>
internal static class UniformIndex
{
    /// <summary>
    /// Maps 32 uniform bits to [0, <paramref name="bound"/>), or refuses them so that every result stays equally
    /// likely.
    /// </summary>
    /// <param name="bits">Uniform bits.</param>
    /// <param name="bound">1 or more.</param>
    /// <param name="index">The result when accepted.</param>
    /// <returns>False with probability below bound / 2^32: draw again.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryMap(uint bits, uint bound, out uint index)
    {
        ulong product = (ulong)bits * bound;
        index = (uint)(product >> 32);
        uint low = (uint)product;

        // 2^32 is not a multiple of bound: the first 2^32 mod bound values of the low half are the surplus. The
        // division is only reached where low < bound, which is the only place where it can matter.
        return low >= bound || low >= (0u - bound) % bound;
    }

    /// <summary>One uniform integer in [0, <paramref name="bound"/>).</summary>
    /// <param name="bound">1 or more.</param>
    /// <param name="slot">First counter word.</param>
    /// <param name="call">Third counter word.</param>
    /// <param name="purpose">Fourth counter word.</param>
    /// <param name="seed">Philox key.</param>
    /// <returns>
    /// The words of counter (slot, attempt, call, purpose) in turn, attempt = 0, 1, ..., until one is accepted.
    /// </returns>
    public static uint Draw(uint bound, uint slot, uint call, RandomPurpose purpose, ulong seed)
    {
        for (uint attempt = 0; ; attempt++)
        {
            PhiloxBlock block = Philox.Next(slot, attempt, call, (uint)purpose, seed);
            if (TryMap(block.X, bound, out uint index) || TryMap(block.Y, bound, out index)
                || TryMap(block.Z, bound, out index) || TryMap(block.W, bound, out index))
            {
                return index;
            }
        }
    }

    /// <summary>
    /// Fills a span with a part of an endless sequence of uniform integers in [0, <paramref name="bound"/>).
    /// </summary>
    /// <param name="indices">
    /// Results. Entry i of the sequence is word i mod 4 of counter (i / 4, 0, call, purpose), or the first accepted
    /// word 0 of (i, 1 and up, call, purpose), counter words modulo 2^32.
    /// </param>
    /// <param name="bound">1 or more.</param>
    /// <param name="seed">Philox key.</param>
    /// <param name="call">Third counter word.</param>
    /// <param name="purpose">Fourth counter word.</param>
    /// <param name="firstEntry">Entry of the sequence that comes first.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="bound"/> is 0 or above 2^31.</exception>
    public static void Fill(
        Span<int> indices, uint bound, ulong seed, uint call, RandomPurpose purpose, ulong firstEntry = 0)
    {
        ArgumentOutOfRangeException.ThrowIfZero(bound);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bound, 1u << 31);
        switch (VectorKinds.Best)
        {
            case VectorKind.Vector512:
                UniformIndex<Simd512, Vector512<float>>.Fill(indices, bound, seed, call, (uint)purpose, firstEntry);
                break;
            case VectorKind.Vector256:
                UniformIndex<Simd256, Vector256<float>>.Fill(indices, bound, seed, call, (uint)purpose, firstEntry);
                break;
            default:
                UniformIndex<SimdPortable, Vector<float>>.Fill(indices, bound, seed, call, (uint)purpose, firstEntry);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static uint Redraw(uint bound, uint slot, ulong seed, uint call, uint purpose)
    {
        for (uint attempt = 1; ; attempt++)
        {
            if (TryMap(Philox.Next(slot, attempt, call, purpose, seed).X, bound, out uint index))
            {
                return index;
            }
        }
    }
}

/// <summary><see cref="UniformIndex.Fill"/> on one kind of vector.</summary>
internal static unsafe class UniformIndex<TSimd, TVector>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <summary>Entries of one step on the widest vectors.</summary>
    private const int LongestStep = 64;

    private static int Step => 4 * TSimd.Count;

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Fill(Span<int> indices, uint bound, ulong seed, uint call, uint purpose, ulong firstEntry)
    {
        float* keys = stackalloc float[PhiloxVector<TSimd, TVector>.KeyLength];
        int* partial = stackalloc int[LongestStep];
        PhiloxVector<TSimd, TVector>.PrepareKeys(seed, keys);

        // Conversions to float keep the order but for ties: the next float up makes good what they may round away.
        float doubtful = MathF.BitIncrement(bound);

        // Steps begin with a block; the first and the last may stick out.
        int skipped = (int)(firstEntry % 4);
        ulong entry = firstEntry - (uint)skipped;
        fixed (int* result = indices)
        {
            for (int at = -skipped; at < indices.Length; at += Step, entry += (uint)Step)
            {
                int from = Math.Max(0, -at), to = Math.Min(Step, indices.Length - at);
                if (from == 0 && to == Step)
                {
                    FillStep(result + at, bound, doubtful, seed, call, purpose, entry, keys);
                }
                else
                {
                    FillStep(partial, bound, doubtful, seed, call, purpose, entry, keys);
                    new ReadOnlySpan<int>(partial + from, to - from).CopyTo(indices[(at + from)..]);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FillStep(
        int* result, uint bound, float doubtful, ulong seed, uint call, uint purpose, ulong entry, float* keys)
    {
        uint block = unchecked((uint)(entry / 4));
        TVector offsets = PhiloxVector<TSimd, TVector>.BlockOffsets;
        PhiloxVector<TSimd, TVector>.Next(
            TSimd.AddInt32(TSimd.BroadcastBits(block), offsets),
            TSimd.AddInt32(TSimd.BroadcastBits(unchecked(block + ((uint)TSimd.Count / 2))), offsets),
            0, 0, call, purpose, seed, keys, out TVector first, out TVector second, out TVector third,
            out TVector fourth);
        TVector lowest = TSimd.Min(
            TSimd.Min(Map(first, bound, result), Map(second, bound, result + TSimd.Count)),
            TSimd.Min(Map(third, bound, result + (2 * TSimd.Count)), Map(fourth, bound, result + (3 * TSimd.Count))));
        if (TSimd.Any(TSimd.LessThan(lowest, TSimd.Broadcast(doubtful))))
        {
            MapOneByOne(result, bound, seed, call, purpose, entry);
        }
    }

    /// <summary>The high halves of the products of the words and the bound, in order.</summary>
    /// <returns>The low halves, as floats: below the bound they may be among the surplus.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Map(TVector words, uint bound, int* result)
    {
        TVector factor = TSimd.BroadcastBits(bound), evenLanes = TSimd.BroadcastEven(uint.MaxValue);
        TVector even = TSimd.MultiplyEven(words, factor), odd = TSimd.MultiplyEven(TSimd.SwapPairs(words), factor);
        TSimd.Store(TSimd.Select(evenLanes, TSimd.SwapPairs(even), odd), (float*)result);
        return TSimd.FromUInt32(TSimd.Select(evenLanes, even, TSimd.SwapPairs(odd)));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void MapOneByOne(int* result, uint bound, ulong seed, uint call, uint purpose, ulong entry)
    {
        for (int i = 0; i < Step; i++, entry++)
        {
            uint bits = Philox.Next(unchecked((uint)(entry / 4)), 0, call, purpose, seed)[(int)(entry % 4)];
            result[i] = (int)(UniformIndex.TryMap(bits, bound, out uint index)
                ? index
                : UniformIndex.Redraw(bound, unchecked((uint)entry), seed, call, purpose));
        }
    }
}
