using HipiFast.Kernels.Backends;
using HipiFast.Learning;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Testing;
using HipiFast.Tests.Replay;

namespace HipiFast.Tests.Relabeling;

/// <summary>Assignment by task: the commanded task stays, and picks its transition.</summary>
public sealed class ByTaskTests
{
    private static readonly RelabelOptions s_options = new()
    {
        Assignment = Assignment.Task,
        RelabelFraction = 0.6f,
        RowPool = 16,
        Seed = 9,
        ExactTerminalValue = false,
    };

    [Fact]
    public void SlotsKeepTheirTasksAndTakeWholeTransitions()
    {
        using ComputeSession session = FunctionSession.Create(RelabelData.SmoothQ);
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler relabeler = new(session, RelabelData.GoalFamily, agent, s_options);
        using ReplayBuffer replay = Replay(40);
        using TransitionBatch batch = new(RelabelData.Shape, 30), original = new(RelabelData.Shape, 30);
        replay.Sample(batch, 30, 1, 1);
        replay.Sample(original, 30, 1, 1);

        RelabelResult result = relabeler.Relabel(batch, replay);

        int moved = 0;
        Assert.Equal(original.Task.ToArray(), batch.Task.ToArray());
        for (int row = 0; row < 30; row++)
        {
            bool relabeled = result.Relabeled[row] == 1;
            Assert.Equal(relabeled, result.TaskIndex[row] >= 0);
            if (relabeled)
            {
                Assert.Equal(
                    RelabelData.Row(batch.Task, row, 2), RelabelData.Row(result.Candidates, result.TaskIndex[row], 2));
                moved += batch.ReplayIndex[row] != original.ReplayIndex[row] ? 1 : 0;
            }
            else
            {
                Assert.Equal(original.ReplayIndex[row], batch.ReplayIndex[row]);
            }

            // The action's first entry names the transition in the replay; all its parts came along.
            AssertIsTransition(batch, row, batch.ReplayIndex[row]);
        }

        Assert.InRange(moved, 5, 30);
        RelabelData.AssertJudged(RelabelData.GoalFamily, batch);
        Assert.True(result.LogPartition.IsEmpty && float.IsNaN(result.Diagnostics.PosteriorEntropy));
    }

    // Four transitions, each a quarter of the pool: a task's picks follow exp(Q~ / T).
    [Theory]
    [InlineData(1f)]
    [InlineData(3f)]
    public void PicksFollowTheColumnSoftmax(float temperature)
    {
        const int Rows = 4, Calls = 3000;
        using ComputeSession session = FunctionSession.Create(RelabelData.SmoothQ);
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler relabeler = new(
            session, RelabelData.GoalFamily, agent,
            s_options with { RelabelFraction = 1, Temperature = temperature, RowPool = 4 });
        using TransitionBatch batch = RelabelData.Batch(Rows), original = RelabelData.Batch(Rows);
        int[,] counts = new int[Rows, Rows];
        for (int call = 0; call < Calls; call++)
        {
            Restore(original, batch);
            relabeler.Relabel(batch);
            for (int task = 0; task < Rows; task++)
            {
                counts[Source(original, batch, task), task]++;
            }
        }

        // 12 degrees of freedom: a chi-square above 50 has probability 2e-6.
        double chiSquare = 0;
        for (int task = 0; task < Rows; task++)
        {
            double[] weight = [.. Enumerable.Range(0, Rows).Select(
                row => Math.Exp(Value(original, row, task) / temperature))];
            for (int row = 0; row < Rows; row++)
            {
                double mean = Calls * weight[row] / weight.Sum();
                chiSquare += (counts[row, task] - mean) * (counts[row, task] - mean) / mean;
            }
        }

        Assert.InRange(chiSquare, 0, 50);
    }

    [Fact]
    public void TemperatureZeroTakesTheBestTransition()
    {
        using ComputeSession session = FunctionSession.Create(RelabelData.SmoothQ);
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler relabeler = new(session, RelabelData.GoalFamily, agent,
            s_options with { RelabelFraction = 1, Temperature = 0, RowPool = 100 });
        using TransitionBatch batch = RelabelData.Batch(12), original = RelabelData.Batch(12);

        relabeler.Relabel(batch);

        Assert.All(Enumerable.Range(0, 12), task =>
            Assert.Equal(
                Enumerable.Range(0, 12).MaxBy(row => Value(original, row, task)), Source(original, batch, task)));
    }

    // Without a replay buffer a large batch lends M of its own rows.
    [Fact]
    public void WithoutReplayThePoolIsOfTheBatch()
    {
        using ComputeSession session = FunctionSession.Create(RelabelData.SmoothQ);
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler relabeler = new(
            session, RelabelData.GoalFamily, agent, s_options with { RelabelFraction = 1, RowPool = 5 });
        using TransitionBatch batch = RelabelData.Batch(60), original = RelabelData.Batch(60);

        relabeler.Relabel(batch);

        HashSet<int> sources = [.. Enumerable.Range(0, 60).Select(row => Source(original, batch, row))];

        // Two groups of slots, each with five random rows of its own.
        Assert.InRange(sources.Count, 4, 10);
        Assert.All(new[] { Enumerable.Range(0, 32), Enumerable.Range(32, 28) }, group =>
            Assert.InRange(group.Select(row => Source(original, batch, row)).Distinct().Count(), 2, 5));
    }

    // 640 slots with M = 16 see 20 x 16 random rows; a single pool could serve 16 only. Indifferent, the 32 slots of a
    // group pick most of its rows.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ManySlotsSeeManyTransitions(bool fromReplay)
    {
        const int Rows = 640;
        using ComputeSession session = FunctionSession.Create(
            (in HipiFast.Kernels.SoftQ.SoftQProblem _, int _, int _) => 0);
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler relabeler = new(session, RelabelData.GoalFamily, agent, s_options with { RelabelFraction = 1 });
        using ReplayBuffer? replay = fromReplay ? Replay(2000) : null;
        using TransitionBatch batch = RelabelData.Batch(Rows);
        for (int row = 0; row < Rows; row++)
        {
            batch.ReplayIndex[row] = row;
        }

        relabeler.Relabel(batch, replay);

        Assert.Equal(20, ((FunctionSoftQ)session.SoftQ).Calls);
        Assert.InRange(batch.ReplayIndex.ToArray().Distinct().Count(), 180, 320);
    }

    // Slots of later groups follow exp(Q~ / T) like those of the first, and independently of them.
    [Fact]
    public void LaterGroupsFollowTheColumnSoftmaxIndependently()
    {
        const int Rows = 40, Calls = 2000;
        using ComputeSession session = FunctionSession.Create(
            (in HipiFast.Kernels.SoftQ.SoftQProblem problem, int row, int _) => problem.Action[row * 2]);
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler relabeler = new(
            session, RelabelData.GoalFamily, agent,
            s_options with { RelabelFraction = 1, Temperature = 0.5f, RowPool = Rows });
        using TransitionBatch batch = RelabelData.Batch(Rows), original = RelabelData.Batch(Rows);
        double[] weight = [.. Enumerable.Range(0, Rows).Select(row => Math.Exp(original.Action[row * 2] / 0.5))];
        double total = weight.Sum();
        int[] first = new int[Rows], second = new int[Rows];
        int same = 0;
        for (int call = 0; call < Calls; call++)
        {
            Restore(original, batch);
            relabeler.Relabel(batch);
            int a = Source(original, batch, 0), b = Source(original, batch, 32);
            first[a]++;
            second[b]++;
            same += a == b ? 1 : 0;
        }

        // 39 degrees of freedom: a chi-square above 90 has probability 1e-5.
        foreach (int[] counts in new[] { first, second })
        {
            double[] mean = [.. weight.Select(w => Calls * w / total)];
            Assert.InRange(
                Enumerable.Range(0, Rows).Sum(row => Math.Pow(counts[row] - mean[row], 2) / mean[row]), 0, 90);
        }

        double chance = weight.Sum(w => w * w) / (total * total);
        Assert.InRange(same, (Calls * chance) - (
            5 * Math.Sqrt(Calls * chance)), (Calls * chance) + (5 * Math.Sqrt(Calls * chance)));
    }

    // The networks themselves: several groups, where each must see its own tasks, and any number of threads.
    [Fact]
    public void GroupsScoreTheirOwnTasksWhateverTheThreads()
    {
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        (long[] Picked, float[] Contents) Run(int threads)
        {
            using Relabeler relabeler = new(
                RelabelData.GoalFamily, agent, s_options with
                {
                    RelabelFraction = 1,
                    RowPool = 1000,
                    Temperature = 0,
                    Compute = new() { Threads = threads },
                });
            using TransitionBatch batch = RelabelData.Batch(100);
            for (int row = 0; row < 100; row++)
            {
                batch.ReplayIndex[row] = row;
            }

            relabeler.Relabel(batch);
            return (batch.ReplayIndex.ToArray(), RelabelData.Contents(batch));
        }

        var one = Run(1);
        Assert.Equal(one.Contents, Run(3).Contents);

        // Without noise a task's pick depends on the task alone, so that in another slot, of another group, it picks
        // the same row.
        using TransitionBatch swapped = RelabelData.Batch(100), original = RelabelData.Batch(100);
        for (int row = 0; row < 100; row++)
        {
            swapped.ReplayIndex[row] = row;
            RelabelData.Row(original.Task, (row + 50) % 100, 2).CopyTo(swapped.Task.Slice(row * 2, 2));
        }

        using Relabeler other = new(
            RelabelData.GoalFamily, agent, s_options with { RelabelFraction = 1, RowPool = 1000, Temperature = 0 });
        other.Relabel(swapped);
        long[] picked = swapped.ReplayIndex.ToArray();
        Assert.Equal(one.Picked, Enumerable.Range(0, 100).Select(row => picked[(row + 50) % 100]));
        Assert.True(one.Picked.Distinct().Count() > 1);
    }

    // Only memory for the rows that there are: a batch without replay buffer is a pool of itself however large M is.
    [Fact]
    public void AHugePoolIsNoMoreThanTheBatch()
    {
        using ComputeSession session = FunctionSession.Create(RelabelData.SmoothQ);
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler relabeler = new(
            session, RelabelData.GoalFamily, agent, s_options with { RelabelFraction = 1, RowPool = int.MaxValue });
        using TransitionBatch batch = RelabelData.Batch(40);
        relabeler.Relabel(batch);
        Assert.Equal(2, ((FunctionSoftQ)session.SoftQ).Calls);
    }

    [Fact]
    public void PoolCoversTheWholeReplay()
    {
        using ComputeSession session = FunctionSession.Create(
            (in HipiFast.Kernels.SoftQ.SoftQProblem _, int _, int _) => 0);
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler relabeler = new(session, RelabelData.GoalFamily, agent, s_options with { RelabelFraction = 1 });
        using ReplayBuffer replay = Replay(40);
        using TransitionBatch batch = new(RelabelData.Shape, 32);
        HashSet<long> picked = [];
        for (int call = 0; call < 30; call++)
        {
            replay.Sample(batch, 32, 1, 1);
            relabeler.Relabel(batch, replay);
            picked.UnionWith(batch.ReplayIndex.ToArray());
        }

        Assert.Equal(40, picked.Count);
    }

    [Fact]
    public void CandidatesDoNotApply()
    {
        using ComputeSession session = FunctionSession.Create(RelabelData.SmoothQ);
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler relabeler = new(session, RelabelData.GoalFamily, agent, s_options);
        using TransitionBatch batch = RelabelData.Batch(4);

        Assert.Contains(
            "takes no candidates", Assert.Throws<ArgumentException>(() => relabeler.Relabel(batch, [1f, 2f])).Message,
            StringComparison.Ordinal);
    }

    private static ReplayBuffer Replay(int rows)
    {
        ReplayBuffer replay = new(RelabelData.Shape, rows);
        using TransitionBatch source = RelabelData.Batch(rows, 3);
        for (int i = 0; i < rows; i++)
        {
            replay.Append(
                source.Observation.Slice(i * 3, 3), [i, 0], [i, i, i], source.Task.Slice(i * 2, 2), [0], [0],
                [i % 7 == 6 ? (byte)1 : (byte)0]);
        }

        return replay;
    }

    private static void AssertIsTransition(TransitionBatch batch, int row, long index)
    {
        using TransitionBatch source = RelabelData.Batch(40, 3);
        Assert.Equal(RelabelData.Row(source.Observation, (int)index, 3), RelabelData.Row(batch.Observation, row, 3));
        Assert.Equal([index, 0], RelabelData.Row(batch.Action, row, 2));
        Assert.Equal([index, index, index], RelabelData.Row(batch.NextObservation, row, 3));
    }

    private static void Restore(TransitionBatch from, TransitionBatch to)
    {
        from.Observation.CopyTo(to.Observation);
        from.Action.CopyTo(to.Action);
        from.NextObservation.CopyTo(to.NextObservation);
    }

    private static int Source(TransitionBatch original, TransitionBatch batch, int row) =>
        Enumerable.Range(0, original.Count).First(
            other => original.Observation[other * 3] == batch.Observation[row * 3]);

    private static float Value(TransitionBatch batch, int row, int task) => RelabelData.SmoothQ(
        new HipiFast.Kernels.SoftQ.SoftQProblem
        {
            Observation = batch.Observation, Action = batch.Action, Task = batch.Task, Rows = batch.Count,
            Candidates = batch.Count,
            ObservationDimension = 3, ActionDimension = 2, TaskDimension = 2, Estimator = default, Critic1 = null!,
        },
        row,
        task);
}
