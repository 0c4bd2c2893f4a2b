using HipiFast.Kernels.SoftQ;
using HipiFast.Learning;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Testing;

namespace HipiFast.Tests.Relabeling;

/// <summary>Actions outside [-1, 1], of which a squashed policy has no density.</summary>
public class OutsideActionTests
{
    [Theory]
    [InlineData(SoftQEstimator.SoftCritic, "soft-critic")]
    [InlineData(SoftQEstimator.Bellman, "bellman")]
    public void EstimatorsThatAskThePolicyRefuseThem(SoftQEstimator estimator, string name)
    {
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler relabeler = new(
            RelabelData.GoalFamily, agent, new RelabelOptions { RelabelFraction = 1, Estimator = estimator });
        using TransitionBatch batch = RelabelData.Batch(12);
        relabeler.Relabel(batch);
        batch.Action[(5 * 2) + 1] = 2;
        batch.Action[9 * 2] = -1.25f;
        float[] before = RelabelData.Contents(batch);

        string message = Assert.Throws<InvalidDataException>(() => relabeler.Relabel(batch)).Message;
        Assert.StartsWith(
            "2 of 12 transitions have actions outside [-1, 1], the first in row 5: 2 in column 1; the " + name,
            message, StringComparison.Ordinal);
        Assert.Equal(before, RelabelData.Contents(batch));
    }

    [Theory]
    [InlineData(SoftQEstimator.Critic, null)]
    [InlineData(SoftQEstimator.SoftCritic, 0f)]
    public void EstimatorsThatDoNotTakeThem(SoftQEstimator estimator, float? alpha)
    {
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler relabeler = new(
            RelabelData.GoalFamily, agent,
            new RelabelOptions { RelabelFraction = 1, Estimator = estimator, Alpha = alpha });
        using TransitionBatch batch = RelabelData.Batch(12);
        batch.Action[3] = 2;
        Assert.Equal(12, relabeler.Relabel(batch).TaskIndex.Length);
    }

    [Fact]
    public void ThoseOfThePoolThatTasksChooseFromAreRefused()
    {
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler relabeler = new(RelabelData.GoalFamily, agent, new RelabelOptions
        {
            RelabelFraction = 1, Estimator = SoftQEstimator.SoftCritic, Assignment = Assignment.Task, RowPool = 64,
        });
        using TransitionBatch episode = RelabelData.Batch(8), batch = RelabelData.Batch(4);
        episode.Action[3] = 1.5f;
        episode.Terminated.Clear();
        using ReplayBuffer replay = new(RelabelData.Shape, 8);
        replay.AppendEpisode(episode);
        Assert.Contains(
            "have actions outside [-1, 1]",
            Assert.Throws<InvalidDataException>(() => relabeler.Relabel(batch, replay)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void TheBoundsThemselvesAreInside()
    {
        using TransitionBatch batch = RelabelData.Batch(3);
        batch.Action.Fill(1);
        batch.Action[0] = -1;
        Assert.Equal(default, OutsideActions.Of(batch));
        batch.Action[4] = MathF.BitIncrement(1);
        Assert.Equal(new OutsideActions(1, 2, 0, MathF.BitIncrement(1)), OutsideActions.Of(batch));
    }
}
