using HipiFast.Experiments;

namespace HipiFast.Experiments.Tests;

/// <summary>Lemmas 1 and 2 of the paper, on every stage of the enumerable problem.</summary>
public sealed class LemmaExperimentTests
{
    // The relabeler's posterior is single precision.
    private const double Tolerance = 1e-4;

    private static readonly IReadOnlyList<LemmaPoint> s_points = LemmaExperiment.Measure([0, 0.25, 0.5, 0.75, 1], 3);

    [Fact]
    public void RelabelingNeverLeadsAwayFromTheTarget() =>
        Assert.All(
            s_points, point => Assert.True(point.RelabeledKl <= point.CommandedKl + Tolerance, point.ToString()));

    [Fact]
    public void TheGainIsAtLeastTheBound() =>
        Assert.All(s_points, point => Assert.True(point.Gain >= point.Bound - Tolerance, point.ToString()));

    [Fact]
    public void TheBoundSaysSomethingUntilTheAgentIsOptimal()
    {
        Assert.All(s_points.SkipLast(1), point => Assert.InRange(point.Bound, 0.01, 5));
        Assert.InRange(s_points[^1].Bound, -1e-9, 1e-9);
        Assert.InRange(s_points[^1].CommandedKl, -1e-9, 1e-9);
    }

    [Fact]
    public void DrawnLabelsDifferFromThePosteriorByTheirBias()
    {
        double bias = (LemmaExperiment.TaskCount - 1) / (2.0 * LemmaExperiment.DrawsPerTrajectory);
        Assert.All(s_points, point => Assert.InRange(point.SampledKl - point.RelabeledKl, 0, 4 * bias));
    }

    [Fact]
    public void ThePartitionOfABatchGainsTooWhereThereIsMuchToGain() =>
        Assert.True(s_points[0].EstimatedKl < s_points[0].CommandedKl, s_points[0].ToString());
}
