using HipiFast.Kernels.Tasks;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Tasks;
using HipiFast.Testing;

namespace HipiFast.Tests.Relabeling;

/// <summary>
/// Whole trajectories, one task each, by their returns; among them the paper's experiment on the partition function
/// (Fig. 8).
/// </summary>
public sealed class TrajectoryTests
{
    private const int Trajectories = 300;
    private const int Steps = 10;

    private static readonly TransitionShape s_shape = new(4, 1, BiasedTasks.Count);

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void ReturnsAreTheSumsOfRewards(int threads)
    {
        TaskFamily family = TaskFamily.Create(new BiasedTasks(0.5f));
        using Relabeler relabeler = Make(
            family,
            new RelabelOptions
            {
                Candidates = CandidateSource.Fixed,
                RelabelFraction = 1,
                Compute = new() { Threads = threads },
            });
        Recorder recorder = new();
        relabeler.Observer = recorder;
        using TransitionBatch batch = RelabelData.Batch(100, 1, s_shape);
        long[] episode = [.. Enumerable.Range(0, 100).Select(row => (long)(row < 1 ? 9 : row < 60 ? -4 : 7))];

        RelabelResult result = relabeler.RelabelTrajectories(batch, episode);

        float[,] returns = recorder.SoftQ(3);
        int[] starts = [0, 1, 60, 100];
        for (int trajectory = 0; trajectory < 3; trajectory++)
        {
            for (int task = 0; task < 3; task++)
            {
                double sum = 0;
                for (int row = starts[trajectory]; row < starts[trajectory + 1]; row++)
                {
                    sum += batch.Observation[(row * 4) + task] + (task == 0 ? 0.5 : 0);
                }

                Assert.Equal(sum, returns[trajectory, task], 1e-4);
            }

            for (int row = starts[trajectory]; row < starts[trajectory + 1]; row++)
            {
                Assert.Equal(result.TaskIndex[starts[trajectory]], result.TaskIndex[row]);
                Assert.Equal(
                    RelabelData.Row(BiasedTasks.All, result.TaskIndex[row], 3), RelabelData.Row(batch.Task, row, 3));
                Assert.Equal(1, result.Relabeled[row]);
            }
        }

        RelabelData.AssertJudged(family, batch);
    }

    // A family with linear rewards sums features, not rewards: sizes around a vector of tasks, and a trajectory long
    // enough for cancellation to show.
    [Theory]
    [InlineData(1, 1, false)]
    [InlineData(2, 7, true)]
    [InlineData(4, 33, true)]
    public void ReturnsOfALinearFamilyAreTheSumsOfRewards(int threads, int candidates, bool actionCost)
    {
        TaskFamily family = TaskFamilies.Linear([3, 0], actionCost);
        Assert.True(family.IsLinear);
        TransitionShape shape = new(4, 2, family.TaskDimension);
        using Relabeler relabeler = new(
            family, null, new RelabelOptions { RelabelFraction = 1, Compute = new() { Threads = threads } });
        Recorder recorder = new();
        relabeler.Observer = recorder;
        using TransitionBatch batch = RelabelData.Batch(500, 1, shape);
        long[] episode = [.. Enumerable.Range(0, 500).Select(row => (long)(row < 1 ? 9 : row < 460 ? -4 : 7))];
        float[] tasks = [.. Enumerable.Range(0, candidates * family.TaskDimension).Select(i => (i % 11) - 5.3f)];

        relabeler.RelabelTrajectories(batch, episode, tasks);

        float[,] returns = recorder.SoftQ(3);
        int[] starts = [0, 1, 460, 500];
        for (int trajectory = 0; trajectory < 3; trajectory++)
        {
            for (int task = 0; task < candidates; task++)
            {
                double sum = 0, magnitude = 0;
                for (int row = starts[trajectory]; row < starts[trajectory + 1]; row++)
                {
                    ReadOnlySpan<float> s = batch.Observation.Slice(row * 4, 4), a = batch.Action.Slice(row * 2, 2);
                    ReadOnlySpan<float> psi = tasks.AsSpan(task * family.TaskDimension);
                    double reward = ((double)psi[0] * s[3]) + ((double)psi[1] * s[0]);
                    reward += actionCost ? psi[2] * (((double)a[0] * a[0]) + ((double)a[1] * a[1])) : 0;
                    sum += reward;
                    magnitude += Math.Abs(reward);
                }

                // A squared action is rounded to fp32 once, the result once.
                Assert.Equal(sum, returns[trajectory, task], 3e-7 * (magnitude + 1));
            }
        }
    }

    // Fig. 8: with the partition function a constant on one task's reward changes nothing; without it that task takes
    // nearly everything.
    [Fact]
    public void PartitionCancelsAConstantOnOneTask()
    {
        int[] plain = Assign(0, PartitionMode.Batch), biased = Assign(5, PartitionMode.Batch);
        int[] plainWithout = Assign(0, PartitionMode.None), biasedWithout = Assign(5, PartitionMode.None);

        Assert.InRange(plain.Zip(biased).Count(pair => pair.First != pair.Second), 0, 1);
        Assert.All(Enumerable.Range(0, BiasedTasks.Count), task => Assert.InRange(
            biased.Count(index => index == task), 40, 200));
        Assert.InRange(plainWithout.Count(index => index == 0), 40, 200);
        Assert.InRange(biasedWithout.Count(index => index == 0), 295, 300);
    }

    [Fact]
    public void MemoryBudgetDoesNotChangeTheResult()
    {
        int[] whole = Assign(1, PartitionMode.Batch), blocks = Assign(1, PartitionMode.Batch, 3 * 4 * 7);

        Assert.InRange(whole.Zip(blocks).Count(pair => pair.First != pair.Second), 0, 1);
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(0.2f)]
    [InlineData(0.8f)]
    [InlineData(1f)]
    public void RelabelFractionIsAShareOfTrajectories(float fraction)
    {
        using Relabeler relabeler = Make(
            TaskFamily.Create(new BiasedTasks(0)),
            new RelabelOptions { Candidates = CandidateSource.Fixed, RelabelFraction = fraction });
        using TransitionBatch batch = RelabelData.Batch(6000, 1, s_shape);
        long[] episode = [.. Enumerable.Range(0, 6000).Select(row => (long)row / 2)];

        byte[] relabeled = relabeler.RelabelTrajectories(batch, episode).Relabeled.ToArray();

        Assert.All(Enumerable.Range(0, 3000), trajectory => Assert.Equal(
            relabeled[2 * trajectory], relabeled[(2 * trajectory) + 1]));

        // The standard deviation is 22 trajectories of 3000.
        Assert.InRange(relabeled.Sum(r => r) / 2, (fraction * 3000) - 110, (fraction * 3000) + 110);
        Assert.True(fraction is > 0 and < 1 || relabeled.All(r => r == fraction));
    }

    [Fact]
    public void CandidatesAreCommandedTasksOrFinalStates()
    {
        using TransitionBatch batch = RelabelData.Batch(7);
        long[] episode = [1, 1, 1, 2, 2, 3, 3];
        float[] commanded = [.. batch.Task[..2], .. batch.Task.Slice(6, 2), .. batch.Task.Slice(10, 2)];
        float[] reached =
        [
            .. batch.NextObservation.Slice(6, 2), .. batch.NextObservation.Slice(12, 2),
            .. batch.NextObservation.Slice(18, 2)
        ];
        foreach ((CandidateSource source, float[] expected) in new[]
        {
            (CandidateSource.Commanded, commanded), (CandidateSource.Reached, reached),
            (CandidateSource.Both, [.. commanded, .. reached]),
        })
        {
            using Relabeler relabeler = new(RelabelData.GoalFamily, null, new RelabelOptions { Candidates = source });
            using TransitionBatch copy = RelabelData.Batch(7);
            Assert.Equal(expected, relabeler.RelabelTrajectories(copy, episode).Candidates.ToArray());
        }

        using Relabeler given = new(RelabelData.GoalFamily, null, new RelabelOptions { RelabelFraction = 1 });
        Assert.Equal([1f, 2f], given.RelabelTrajectories(batch, episode, [1f, 2f]).Candidates.ToArray());
        Assert.All(given.RelabelTrajectories(
            batch, episode, [1f, 2f, 3f, 4f], [float.NegativeInfinity, 0f]).TaskIndex.ToArray(),
            index => Assert.Equal(1, index));
        Assert.All(Enumerable.Range(0, 7),
            row => Assert.Equal(
                [1f, 2f], RelabelData.Row(given.RelabelTrajectories(batch, episode, [1f, 2f]).Candidates, 0, 2)));
    }

    [Fact]
    public void FinalIsTheLastStateOfTheTrajectory()
    {
        using Relabeler relabeler = new(
            RelabelData.GoalFamily, null, new RelabelOptions { Strategy = RelabelStrategy.Final, RelabelFraction = 1 });
        using TransitionBatch batch = RelabelData.Batch(5);

        relabeler.RelabelTrajectories(batch, [4, 4, 4, 0, 0]);

        Assert.All(Enumerable.Range(0, 5), row =>
            Assert.Equal(
                batch.NextObservation.Slice((row < 3 ? 2 : 4) * 3, 2).ToArray(), RelabelData.Row(batch.Task, row, 2)));
        RelabelData.AssertJudged(RelabelData.GoalFamily, batch);
    }

    [Fact]
    public void RandomIsAnotherTrajectorysTaskOrTheDistributions()
    {
        using Relabeler other = new(
            RelabelData.GoalFamily, null,
            new RelabelOptions { Strategy = RelabelStrategy.Random, RelabelFraction = 1 });
        using TransitionBatch batch = RelabelData.Batch(4), original = RelabelData.Batch(4);
        other.RelabelTrajectories(batch, [4, 4, 0, 0]);
        Assert.All(Enumerable.Range(0, 4),
            row =>
                Assert.Equal(RelabelData.Row(original.Task, row < 2 ? 2 : 0, 2), RelabelData.Row(batch.Task, row, 2)));

        using Relabeler drawn = new(
            TaskFamily.Create(new BiasedTasks(0)), null,
            new RelabelOptions { Strategy = RelabelStrategy.Random, RelabelFraction = 1 },
                new OneHotTasks(3));
        using TransitionBatch discrete = RelabelData.Batch(4, 1, s_shape);
        drawn.RelabelTrajectories(discrete, [4, 4, 4, 4]);
        Assert.All(Enumerable.Range(0, 4), row => Assert.Equal(1, RelabelData.Row(discrete.Task, row, 3).Sum()));
    }

    [Fact]
    public void WhatDoesNotApplyIsOneClearSentence()
    {
        using TransitionBatch batch = RelabelData.Batch(4);
        float[] before = RelabelData.Contents(batch);
        using Relabeler plain = new(RelabelData.GoalFamily, null, new RelabelOptions());

        Assert.Contains("3 episode numbers for 4", Assert.Throws<ArgumentException>(
            () => plain.RelabelTrajectories(batch, [1, 1, 2])).Message,
            StringComparison.Ordinal);
        Assert.Contains("Row 3 belongs to episode 1",
            Assert.Throws<ArgumentException>(() => plain.RelabelTrajectories(batch, [1, 1, 2, 1])).Message,
            StringComparison.Ordinal);
        foreach (RelabelOptions options in new[]
        {
            new RelabelOptions { Strategy = RelabelStrategy.Future }, new RelabelOptions { GoalMix = 0.5f },
                new RelabelOptions { Assignment = Assignment.Task },
        })
        {
            using Relabeler relabeler = new(RelabelData.GoalFamily, null, options);
            Assert.Throws<ArgumentException>(() => relabeler.RelabelTrajectories(batch, [1, 1, 2, 2]));
        }

        Assert.Equal(before, RelabelData.Contents(batch));
    }

    private static int[] Assign(float bias, PartitionMode partition, long budget = 1 << 20)
    {
        using Relabeler relabeler = Make(
            TaskFamily.Create(new BiasedTasks(bias)),
            new RelabelOptions
            {
                Candidates = CandidateSource.Fixed,
                Partition = partition,
                RelabelFraction = 1,
                Seed = 12,
                MemoryBudget = budget,
            });
        using TransitionBatch batch = RelabelData.Batch(Trajectories * Steps, 1, s_shape);
        long[] episode = [.. Enumerable.Range(0, Trajectories * Steps).Select(row => (long)row / Steps)];
        int[] rows = relabeler.RelabelTrajectories(batch, episode).TaskIndex.ToArray();
        return [.. Enumerable.Range(0, Trajectories).Select(trajectory => rows[trajectory * Steps])];
    }

    private static Relabeler Make(TaskFamily family, RelabelOptions options)
    {
        Relabeler relabeler = new(family, null, options);
        relabeler.SetFixedCandidates(BiasedTasks.All);
        return relabeler;
    }
}
