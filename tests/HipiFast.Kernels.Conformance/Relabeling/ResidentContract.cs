using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Devices;
using HipiFast.Kernels.Devices.Replay;
using HipiFast.Kernels.Relabeling;
using HipiFast.Kernels.Replay;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tasks;
using HipiFast.Learning;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Testing;

namespace HipiFast.Kernels.Conformance.Relabeling;

/// <summary>
/// A relabel call on a batch that lies on the device does, bit for bit, what it does on the same batch of the host,
/// which <see cref="DevicePipelineContract"/> compares with the processor.
/// </summary>
public abstract class ResidentContract
{
    private const int Rows = 37;

    public static TheoryData<SoftQEstimator, CandidateSource, ReachedState, PartitionMode, float, float> Options =>
        new()
    {
        { SoftQEstimator.Critic, CandidateSource.Commanded, ReachedState.Next, PartitionMode.Batch, 1f, 0f },
        { SoftQEstimator.Critic, CandidateSource.Both, ReachedState.Next, PartitionMode.Batch, 0.3f, 0.4f },
        { SoftQEstimator.Critic, CandidateSource.Reached, ReachedState.Current, PartitionMode.None, 1f, 0f },
        { SoftQEstimator.SoftCritic, CandidateSource.Both, ReachedState.Current, PartitionMode.Batch, 0f, 0f },
        { SoftQEstimator.SoftCritic, CandidateSource.Fixed, ReachedState.Next, PartitionMode.None, 2f, 0.4f },
        { SoftQEstimator.Bellman, CandidateSource.Reached, ReachedState.Next, PartitionMode.Batch, 1f, 1f },
        { SoftQEstimator.Bellman, CandidateSource.Fixed, ReachedState.Next, PartitionMode.Batch, 0f, 0f },
    };

    public static TheoryData<string> Families => [.. AllFamilies.Keys];

    protected abstract string Backend { get; }

    /// <summary>A further session, with a device memory of its own.</summary>
    protected virtual ComputeSession CreateOther() => KernelRegistry.Default.Resolve(Backend).CreateSession(default);

    private static Dictionary<string, (TaskFamily Family, CandidateSource Candidates)> AllFamilies { get; } = new()
    {
        ["goal, next state judged"] = (TaskFamilies.Goal([2, 0], 0.8f, -2f, 1f, judgeNext: true), CandidateSource.Both),
        ["goal and margin"] = (TaskFamilies.GoalAndMargin([1]), CandidateSource.Both),
        ["discrete"] = (TaskFamilies.Discrete([0, 2], [0.1f, 0.4f, -0.3f, 0.2f], 0.7f), CandidateSource.Commanded),
        ["linear"] = (TaskFamilies.Linear([1], actionCost: true), CandidateSource.Commanded),
        ["dense"] = (TaskFamilies.Dense([0, 1], 0.05f), CandidateSource.Reached),
        ["a user's own"] = (TaskFamily.Create(new RingAtSpeed(), [0.2f, 1.1f]), CandidateSource.Commanded),
    };

    [Theory]
    [MemberData(nameof(Options))]
    public void EveryOptionGivesWhatItGivesOnTheHost(
        SoftQEstimator estimator, CandidateSource source, ReachedState reached, PartitionMode partition,
        float temperature, float goalMix) =>
        AssertSame(
            RelabelData.GoalFamily,
            new RelabelOptions
            {
                Estimator = estimator, Candidates = source, ReachedState = reached, Partition = partition,
                Temperature = temperature,
                GoalMix = goalMix, GoalMixStrategy = goalMix < 1f ? RelabelStrategy.Future : RelabelStrategy.Final,
                RelabelFraction = 0.7f, Seed = 5, Alpha = 0.2f,
            },
            Rows);

    [Theory]
    [MemberData(nameof(Families))]
    public void EveryFamilyGivesWhatItGivesOnTheHost(string name)
    {
        (TaskFamily family, CandidateSource candidates) = AllFamilies[name];
        AssertSame(family, new RelabelOptions { Candidates = candidates, RelabelFraction = 0.9f, Seed = 8 }, Rows);
    }

    [Theory]
    [InlineData(1, 1L << 30)]
    [InlineData(2, 1L << 30)]
    [InlineData(64, 1L << 30)]
    [InlineData(65, 1L << 30)]
    [InlineData(65, 64 * 2 * 65 * 4)]
    [InlineData(5, 1)]
    public void RaggedSizesAndBlocksOfRowsAreServed(int rows, long budget)
    {
        foreach (PartitionMode partition in (PartitionMode[])[PartitionMode.Batch, PartitionMode.None])
        {
            AssertSame(
                RelabelData.GoalFamily,
                new RelabelOptions
                {
                    Candidates = CandidateSource.Both, Partition = partition, MemoryBudget = budget, Seed = 6,
                    RelabelFraction = 0.8f,
                },
                rows);
        }
    }

    [Fact]
    public void GivenCandidatesAndTheirPriorAreServed()
    {
        using Comparison comparison = new(Backend, RelabelData.GoalFamily, new RelabelOptions { RelabelFraction = 1f });
        using TransitionBatch expected = new(RelabelData.Shape, Rows);
        float[] tasks = [0.1f, 0.2f, -0.4f, 0.9f, 0.5f, 0.5f], logPrior = [0.5f, float.NegativeInfinity, -0.2f];
        ResidentTransitionBatch batch = comparison.Sample(expected);
        int[] right = comparison.Host.Relabel(expected, tasks, null, logPrior).TaskIndex.ToArray();
        RelabelResult result = comparison.Device.Relabel(batch, tasks, null, logPrior);
        Assert.Equal(right, result.TaskIndex.ToArray());
        Assert.Equal(tasks, result.Candidates.ToArray());
        Assert.DoesNotContain(1, right);
        comparison.AssertEqual(expected, batch);
    }

    [Fact]
    public void RepeatedCallsOtherSizesAndChangedNetworksAreServed()
    {
        using Comparison comparison = new(
            Backend, RelabelData.GoalFamily,
            new RelabelOptions { Candidates = CandidateSource.Both, RelabelFraction = 0.6f });
        foreach (int rows in (int[])[Rows, Rows, 21, 64, 64, Rows])
        {
            comparison.Agent.Critic1.Bias(1)[0] += 0.5f;
            comparison.Agent.Critic1.MarkChanged();
            comparison.AssertSameCall(rows);
        }
    }

    [Fact]
    public void NothingIsRelabeledAtAFractionOfZeroButAllIsJudged()
    {
        using Comparison comparison = new(Backend, RelabelData.GoalFamily, new RelabelOptions { RelabelFraction = 0f });
        comparison.AssertSameCall(Rows);
    }

    [Fact]
    public void ARehearsalLeavesTheBatchAlone()
    {
        using Comparison comparison = new(Backend, RelabelData.GoalFamily, new RelabelOptions());
        using TransitionBatch before = new(RelabelData.Shape, Rows);
        ResidentTransitionBatch batch = comparison.Sample(before);
        comparison.Session.RelabelPipeline.Prepare(new RelabelProblem
        {
            SoftQ = new SoftQProblem
            {
                Observation = default,
                Action = default,
                Task = default,
                Rows = Rows,
                Candidates = Rows,
                ObservationDimension = 3,
                ActionDimension = 2,
                TaskDimension = 2,
                Estimator = SoftQEstimator.Critic,
                Critic1 = comparison.Agent.Critic1,
                Family = RelabelData.GoalFamily,
            },
            Commanded = default,
            Resident = new ResidentBatch(batch.Transitions!, ResidentCandidates.Commanded),
            HasPartition = true,
            Temperature = 1f,
            RelabelFraction = 1f,
            GoalMix = 0f,
            MemoryBudget = 1 << 20,
        });
        comparison.AssertEqual(before, batch);
    }

    [Fact]
    public void ARefusedCallLeavesTheBatchAloneInTheSameWords()
    {
        using Comparison comparison = new(
            Backend, RelabelData.GoalFamily, new RelabelOptions { Twin = TwinCombination.First, RelabelFraction = 1f });
        comparison.Agent.Critic1.Bias(2).Fill(float.NaN);
        comparison.Agent.Critic1.MarkChanged();
        Assert.Contains("estimate of transition", comparison.AssertRefusedAlike(Rows), StringComparison.Ordinal);
    }

    [Fact]
    public void ARewardThatOverflowsIsRefusedInTheSameWords()
    {
        // The square of the distance to the goal is infinite, Q~ is not.
        using Comparison comparison = new(
            Backend, TaskFamilies.Dense([0, 1]),
            new RelabelOptions { RelabelFraction = 0.5f, ExactTerminalValue = false, Partition = PartitionMode.None },
            scale: 5e19f);
        Assert.Contains(
            "The recomputed reward of transition ", comparison.AssertRefusedAlike(Rows), StringComparison.Ordinal);
    }

    [Fact]
    public void WhatADeviceCannotServeIsOneSentence()
    {
        using Comparison comparison = new(Backend, RelabelData.GoalFamily, new RelabelOptions());
        using TransitionBatch host = new(RelabelData.Shape, 5);
        ResidentTransitionBatch batch = comparison.Sample(host);
        DeviceBatch transitions = (DeviceBatch)batch.Transitions!;
        Refused(
            "relabeled by inverse RL by row", comparison.Session,
            new RelabelOptions { Strategy = RelabelStrategy.Random }, batch);
        Refused(
            "relabeled by inverse RL by row", comparison.Session, new RelabelOptions { Assignment = Assignment.Task },
            batch);
        Refused(
            "kept across batches", comparison.Session,
            new RelabelOptions { Candidates = CandidateSource.Fixed, Partition = PartitionMode.Running }, batch);
        Refused("none was given", comparison.Session, new RelabelOptions { GoalMix = 1f, RelabelFraction = 1f }, batch);
        Refused("none were set", comparison.Session, new RelabelOptions { Candidates = CandidateSource.Fixed }, batch);
        Refused(
            "Expected 5 entries for terminations on the device; found 4", comparison.Session, new RelabelOptions(),
            new ResidentTransitionBatch(
                batch.Memory, batch.Shape, transitions with { Terminated = transitions.Terminated.Slice(0, 4) }));
        using ComputeSession managed = KernelRegistry.Default.Resolve(ManagedBackend.FamilyName).CreateSession(
            default);
        Refused("computes on the processor", managed, new RelabelOptions(), batch);
        using ComputeSession other = CreateOther();
        Refused("memory of another session", other, new RelabelOptions(), batch);
        comparison.AssertEqual(host, batch);
    }

    private static void Refused(string expected, ComputeSession session, RelabelOptions options, ITransitionBatch batch)
    {
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler relabeler = new(session, RelabelData.GoalFamily, agent, options);
        Assert.Contains(expected, Assert.Throws<ArgumentException>(
            () => { relabeler.Relabel(batch); }).Message, StringComparison.Ordinal);
    }

    private void AssertSame(TaskFamily family, RelabelOptions options, int rows)
    {
        using Comparison comparison = new(Backend, family, options);
        if (options.Candidates == CandidateSource.Fixed)
        {
            float[] tasks = [0.3f, -0.3f, 0.1f, 0.2f, -0.5f, 0.9f, 0.7f, 0.7f],
                logPrior = [0.5f, -1f, 0f, float.NegativeInfinity];
            comparison.Host.SetFixedCandidates(tasks, logPrior);
            comparison.Device.SetFixedCandidates(tasks, logPrior);
        }

        comparison.AssertSameCall(rows);
        comparison.AssertSameCall(rows);
    }

    /// <summary>The same transitions on the host and on the device, and a relabeler for each, on one session.</summary>
    private sealed class Comparison : IDisposable
    {
        private readonly ReplayBuffer _replay;
        private readonly ResidentReplay _resident;
        private ResidentTransitionBatch? _batch;
        private uint _call;

        public Comparison(string backend, TaskFamily family, RelabelOptions options, float scale = 1f)
        {
            TransitionShape shape = RelabelData.Shape with { TaskDimension = family.TaskDimension };
            Session = KernelRegistry.Default.Resolve(backend).CreateSession(default);
            Agent = RelabelData.Agent(shape, hidden: 20);
            Host = new Relabeler(Session, family, Agent, options);
            Device = new Relabeler(Session, family, Agent, options);
            _replay = new ReplayBuffer(shape, 90);

            // Several episodes, the first of which is overwritten in part.
            for (uint episode = 0; episode < 5; episode++)
            {
                using TransitionBatch data = RelabelData.Batch(23, episode, shape);
                data.Terminated.Clear();
                foreach (ref float entry in data.Observation)
                {
                    entry *= scale;
                }

                _replay.AppendEpisode(data);
            }

            _resident = new ResidentReplay(Session.Transitions!, _replay);
        }

        public ComputeSession Session { get; }

        public AgentNetworks Agent { get; }

        public Relabeler Host { get; }

        public Relabeler Device { get; }

        public ResidentTransitionBatch Sample(TransitionBatch host)
        {
            _replay.Sample(host, host.Capacity, 3, _call);
            _batch?.Dispose();
            _batch = (ResidentTransitionBatch)_resident.CreateBatch(host.Capacity);
            _resident.Sample(_batch, host.Capacity, 3, _call++);
            return _batch;
        }

        public void AssertSameCall(int rows)
        {
            using TransitionBatch expected = new(_replay.Shape, rows);
            ResidentTransitionBatch batch = Sample(expected);
            RelabelResult right = Host.Relabel(expected, _replay);
            int[] rightIndex = right.TaskIndex.ToArray();
            byte[] rightRelabeled = right.Relabeled.ToArray();
            float[] rightPartition = right.LogPartition.ToArray();
            RelabelDiagnostics rightDiagnostics = right.Diagnostics;
            bool infers = !right.Candidates.IsEmpty;
            RelabelResult result = Device.Relabel(batch, _replay);
            Assert.Equal(rightIndex, result.TaskIndex.ToArray());
            Assert.Equal(rightRelabeled, result.Relabeled.ToArray());
            Assert.Equal(rightPartition, result.LogPartition.ToArray());
            Assert.Equal(rightDiagnostics, result.Diagnostics);
            Assert.Equal(infers && Host.Options.Candidates == CandidateSource.Fixed, !result.Candidates.IsEmpty);
            Assert.Equal(Host.Call, Device.Call);
            AssertEqual(expected, batch);
        }

        public string AssertRefusedAlike(int rows)
        {
            using TransitionBatch expected = new(_replay.Shape, rows);
            ResidentTransitionBatch batch = Sample(expected);
            string message = Assert.Throws<InvalidDataException>(() => { Host.Relabel(expected, _replay); }).Message;
            Assert.Equal(
                message, Assert.Throws<InvalidDataException>(() => { Device.Relabel(batch, _replay); }).Message);
            AssertEqual(expected, batch);
            return message;
        }

        public void AssertEqual(TransitionBatch expected, ITransitionBatch batch) =>
            Assert.Equal(RelabelData.Contents(expected), RelabelData.Contents(batch.ToHost()));

        public void Dispose()
        {
            _batch?.Dispose();
            _resident.Dispose();
            Host.Dispose();
            Device.Dispose();
            Agent.Dispose();
            Session.Dispose();
        }
    }
}
