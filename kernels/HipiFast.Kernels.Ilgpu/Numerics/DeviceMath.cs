using System.Runtime.CompilerServices;
using HipiFast.Kernels.Dense;
using ILGPU;
using ILGPU.IR.Intrinsics;
using ILGPU.Util;

namespace HipiFast.Kernels.Ilgpu.Numerics;

/// <summary>
/// Elementary functions in plain arithmetic, with just the domains that the kernels need: the same on every device.
/// </summary>
/// <remarks>
/// ILGPU.Algorithms' XMath (and MathF through it) would become approximate instructions on CUDA: <c>tanh.approx</c> is
/// off by 5e-4, <c>lg2.approx</c> loses all digits near 1, where the Gumbel noise of a million tasks lives. The
/// polynomials are those of the processor's vector functions, minimax fits for the relative error of the whole
/// function.
/// </remarks>
public static class DeviceMath
{
    private const float LogTwoE = 1.44269504f;

    // ln 2 in two parts; the first has few enough bits that its product with an exponent is exact.
    private const float Ln2High = 0.693359375f;
    private const float Ln2Low = -2.12194440e-4f;

    // Adding 1.5 2^23 rounds to an integer and leaves it in the low mantissa bits; the 127 is the bias of a float's
    // exponent.
    private const float RoundToInteger = 12582912f;
    private const float RoundToExponent = RoundToInteger + 127f;

    private const float ExpUnderflow = -87.3f;
    private const float ExpOverflow = 88.37f;

    // Lower end of the mantissa interval [sqrt(1/2), sqrt(2)), as float bits.
    private const int SqrtHalfBits = 0x3F3504F3;
    private const int MantissaBits = 0x007FFFFF;
    private const int SignBit = unchecked((int)0x80000000);

    private const float LargestBelowOne = 1f - (1f / 16777216f);

    /// <summary>
    /// <c>a b + c</c>; rounded once on CUDA devices, where this is the instruction the kernels live on.
    /// </summary>
    /// <param name="a">Factor.</param>
    /// <param name="b">Factor.</param>
    /// <param name="c">Summand.</param>
    /// <returns>The sum.</returns>
    [IntrinsicImplementation]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MultiplyAdd(float a, float b, float c) => (a * b) + c;

    /// <summary>x where positive or NaN, else 0.</summary>
    /// <param name="x">Any value.</param>
    /// <returns>relu(x).</returns>
    [IntrinsicImplementation]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Relu(float x) => Utilities.Select(x < 0f, 0f, x);

    /// <summary>Whether x is neither NaN nor infinite.</summary>
    /// <param name="x">Any value.</param>
    /// <returns>True for numbers.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsFinite(float x) => x - x == 0f;

    /// <summary>|x|.</summary>
    /// <param name="x">Any value.</param>
    /// <returns>The magnitude.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Abs(float x) => FromBits(ToBits(x) & ~SignBit);

    /// <summary>The magnitude, 0 or more, with the sign of another number.</summary>
    /// <param name="magnitude">0 or more.</param>
    /// <param name="sign">Any value.</param>
    /// <returns>The number.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float CopySign(float magnitude, float sign) => FromBits(ToBits(magnitude) | (ToBits(sign) & SignBit));

    /// <summary>exp(x), relative error below 2.5e-7; 0 below -87.3 and +inf above 88.37; NaN stays NaN.</summary>
    /// <param name="x">Any value.</param>
    /// <returns>The exponential.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Exp(float x)
    {
        // x = n ln 2 + r with |r| <= ln 2 / 2.
        float shifted = MultiplyAdd(x, LogTwoE, RoundToExponent), n = shifted - RoundToExponent;
        float r = MultiplyAdd(n, -Ln2Low, MultiplyAdd(n, -Ln2High, x));
        float p = MultiplyAdd(0.00831250753f, r, 0.041890271f);
        p = MultiplyAdd(p, r, 0.166671157f);
        p = MultiplyAdd(p, r, 0.499992311f);
        p = MultiplyAdd(p, r, 1f);
        p = MultiplyAdd(p, r, 1f) * FromBits(ToBits(shifted) << 23);
        p = Utilities.Select(x < ExpUnderflow, 0f, p);
        return Utilities.Select(x > ExpOverflow, float.PositiveInfinity, p);
    }

    /// <summary>
    /// log(x) for positive normal finite x, error below 3e-7 of |log x|; NaN stays NaN; a finite number of no meaning
    /// for 0.
    /// </summary>
    /// <param name="x">Positive.</param>
    /// <returns>The natural logarithm.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Log(float x)
    {
        int offset = ToBits(x) - SqrtHalfBits;
        float logarithm = AddExponent(offset >> 23, LogOnePlus(FromBits((offset & MantissaBits) + SqrtHalfBits) - 1f));
        return Utilities.Select(float.IsNaN(x), x, logarithm);
    }

    /// <summary>tanh(x), absolute error below 2e-7; NaN stays NaN.</summary>
    /// <param name="x">Any value.</param>
    /// <returns>A value in [-1, 1].</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Tanh(float x)
    {
        // exp of a negative number only, so nothing overflows; the sign is put back at the end.
        float e = Exp(-2f * Abs(x));
        return CopySign((1f - e) / (1f + e), x);
    }

    /// <summary><see cref="TanhGaussian.ClampLogStd(float)"/>.</summary>
    /// <param name="logStd">The network's output.</param>
    /// <returns>The clamped value; NaN for NaN.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ClampLogStd(float logStd)
    {
        float raised = Utilities.Select(logStd < TanhGaussian.MinLogStd, TanhGaussian.MinLogStd, logStd);
        return Utilities.Select(raised > TanhGaussian.MaxLogStd, TanhGaussian.MaxLogStd, raised);
    }

    /// <summary><see cref="TanhGaussian.Unsquash(float)"/>.</summary>
    /// <param name="action">Entry of an action.</param>
    /// <returns>Its atanh, clamped.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Unsquash(float action)
    {
        float x = 0.5f * Log((1f + action) / (1f - action));
        return Utilities.Select(
            Abs(action) > (float)TanhGaussian.MaxAction, CopySign(TanhGaussian.MaxUnsquashed, action), x);
    }

    /// <summary><see cref="TanhGaussian.LogDerivative(float)"/>.</summary>
    /// <param name="x">Any value.</param>
    /// <returns>log(1 - tanh(x)^2).</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float LogDerivative(float x)
    {
        float magnitude = Abs(x);
        return 2f * (TanhGaussian.LogTwo - magnitude - Log(1f + Exp(-2f * magnitude)));
    }

    /// <summary><see cref="Random.Philox.ToUniform"/>, bit for bit, without double precision.</summary>
    /// <param name="bits">Uniform bits.</param>
    /// <returns>A float in (0, 1).</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ToUniform(uint bits)
    {
        // Both halves are exact, so that the sum is the integer rounded once.
        float rounded = ((int)(bits >> 16) * 65536f) + (int)(bits & 0xFFFF);
        float u = (rounded + 0.5f) * (1f / 4294967296f);
        return Utilities.Select(u > LargestBelowOne, LargestBelowOne, u);
    }

    /// <summary>A standard Gumbel of 32 bits; see <see cref="Random.Philox.ToGumbel"/>.</summary>
    /// <param name="bits">Uniform bits.</param>
    /// <returns>A draw in [-2.8, 22.9].</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ToGumbel(uint bits) => -Log(NegativeLogOneMinus(ToUniform(bits)));

    /// <summary>Two standard normals of two words; see <see cref="Random.Philox.ToNormals"/>.</summary>
    /// <param name="first">Bits of the radius.</param>
    /// <param name="second">Bits of the angle.</param>
    /// <param name="wantsSine">Whether the second of the two is wanted.</param>
    /// <returns>One of the two.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ToNormal(uint first, uint second, bool wantsSine)
    {
        float radius = MathF.Sqrt(-2f * Log(ToUniform(first))), u = ToUniform(second);

        // 4 u = n + f with |f| <= 1/2, all exact: n quarter turns, which exchange the two and change their signs, and
        // an angle of f pi / 2.
        float quarters = (u * 4f) + RoundToInteger, f = (u * 4f) - (quarters - RoundToInteger), square = f * f;
        float s = MultiplyAdd(-0.00460162666f, square, 0.0796800181f);
        s = MultiplyAdd(s, square, -0.64596343f);
        s = f * MultiplyAdd(s, square, 1.57079637f);
        float c = MultiplyAdd(0.000904021668f, square, -0.0208602883f);
        c = MultiplyAdd(c, square, 0.253669232f);
        c = MultiplyAdd(c, square, -1.23370051f);
        c = MultiplyAdd(c, square, 1f);

        // The sine of n + f quarter turns is the cosine of one quarter less.
        int n = ToBits(quarters) + (wantsSine ? 0 : 1);
        float value = Utilities.Select((n & 1) != 0, c, s);
        return radius * FromBits(ToBits(value) ^ ((n << 30) & SignBit));
    }

    // -log(1 - u) for u in (0, 1), relative error below 4e-7 however small u is.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float NegativeLogOneMinus(float u)
    {
        int offset = ToBits(1f - u) - SqrtHalfBits, exponent = offset >> 23;
        float mantissaLessOne = FromBits((offset & MantissaBits) + SqrtHalfBits) - 1f;

        // While 1 - u stays in the lowest interval its mantissa less one is -u itself, without the rounding of 1 - u.
        return -AddExponent(exponent, LogOnePlus(Utilities.Select(exponent == 0, -u, mantissaLessOne)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float LogOnePlus(float x)
    {
        float p = MultiplyAdd(-0.100823827f, x, 0.161805019f);
        p = MultiplyAdd(p, x, -0.172432244f);
        p = MultiplyAdd(p, x, 0.199068829f);
        p = MultiplyAdd(p, x, -0.249712288f);
        p = MultiplyAdd(p, x, 0.333347142f);
        p = MultiplyAdd(p, x, -0.500003219f);
        return MultiplyAdd(p, x * x, x);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float AddExponent(int exponent, float logMantissa) =>
        MultiplyAdd(exponent, Ln2High, MultiplyAdd(exponent, Ln2Low, logMantissa));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int ToBits(float x) => (int)Interop.FloatAsInt(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float FromBits(int bits) => Interop.IntAsFloat((uint)bits);
}
