using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Relabeling;
using HipiFast.Learning;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Testing;

namespace HipiFast.Tests.Relabeling;

/// <summary>The partition that is kept across batches, against sums in double precision.</summary>
public sealed class RunningPartitionTests
{
    private const float Decay = 0.75f;

    // Goals all over the unit square of RelabelData's states; 21 are no multiple of a vector.
    private static readonly float[] s_tasks = [.. Enumerable.Range(0, 42).Select(i => MathF.Sin(7 * i))];

    private static RelabelOptions Options { get; } = new()
    {
        Candidates = CandidateSource.Fixed,
        Partition = PartitionMode.Running,
        PartitionDecay = Decay,
        RelabelFraction = 1,
        Seed = 3,
    };

    [Theory]
    [InlineData(1L << 30)]
    [InlineData(16 * 4 * 21)]
    public void EarlierBatchesFade(long memoryBudget)
    {
        using ComputeSession session = FunctionSession.Create(RelabelData.SmoothQ);
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler relabeler = new(
            session, RelabelData.GoalFamily, agent, Options with { MemoryBudget = memoryBudget });
        relabeler.SetFixedCandidates(s_tasks);
        double[] sum = new double[21];
        double rows = 0;
        for (uint call = 0; call < 6; call++)
        {
            int count = 30 + (int)call;
            using TransitionBatch batch = RelabelData.Batch(count, stream: call);
            Recorder recorder = new();
            relabeler.Observer = recorder;
            ReadOnlySpan<float> logPartition = relabeler.Relabel(batch).LogPartition;
            float[,] softQ = recorder.SoftQ(count);
            rows = (Decay * rows) + count;
            for (int i = 0; i < sum.Length; i++)
            {
                sum[i] = (Decay * sum[i]) + Enumerable.Range(0, count).Sum(row => Math.Exp(softQ[row, i]));
                Assert.Equal(Math.Log(sum[i] / rows), logPartition[i], 1e-5);
            }
        }
    }

    [Fact]
    public void WithoutMemoryItIsTheBatchsOwn()
    {
        using ComputeSession session = FunctionSession.Create(RelabelData.SmoothQ);
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler running = new(session, RelabelData.GoalFamily, agent, Options with { PartitionDecay = 0 });
        using Relabeler plain = new(
            session, RelabelData.GoalFamily, agent, Options with { Partition = PartitionMode.Batch });
        running.SetFixedCandidates(s_tasks);
        plain.SetFixedCandidates(s_tasks);
        for (uint call = 0; call < 3; call++)
        {
            using TransitionBatch first =
                RelabelData.Batch(25, stream: call), second = RelabelData.Batch(25, stream: call);
            float[] found = running.Relabel(first).LogPartition.ToArray(),
                expected = plain.Relabel(second).LogPartition.ToArray();
            Assert.All(expected.Zip(found), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
        }
    }

    [Fact]
    public void AFailedCallLeavesItAsItWas()
    {
        using ComputeSession session = FunctionSession.Create(RelabelData.SmoothQ);
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler relabeler = new(session, RelabelData.GoalFamily, agent, Options);
        using Relabeler other = new(session, RelabelData.GoalFamily, agent, Options);
        relabeler.SetFixedCandidates(s_tasks);
        other.SetFixedCandidates(s_tasks);
        using TransitionBatch first =
            RelabelData.Batch(20), bad = RelabelData.Batch(20, stream: 1), second = RelabelData.Batch(20, stream: 2);
        using TransitionBatch otherFirst = RelabelData.Batch(20), otherSecond = RelabelData.Batch(20, stream: 2);
        relabeler.Relabel(first);
        bad.Reward.Clear();
        bad.Observation[7] = float.NaN;
        Assert.Throws<InvalidDataException>(() => relabeler.Relabel(bad));
        other.Relabel(otherFirst);
        Assert.Equal(
            other.Relabel(otherSecond).LogPartition.ToArray(), relabeler.Relabel(second).LogPartition.ToArray());
    }

    [Fact]
    public void OtherCandidatesStartAnew()
    {
        using ComputeSession session = FunctionSession.Create(RelabelData.SmoothQ);
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler relabeler = new(session, RelabelData.GoalFamily, agent, Options);
        using Relabeler other = new(session, RelabelData.GoalFamily, agent, Options);
        float[] tasks = [.. s_tasks.Reverse()];
        relabeler.SetFixedCandidates(s_tasks);
        using TransitionBatch first = RelabelData.Batch(20), second = RelabelData.Batch(20, stream: 2);
        using TransitionBatch otherSecond = RelabelData.Batch(20, stream: 2);
        relabeler.Relabel(first);
        relabeler.SetFixedCandidates(tasks);
        other.SetFixedCandidates(tasks);
        Assert.Equal(
            other.Relabel(otherSecond).LogPartition.ToArray(), relabeler.Relabel(second).LogPartition.ToArray());
    }

    [Fact]
    public void WhereTasksDifferFromBatchToBatchItIsRefused()
    {
        Assert.Contains("Partition", Assert.Throws<ArgumentException>(
            (Options with { Candidates = CandidateSource.Both }).Validate).Message);
        Assert.Contains("Partition", Assert.Throws<ArgumentException>(
            (Options with { Assignment = Assignment.Task }).Validate).Message);
        Assert.Contains(
            "PartitionDecay", Assert.Throws<ArgumentException>((Options with { PartitionDecay = 1 }).Validate).Message);
        using ComputeSession session = FunctionSession.Create(RelabelData.SmoothQ);
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler relabeler = new(session, RelabelData.GoalFamily, agent, Options);
        using TransitionBatch batch = RelabelData.Batch(5);
        Assert.Contains(
            "given with a call", Assert.Throws<ArgumentException>(() => relabeler.Relabel(batch, s_tasks)).Message);
        Assert.Contains("trajectories", Assert.Throws<ArgumentException>(
            () => relabeler.RelabelTrajectories(batch, new long[5])).Message);
    }

    [Fact]
    public void WhoWatchesChangesNothing()
    {
        // Few rows, a tenth of them relabeled: most calls serve none, and only the observer has them computed.
        using ComputeSession session = FunctionSession.Create(RelabelData.SmoothQ);
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        RelabelOptions options = Options with { RelabelFraction = 0.1f };
        using Relabeler watched = new(session, RelabelData.GoalFamily, agent, options),
            alone = new(session, RelabelData.GoalFamily, agent, options);
        watched.SetFixedCandidates(s_tasks);
        alone.SetFixedCandidates(s_tasks);
        watched.Observer = new Onlooker();
        int served = 0, idle = 0;
        for (uint call = 0; call < 30; call++)
        {
            using TransitionBatch first = RelabelData.Batch(3, call), second = RelabelData.Batch(3, call);
            float[] expected = alone.Relabel(first).LogPartition.ToArray(),
                found = watched.Relabel(second).LogPartition.ToArray();
            idle += expected.Length == 0 ? 1 : 0;
            served += expected.Length > 0 && idle > 0 ? 1 : 0;
            if (expected.Length > 0)
            {
                Assert.Equal(expected, found);
            }
        }

        Assert.True(served > 1);
    }

    private sealed class Onlooker : IRelabelObserver
    {
        public bool WantsPosterior => false;

        public void OnBlock(in RelabelBlock block)
        {
        }
    }
}
