namespace HipiFast.Training;

/// <summary>Which column of <c>metrics.csv</c> tells how much was learned.</summary>
public static class ScoreColumn
{
    /// <summary>
    /// The success rate; the episode return where no evaluation had a success, as where tasks never end and none can
    /// have one.
    /// </summary>
    /// <param name="successRates">
    /// Success rates of all evaluations to be shown together, in [0, 1]; there may be none yet.
    /// </param>
    /// <returns><see cref="MetricColumn.SuccessRate"/> or <see cref="MetricColumn.EpisodeReturn"/>.</returns>
    public static MetricColumn Of(IEnumerable<double> successRates)
    {
        ArgumentNullException.ThrowIfNull(successRates);
        bool any = false;
        foreach (double rate in successRates)
        {
            if (rate > 0)
            {
                return MetricColumn.SuccessRate;
            }

            any = true;
        }

        return any ? MetricColumn.EpisodeReturn : MetricColumn.SuccessRate;
    }
}
