using HipiFast.Kernels.Backends;

namespace HipiFast.Kernels.Conformance;

/// <summary>
/// How far a backend may be from the double-precision oracle: the one place that says so. Every comparison is written
/// so that NaN fails unless the oracle says NaN too.
/// </summary>
internal static class Tolerance
{
    /// <summary>Of the spread (max - min) of Q~, for Q~ and logZ.</summary>
    public const double RelativeToSpread = 1e-4;

    /// <summary>The same for a kernel that computes in bf16.</summary>
    public const double Bf16RelativeToSpread = 1e-2;

    /// <summary>Of the largest magnitude among a row's scores: a handful of fp32 roundings.</summary>
    public const double Score = 2e-6;

    /// <summary>
    /// Absolute, in nats: by how much one noisy score must exceed another for every backend to see it, whatever the
    /// scores' magnitude.
    /// </summary>
    public const double Draw = 1e-3;

    /// <summary>Absolute, for entropies in nats.</summary>
    public const double Entropy = 2e-5;

    /// <summary>
    /// Allowed error of Q~ or logZ. A spread below one nat counts as one: differences that small say nothing about the
    /// posterior.
    /// </summary>
    /// <remarks>
    /// A single entry has no spread and no posterior to spoil; in bf16 its magnitude stands in, of which rounding takes
    /// a share.
    /// </remarks>
    public static double OfSpread(
        IReadOnlyCollection<double> softQ, KernelPrecision precision = KernelPrecision.Fp32) =>
        precision == KernelPrecision.Fp32
            ? RelativeToSpread * Math.Max(1, Spread(softQ))
            : Bf16RelativeToSpread * Math.Max(1, softQ.Count == 1 ? Math.Abs(softQ.First()) : Spread(softQ));

    /// <summary>max - min of the finite entries, 0 when there is none.</summary>
    public static double Spread(IEnumerable<double> values)
    {
        double min = double.PositiveInfinity, max = double.NegativeInfinity;
        foreach (double value in values)
        {
            if (double.IsFinite(value))
            {
                (min, max) = (Math.Min(min, value), Math.Max(max, value));
            }
        }

        return max >= min ? max - min : 0;
    }

    /// <summary>Equal infinities, NaN against NaN, or finite values within <paramref name="tolerance"/>.</summary>
    public static bool AreClose(double expected, double found, double tolerance) =>
        double.IsFinite(expected) ? Math.Abs(found - expected) <= tolerance : expected.Equals(found);

    /// <summary>Fails unless every entry is close.</summary>
    public static void AssertClose(
        ReadOnlySpan<double> expected, ReadOnlySpan<float> found, double tolerance, string what)
    {
        Assert.Equal(expected.Length, found.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            if (!AreClose(expected[i], found[i], tolerance))
            {
                Assert.Fail($"{what}[{i}]: expected {expected[i]:R}, found {found[i]:R}, tolerance {tolerance:g3}.");
            }
        }
    }

    /// <summary>Fails unless every entry has the same bits (any NaN equals any NaN).</summary>
    public static void AssertSame(ReadOnlySpan<float> expected, ReadOnlySpan<float> found, string what)
    {
        Assert.Equal(expected.Length, found.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            bool same = BitConverter.SingleToInt32Bits(expected[i]) == BitConverter.SingleToInt32Bits(found[i])
                || (float.IsNaN(expected[i]) && float.IsNaN(found[i]));
            if (!same)
            {
                Assert.Fail($"{what}[{i}]: expected the bits of {expected[i]:R}, found {found[i]:R}.");
            }
        }
    }
}
