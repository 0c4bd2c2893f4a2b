using System.Runtime.CompilerServices;
using HipiFast.Kernels.Numerics;

namespace HipiFast.Kernels.Dense;

/// <summary>
/// The actor's distribution: <c>a = tanh(x)</c> with <c>x ~ N(mean, exp(logStd)^2)</c>, entry by entry. The scalar
/// forms; <see cref="TanhGaussian{TSimd,TVector}"/> has them by vectors.
/// </summary>
/// <remarks>
/// <c>log pi(a) = sum_d [ -((x - mean) / std)^2 / 2 - logStd - log(2 pi) / 2 - log(1 - tanh(x)^2) ]</c>, in nats, where
/// <c>log(1 - tanh(x)^2) = 2 (log 2 - x - softplus(-2 x))</c> stays finite where <c>1 - tanh(x)^2</c> underflows. The
/// vector forms agree with the scalar ones within 1e-6 in absolute terms (relative where the result exceeds 1). NaN in
/// gives NaN out.
/// </remarks>
internal static class TanhGaussian
{
    /// <summary>Lower bound of the log standard deviation.</summary>
    public const float MinLogStd = -20f;

    /// <summary>Upper bound of the log standard deviation.</summary>
    public const float MaxLogStd = 2f;

    /// <summary>
    /// Largest magnitude of an action of which a log-probability is taken; beyond it atanh would run to infinity.
    /// </summary>
    public const double MaxAction = 1 - 1e-6;

    /// <summary>log(2 pi) / 2.</summary>
    public const float HalfLogTwoPi = 0.9189385332f;

    internal const float LogTwo = 0.6931471806f;

    /// <summary>
    /// atanh(<see cref="MaxAction"/>). Kept as a constant because 1 - 1e-6 rounded to float is off by 1 % in 1 - |a|,
    /// which shows in x.
    /// </summary>
    internal const float MaxUnsquashed = 7.2543286f;

    /// <summary>Clamps a network's output to [<see cref="MinLogStd"/>, <see cref="MaxLogStd"/>].</summary>
    /// <param name="logStd">The raw output.</param>
    /// <returns>The clamped value; NaN for NaN.</returns>
    public static float ClampLogStd(float logStd) => logStd < MinLogStd
        ? MinLogStd
        : logStd > MaxLogStd
        ? MaxLogStd
        : logStd;

    /// <summary>tanh.</summary>
    /// <param name="x">Any value.</param>
    /// <returns>A value in [-1, 1].</returns>
    public static float Squash(float x) => MathF.Tanh(x);

    /// <summary>The x of an action: atanh of the action clamped to ±<see cref="MaxAction"/>.</summary>
    /// <param name="action">Entry of an action, in [-1, 1]; values outside are clamped.</param>
    /// <returns>A value in ±7.26.</returns>
    public static float Unsquash(float action) =>
        MathF.Abs(action) > MaxAction ? MathF.CopySign(MaxUnsquashed, action) : (float)Math.Atanh((double)action);

    /// <summary>log(1 - tanh(x)^2), the log of the derivative of tanh.</summary>
    /// <param name="x">Any value.</param>
    /// <returns>A value of 0 or less.</returns>
    public static float LogDerivative(float x)
    {
        // The formula is even in x; with |x| the exponential never overflows.
        float magnitude = MathF.Abs(x);
        return 2f * (LogTwo - magnitude - MathF.Log(1f + MathF.Exp(-2f * magnitude)));
    }
}

/// <summary>
/// <see cref="TanhGaussian"/> on one kind of vector; the same formulas and agreement with the scalar forms.
/// </summary>
internal static class TanhGaussian<TSimd, TVector>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <inheritdoc cref="TanhGaussian.ClampLogStd(float)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector ClampLogStd(TVector logStd)
    {
        TVector low = TSimd.Broadcast(TanhGaussian.MinLogStd), high = TSimd.Broadcast(TanhGaussian.MaxLogStd);
        return Clamp(logStd, low, high);
    }

    /// <summary>x between bounds; NaN stays NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Clamp(TVector x, TVector low, TVector high)
    {
        TVector raised = TSimd.Select(TSimd.LessThan(x, low), low, x);
        return TSimd.Select(TSimd.LessThan(high, raised), high, raised);
    }

    /// <inheritdoc cref="TanhGaussian.Squash(float)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Squash(TVector x)
    {
        // exp of a negative number only, so nothing overflows; the sign is put back at the end.
        TVector one = TSimd.Broadcast(1f), e = ExpMinusTwice(VectorMath<TSimd, TVector>.Abs(x));
        return VectorMath<TSimd, TVector>.CopySign(TSimd.Divide(TSimd.Subtract(one, e), TSimd.Add(one, e)), x);
    }

    /// <inheritdoc cref="TanhGaussian.Unsquash(float)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Unsquash(TVector action)
    {
        // Both sides of the comparison are floats here; no float lies between (float)MaxAction and MaxAction, so it
        // decides as the scalar form does.
        TVector one = TSimd.Broadcast(1f), magnitude = VectorMath<TSimd, TVector>.Abs(action);
        TVector ratio = TSimd.Divide(TSimd.Add(one, action), TSimd.Subtract(one, action));
        TVector x = TSimd.Multiply(TSimd.Broadcast(0.5f), VectorMath<TSimd, TVector>.Log(ratio));
        TVector bound = VectorMath<TSimd, TVector>.CopySign(TSimd.Broadcast(TanhGaussian.MaxUnsquashed), action);
        return TSimd.Select(TSimd.LessThan(TSimd.Broadcast((float)TanhGaussian.MaxAction), magnitude), bound, x);
    }

    /// <inheritdoc cref="TanhGaussian.LogDerivative(float)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector LogDerivative(TVector x)
    {
        TVector magnitude = VectorMath<TSimd, TVector>.Abs(x);
        TVector softplus = VectorMath<TSimd, TVector>.Log(TSimd.Add(TSimd.Broadcast(1f), ExpMinusTwice(magnitude)));
        TVector half = TSimd.Subtract(TSimd.Subtract(TSimd.Broadcast(TanhGaussian.LogTwo), magnitude), softplus);
        return TSimd.Add(half, half);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector ExpMinusTwice(TVector magnitude) =>
        VectorMath<TSimd, TVector>.ExpNonPositive(TSimd.Multiply(magnitude, TSimd.Broadcast(-2f)));
}
