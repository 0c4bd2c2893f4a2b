using HipiFast.Storage;

namespace HipiFast.Training;

/// <summary>Mean and spread of one number over seeds.</summary>
/// <param name="Mean">Mean over the seeds.</param>
/// <param name="Deviation">Sample standard deviation (n - 1); 0 for one seed.</param>
public readonly record struct SeedStatistic(double Mean, double Deviation)
{
    /// <summary>Mean and deviation of values.</summary>
    /// <param name="values">One or more values, one per seed.</param>
    /// <returns>The statistic.</returns>
    /// <exception cref="ArgumentException">There are no values.</exception>
    public static SeedStatistic Of(IReadOnlyCollection<double> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (values.Count == 0)
        {
            throw new ArgumentException("A statistic over seeds needs at least one seed.", nameof(values));
        }

        double mean = values.Average();
        double squares = values.Sum(value => (value - mean) * (value - mean));
        return new SeedStatistic(mean, values.Count > 1 ? Math.Sqrt(squares / (values.Count - 1)) : 0);
    }

    /// <summary>Mean and deviation in words.</summary>
    /// <returns>For example <c>0.664 ± 0.078</c>.</returns>
    public string Describe() => NumberText.MeanAndDeviation(Mean, Deviation);
}
