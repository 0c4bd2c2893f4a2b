using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace HipiFast.Kernels.Ilgpu.Numerics;

/// <summary>
/// A number as the sum of two floats, the second what the first has rounded away: twice the digits on devices that have
/// no double precision.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TwoFloats
{
    /// <summary>The number, rounded.</summary>
    public float High;

    /// <summary>What is missing.</summary>
    public float Low;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TwoFloats(float high, float low)
    {
        High = high;
        Low = low;
    }

    /// <summary>a + b, exactly, where nothing overflows (Knuth's two-sum).</summary>
    /// <param name="a">Summand.</param>
    /// <param name="b">Summand.</param>
    /// <returns>The sum.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TwoFloats Sum(float a, float b)
    {
        float sum = a + b, rest = sum - a;
        return new TwoFloats(sum, (a - (sum - rest)) + (b - rest));
    }

    /// <summary>a - b.</summary>
    /// <param name="a">Minuend.</param>
    /// <param name="b">Subtrahend.</param>
    /// <returns>The difference; the smaller it is the more exact.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TwoFloats Difference(TwoFloats a, TwoFloats b)
    {
        TwoFloats high = Sum(a.High, -b.High);
        return Sum(high.High, high.Low + (a.Low - b.Low));
    }

    /// <summary>a / b.</summary>
    /// <param name="a">Numerator.</param>
    /// <param name="b">Denominator, above 0.</param>
    /// <returns>The quotient; an infinite one has nothing missing.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TwoFloats Quotient(TwoFloats a, float b)
    {
        float high = a.High / b, rest = DeviceMath.MultiplyAdd(-high, b, a.High) + a.Low;
        return DeviceMath.IsFinite(high) ? new TwoFloats(high, rest / b) : new TwoFloats(high, 0f);
    }
}
