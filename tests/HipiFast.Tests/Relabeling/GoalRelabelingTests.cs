using HipiFast.Kernels.Tasks;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Testing;
using HipiFast.Tests.Replay;

namespace HipiFast.Tests.Relabeling;

/// <summary>
/// The strategies final and future, whose goals come from the replay buffer. Goals are whole states: (copy, episode,
/// step).
/// </summary>
public sealed class GoalRelabelingTests
{
    private static readonly HipiFast.Kernels.Tasks.TaskFamily s_family = TaskFamilies.Goal([0, 1, 2], 0.5f);

    // Rings of 1 to 12 vector steps that have wrapped up to three times; episodes from one step to longer than the
    // ring.
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void GoalsNeverCrossAnEpisodeNorComeFromOverwrittenSlots(int copies)
    {
        using Relabeler final = Make(
            RelabelStrategy.Final, 0), future = Make(RelabelStrategy.Future, 0), near = Make(RelabelStrategy.Future, 4);
        using TransitionBatch batch = new(EpisodeData.Shape, 64);
        foreach (double endProbability in new[] { 0.0, 0.05, 0.3, 1.0 })
        {
            for (int steps = 1; steps <= 12; steps++)
            {
                using ReplayBuffer buffer = new(EpisodeData.Shape, steps * copies, copies);
                EpisodeData data = new((ulong)steps, copies, endProbability);
                for (int appended = 0; appended < (3 * steps) + 2; appended += 1 + (steps / 3))
                {
                    data.Append(buffer, 1 + (steps / 3));
                    foreach (Relabeler relabeler in new[] { final, future, near })
                    {
                        buffer.Sample(batch, 64, 1, relabeler.Call);
                        relabeler.Relabel(batch, buffer);
                        for (int row = 0; row < 64; row++)
                        {
                            var start = data.Record[(int)batch.ReplayIndex[row]];
                            var last = data.Record.FindLast(
                                other => (other.Copy, other.Episode) == (start.Copy, start.Episode));
                            float[] goal = RelabelData.Row(batch.Task, row, 3);
                            int limit = relabeler == near ? Math.Min(last.Step + 1, start.Step + 4) : last.Step + 1;

                            Assert.Equal([start.Copy, start.Episode], goal[..2]);
                            Assert.InRange(goal[2], relabeler == final ? last.Step + 1 : start.Step + 1, limit);
                        }
                    }
                }
            }
        }
    }

    [Theory]
    [InlineData(0, 7)]
    [InlineData(4, 4)]
    [InlineData(20, 7)]
    public void FutureIsUniformOverTheStatesAhead(int horizon, int expected)
    {
        using ReplayBuffer buffer = new(EpisodeData.Shape, 8);
        new EpisodeData(1, 1, 0).Append(buffer, 7);
        using Relabeler relabeler = Make(RelabelStrategy.Future, horizon);
        using TransitionBatch batch = new(EpisodeData.Shape, 7000);
        buffer.Sample(batch, 7000, 1, 1);
        batch.ReplayIndex.Clear();

        relabeler.Relabel(batch, buffer);

        int[] counts = new int[8];
        for (int row = 0; row < 7000; row++)
        {
            counts[(int)batch.Task[(row * 3) + 2]]++;
        }

        // Up to 6 degrees of freedom: a chi-square above 35 has probability 4e-6 at most.
        double mean = 7000.0 / expected;
        Assert.All(counts.Where((_, step) => step < 1 || step > expected), count => Assert.Equal(0, count));
        Assert.InRange(counts[1..(expected + 1)].Sum(count => (count - mean) * (count - mean) / mean), 0, 35);
    }

    [Fact]
    public void OpenEpisodesAreServedUpToTheirLatestState()
    {
        using ReplayBuffer buffer = new(EpisodeData.Shape, 10, 2);
        EpisodeData data = new(1, 2, 0);
        using Relabeler relabeler = Make(RelabelStrategy.Final, 0);
        using TransitionBatch batch = new(EpisodeData.Shape, 8);
        foreach (int total in new[] { 1, 2, 5, 9 })
        {
            data.Append(buffer, total - (int)(buffer.TotalCount / 2));
            buffer.Sample(batch, 8, 1, 1);
            relabeler.Relabel(batch, buffer);

            Assert.All(Enumerable.Range(0, 8), row => Assert.Equal(total, batch.Task[(row * 3) + 2]));
        }
    }

    [Fact]
    public void GoalsKeepWhatTheFamilyKeepsOfTheCommandedTask()
    {
        using ReplayBuffer buffer = new(EpisodeData.Shape, 10);
        new EpisodeData(1, 1, 0).Append(buffer, 6);
        using Relabeler relabeler = new(
            TaskFamilies.GoalAndMargin([0, 2]), null,
            new RelabelOptions { Strategy = RelabelStrategy.Final, RelabelFraction = 1 });
        using TransitionBatch batch = new(EpisodeData.Shape, 5);
        buffer.Sample(batch, 5, 1, 1);
        for (int row = 0; row < 5; row++)
        {
            batch.Task[(row * 3) + 2] = 0.25f + row;
        }

        relabeler.Relabel(batch, buffer);

        Assert.All(
            Enumerable.Range(0, 5), row => Assert.Equal([0, 6, 0.25f + row], RelabelData.Row(batch.Task, row, 3)));
    }

    [Fact]
    public void RewardAndTerminationAreRecomputed()
    {
        using ReplayBuffer buffer = new(EpisodeData.Shape, 50);
        new EpisodeData(1, 1, 0.2).Append(buffer, 50);
        using Relabeler relabeler = new(
            TaskFamilies.Goal([0, 1, 2], 1.5f), null,
            new RelabelOptions { Strategy = RelabelStrategy.Final, RelabelFraction = 1 });
        using TransitionBatch batch = new(EpisodeData.Shape, 200);
        buffer.Sample(batch, 200, 1, 1);

        RelabelDiagnostics diagnostics = relabeler.Relabel(batch, buffer).Diagnostics;

        RelabelData.AssertJudged(TaskFamilies.Goal([0, 1, 2], 1.5f), batch);

        // Within 1.5 of the final state is the state before the last step alone.
        Assert.All(Enumerable.Range(0, 200),
            row => Assert.Equal(
                buffer.EpisodeEnd(batch.ReplayIndex[row]) == batch.ReplayIndex[row], batch.Terminated[row] == 1));
        Assert.Equal((float)batch.Terminated.ToArray().Count(t => t == 1) / 200, diagnostics.TerminatedShare);
        Assert.Equal(1, diagnostics.RelabeledShare);
        Assert.All(
            new[] { diagnostics.PosteriorEntropy, diagnostics.LogPartitionMin, diagnostics.KlFromCommanded },
            value => Assert.True(float.IsNaN(value)));
    }

    [Fact]
    public void MissingOrForeignReplayIsOneClearSentence()
    {
        using Relabeler relabeler = Make(RelabelStrategy.Future, 0);
        using ReplayBuffer buffer = new(EpisodeData.Shape, 10);
        using TransitionBatch batch = new(EpisodeData.Shape, 5);
        EpisodeData data = new(1, 1, 0.1);
        data.Append(buffer, 10);
        buffer.Sample(batch, 5, 1, 1);
        float[] before = RelabelData.Contents(batch);

        Assert.Contains(
            "replay buffer; none was given", Assert.Throws<ArgumentException>(() => relabeler.Relabel(batch)).Message,
            StringComparison.Ordinal);
        data.Append(buffer, 10);
        string message = Assert.Throws<ArgumentException>(() => relabeler.Relabel(batch, buffer)).Message;
        Assert.Contains(
            $"Transition 0 of the batch has the replay number {batch.ReplayIndex[0]}", message,
            StringComparison.Ordinal);
        Assert.Equal(before, RelabelData.Contents(batch));
    }

    private static Relabeler Make(RelabelStrategy strategy, int horizon) =>
        new(
            s_family, null,
            new RelabelOptions { Strategy = strategy, FutureHorizon = horizon, RelabelFraction = 1, Seed = 3 });
}
