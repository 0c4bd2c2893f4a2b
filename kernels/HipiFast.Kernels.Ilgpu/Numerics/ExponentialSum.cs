using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ILGPU.Util;

namespace HipiFast.Kernels.Ilgpu.Numerics;

/// <summary>The sum of exp(x) over some numbers as <c>exp(Maximum) (Sum - Lost)</c>.</summary>
/// <remarks>
/// A maximum of NaN says that one of them was NaN, +inf (with a sum of 1) that one was +inf and none NaN, -inf that
/// none was finite.
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct ExponentialSum
{
    /// <summary>The largest number.</summary>
    public float Maximum;

    /// <summary>Sum of exp(x - Maximum).</summary>
    public float Sum;

    /// <summary>What the last addition to the sum rounded up too much (Kahan's compensation).</summary>
    public float Lost;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ExponentialSum(float maximum, float sum, float lost)
    {
        Maximum = maximum;
        Sum = sum;
        Lost = lost;
    }

    /// <summary>No numbers.</summary>
    public static ExponentialSum Empty => new(float.NegativeInfinity, 0f, 0f);

    /// <summary>The larger of two; NaN where either is NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Larger(float a, float b) => Utilities.Select(b > a || float.IsNaN(b), b, a);

    /// <summary>
    /// What to subtract before exponentials are taken: an infinite maximum decides by itself, and 0 keeps inf - inf out
    /// of the sum.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Shift(float maximum) => Utilities.Select(DeviceMath.IsFinite(maximum), maximum, 0f);

    /// <summary>What a sum over some of the numbers is multiplied by to be a share of the sum over all.</summary>
    /// <param name="part">Their maximum.</param>
    /// <param name="maximum">The maximum of all.</param>
    /// <param name="shift">Its <see cref="Shift"/>.</param>
    /// <returns>exp(part - maximum), exactly 1 where both are the same.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Factor(float part, float maximum, float shift) =>
        DeviceMath.Exp(Utilities.Select(part == maximum, 0f, part - shift));

    /// <summary>Both together.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ExponentialSum Join(ExponentialSum a, ExponentialSum b)
    {
        // A maximum of NaN decides by itself.
        float maximum = Larger(a.Maximum, b.Maximum), shift = Shift(maximum);
        float factorA = Factor(a.Maximum, maximum, shift), factorB = Factor(b.Maximum, maximum, shift);
        float sum = a.Sum * factorA, term = ((b.Sum - b.Lost) * factorB) - (a.Lost * factorA), total = sum + term;
        return maximum == float.PositiveInfinity
            ? new ExponentialSum(maximum, 1f, 0f)
            : new ExponentialSum(maximum, total, (total - sum) - term);
    }
}
