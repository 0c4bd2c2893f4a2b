using HipiFast.Kernels.Backends;
using HipiFast.Kernels.LogPartition;
using HipiFast.Learning;
using HipiFast.Relabeling;
using HipiFast.Replay;

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
        using Relabeler relabeler = new(session, RelabelData.GoalFamily, agent, Options with { MemoryBudget = memoryBudget });
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

    // Critics' values may fall by hundreds while an agent learns; the sums of the first batches must neither overflow nor keep the later ones out.
    [Theory]
    [InlineData(-300f)]
    [InlineData(300f)]
    public void ValuesMayMoveFarFromThoseOfEarlierBatches(float later)
    {
        const int rows = 4;
        ILogPartitionKernel kernel = KernelRegistry.Default.Resolve("managed").CreateSession(new SessionOptions(1)).LogPartition;
        using RunningPartition partition = new(Decay);
        float[] max = new float[1], sum = new float[1], logPartition = new float[1], softQ = new float[rows];
        double expected = double.NegativeInfinity, weight = 0;
        for (int call = 0; call < 1500; call++)
        {
            softQ.AsSpan().Fill(call == 0 ? 0 : later);
            partition.Begin(max, sum);
            kernel.Accumulate(softQ, rows, 1, max, sum);
            partition.Finish(kernel, max, sum, rows, logPartition);
            partition.Commit(max, sum, rows);
            double faded = expected + Math.Log(Decay), batch = softQ[0] + Math.Log(rows), larger = Math.Max(faded, batch);
            expected = larger + Math.Log(Math.Exp(faded - larger) + Math.Exp(batch - larger));
            weight = (Decay * weight) + rows;
            // While nothing but the first batch is in the sums, each call rounds them once.
            Assert.Equal(expected - Math.Log(weight), logPartition[0], 1e-2);
        }
    }

    [Fact]
    public void WithoutMemoryItIsTheBatchsOwn()
    {
        using ComputeSession session = FunctionSession.Create(RelabelData.SmoothQ);
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler running = new(session, RelabelData.GoalFamily, agent, Options with { PartitionDecay = 0 });
        using Relabeler plain = new(session, RelabelData.GoalFamily, agent, Options with { Partition = PartitionMode.Batch });
        running.SetFixedCandidates(s_tasks);
        plain.SetFixedCandidates(s_tasks);
        for (uint call = 0; call < 3; call++)
        {
            using TransitionBatch first = RelabelData.Batch(25, stream: call), second = RelabelData.Batch(25, stream: call);
            float[] found = running.Relabel(first).LogPartition.ToArray(), expected = plain.Relabel(second).LogPartition.ToArray();
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
        using TransitionBatch first = RelabelData.Batch(20), bad = RelabelData.Batch(20, stream: 1), second = RelabelData.Batch(20, stream: 2);
        using TransitionBatch otherFirst = RelabelData.Batch(20), otherSecond = RelabelData.Batch(20, stream: 2);
        relabeler.Relabel(first);
        bad.Reward.Clear();
        bad.Observation[7] = float.NaN;
        Assert.Throws<InvalidDataException>(() => relabeler.Relabel(bad));
        other.Relabel(otherFirst);
        Assert.Equal(other.Relabel(otherSecond).LogPartition.ToArray(), relabeler.Relabel(second).LogPartition.ToArray());
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
        Assert.Equal(other.Relabel(otherSecond).LogPartition.ToArray(), relabeler.Relabel(second).LogPartition.ToArray());
    }

    [Fact]
    public void WhereTasksDifferFromBatchToBatchItIsRefused()
    {
        Assert.Contains("Partition", Assert.Throws<ArgumentException>((Options with { Candidates = CandidateSource.Both }).Validate).Message);
        Assert.Contains("Partition", Assert.Throws<ArgumentException>((Options with { Assignment = Assignment.Task }).Validate).Message);
        Assert.Contains("PartitionDecay", Assert.Throws<ArgumentException>((Options with { PartitionDecay = 1 }).Validate).Message);
        using ComputeSession session = FunctionSession.Create(RelabelData.SmoothQ);
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler relabeler = new(session, RelabelData.GoalFamily, agent, Options);
        using TransitionBatch batch = RelabelData.Batch(5);
        Assert.Contains("given with a call", Assert.Throws<ArgumentException>(() => relabeler.Relabel(batch, s_tasks)).Message);
        Assert.Contains("trajectories", Assert.Throws<ArgumentException>(() => relabeler.RelabelTrajectories(batch, new long[5])).Message);
    }
}
