using HipiFast.Experiments;
using HipiFast.Learning;
using HipiFast.Relabeling;

namespace HipiFast.Experiments.Tests;

/// <summary>The claims of the paper's Fig. 4.</summary>
public sealed class StitchingExperimentTests
{
    private const int Right = 2, Up = 4;

    [Fact]
    public void TheTrajectoriesCross()
    {
        Assert.Equal(StitchingExperiment.Goals.Count, StitchingExperiment.Dataset.Count);
        Assert.All(StitchingExperiment.Dataset, run => Assert.Contains(
            run.Steps, step => step.Cell == StitchingExperiment.Crossing));
        Assert.Equal(StitchingExperiment.Goals, StitchingExperiment.Dataset.Select(run => run.FinalCell));
    }

    [Fact]
    public void FinalStateRelabelingReachesOnlyTheTopRowFromA()
    {
        IReadOnlyList<TabularTransition> labelled = StitchingExperiment.Relabel(RelabelStrategy.Final, 1);
        Assert.Equal(
            StitchingExperiment.TopGoals, StitchingExperiment.GoalsReached(labelled, StitchingExperiment.StartA));
        Assert.Equal(
            StitchingExperiment.BottomGoals, StitchingExperiment.GoalsReached(labelled, StitchingExperiment.StartB));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void InverseRlRelabelingReachesEveryGoalFromA(ulong seed)
    {
        IReadOnlyList<TabularTransition> labelled = StitchingExperiment.Relabel(RelabelStrategy.InverseRl, seed);
        Assert.Equal(StitchingExperiment.Goals, StitchingExperiment.GoalsReached(labelled, StitchingExperiment.StartA));
        Assert.Equal(StitchingExperiment.Goals, StitchingExperiment.GoalsReached(labelled, StitchingExperiment.StartB));
    }

    [Fact]
    public void InverseRlFindsBothIntentionsBeforeTheCrossingAndOneAfter()
    {
        IReadOnlyList<TabularTransition> labelled = StitchingExperiment.Relabel(RelabelStrategy.InverseRl, 4);
        Assert.Equal(StitchingExperiment.Goals, Labels(StitchingExperiment.StartA, Right));
        Assert.Equal(StitchingExperiment.Goals, Labels(StitchingExperiment.StartB, Right));
        Assert.Equal(StitchingExperiment.TopGoals, Labels(StitchingExperiment.Crossing, Up));
        Assert.Equal(StitchingExperiment.BottomGoals, Labels(StitchingExperiment.Crossing, Right));

        IEnumerable<int> Labels(int cell, int move) =>
            labelled.Where(step => step.State == cell && step.Action == move)
                .Select(step => step.Task).Distinct().Order().Select(goal => StitchingExperiment.Goals[goal]);
    }

    [Fact]
    public void OtherStrategiesAreRefused() =>
        Assert.Throws<ArgumentException>(() => StitchingExperiment.Relabel(RelabelStrategy.Random, 1));
}
