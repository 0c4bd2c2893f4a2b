using HipiFast.Kernels.Dense;

namespace HipiFast.Kernels.SoftQ;

/// <summary>How an actor's outputs become logarithms of standard deviations.</summary>
/// <param name="Low">Lower bound.</param>
/// <param name="High">Upper bound.</param>
/// <param name="IsSquashed">
/// Whether outputs are squashed between the bounds, <c>Low + (High - Low) (tanh(x) + 1) / 2</c>, or clamped.
/// </param>
internal readonly record struct LogStdRule(float Low, float High, bool IsSquashed)
{
    /// <summary>Clamped to [-20, 2].</summary>
    public static LogStdRule Standard { get; } = new(TanhGaussian.MinLogStd, TanhGaussian.MaxLogStd, false);
}
