using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using HipiFast.Kernels.Numerics;

namespace HipiFast.Kernels.Random;

/// <summary><see cref="Philox"/> for eight consecutive counters at once: the same bits, in the same order.</summary>
/// <remarks>
/// A counter word sits in the low half of a 64-bit lane and the high half holds whatever the last product left there: the 32x32 bit multiplication
/// ignores it, and a round moves bits only from high to low by its own shift. So a round is two multiplications, two shifts and four exclusive-ors.
/// </remarks>
internal static class PhiloxVector
{
    /// <summary>Words that one call makes.</summary>
    public const int WordCount = 32;

    /// <summary>Words of the eight blocks with first counter word <paramref name="firstBlock"/> to <paramref name="firstBlock"/> + 7.</summary>
    /// <param name="firstBlock">Counter word 0 of the first block; wraps around.</param>
    /// <param name="c1">Counter word 1.</param>
    /// <param name="c2">Counter word 2.</param>
    /// <param name="c3">Counter word 3.</param>
    /// <param name="key">Key.</param>
    /// <param name="low">Words 0 to 3 of the first block, then of the second, third and fourth.</param>
    /// <param name="high">Words of the fifth to the eighth block.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Next(uint firstBlock, uint c1, uint c2, uint c3, ulong key, out Vector512<uint> low, out Vector512<uint> high)
    {
        // Blocks in the order in which interleaving within 128-bit lanes, which is cheap, leaves them in sequence.
        Vector512<ulong> x = (Vector512.Create(firstBlock) + Vector512.Create(0u, 0, 4, 0, 1, 0, 5, 0, 2, 0, 6, 0, 3, 0, 7, 0)).AsUInt64();
        Vector512<ulong> y = Vector512.Create((ulong)c1), z = Vector512.Create((ulong)c2), w = Vector512.Create((ulong)c3);
        Rounds(ref x, ref y, ref z, ref w, key);
        Vector512<ulong> lowHalves = Vector512.Create(0xFFFFFFFFul);
        Vector512<ulong> xy = (x & lowHalves) | Vector512.ShiftLeft(y, 32), zw = (z & lowHalves) | Vector512.ShiftLeft(w, 32);
        low = InterleaveEven(xy, zw).AsUInt32();
        high = InterleaveOdd(xy, zw).AsUInt32();
    }

    /// <summary>The ten rounds on eight counters, one per 64-bit lane: any counters, each word in the low half of its lane (the high half is ignored).</summary>
    /// <param name="x">Word 0 of the counters, then of the blocks; the high half of a result means nothing.</param>
    /// <param name="y">Word 1.</param>
    /// <param name="z">Word 2.</param>
    /// <param name="w">Word 3.</param>
    /// <param name="key">Key.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Rounds(ref Vector512<ulong> x, ref Vector512<ulong> y, ref Vector512<ulong> z, ref Vector512<ulong> w, ulong key)
    {
        Vector512<ulong> multiplier0 = Vector512.Create((ulong)Philox.Multiplier0), multiplier1 = Vector512.Create((ulong)Philox.Multiplier1);
        uint k0 = (uint)key, k1 = (uint)(key >> 32);
        for (int round = 0; round < Philox.Rounds; round++)
        {
            Vector512<ulong> p0 = MultiplyLowHalves(x, multiplier0), p1 = MultiplyLowHalves(z, multiplier1);
            x = Vector512.ShiftRightLogical(p1, 32) ^ y ^ Vector512.Create((ulong)k0);
            y = p1;
            z = Vector512.ShiftRightLogical(p0, 32) ^ w ^ Vector512.Create((ulong)k1);
            w = p0;
            k0 += Philox.Weyl0;
            k1 += Philox.Weyl1;
        }
    }

    /// <summary><see cref="Philox.ToUniform"/> lane by lane, the same floats.</summary>
    /// <param name="bits">Uniform bits.</param>
    /// <returns>Floats in [2^-33, 1 - 2^-24].</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ToUniform(Vector512<uint> bits) => Vector512.MinNative(
        (Vector512.ConvertToSingle(bits) + Vector512.Create(0.5f)) * Vector512.Create(1f / 4294967296f), Vector512.Create(1f - (1f / 16777216f)));

    /// <summary><see cref="Philox.ToGumbel"/> lane by lane; the two differ by the rounding of their logarithms, below 1e-6 of max(1, |G|).</summary>
    /// <param name="bits">Uniform bits.</param>
    /// <returns>Standard Gumbel draws in [-2.8, 22.9].</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ToGumbel(Vector512<uint> bits) => -VectorMath.LogNormal(-VectorMath.LogOneMinus(ToUniform(bits)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> MultiplyLowHalves(Vector512<ulong> a, Vector512<ulong> b)
    {
        if (Avx512F.IsSupported)
        {
            return Avx512F.Multiply(a.AsUInt32(), b.AsUInt32());
        }

        if (Avx2.IsSupported)
        {
            return Vector512.Create(
                Avx2.Multiply(a.GetLower().AsUInt32(), b.GetLower().AsUInt32()), Avx2.Multiply(a.GetUpper().AsUInt32(), b.GetUpper().AsUInt32()));
        }

        Vector512<ulong> lowHalves = Vector512.Create(0xFFFFFFFFul);
        return (a & lowHalves) * (b & lowHalves);
    }

    // a0 b0 a2 b2 a4 b4 a6 b6
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> InterleaveEven(Vector512<ulong> a, Vector512<ulong> b)
    {
        if (Avx512F.IsSupported)
        {
            return Avx512F.UnpackLow(a, b);
        }

        if (Avx2.IsSupported)
        {
            return Vector512.Create(Avx2.UnpackLow(a.GetLower(), b.GetLower()), Avx2.UnpackLow(a.GetUpper(), b.GetUpper()));
        }

        return Vector512.Create(a[0], b[0], a[2], b[2], a[4], b[4], a[6], b[6]);
    }

    // a1 b1 a3 b3 a5 b5 a7 b7
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> InterleaveOdd(Vector512<ulong> a, Vector512<ulong> b)
    {
        if (Avx512F.IsSupported)
        {
            return Avx512F.UnpackHigh(a, b);
        }

        if (Avx2.IsSupported)
        {
            return Vector512.Create(Avx2.UnpackHigh(a.GetLower(), b.GetLower()), Avx2.UnpackHigh(a.GetUpper(), b.GetUpper()));
        }

        return Vector512.Create(a[1], b[1], a[3], b[3], a[5], b[5], a[7], b[7]);
    }
}
