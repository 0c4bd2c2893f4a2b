using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace HipiFast.Kernels.Numerics;

/// <summary>
/// Elementary functions and ragged loads on 16 floats at once, with just the domain that the kernels need (no branch for special values).
/// </summary>
/// <remarks>
/// Everything is written on <see cref="Vector512{T}"/>; where the processor has narrower vectors the JIT splits each operation, lane for lane,
/// so that the results do not depend on the width.
/// </remarks>
internal static unsafe class VectorMath
{
    /// <summary>Floats in a vector.</summary>
    public const int LaneCount = 16;

    // Lower end of the mantissa interval [sqrt(1/2), sqrt(2)), as float bits: centred on 1, so that log(1) = 0 exactly and no digits cancel near it.
    private const int SqrtHalfBits = 0x3F3504F3;
    private const float Ln2High = 0.693359375f;
    private const float Ln2Low = -2.12194440e-4f;

    // Below this exp(x) is under the smallest normal float and is taken as 0.
    private const float ExpUnderflow = -87.3f;

    /// <summary>0, 1, ..., 15.</summary>
    public static Vector512<int> LaneNumbers
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector512.Create(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    }

    /// <summary>All bits set in the first <paramref name="count"/> lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> FirstLanes(int count) => Vector512.LessThan(LaneNumbers, Vector512.Create(count)).AsSingle();

    /// <summary>Loads <paramref name="count"/> (1 to 16) floats, the other lanes 0, without touching memory behind them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadPartial(float* source, int count)
    {
        if (count >= LaneCount)
        {
            return Vector512.Load(source);
        }

        if (Avx512F.IsSupported)
        {
            return Avx512F.MaskLoad(source, FirstLanes(count), Vector512<float>.Zero);
        }

        return LoadPartialPortable(source, count);
    }

    /// <summary>Stores the first <paramref name="count"/> (1 to 16) lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePartial(Vector512<float> value, float* destination, int count)
    {
        if (count >= LaneCount)
        {
            value.Store(destination);
        }
        else
        {
            MemoryMarshal.CreateReadOnlySpan(ref Unsafe.As<Vector512<float>, float>(ref value), count).CopyTo(new Span<float>(destination, count));
        }
    }

    /// <summary>exp(x) for x at or below 0 (-inf included, NaN stays NaN), relative error below 2e-7; 0 below the smallest normal float.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ExpNonPositive(Vector512<float> x)
    {
        // x = n ln 2 + r with |r| <= ln 2 / 2; the Taylor polynomial of degree 7 leaves r^8 / 8! < 6e-9 of exp(r).
        Vector512<float> n = Vector512.Round(x * Vector512.Create(1.44269504f));
        Vector512<float> r = Vector512.MultiplyAddEstimate(n, Vector512.Create(-Ln2High), x);
        r = Vector512.MultiplyAddEstimate(n, Vector512.Create(-Ln2Low), r);
        Vector512<float> p = Vector512.Create(1f / 5040f);
        p = Vector512.MultiplyAddEstimate(p, r, Vector512.Create(1f / 720f));
        p = Vector512.MultiplyAddEstimate(p, r, Vector512.Create(1f / 120f));
        p = Vector512.MultiplyAddEstimate(p, r, Vector512.Create(1f / 24f));
        p = Vector512.MultiplyAddEstimate(p, r, Vector512.Create(1f / 6f));
        p = Vector512.MultiplyAddEstimate(p, r, Vector512.Create(0.5f));
        p = Vector512.MultiplyAddEstimate(p, r, Vector512<float>.One);
        p = Vector512.MultiplyAddEstimate(p, r, Vector512<float>.One);
        Vector512<int> power = Vector512.ShiftLeft(Vector512.ConvertToInt32Native(n) + Vector512.Create(127), 23);
        return Vector512.ConditionalSelect(
            Vector512.LessThan(x, Vector512.Create(ExpUnderflow)), Vector512<float>.Zero, p * power.AsSingle());
    }

    /// <summary>log(x) for positive normal finite x, absolute error below 1e-7 times max(1, |log x|) and relative error below 3e-7 near 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LogNormal(Vector512<float> x)
    {
        Vector512<float> exponent = SplitExponent(x, out Vector512<float> mantissaLessOne);
        return AddExponent(exponent, LogOnePlus(mantissaLessOne));
    }

    /// <summary>log(1 - u) for u in (0, 1), relative error below 4e-7 however small u is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LogOneMinus(Vector512<float> u)
    {
        Vector512<float> exponent = SplitExponent(Vector512<float>.One - u, out Vector512<float> mantissaLessOne);

        // While 1 - u stays in the lowest interval its mantissa less one is -u itself, without the rounding of 1 - u.
        Vector512<float> small = Vector512.Equals(exponent, Vector512<float>.Zero);
        return AddExponent(exponent, LogOnePlus(Vector512.ConditionalSelect(small, -u, mantissaLessOne)));
    }

    /// <summary>Largest lane; no NaN among them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxLane(Vector512<float> value)
    {
        Vector256<float> half = Vector256.MaxNative(value.GetLower(), value.GetUpper());
        Vector128<float> quarter = Vector128.MaxNative(half.GetLower(), half.GetUpper());
        quarter = Vector128.MaxNative(quarter, Vector128.Shuffle(quarter, Vector128.Create(2, 3, 0, 1)));
        return Vector128.MaxNative(quarter, Vector128.Shuffle(quarter, Vector128.Create(1, 0, 3, 2))).ToScalar();
    }

    /// <summary>Smallest lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int MinLane(Vector512<int> value)
    {
        Vector256<int> half = Vector256.Min(value.GetLower(), value.GetUpper());
        Vector128<int> quarter = Vector128.Min(half.GetLower(), half.GetUpper());
        quarter = Vector128.Min(quarter, Vector128.Shuffle(quarter, Vector128.Create(2, 3, 0, 1)));
        return Vector128.Min(quarter, Vector128.Shuffle(quarter, Vector128.Create(1, 0, 3, 2))).ToScalar();
    }

    // x = 2^exponent * (1 + mantissaLessOne) with 1 + mantissaLessOne in [sqrt(1/2), sqrt(2)).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> SplitExponent(Vector512<float> x, out Vector512<float> mantissaLessOne)
    {
        Vector512<int> offset = x.AsInt32() - Vector512.Create(SqrtHalfBits);
        Vector512<int> mantissa = (offset & Vector512.Create(0x007FFFFF)) + Vector512.Create(SqrtHalfBits);
        mantissaLessOne = mantissa.AsSingle() - Vector512<float>.One;
        return Vector512.ConvertToSingle(Vector512.ShiftRightArithmetic(offset, 23));
    }

    // log(1 + x) = x - x^2 / 2 + x^3 P(x) on [sqrt(1/2) - 1, sqrt(2) - 1]; P is the minimax polynomial of degree 7 for the error
    // relative to x (an exchange algorithm in exact rational arithmetic gave the coefficients; the error is below 6e-9).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> LogOnePlus(Vector512<float> x)
    {
        Vector512<float> p = Vector512.Create(-0.0786094147f);
        p = Vector512.MultiplyAddEstimate(p, x, Vector512.Create(0.128834949f));
        p = Vector512.MultiplyAddEstimate(p, x, Vector512.Create(-0.131291003f));
        p = Vector512.MultiplyAddEstimate(p, x, Vector512.Create(0.141809566f));
        p = Vector512.MultiplyAddEstimate(p, x, Vector512.Create(-0.166244988f));
        p = Vector512.MultiplyAddEstimate(p, x, Vector512.Create(0.20002295f));
        p = Vector512.MultiplyAddEstimate(p, x, Vector512.Create(-0.25000812f));
        p = Vector512.MultiplyAddEstimate(p, x, Vector512.Create(0.333333166f));
        p = Vector512.MultiplyAddEstimate(p, x, Vector512.Create(-0.5f));
        return Vector512.MultiplyAddEstimate(p, x * x, x);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> AddExponent(Vector512<float> exponent, Vector512<float> logMantissa)
    {
        Vector512<float> low = Vector512.MultiplyAddEstimate(exponent, Vector512.Create(Ln2Low), logMantissa);
        return Vector512.MultiplyAddEstimate(exponent, Vector512.Create(Ln2High), low);
    }

    private static Vector512<float> LoadPartialPortable(float* source, int count)
    {
        Vector512<float> result = Vector512<float>.Zero;
        new ReadOnlySpan<float>(source, count).CopyTo(MemoryMarshal.CreateSpan(ref Unsafe.As<Vector512<float>, float>(ref result), LaneCount));
        return result;
    }
}
