namespace HipiFast.Training;

/// <summary>A difference between two groups of runs, paired by seed.</summary>
/// <param name="Mean">Mean difference.</param>
/// <param name="StandardError">Its standard error; 0 for one seed.</param>
/// <param name="Ahead">Seeds on which the first group is ahead.</param>
/// <param name="Seeds">Seeds that both groups have.</param>
public readonly record struct PairedDifference(double Mean, double StandardError, int Ahead, int Seeds)
{
    // Of the two-sided interval of 95%, 2.5% lie above.
    private const double Confidence = 0.975;

    /// <summary>How <see cref="Sign"/> is found, in words.</summary>
    public const string Rule = "level where the 95% confidence interval of the difference contains 0";

    /// <summary>
    /// Half of the mean's 95% confidence interval (Student's t, n - 1 degrees of freedom); infinite for one seed.
    /// </summary>
    public double HalfInterval =>
        Seeds > 1 ? StudentDistribution.Quantile(Confidence, Seeds - 1) * StandardError : double.PositiveInfinity;

    /// <summary>
    /// 1 where the first group is ahead, -1 where it is behind, 0 where the confidence interval contains 0.
    /// </summary>
    public int Sign => Mean > HalfInterval ? 1 : Mean < -HalfInterval ? -1 : 0;

    /// <summary>The difference of two groups.</summary>
    /// <param name="differences">One per seed, 1 or more.</param>
    /// <returns>Their mean and what goes with it.</returns>
    /// <exception cref="ArgumentException">There are no differences.</exception>
    public static PairedDifference Of(IReadOnlyCollection<double> differences)
    {
        SeedStatistic statistic = SeedStatistic.Of(differences);
        return new PairedDifference(
            statistic.Mean,
            statistic.Deviation / Math.Sqrt(differences.Count),
            differences.Count(difference => difference > 0),
            differences.Count);
    }
}
