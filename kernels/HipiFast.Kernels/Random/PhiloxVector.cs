using System.Runtime.CompilerServices;
using HipiFast.Kernels.Numerics;

namespace HipiFast.Kernels.Random;

/// <summary><see cref="Philox"/> for many counters at once: the same bits, in the same order.</summary>
/// <remarks>
/// <para>A counter word sits in an even lane, and the odd lane beside it holds whatever the last product left there:
/// the 32x32 bit multiplication ignores it, and a round moves bits from odd to even lanes by its own exchange. So a
/// round is two multiplications, two exchanges and two three-way exclusive-ors.</para>
/// <para>A round waits for the one before; two sets of counters run side by side, so that the multiplier is busy
/// meanwhile.</para>
/// </remarks>
internal static unsafe class PhiloxVector<TSimd, TVector>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <summary>Floats that <see cref="PrepareKeys"/> writes on the widest vectors: two words per round.</summary>
    public const int KeyLength = 2 * Philox.Rounds * WidestVector;

    private const int WidestVector = 16;

    /// <summary>Words that one set of counters makes: two vectors.</summary>
    public static int WordCount => 2 * TSimd.Count;

    /// <summary>What to add to a block number, so that <see cref="Next"/> leaves consecutive blocks in order.</summary>
    public static TVector BlockOffsets
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            // Interleaving puts the blocks of even pairs of lanes first; pair p is lanes 2 p and 2 p + 1.
            TVector pair = TSimd.ShiftRightLogical(TSimd.LaneNumbers, 1);
            TVector isOdd = TSimd.ShiftRightArithmetic(TSimd.ShiftLeft(pair, 31), 31);
            return TSimd.AddInt32(
                TSimd.ShiftRightLogical(pair, 1), TSimd.And(isOdd, TSimd.BroadcastBits((uint)TSimd.Count / 4)));
        }
    }

    /// <summary>
    /// Broadcasts the keys of all rounds, so that the rounds read them from memory instead of making them.
    /// </summary>
    /// <param name="key">Key.</param>
    /// <param name="keys">Result; room for <see cref="KeyLength"/> floats.</param>
    public static void PrepareKeys(ulong key, float* keys)
    {
        uint k0 = (uint)key, k1 = (uint)(key >> 32);
        for (int round = 0; round < Philox.Rounds; round++)
        {
            TSimd.Store(TSimd.BroadcastBits(k0), keys);
            TSimd.Store(TSimd.BroadcastBits(k1), keys + TSimd.Count);
            keys += 2 * TSimd.Count;
            k0 += Philox.Weyl0;
            k1 += Philox.Weyl1;
        }
    }

    /// <summary>
    /// The ten rounds on two sets of counters, each word in the even lanes; what the odd lanes hold means nothing,
    /// before and after.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Rounds(
        float* keys,
        ref TVector x0, ref TVector y0, ref TVector z0, ref TVector w0,
        ref TVector x1, ref TVector y1, ref TVector z1, ref TVector w1) => Rounds(
            keys, keys + (2 * Philox.Rounds * TSimd.Count), ref x0, ref y0, ref z0, ref w0, ref x1, ref y1, ref z1,
            ref w1);

    /// <summary>
    /// Words of two sets of consecutive blocks, set s with counters (firstBlock_s + n, c1_s, c2, c3) for n from 0 to
    /// <c>TSimd.Count / 2 - 1</c>: for each set words 0 to 3 of the first block, then of the second, and so on.
    /// </summary>
    /// <param name="firstBlock0">
    /// Counter word 0 of set 0's blocks: the first block's number plus <see cref="BlockOffsets"/>.
    /// </param>
    /// <param name="firstBlock1">The same of set 1.</param>
    /// <param name="c10">Counter word 1 of set 0.</param>
    /// <param name="c11">Counter word 1 of set 1.</param>
    /// <param name="c2">Counter word 2.</param>
    /// <param name="c3">Counter word 3.</param>
    /// <param name="key">Key.</param>
    /// <param name="keys">What <see cref="PrepareKeys"/> made of it.</param>
    /// <param name="low0">First half of the words of set 0.</param>
    /// <param name="high0">Second half.</param>
    /// <param name="low1">First half of the words of set 1.</param>
    /// <param name="high1">Second half.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Next(
        TVector firstBlock0, TVector firstBlock1, uint c10, uint c11, uint c2, uint c3, ulong key, float* keys,
        out TVector low0, out TVector high0, out TVector low1, out TVector high1)
    {
        Start(firstBlock0, c10, c2, c3, key, out TVector x0, out TVector y0, out TVector z0, out TVector w0);
        Start(firstBlock1, c11, c2, c3, key, out TVector x1, out TVector y1, out TVector z1, out TVector w1);
        float* last = keys + (2 * (Philox.Rounds - 1) * TSimd.Count);
        Rounds(keys + (4 * TSimd.Count), last, ref x0, ref y0, ref z0, ref w0, ref x1, ref y1, ref z1, ref w1);
        Finish(x0, y0, z0, w0, last, out low0, out high0);
        Finish(x1, y1, z1, w1, last, out low1, out high1);
    }

    /// <summary><see cref="Philox.ToUniform"/> lane by lane, the same floats.</summary>
    /// <param name="bits">Uniform bits.</param>
    /// <returns>Floats in [2^-33, 1 - 2^-24].</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector ToUniform(TVector bits) =>
        TSimd.Min(ToUnbounded(bits), TSimd.Broadcast(1f - (1f / 16777216f)));

    /// <summary>
    /// <see cref="Philox.ToGumbel"/> lane by lane; the two differ by the rounding of their logarithms, below 1e-6 of
    /// max(1, |G|).
    /// </summary>
    /// <param name="bits">Uniform bits.</param>
    /// <returns>Standard Gumbel draws in [-2.8, 22.9].</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector ToGumbel(TVector bits) => VectorMath<TSimd, TVector>.Negate(
        VectorMath<TSimd, TVector>.LogNumber(VectorMath<TSimd, TVector>.NegativeLogOneMinus(ToUniform(bits))));

    /// <summary><see cref="Philox.ToNormals"/> lane by lane; the two differ by rounding, below 2e-6.</summary>
    /// <param name="first">Bits of the radius.</param>
    /// <param name="second">Bits of the angle.</param>
    /// <param name="cosines">Standard normals.</param>
    /// <param name="sines">Standard normals.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ToNormals(TVector first, TVector second, out TVector cosines, out TVector sines)
    {
        TVector square = TSimd.Multiply(TSimd.Broadcast(-2f), VectorMath<TSimd, TVector>.LogNumber(ToUniform(first)));
        TVector radius = TSimd.SquareRoot(square);
        VectorMath<TSimd, TVector>.SinCosTurn(ToUniform(second), out TVector sine, out TVector cosine);
        cosines = TSimd.Multiply(radius, cosine);
        sines = TSimd.Multiply(radius, sine);
    }

    // (bits + 1/2) / 2^32, one rounding after that of the conversion: the scaling by a power of two is exact.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector ToUnbounded(TVector bits) =>
        TSimd.MultiplyAdd(
            TSimd.FromUInt32(bits), TSimd.Broadcast(1f / 4294967296f), TSimd.Broadcast(0.5f / 4294967296f));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Rounds(
        float* keys,
        float* end,
        ref TVector x0, ref TVector y0, ref TVector z0, ref TVector w0,
        ref TVector x1, ref TVector y1, ref TVector z1, ref TVector w1)
    {
        TVector multiplier0 = TSimd.BroadcastBits(Philox.Multiplier0),
            multiplier1 = TSimd.BroadcastBits(Philox.Multiplier1);
        for (; keys < end; keys += 2 * TSimd.Count)
        {
            TVector k0 = TSimd.Load(keys), k1 = TSimd.Load(keys + TSimd.Count);
            TVector p00 = TSimd.MultiplyEven(x0, multiplier0), p10 = TSimd.MultiplyEven(z0, multiplier1);
            TVector p01 = TSimd.MultiplyEven(x1, multiplier0), p11 = TSimd.MultiplyEven(z1, multiplier1);
            x0 = TSimd.Xor(TSimd.Xor(TSimd.SwapPairs(p10), y0), k0);
            z0 = TSimd.Xor(TSimd.Xor(TSimd.SwapPairs(p00), w0), k1);
            x1 = TSimd.Xor(TSimd.Xor(TSimd.SwapPairs(p11), y1), k0);
            z1 = TSimd.Xor(TSimd.Xor(TSimd.SwapPairs(p01), w1), k1);
            y0 = p10;
            w0 = p00;
            y1 = p11;
            w1 = p01;
        }
    }

    // The first two rounds where only word 0 differs between lanes: half of their products are of scalars.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Start(
        TVector block, uint c1, uint c2, uint c3, ulong key, out TVector x, out TVector y, out TVector z, out TVector w)
    {
        uint k0 = (uint)key, k1 = (uint)(key >> 32);
        ulong q1 = (ulong)Philox.Multiplier1 * c2;
        ulong q0 = (ulong)Philox.Multiplier0 * ((uint)(q1 >> 32) ^ c1 ^ k0);
        TVector p0 = TSimd.MultiplyEven(block, TSimd.BroadcastBits(Philox.Multiplier0));
        z = TSimd.Xor(TSimd.SwapPairs(p0), TSimd.BroadcastBits(c3 ^ k1));
        y = TSimd.MultiplyEven(z, TSimd.BroadcastBits(Philox.Multiplier1));
        x = TSimd.Xor(TSimd.SwapPairs(y), TSimd.BroadcastBits((uint)q1 ^ (k0 + Philox.Weyl0)));
        z = TSimd.Xor(p0, TSimd.BroadcastBits((uint)(q0 >> 32) ^ (k1 + Philox.Weyl1)));
        w = TSimd.BroadcastBits((uint)q0);
    }

    // The last round: its words pair up in the products already, so the exchange that it needs anyway puts x and y, z
    // and w side by side.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(
        TVector x, TVector y, TVector z, TVector w, float* keys, out TVector low, out TVector high)
    {
        TVector evenLanes = TSimd.BroadcastEven(uint.MaxValue);
        TVector p0 = TSimd.MultiplyEven(x, TSimd.BroadcastBits(Philox.Multiplier0));
        TVector p1 = TSimd.MultiplyEven(z, TSimd.BroadcastBits(Philox.Multiplier1));
        TVector xy = TSimd.Xor(TSimd.SwapPairs(p1), TSimd.And(TSimd.Xor(y, TSimd.Load(keys)), evenLanes));
        TVector zw = TSimd.Xor(TSimd.SwapPairs(p0), TSimd.And(TSimd.Xor(w, TSimd.Load(keys + TSimd.Count)), evenLanes));
        TSimd.InterleavePairs(xy, zw, out low, out high);
    }
}
