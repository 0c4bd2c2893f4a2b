using System.Runtime.CompilerServices;
using HipiFast.Kernels.Numerics;

namespace HipiFast.Kernels.Dense;

/// <summary>What happens to a tile's sums before and after the multiplication.</summary>
internal unsafe interface ITileEpilogue
{
    /// <summary>
    /// The value that sums start from. <paramref name="operand"/> is the bias at the tile's first column, or null.
    /// </summary>
    static abstract TVector Start<TSimd, TVector>(float* operand)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct;

    /// <summary>
    /// The value that is stored. <paramref name="operand"/> is where the stored vector's activations lie, or not read.
    /// </summary>
    static abstract TVector Finish<TSimd, TVector>(TVector sum, float* operand)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct;
}

/// <summary>Stores the sums: weight gradients.</summary>
internal readonly unsafe struct PlainEpilogue : ITileEpilogue
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Start<TSimd, TVector>(float* operand)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct => TSimd.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Finish<TSimd, TVector>(TVector sum, float* operand)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct => sum;
}

/// <summary>Starts from the bias: the output layer.</summary>
internal readonly unsafe struct BiasEpilogue : ITileEpilogue
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Start<TSimd, TVector>(float* operand)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct => TSimd.Load(operand);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Finish<TSimd, TVector>(TVector sum, float* operand)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct => sum;
}

/// <summary>Starts from the bias and applies ReLU: the hidden layers.</summary>
internal readonly unsafe struct BiasReluEpilogue : ITileEpilogue
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Start<TSimd, TVector>(float* operand)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct => TSimd.Load(operand);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Finish<TSimd, TVector>(TVector sum, float* operand)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct => TSimd.Relu(sum);
}

/// <summary>Keeps the sum where the activation is above zero: the derivative of ReLU.</summary>
internal readonly unsafe struct MaskEpilogue : ITileEpilogue
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Start<TSimd, TVector>(float* operand)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct => TSimd.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Finish<TSimd, TVector>(TVector sum, float* operand)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct => TSimd.MaskPositive(sum, TSimd.Load(operand));
}

/// <summary>
/// Register tiles of the product <c>C[r][c] = sum over k of A[r, k] B[k][c]</c>, r over 8, 6, 4 or 1 rows,
/// c over one, two or four vectors, with A read as
/// <c>a[r aRow + k aStep]</c> (so that A may be a transpose), B's row k at <c>b + k bStep</c> and C's row r at
/// <c>c + r cRow</c>.
/// </summary>
/// <remarks>
/// The sums are separate locals in leaf methods without calls: only then does the JIT hold them in registers. Every sum
/// runs over k in order with one multiply-add each, so its bits do not depend on which tile computed it.
/// </remarks>
internal static unsafe class DenseTile<TSimd, TVector>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <summary>
    /// 24 sums: the fewest loads per multiply-add, which is what counts while another thread shares the core's load
    /// ports.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void SixByFour<TEpilogue>(
        float* a, nint aRow, nint aStep, float* b, nint bStep, int depth, float* c, nint cRow, float* bias, float* mask)
        where TEpilogue : struct, ITileEpilogue
    {
        int lanes = TSimd.Count;
        float* a1 = a + aRow, a2 = a1 + aRow, a3 = a2 + aRow, a4 = a3 + aRow, a5 = a4 + aRow;
        TVector start0 = TEpilogue.Start<TSimd, TVector>(bias), start1 = TEpilogue.Start<TSimd, TVector>(bias + lanes);
        TVector start2 = TEpilogue.Start<TSimd, TVector>(bias + (2 * lanes)),
            start3 = TEpilogue.Start<TSimd, TVector>(bias + (3 * lanes));
        TVector s00 = start0, s10 = start0, s20 = start0, s30 = start0, s40 = start0, s50 = start0;
        TVector s01 = start1, s11 = start1, s21 = start1, s31 = start1, s41 = start1, s51 = start1;
        TVector s02 = start2, s12 = start2, s22 = start2, s32 = start2, s42 = start2, s52 = start2;
        TVector s03 = start3, s13 = start3, s23 = start3, s33 = start3, s43 = start3, s53 = start3;
        nint at = 0;
        for (int k = depth; k > 0; k--)
        {
            TVector b0 = TSimd.Load(b), b1 = TSimd.Load(b + lanes), b2 = TSimd.Load(b + (2 * lanes)),
                b3 = TSimd.Load(b + (3 * lanes));
            TVector x = TSimd.Broadcast(a[at]);
            s00 = TSimd.MultiplyAdd(x, b0, s00);
            s01 = TSimd.MultiplyAdd(x, b1, s01);
            s02 = TSimd.MultiplyAdd(x, b2, s02);
            s03 = TSimd.MultiplyAdd(x, b3, s03);
            x = TSimd.Broadcast(a1[at]);
            s10 = TSimd.MultiplyAdd(x, b0, s10);
            s11 = TSimd.MultiplyAdd(x, b1, s11);
            s12 = TSimd.MultiplyAdd(x, b2, s12);
            s13 = TSimd.MultiplyAdd(x, b3, s13);
            x = TSimd.Broadcast(a2[at]);
            s20 = TSimd.MultiplyAdd(x, b0, s20);
            s21 = TSimd.MultiplyAdd(x, b1, s21);
            s22 = TSimd.MultiplyAdd(x, b2, s22);
            s23 = TSimd.MultiplyAdd(x, b3, s23);
            x = TSimd.Broadcast(a3[at]);
            s30 = TSimd.MultiplyAdd(x, b0, s30);
            s31 = TSimd.MultiplyAdd(x, b1, s31);
            s32 = TSimd.MultiplyAdd(x, b2, s32);
            s33 = TSimd.MultiplyAdd(x, b3, s33);
            x = TSimd.Broadcast(a4[at]);
            s40 = TSimd.MultiplyAdd(x, b0, s40);
            s41 = TSimd.MultiplyAdd(x, b1, s41);
            s42 = TSimd.MultiplyAdd(x, b2, s42);
            s43 = TSimd.MultiplyAdd(x, b3, s43);
            x = TSimd.Broadcast(a5[at]);
            s50 = TSimd.MultiplyAdd(x, b0, s50);
            s51 = TSimd.MultiplyAdd(x, b1, s51);
            s52 = TSimd.MultiplyAdd(x, b2, s52);
            s53 = TSimd.MultiplyAdd(x, b3, s53);
            at += aStep;
            b += bStep;
        }

        StoreTwo<TEpilogue>(s00, s01, c, mask);
        StoreTwo<TEpilogue>(s10, s11, c + cRow, mask + cRow);
        StoreTwo<TEpilogue>(s20, s21, c + (2 * cRow), mask + (2 * cRow));
        StoreTwo<TEpilogue>(s30, s31, c + (3 * cRow), mask + (3 * cRow));
        StoreTwo<TEpilogue>(s40, s41, c + (4 * cRow), mask + (4 * cRow));
        StoreTwo<TEpilogue>(s50, s51, c + (5 * cRow), mask + (5 * cRow));

        c += 2 * lanes;
        mask += 2 * lanes;
        StoreTwo<TEpilogue>(s02, s03, c, mask);
        StoreTwo<TEpilogue>(s12, s13, c + cRow, mask + cRow);
        StoreTwo<TEpilogue>(s22, s23, c + (2 * cRow), mask + (2 * cRow));
        StoreTwo<TEpilogue>(s32, s33, c + (3 * cRow), mask + (3 * cRow));
        StoreTwo<TEpilogue>(s42, s43, c + (4 * cRow), mask + (4 * cRow));
        StoreTwo<TEpilogue>(s52, s53, c + (5 * cRow), mask + (5 * cRow));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void EightByTwo<TEpilogue>(
        float* a, nint aRow, nint aStep, float* b, nint bStep, int depth, float* c, nint cRow, float* bias, float* mask)
        where TEpilogue : struct, ITileEpilogue
    {
        int lanes = TSimd.Count;
        float* a1 = a + aRow, a2 = a1 + aRow, a3 = a2 + aRow, a4 = a3 + aRow, a5 = a4 + aRow, a6 = a5 + aRow,
            a7 = a6 + aRow;
        TVector start0 = TEpilogue.Start<TSimd, TVector>(bias), start1 = TEpilogue.Start<TSimd, TVector>(bias + lanes);
        TVector s00 = start0, s10 = start0, s20 = start0, s30 = start0, s40 = start0, s50 = start0, s60 = start0,
            s70 = start0;
        TVector s01 = start1, s11 = start1, s21 = start1, s31 = start1, s41 = start1, s51 = start1, s61 = start1,
            s71 = start1;
        nint at = 0;
        for (int k = depth; k > 0; k--)
        {
            TVector b0 = TSimd.Load(b), b1 = TSimd.Load(b + lanes);
            TVector x = TSimd.Broadcast(a[at]);
            s00 = TSimd.MultiplyAdd(x, b0, s00);
            s01 = TSimd.MultiplyAdd(x, b1, s01);
            x = TSimd.Broadcast(a1[at]);
            s10 = TSimd.MultiplyAdd(x, b0, s10);
            s11 = TSimd.MultiplyAdd(x, b1, s11);
            x = TSimd.Broadcast(a2[at]);
            s20 = TSimd.MultiplyAdd(x, b0, s20);
            s21 = TSimd.MultiplyAdd(x, b1, s21);
            x = TSimd.Broadcast(a3[at]);
            s30 = TSimd.MultiplyAdd(x, b0, s30);
            s31 = TSimd.MultiplyAdd(x, b1, s31);
            x = TSimd.Broadcast(a4[at]);
            s40 = TSimd.MultiplyAdd(x, b0, s40);
            s41 = TSimd.MultiplyAdd(x, b1, s41);
            x = TSimd.Broadcast(a5[at]);
            s50 = TSimd.MultiplyAdd(x, b0, s50);
            s51 = TSimd.MultiplyAdd(x, b1, s51);
            x = TSimd.Broadcast(a6[at]);
            s60 = TSimd.MultiplyAdd(x, b0, s60);
            s61 = TSimd.MultiplyAdd(x, b1, s61);
            x = TSimd.Broadcast(a7[at]);
            s70 = TSimd.MultiplyAdd(x, b0, s70);
            s71 = TSimd.MultiplyAdd(x, b1, s71);
            at += aStep;
            b += bStep;
        }

        StoreTwo<TEpilogue>(s00, s01, c, mask);
        StoreTwo<TEpilogue>(s10, s11, c + cRow, mask + cRow);
        StoreTwo<TEpilogue>(s20, s21, c + (2 * cRow), mask + (2 * cRow));
        StoreTwo<TEpilogue>(s30, s31, c + (3 * cRow), mask + (3 * cRow));
        StoreTwo<TEpilogue>(s40, s41, c + (4 * cRow), mask + (4 * cRow));
        StoreTwo<TEpilogue>(s50, s51, c + (5 * cRow), mask + (5 * cRow));
        StoreTwo<TEpilogue>(s60, s61, c + (6 * cRow), mask + (6 * cRow));
        StoreTwo<TEpilogue>(s70, s71, c + (7 * cRow), mask + (7 * cRow));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void FourByTwo<TEpilogue>(
        float* a, nint aRow, nint aStep, float* b, nint bStep, int depth, float* c, nint cRow, float* bias, float* mask)
        where TEpilogue : struct, ITileEpilogue
    {
        int lanes = TSimd.Count;
        float* a1 = a + aRow, a2 = a1 + aRow, a3 = a2 + aRow;
        TVector start0 = TEpilogue.Start<TSimd, TVector>(bias), start1 = TEpilogue.Start<TSimd, TVector>(bias + lanes);
        TVector s00 = start0, s10 = start0, s20 = start0, s30 = start0;
        TVector s01 = start1, s11 = start1, s21 = start1, s31 = start1;
        nint at = 0;
        for (int k = depth; k > 0; k--)
        {
            TVector b0 = TSimd.Load(b), b1 = TSimd.Load(b + lanes);
            TVector x = TSimd.Broadcast(a[at]);
            s00 = TSimd.MultiplyAdd(x, b0, s00);
            s01 = TSimd.MultiplyAdd(x, b1, s01);
            x = TSimd.Broadcast(a1[at]);
            s10 = TSimd.MultiplyAdd(x, b0, s10);
            s11 = TSimd.MultiplyAdd(x, b1, s11);
            x = TSimd.Broadcast(a2[at]);
            s20 = TSimd.MultiplyAdd(x, b0, s20);
            s21 = TSimd.MultiplyAdd(x, b1, s21);
            x = TSimd.Broadcast(a3[at]);
            s30 = TSimd.MultiplyAdd(x, b0, s30);
            s31 = TSimd.MultiplyAdd(x, b1, s31);
            at += aStep;
            b += bStep;
        }

        StoreTwo<TEpilogue>(s00, s01, c, mask);
        StoreTwo<TEpilogue>(s10, s11, c + cRow, mask + cRow);
        StoreTwo<TEpilogue>(s20, s21, c + (2 * cRow), mask + (2 * cRow));
        StoreTwo<TEpilogue>(s30, s31, c + (3 * cRow), mask + (3 * cRow));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void OneByTwo<TEpilogue>(
        float* a, nint aStep, float* b, nint bStep, int depth, float* c, float* bias, float* mask)
        where TEpilogue : struct, ITileEpilogue
    {
        int lanes = TSimd.Count;
        TVector s0 = TEpilogue.Start<TSimd, TVector>(bias), s1 = TEpilogue.Start<TSimd, TVector>(bias + lanes);
        for (int k = depth; k > 0; k--)
        {
            TVector x = TSimd.Broadcast(*a);
            s0 = TSimd.MultiplyAdd(x, TSimd.Load(b), s0);
            s1 = TSimd.MultiplyAdd(x, TSimd.Load(b + lanes), s1);
            a += aStep;
            b += bStep;
        }

        StoreTwo<TEpilogue>(s0, s1, c, mask);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void EightByOne<TEpilogue>(
        float* a, nint aRow, nint aStep, float* b, nint bStep, int depth, float* c, nint cRow, float* bias, float* mask)
        where TEpilogue : struct, ITileEpilogue
    {
        float* a1 = a + aRow, a2 = a1 + aRow, a3 = a2 + aRow, a4 = a3 + aRow, a5 = a4 + aRow, a6 = a5 + aRow,
            a7 = a6 + aRow;
        TVector start = TEpilogue.Start<TSimd, TVector>(bias);
        TVector s0 = start, s1 = start, s2 = start, s3 = start, s4 = start, s5 = start, s6 = start, s7 = start;
        nint at = 0;
        for (int k = depth; k > 0; k--)
        {
            TVector y = TSimd.Load(b);
            s0 = TSimd.MultiplyAdd(TSimd.Broadcast(a[at]), y, s0);
            s1 = TSimd.MultiplyAdd(TSimd.Broadcast(a1[at]), y, s1);
            s2 = TSimd.MultiplyAdd(TSimd.Broadcast(a2[at]), y, s2);
            s3 = TSimd.MultiplyAdd(TSimd.Broadcast(a3[at]), y, s3);
            s4 = TSimd.MultiplyAdd(TSimd.Broadcast(a4[at]), y, s4);
            s5 = TSimd.MultiplyAdd(TSimd.Broadcast(a5[at]), y, s5);
            s6 = TSimd.MultiplyAdd(TSimd.Broadcast(a6[at]), y, s6);
            s7 = TSimd.MultiplyAdd(TSimd.Broadcast(a7[at]), y, s7);
            at += aStep;
            b += bStep;
        }

        StoreOne<TEpilogue>(s0, c, mask);
        StoreOne<TEpilogue>(s1, c + cRow, mask + cRow);
        StoreOne<TEpilogue>(s2, c + (2 * cRow), mask + (2 * cRow));
        StoreOne<TEpilogue>(s3, c + (3 * cRow), mask + (3 * cRow));
        StoreOne<TEpilogue>(s4, c + (4 * cRow), mask + (4 * cRow));
        StoreOne<TEpilogue>(s5, c + (5 * cRow), mask + (5 * cRow));
        StoreOne<TEpilogue>(s6, c + (6 * cRow), mask + (6 * cRow));
        StoreOne<TEpilogue>(s7, c + (7 * cRow), mask + (7 * cRow));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void FourByOne<TEpilogue>(
        float* a, nint aRow, nint aStep, float* b, nint bStep, int depth, float* c, nint cRow, float* bias, float* mask)
        where TEpilogue : struct, ITileEpilogue
    {
        float* a1 = a + aRow, a2 = a1 + aRow, a3 = a2 + aRow;
        TVector start = TEpilogue.Start<TSimd, TVector>(bias);
        TVector s0 = start, s1 = start, s2 = start, s3 = start;
        nint at = 0;
        for (int k = depth; k > 0; k--)
        {
            TVector y = TSimd.Load(b);
            s0 = TSimd.MultiplyAdd(TSimd.Broadcast(a[at]), y, s0);
            s1 = TSimd.MultiplyAdd(TSimd.Broadcast(a1[at]), y, s1);
            s2 = TSimd.MultiplyAdd(TSimd.Broadcast(a2[at]), y, s2);
            s3 = TSimd.MultiplyAdd(TSimd.Broadcast(a3[at]), y, s3);
            at += aStep;
            b += bStep;
        }

        StoreOne<TEpilogue>(s0, c, mask);
        StoreOne<TEpilogue>(s1, c + cRow, mask + cRow);
        StoreOne<TEpilogue>(s2, c + (2 * cRow), mask + (2 * cRow));
        StoreOne<TEpilogue>(s3, c + (3 * cRow), mask + (3 * cRow));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void OneByOne<TEpilogue>(
        float* a, nint aStep, float* b, nint bStep, int depth, float* c, float* bias, float* mask)
        where TEpilogue : struct, ITileEpilogue
    {
        TVector sum = TEpilogue.Start<TSimd, TVector>(bias);
        for (int k = depth; k > 0; k--)
        {
            sum = TSimd.MultiplyAdd(TSimd.Broadcast(*a), TSimd.Load(b), sum);
            a += aStep;
            b += bStep;
        }

        StoreOne<TEpilogue>(sum, c, mask);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreTwo<TEpilogue>(TVector first, TVector second, float* c, float* mask)
        where TEpilogue : struct, ITileEpilogue
    {
        TSimd.Store(TEpilogue.Finish<TSimd, TVector>(first, mask), c);
        TSimd.Store(TEpilogue.Finish<TSimd, TVector>(second, mask + TSimd.Count), c + TSimd.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreOne<TEpilogue>(TVector value, float* c, float* mask)
        where TEpilogue : struct, ITileEpilogue => TSimd.Store(TEpilogue.Finish<TSimd, TVector>(value, mask), c);
}
