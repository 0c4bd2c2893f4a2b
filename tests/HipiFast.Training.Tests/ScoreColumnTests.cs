using HipiFast.Training;

namespace HipiFast.Training.Tests;

public sealed class ScoreColumnTests
{
    [Fact]
    public void OfIsTheReturnWhereNoEvaluationHadASuccess()
    {
        Assert.Equal(MetricColumn.EpisodeReturn, ScoreColumn.Of([0, 0, 0]));
        Assert.Equal(MetricColumn.SuccessRate, ScoreColumn.Of([0, 0.005, 0]));
    }

    [Fact]
    public void OfIsTheSuccessRateBeforeTheFirstEvaluation() =>
        Assert.Equal(MetricColumn.SuccessRate, ScoreColumn.Of([]));
}
