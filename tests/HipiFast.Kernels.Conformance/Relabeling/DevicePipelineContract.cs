using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Relabeling;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tasks;
using HipiFast.Learning;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Testing;

namespace HipiFast.Kernels.Conformance.Relabeling;

/// <summary>A relabel call through a device's pipeline does what it does on the processor.</summary>
public abstract class DevicePipelineContract
{
    /// <summary>fp32 against fp32 in another order; diagnostics are a few nats.</summary>
    private const double Tolerance = 2e-4;

    private const int Rows = 37;

    public static TheoryData<SoftQEstimator, CandidateSource, PartitionMode, float> Options => new()
    {
        { SoftQEstimator.Critic, CandidateSource.Commanded, PartitionMode.Batch, 1f },
        { SoftQEstimator.Critic, CandidateSource.Both, PartitionMode.Batch, 0.3f },
        { SoftQEstimator.Critic, CandidateSource.Reached, PartitionMode.None, 1f },
        { SoftQEstimator.Critic, CandidateSource.Commanded, PartitionMode.Batch, 0f },
        { SoftQEstimator.SoftCritic, CandidateSource.Both, PartitionMode.Batch, 1f },
        { SoftQEstimator.SoftCritic, CandidateSource.Fixed, PartitionMode.None, 2f },
        { SoftQEstimator.Bellman, CandidateSource.Commanded, PartitionMode.Batch, 1f },
        { SoftQEstimator.Bellman, CandidateSource.Fixed, PartitionMode.Batch, 0f },
    };

    public static TheoryData<string> Families => [.. AllFamilies.Keys];

    protected abstract string Backend { get; }

    private static Dictionary<string, TaskFamily> AllFamilies { get; } = new()
    {
        ["goal"] = RelabelData.GoalFamily,
        ["goal, next state judged"] = TaskFamilies.Goal([2, 0], 0.8f, -2f, 1f, judgeNext: true),
        ["goal and margin"] = TaskFamilies.GoalAndMargin([1]),
        ["discrete"] = TaskFamilies.Discrete([0, 2], [0.1f, 0.4f, -0.3f, 0.2f], 0.7f),
        ["linear"] = TaskFamilies.Linear([1], actionCost: true),
        ["dense"] = TaskFamilies.Dense([0, 1], 0.05f),
        ["a user's own"] = TaskFamily.Create(new RingAtSpeed(), [0.2f, 1.1f]),
    };

    [Theory]
    [MemberData(nameof(Options))]
    public void EveryOptionGivesWhatTheProcessorGives(
        SoftQEstimator estimator, CandidateSource source, PartitionMode partition, float temperature)
    {
        RelabelOptions options = new()
        {
            Estimator = estimator, Candidates = source, Partition = partition, Temperature = temperature,
            RelabelFraction = 0.7f, Seed = 5, Alpha = 0.2f,
        };
        AssertSame(RelabelData.GoalFamily, options);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void EveryFamilyGivesWhatTheProcessorGives(string name)
    {
        foreach (SoftQEstimator estimator in (SoftQEstimator[])[SoftQEstimator.Critic, SoftQEstimator.Bellman])
        {
            AssertSame(AllFamilies[name], new RelabelOptions { Estimator = estimator, RelabelFraction = 1f, Seed = 8 });
        }
    }

    [Fact]
    public void BlocksOfRowsGiveWhatTheWholeGives()
    {
        // 16 rows of 4 x 37 bytes at a time, then one.
        foreach (long budget in (long[])[16 * 4 * Rows, 1])
        {
            foreach (PartitionMode partition in new[] { PartitionMode.Batch, PartitionMode.None })
            {
                AssertSame(
                    RelabelData.GoalFamily,
                    new RelabelOptions
                    {
                        Estimator = SoftQEstimator.Bellman, Partition = partition, MemoryBudget = budget, Seed = 6,
                        RelabelFraction = 1f,
                    });
            }
        }
    }

    [Fact]
    public void RepeatedCallsAndChangedNetworksAreServed()
    {
        using ComputeSession session = Open(Backend), reference = Open(ManagedBackend.FamilyName);
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        RelabelOptions options = new() { Estimator = SoftQEstimator.SoftCritic, RelabelFraction = 0.6f, Seed = 3 };
        using Relabeler device = new(session, RelabelData.GoalFamily, agent, options), host = new(
            reference, RelabelData.GoalFamily, agent, options);
        for (uint call = 0; call < 5; call++)
        {
            if (call == 3)
            {
                agent.Critic1.Bias(1)[0] += 2f;
                agent.Critic1.MarkChanged();
                agent.Actor.Bias(2)[0] += 1f;
                agent.Actor.MarkChanged();
            }

            // The size changes once, too.
            AssertSameCall(device, host, call == 2 ? 21 : Rows, call);
        }
    }

    [Fact]
    public void ChangingNetworksChangesTheResult()
    {
        // Guards the test above: a stale copy on both sides would pass it.
        using ComputeSession session = Open(Backend);
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler relabeler = new(
            session, RelabelData.GoalFamily, agent, new RelabelOptions { ExactTerminalValue = false });
        using TransitionBatch first = RelabelData.Batch(Rows), second = RelabelData.Batch(Rows);
        float before = relabeler.Relabel(first).Diagnostics.LogPartitionMax;
        agent.Critic1.Bias(2)[0] -= 10f;
        agent.Critic1.MarkChanged();
        float after = relabeler.Relabel(second).Diagnostics.LogPartitionMax;
        Assert.True(before - after > 5f, $"The critic fell by 10, logZ from {before} to {after}.");
    }

    [Fact]
    public void PreparingLeavesTheResultAlone()
    {
        using ComputeSession session = Open(Backend);
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using TransitionBatch batch = RelabelData.Batch(Rows);
        IRelabelPipeline pipeline = session.RelabelPipeline;
        int[] first = Run(prepare: false), second = Run(prepare: true);
        Assert.Equal(first, second);
        Assert.Contains(first, index => index >= 0);
        Assert.Contains(-1, first);

        int[] Run(bool prepare)
        {
            int[] index = new int[Rows];
            float[] tasks = batch.Task.ToArray(), reward = new float[Rows];
            RelabelProblem problem = new()
            {
                SoftQ = new SoftQProblem
                {
                    Observation = batch.Observation,
                    Action = batch.Action,
                    NextObservation = batch.NextObservation,
                    Task = batch.Task,
                    Rows = Rows,
                    Candidates = Rows,
                    ObservationDimension = 3,
                    ActionDimension = 2,
                    TaskDimension = 2,
                    Estimator = SoftQEstimator.Critic,
                    Critic1 = agent.Critic1,
                    Family = RelabelData.GoalFamily,
                    Call = 7,
                },
                Commanded = batch.Task,
                HasPartition = false,
                Temperature = 1f,
                RelabelFraction = 0.5f,
                GoalMix = 0f,
                MemoryBudget = 1 << 20,
            };
            if (prepare)
            {
                pipeline.Prepare(problem);
            }

            RelabelOutput output = new()
            {
                NewTask = tasks, TaskIndex = index, Reward = reward, Terminated = new byte[Rows], LogPartition = [],
            };
            RelabelSummary summary = pipeline.Run(problem, output);
            Assert.Equal(-1, summary.BadRow);
            Assert.Equal(-1, summary.UnsampledRow);
            for (int row = 0; row < Rows; row++)
            {
                int from = index[row] < 0 ? row : index[row];
                Assert.Equal(RelabelData.Row(batch.Task, from, 2), RelabelData.Row(tasks, row, 2));
            }

            return index;
        }
    }

    // Against an agent whose own Q~ would choose others.
    [Fact]
    public void AGivenMatrixTakesThePlaceOfTheNetworks()
    {
        using ComputeSession session = Open(Backend), reference = Open(ManagedBackend.FamilyName);
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        RelabelOptions options = new() { RelabelFraction = 1, Temperature = 0, Seed = 3 };
        using Relabeler device = new(session, RelabelData.GoalFamily, agent, options),
            host = new(reference, RelabelData.GoalFamily, agent, options);
        using TransitionBatch first = RelabelData.Batch(Rows), second = RelabelData.Batch(Rows),
            third = RelabelData.Batch(Rows);
        float[] softQ = [.. Enumerable.Range(0, Rows * Rows).Select(i => 3 * MathF.Sin(i * i % 1001))];

        int[] expected = host.RelabelBySoftQ(first, softQ).TaskIndex.ToArray();
        Assert.Equal(expected, device.RelabelBySoftQ(second, softQ).TaskIndex.ToArray());
        Assert.Equal(RelabelData.Contents(first), RelabelData.Contents(second));
        Assert.NotEqual(expected, device.Relabel(third).TaskIndex.ToArray());
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.NegativeInfinity)]
    public void ABrokenCriticIsRefusedInTheSameWords(float bias)
    {
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        agent.Critic1.Bias(2).Fill(bias);
        agent.Critic1.MarkChanged();
        string message = AssertRefusedAlike(agent, new RelabelOptions { Twin = TwinCombination.First });
        Assert.Contains("estimate of transition", message, StringComparison.Ordinal);
    }

    [Fact]
    public void ScoresBeyondTheRangeOfAFloatAreSampledAlike()
    {
        // Q~ is 1e20 everywhere: divided by the temperature it is no float any more, and equal all the same.
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        agent.Critic1.Bias(2).Fill(1e20f);
        agent.Critic1.MarkChanged();
        RelabelOptions options = new()
        {
            Temperature = 1e-20f, Twin = TwinCombination.First, Partition = PartitionMode.None,
            ExactTerminalValue = false, RelabelFraction = 1f,
        };
        using ComputeSession session = Open(Backend), reference = Open(ManagedBackend.FamilyName);
        using Relabeler device = new(session, RelabelData.GoalFamily, agent, options), host = new(
            reference, RelabelData.GoalFamily, agent, options);
        using TransitionBatch found = RelabelData.Batch(9), expected = RelabelData.Batch(9);
        int[] tasks = host.Relabel(expected).TaskIndex.ToArray();
        Assert.Equal(tasks, device.Relabel(found).TaskIndex.ToArray());
        Assert.True(tasks.Distinct().Count() > 1);
    }

    private static ComputeSession Open(string backend) =>
        KernelRegistry.Default.Resolve(backend).CreateSession(default);

    private static string Refusal(Relabeler relabeler)
    {
        using TransitionBatch batch = RelabelData.Batch(9);
        float[] before = RelabelData.Contents(batch);
        string message = string.Empty;
        try
        {
            relabeler.Relabel(batch);
        }
        catch (InvalidDataException refusal)
        {
            message = refusal.Message;
        }

        Assert.Equal(before, RelabelData.Contents(batch));
        return message;
    }

    private string AssertRefusedAlike(AgentNetworks agent, RelabelOptions options)
    {
        options = options with { RelabelFraction = 1f };
        using ComputeSession session = Open(Backend), reference = Open(ManagedBackend.FamilyName);
        using Relabeler device = new(session, RelabelData.GoalFamily, agent, options), host = new(
            reference, RelabelData.GoalFamily, agent, options);
        string expected = Refusal(host);
        Assert.Equal(expected, Refusal(device));
        return expected;
    }

    private void AssertSame(TaskFamily family, RelabelOptions options)
    {
        using ComputeSession session = Open(Backend), reference = Open(ManagedBackend.FamilyName);
        Assert.NotSame(session.RelabelPipeline, reference.RelabelPipeline);
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape, hidden: 20);
        using Relabeler device = new(session, family, agent, options), host = new(reference, family, agent, options);
        if (options.Candidates == CandidateSource.Fixed)
        {
            // The first row's commanded task twice, and one that is forbidden.
            using TransitionBatch batch = RelabelData.Batch(1);
            float[] tasks = [.. batch.Task, 0.1f, 0.2f, .. batch.Task, -0.5f, 0.9f, 0.7f, 0.7f];
            float[] logPrior = [0.5f, -1f, 0.25f, 0f, float.NegativeInfinity];
            device.SetFixedCandidates(tasks, logPrior);
            host.SetFixedCandidates(tasks, logPrior);
        }

        AssertSameCall(device, host, Rows, 0);
    }

    private static void AssertSameCall(Relabeler device, Relabeler host, int rows, uint stream)
    {
        using TransitionBatch found = RelabelData.Batch(rows, stream), expected = RelabelData.Batch(rows, stream);
        RelabelResult right = host.Relabel(expected), result = device.Relabel(found);
        Assert.Equal(right.TaskIndex.ToArray(), result.TaskIndex.ToArray());
        Assert.Equal(right.Relabeled.ToArray(), result.Relabeled.ToArray());
        Assert.Equal(right.Candidates.ToArray(), result.Candidates.ToArray());
        Assert.Equal(expected.Task.ToArray(), found.Task.ToArray());
        Assert.Equal(expected.Terminated.ToArray(), found.Terminated.ToArray());
        AssertClose(expected.Reward, found.Reward);
        AssertClose(right.LogPartition, result.LogPartition);
        RelabelDiagnostics a = right.Diagnostics, b = result.Diagnostics;
        AssertClose(
            [
                a.PosteriorEntropy, a.EffectiveTasks, a.CommandedIsMode, a.LogPartitionMin, a.LogPartitionMax,
                a.KlFromCommanded, a.RelabeledShare, a.TerminatedShare,
            ],
            [
                b.PosteriorEntropy, b.EffectiveTasks, b.CommandedIsMode, b.LogPartitionMin, b.LogPartitionMax,
                b.KlFromCommanded, b.RelabeledShare, b.TerminatedShare,
            ]);
    }

    private static void AssertClose(ReadOnlySpan<float> expected, ReadOnlySpan<float> found)
    {
        Assert.Equal(expected.Length, found.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            bool close = float.IsFinite(expected[i])
                ? Math.Abs(expected[i] - found[i]) <= Tolerance * Math.Max(1, Math.Abs(expected[i]))
                : expected[i].Equals(found[i]);
            Assert.True(close, $"Entry {i}: expected {expected[i]:R}, found {found[i]:R}.");
        }
    }
}
