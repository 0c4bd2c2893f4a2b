using System.Runtime.CompilerServices;

namespace HipiFast.Kernels.Numerics;

/// <summary>Elementary functions of one vector, with just the domains that the kernels need.</summary>
/// <remarks>
/// The polynomials are minimax fits (Remez) for the relative error of the whole function. The variants differ by
/// rounding only: where there is no fused multiply-add, a stated error may grow by half.
/// </remarks>
internal static class VectorMath<TSimd, TVector>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    private const float LogTwoE = 1.44269504f;

    // ln 2 in two parts; the first has few enough bits that its product with an exponent is exact.
    private const float Ln2High = 0.693359375f;
    private const float Ln2Low = -2.12194440e-4f;

    // Adding 1.5 2^23 rounds to an integer and leaves it in the low mantissa bits; the 127 is the bias of a float's
    // exponent.
    private const float RoundToExponent = 12582912f + 127f;

    // Below the first exp(x) is under the smallest normal float and is taken as 0; from the second on it is taken as
    // +inf, a little below the true end of the range at 88.72, because 2^128 is no float.
    private const float ExpUnderflow = -87.3f;
    private const float ExpOverflow = 88.37f;

    // Lower end of the mantissa interval [sqrt(1/2), sqrt(2)), as float bits: centred on 1, so that log(1) = 0 exactly
    // and no digits cancel near it.
    private const uint SqrtHalfBits = 0x3F3504F3;
    private const uint MantissaBits = 0x007FFFFF;
    private const uint SignBit = 0x80000000;

    /// <summary>
    /// exp(x) for x at or below 0 (-inf included, NaN stays NaN), relative error below 2.5e-7; 0 below -87.3.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector ExpNonPositive(TVector x) =>
        TSimd.Select(TSimd.LessThan(x, TSimd.Broadcast(ExpUnderflow)), TSimd.Zero, ExpInRange(x));

    /// <summary>exp(x), relative error below 2.5e-7; 0 below -87.3 and +inf above 88.37; NaN stays NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Exp(TVector x) => TSimd.Select(
        TSimd.LessThan(TSimd.Broadcast(ExpOverflow), x), TSimd.Broadcast(float.PositiveInfinity), ExpNonPositive(x));

    /// <summary>exp(x) for x from -87.3 to 88.37, relative error below 2.5e-7; NaN stays NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector ExpInRange(TVector x)
    {
        // x = n ln 2 + r with |r| <= ln 2 / 2. The fit's error is 1.1e-7, the rest is rounding. Multiplying by 2^n
        // keeps a NaN.
        TVector shifted = TSimd.MultiplyAdd(x, TSimd.Broadcast(LogTwoE), TSimd.Broadcast(RoundToExponent));
        TVector n = TSimd.Subtract(shifted, TSimd.Broadcast(RoundToExponent));
        TVector r = TSimd.MultiplyAdd(n, TSimd.Broadcast(-Ln2High), x);
        r = TSimd.MultiplyAdd(n, TSimd.Broadcast(-Ln2Low), r);
        TVector p = TSimd.MultiplyAdd(TSimd.Broadcast(0.00831250753f), r, TSimd.Broadcast(0.041890271f));
        p = TSimd.MultiplyAdd(p, r, TSimd.Broadcast(0.166671157f));
        p = TSimd.MultiplyAdd(p, r, TSimd.Broadcast(0.499992311f));
        p = TSimd.MultiplyAdd(p, r, TSimd.Broadcast(1f));
        p = TSimd.MultiplyAdd(p, r, TSimd.Broadcast(1f));
        return TSimd.Multiply(p, TSimd.ShiftLeft(shifted, 23));
    }

    /// <summary>
    /// exp(x) - 1 for x at or below 0 (-inf included, NaN stays NaN), relative error below 4e-7, also near 0; of no
    /// meaning for other x.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector ExpMinusOneNonPositive(TVector x)
    {
        // As in ExpInRange, but the polynomial's 1 joins the 2^n: 2^n (1 + q) - 1 = 2^n q + (2^n - 1), where nothing
        // cancels, as n = 0 near 0. The polynomial is fitted to exp(r) - 1, to 1.4e-8.
        TVector one = TSimd.Broadcast(1f);
        TVector shifted = TSimd.MultiplyAdd(x, TSimd.Broadcast(LogTwoE), TSimd.Broadcast(RoundToExponent));
        TVector n = TSimd.Subtract(shifted, TSimd.Broadcast(RoundToExponent));
        TVector r = TSimd.MultiplyAdd(n, TSimd.Broadcast(-Ln2High), x);
        r = TSimd.MultiplyAdd(n, TSimd.Broadcast(-Ln2Low), r);
        TVector p = TSimd.MultiplyAdd(TSimd.Broadcast(0.0013946554f), r, TSimd.Broadcast(0.008366644f));
        p = TSimd.MultiplyAdd(p, r, TSimd.Broadcast(0.04166628f));
        p = TSimd.MultiplyAdd(p, r, TSimd.Broadcast(0.16666542f));
        p = TSimd.MultiplyAdd(p, r, TSimd.Broadcast(0.5f));
        TVector q = TSimd.MultiplyAdd(TSimd.Multiply(p, r), r, r), power = TSimd.ShiftLeft(shifted, 23);
        TVector result = TSimd.MultiplyAdd(power, q, TSimd.Subtract(power, one));
        return TSimd.Select(TSimd.LessThan(x, TSimd.Broadcast(ExpUnderflow)), Negate(one), result);
    }

    /// <summary>tanh(x), relative error below 8e-7, also near 0; NaN stays NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Tanh(TVector x)
    {
        TVector t = ExpMinusOneNonPositive(TSimd.Multiply(Abs(x), TSimd.Broadcast(-2f)));
        TVector magnitude = TSimd.Divide(t, TSimd.Add(t, TSimd.Broadcast(2f)));
        return CopySign(Abs(magnitude), x);
    }

    /// <summary>
    /// Phi(-|x|), the normal distribution's cumulative probability, absolute error below 2e-7; NaN stays NaN.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector NormalTail(TVector x)
    {
        // erfc(z) = t (a1 + t (a2 + ...)) exp(-z^2) with t = 1 / (1 + 0.3275911 z): Abramowitz and Stegun, 7.1.26.
        TVector z = TSimd.Multiply(Abs(x), TSimd.Broadcast(0.70710678f));
        TVector one = TSimd.Broadcast(1f);
        TVector t = TSimd.Divide(one, TSimd.MultiplyAdd(z, TSimd.Broadcast(0.3275911f), one));
        TVector p = TSimd.MultiplyAdd(TSimd.Broadcast(1.061405429f), t, TSimd.Broadcast(-1.453152027f));
        p = TSimd.MultiplyAdd(p, t, TSimd.Broadcast(1.421413741f));
        p = TSimd.MultiplyAdd(p, t, TSimd.Broadcast(-0.284496736f));
        p = TSimd.MultiplyAdd(p, t, TSimd.Broadcast(0.254829592f));
        TVector half = TSimd.Multiply(TSimd.Multiply(p, t), TSimd.Broadcast(0.5f));
        return TSimd.Multiply(half, ExpNonPositive(Negate(TSimd.Multiply(z, z))));
    }

    /// <summary>
    /// log(x) for positive normal finite x, error below 3e-7 of |log x|, also near 1; NaN stays NaN; of no meaning for
    /// other x.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Log(TVector x)
    {
        TVector exponent = SplitExponent(x, out TVector mantissaLessOne);
        TVector logarithm = AddExponent(exponent, LogOnePlus(mantissaLessOne));

        // The split turns a NaN into a number.
        return TSimd.Select(TSimd.Equal(x, x), logarithm, x);
    }

    /// <summary><see cref="Log"/> of numbers that are known not to be NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector LogNumber(TVector x)
    {
        TVector exponent = SplitExponent(x, out TVector mantissaLessOne);
        return AddExponent(exponent, LogOnePlus(mantissaLessOne));
    }

    /// <summary>-log(1 - u) for u in (0, 1), relative error below 4e-7 however small u is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector NegativeLogOneMinus(TVector u)
    {
        TVector exponent = SplitExponent(TSimd.Subtract(TSimd.Broadcast(1f), u), out TVector mantissaLessOne);

        // While 1 - u stays in the lowest interval its mantissa less one is -u itself, without the rounding of 1 - u.
        TVector small = TSimd.Equal(exponent, TSimd.Zero);
        return Negate(AddExponent(exponent, LogOnePlus(TSimd.Select(small, Negate(u), mantissaLessOne))));
    }

    /// <summary>sin and cos of 2 pi u for u in [0, 1], absolute error below 1.5e-7.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SinCosTurn(TVector u, out TVector sine, out TVector cosine)
    {
        // 4 u = n + f with |f| <= 1/2, all exact: n quarter turns, which exchange the two and change their signs, and
        // an angle of f pi / 2.
        TVector quarters = TSimd.MultiplyAdd(u, TSimd.Broadcast(4f), TSimd.Broadcast(12582912f));
        TVector f = TSimd.MultiplyAdd(u, TSimd.Broadcast(4f), TSimd.Subtract(TSimd.Broadcast(12582912f), quarters));
        TVector square = TSimd.Multiply(f, f);
        TVector s = TSimd.MultiplyAdd(TSimd.Broadcast(-0.00460162666f), square, TSimd.Broadcast(0.0796800181f));
        s = TSimd.MultiplyAdd(s, square, TSimd.Broadcast(-0.64596343f));
        s = TSimd.Multiply(f, TSimd.MultiplyAdd(s, square, TSimd.Broadcast(1.57079637f)));
        TVector c = TSimd.MultiplyAdd(TSimd.Broadcast(0.000904021668f), square, TSimd.Broadcast(-0.0208602883f));
        c = TSimd.MultiplyAdd(c, square, TSimd.Broadcast(0.253669232f));
        c = TSimd.MultiplyAdd(c, square, TSimd.Broadcast(-1.23370051f));
        c = TSimd.MultiplyAdd(c, square, TSimd.Broadcast(1f));

        // Bit 0 of n exchanges; the sine changes sign in quarters 2 and 3, the cosine in 1 and 2.
        TVector exchange = TSimd.ShiftRightArithmetic(
            TSimd.ShiftLeft(quarters, 31), 31), sign = TSimd.BroadcastBits(SignBit);
        TVector sineSign = TSimd.And(TSimd.ShiftLeft(quarters, 30), sign);
        TVector cosineSign = TSimd.And(TSimd.ShiftLeft(TSimd.AddInt32(quarters, TSimd.BroadcastBits(1)), 30), sign);
        sine = TSimd.Xor(TSimd.Select(exchange, c, s), sineSign);
        cosine = TSimd.Xor(TSimd.Select(exchange, s, c), cosineSign);
    }

    /// <summary>|a|.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Abs(TVector a) => TSimd.And(a, TSimd.BroadcastBits(~SignBit));

    /// <summary>-a.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Negate(TVector a) => TSimd.Xor(a, TSimd.BroadcastBits(SignBit));

    /// <summary>The magnitude of a, which is 0 or more, with the sign of another.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector CopySign(TVector magnitude, TVector sign) =>
        TSimd.Or(magnitude, TSimd.And(sign, TSimd.BroadcastBits(SignBit)));

    // x = 2^exponent * (1 + mantissaLessOne) with 1 + mantissaLessOne in [sqrt(1/2), sqrt(2)).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector SplitExponent(TVector x, out TVector mantissaLessOne)
    {
        TVector offset = TSimd.AddInt32(x, TSimd.BroadcastBits(unchecked(0u - SqrtHalfBits)));
        TVector mantissa = TSimd.AddInt32(
            TSimd.And(offset, TSimd.BroadcastBits(MantissaBits)), TSimd.BroadcastBits(SqrtHalfBits));
        mantissaLessOne = TSimd.Subtract(mantissa, TSimd.Broadcast(1f));
        return TSimd.FromInt32(TSimd.ShiftRightArithmetic(offset, 23));
    }

    // log(1 + x) = x + x^2 P(x) on [sqrt(1/2) - 1, sqrt(2) - 1]; the fit's relative error is 1.8e-7.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector LogOnePlus(TVector x)
    {
        TVector p = TSimd.MultiplyAdd(TSimd.Broadcast(-0.100823827f), x, TSimd.Broadcast(0.161805019f));
        p = TSimd.MultiplyAdd(p, x, TSimd.Broadcast(-0.172432244f));
        p = TSimd.MultiplyAdd(p, x, TSimd.Broadcast(0.199068829f));
        p = TSimd.MultiplyAdd(p, x, TSimd.Broadcast(-0.249712288f));
        p = TSimd.MultiplyAdd(p, x, TSimd.Broadcast(0.333347142f));
        p = TSimd.MultiplyAdd(p, x, TSimd.Broadcast(-0.500003219f));
        return TSimd.MultiplyAdd(p, TSimd.Multiply(x, x), x);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector AddExponent(TVector exponent, TVector logMantissa)
    {
        TVector low = TSimd.MultiplyAdd(exponent, TSimd.Broadcast(Ln2Low), logMantissa);
        return TSimd.MultiplyAdd(exponent, TSimd.Broadcast(Ln2High), low);
    }
}
