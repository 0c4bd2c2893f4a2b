using System.Numerics;
using System.Runtime.CompilerServices;
using HipiFast.Kernels.Numerics;

namespace HipiFast.Kernels.Dense;

/// <summary>
/// The actor's distribution: <c>a = tanh(x)</c> with <c>x ~ N(mean, exp(logStd)^2)</c>, entry by entry. Each formula has a scalar form and a form
/// that takes one vector of independent entries.
/// </summary>
/// <remarks>
/// <c>log pi(a) = sum_d [ -((x - mean) / std)^2 / 2 - logStd - log(2 pi) / 2 - log(1 - tanh(x)^2) ]</c>, in nats, where
/// <c>log(1 - tanh(x)^2) = 2 (log 2 - x - softplus(-2 x))</c> stays finite where <c>1 - tanh(x)^2</c> underflows. The vector forms agree with the
/// scalar ones within 1e-6 in absolute terms (relative where the result exceeds 1). NaN in gives NaN out.
/// </remarks>
public static class TanhGaussian
{
    /// <summary>Lower bound of the log standard deviation.</summary>
    public const float MinLogStd = -20f;

    /// <summary>Upper bound of the log standard deviation.</summary>
    public const float MaxLogStd = 2f;

    /// <summary>Largest magnitude of an action of which a log-probability is taken; beyond it atanh would run to infinity.</summary>
    public const double MaxAction = 1 - 1e-6;

    /// <summary>log(2 pi) / 2.</summary>
    public const float HalfLogTwoPi = 0.9189385332f;

    internal const float LogTwo = 0.6931471806f;

    /// <summary>
    /// atanh(<see cref="MaxAction"/>). Kept as a constant because 1 - 1e-6 rounded to float is off by 1 % in 1 - |a|, which shows in x.
    /// </summary>
    internal const float MaxUnsquashed = 7.2543286f;

    /// <summary>Clamps a network's output to [<see cref="MinLogStd"/>, <see cref="MaxLogStd"/>].</summary>
    /// <param name="logStd">The raw output.</param>
    /// <returns>The clamped value; NaN for NaN.</returns>
    public static float ClampLogStd(float logStd) => logStd < MinLogStd ? MinLogStd : logStd > MaxLogStd ? MaxLogStd : logStd;

    /// <inheritdoc cref="ClampLogStd(float)"/>
    public static Vector<float> ClampLogStd(Vector<float> logStd)
    {
        Vector<float> low = new(MinLogStd), high = new(MaxLogStd);
        Vector<float> raised = Vector.ConditionalSelect(Vector.LessThan(logStd, low), low, logStd);
        return Vector.ConditionalSelect(Vector.GreaterThan(raised, high), high, raised);
    }

    /// <summary>tanh.</summary>
    /// <param name="x">Any value.</param>
    /// <returns>A value in [-1, 1].</returns>
    public static float Squash(float x) => MathF.Tanh(x);

    /// <inheritdoc cref="Squash(float)"/>
    public static Vector<float> Squash(Vector<float> x)
    {
        // exp of a negative number only, so nothing overflows; the sign is put back at the end.
        Vector<float> e = Vector.Exp(Vector.Abs(x) * -2f);
        return Vector.CopySign((Vector<float>.One - e) / (Vector<float>.One + e), x);
    }

    /// <summary>The x of an action: atanh of the action clamped to ±<see cref="MaxAction"/>.</summary>
    /// <param name="action">Entry of an action, in [-1, 1]; values outside are clamped.</param>
    /// <returns>A value in ±7.26.</returns>
    public static float Unsquash(float action) =>
        MathF.Abs(action) > MaxAction ? MathF.CopySign(MaxUnsquashed, action) : (float)Math.Atanh((double)action);

    /// <inheritdoc cref="Unsquash(float)"/>
    public static Vector<float> Unsquash(Vector<float> action)
    {
        // Both sides of the comparison are floats here; no float lies between (float)MaxAction and MaxAction, so it decides as the scalar form does.
        Vector<float> x = Vector.Log((Vector<float>.One + action) / (Vector<float>.One - action)) * 0.5f;
        Vector<float> bound = Vector.CopySign(new Vector<float>(MaxUnsquashed), action);
        return Vector.ConditionalSelect(Vector.GreaterThan(Vector.Abs(action), new Vector<float>((float)MaxAction)), bound, x);
    }

    /// <summary>log(1 - tanh(x)^2), the log of the derivative of tanh.</summary>
    /// <param name="x">Any value.</param>
    /// <returns>A value of 0 or less.</returns>
    public static float LogDerivative(float x)
    {
        // The formula is even in x; with |x| the exponential never overflows.
        float magnitude = MathF.Abs(x);
        return 2f * (LogTwo - magnitude - MathF.Log(1f + MathF.Exp(-2f * magnitude)));
    }

    /// <inheritdoc cref="LogDerivative(float)"/>
    public static Vector<float> LogDerivative(Vector<float> x)
    {
        Vector<float> magnitude = Vector.Abs(x);
        Vector<float> softplus = Vector.Log(Vector<float>.One + Vector.Exp(magnitude * -2f));
        return (new Vector<float>(LogTwo) - magnitude - softplus) * 2f;
    }

    /// <summary>log N(x; mean, exp(logStd)^2), the Gaussian's part of the log-probability.</summary>
    /// <param name="x">Where.</param>
    /// <param name="mean">Mean.</param>
    /// <param name="logStd">Log standard deviation, already clamped.</param>
    /// <returns>Log density, in nats.</returns>
    public static float LogNormal(float x, float mean, float logStd)
    {
        float z = (x - mean) * MathF.Exp(-logStd);
        return (-0.5f * z * z) - logStd - HalfLogTwoPi;
    }

    /// <inheritdoc cref="LogNormal(float, float, float)"/>
    public static Vector<float> LogNormal(Vector<float> x, Vector<float> mean, Vector<float> logStd)
    {
        Vector<float> z = (x - mean) * Vector.Exp(-logStd);
        return (z * z * -0.5f) - logStd - new Vector<float>(HalfLogTwoPi);
    }
}

/// <summary><see cref="TanhGaussian"/> on one kind of vector; the same formulas and agreement with the scalar forms.</summary>
internal static class TanhGaussian<TSimd, TVector>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <inheritdoc cref="TanhGaussian.ClampLogStd(float)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector ClampLogStd(TVector logStd)
    {
        TVector low = TSimd.Broadcast(TanhGaussian.MinLogStd), high = TSimd.Broadcast(TanhGaussian.MaxLogStd);
        TVector raised = TSimd.Select(TSimd.LessThan(logStd, low), low, logStd);
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
        // Both sides of the comparison are floats here; no float lies between (float)MaxAction and MaxAction, so it decides as the scalar form does.
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

    /// <inheritdoc cref="TanhGaussian.LogNormal(float, float, float)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector LogNormal(TVector x, TVector mean, TVector logStd)
    {
        TVector inverse = VectorMath<TSimd, TVector>.Exp(VectorMath<TSimd, TVector>.Negate(logStd));
        TVector z = TSimd.Multiply(TSimd.Subtract(x, mean), inverse);
        TVector rest = TSimd.Add(logStd, TSimd.Broadcast(TanhGaussian.HalfLogTwoPi));
        return TSimd.Subtract(TSimd.Multiply(TSimd.Multiply(z, z), TSimd.Broadcast(-0.5f)), rest);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector ExpMinusTwice(TVector magnitude) =>
        VectorMath<TSimd, TVector>.ExpNonPositive(TSimd.Multiply(magnitude, TSimd.Broadcast(-2f)));
}
