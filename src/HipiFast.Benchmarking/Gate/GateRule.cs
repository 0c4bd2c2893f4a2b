namespace HipiFast.Benchmarking.Gate;

/// <summary>
/// When a difference counts: it is significant, and beyond the threshold, and beyond the noise floor.
/// </summary>
/// <param name="Threshold">Smallest change that counts, as a share: 0.05 flags from 5% slower on.</param>
/// <param name="NoiseFloorSeconds">Smallest change that counts, in seconds per call.</param>
/// <param name="Significance">
/// Largest chance of a false alarm in either direction, over all benchmarks of a comparison together.
/// </param>
/// <param name="TailThreshold">
/// Smallest change of a 99th percentile or of a first call that counts, as a share. They depend on far more than the
/// program does.
/// </param>
public sealed record GateRule(
    double Threshold = 0.05, double NoiseFloorSeconds = 100e-9, double Significance = 0.05,
    double TailThreshold = 0.25)
{
    /// <summary>Throws when a number is out of range.</summary>
    /// <exception cref="ArgumentException">One sentence that names it.</exception>
    public void Validate()
    {
        Check(Threshold is >= 0 and < 10, "threshold", Threshold * 100, "a percentage from 0 to below 1000");
        Check(
            TailThreshold is >= 0 and < 10, "threshold of tails", TailThreshold * 100,
            "a percentage from 0 to below 1000");
        Check(
            NoiseFloorSeconds is >= 0 and < double.PositiveInfinity, "noise floor", NoiseFloorSeconds * 1e9,
            "a number of nanoseconds, 0 or more");
        Check(Significance is > 0 and < 1, "significance", Significance, "a probability above 0 and below 1");
    }

    /// <summary>Throws when a number is out of range.</summary>
    internal static void Check(bool valid, string name, double value, string expected)
    {
        if (!valid)
        {
            throw new ArgumentException(
                FormattableString.Invariant($"The {name} is {value}; expected {expected}."));
        }
    }
}
