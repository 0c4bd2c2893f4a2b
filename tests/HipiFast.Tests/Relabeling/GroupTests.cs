using HipiFast.Benchmarking.Oracles;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.TaskSampling;
using HipiFast.Learning;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Storage;
using HipiFast.Testing;
using HipiFast.Tests.Replay;

namespace HipiFast.Tests.Relabeling;

/// <summary>Rows relabeled in groups, and labels that serve several draws.</summary>
public sealed class GroupTests
{
    private const int Rows = 50;

    private static readonly RelabelOptions s_options = new()
    {
        Candidates = CandidateSource.Both, RelabelFraction = 0.7f, GroupRows = 8, Seed = 3,
        ExactTerminalValue = false,
    };

    [Theory]
    [InlineData(CandidateSource.Both, PartitionMode.Batch, 1f, 0)]
    [InlineData(CandidateSource.Both, PartitionMode.Batch, 2f, 5)]
    [InlineData(CandidateSource.Commanded, PartitionMode.Batch, 0.5f, 0)]
    [InlineData(CandidateSource.Reached, PartitionMode.None, 1f, 3)]
    [InlineData(CandidateSource.Fixed, PartitionMode.Batch, 1f, 0)]
    [InlineData(CandidateSource.Fixed, PartitionMode.Running, 1f, 0)]
    [InlineData(null, PartitionMode.Batch, 1f, 0)]
    public void EveryGroupIsABatchOfItsOwn(
        CandidateSource? source, PartitionMode partition, float temperature, int most)
    {
        // Null: tasks given with the call. Those and fixed ones are the candidates of all rows that are served.
        float[][] set = [[0.5f, 0.5f], [-0.5f, 0.25f], [0, 0]];
        float[] logPrior = [0, -1, 0.5f];
        bool isSet = source is null or CandidateSource.Fixed;
        RelabelOptions options = s_options with
        {
            Candidates = source ?? CandidateSource.Both, Partition = partition, Temperature = temperature,
            GroupCandidates = most,
        };
        using ComputeSession session = FunctionSession.Create(RelabelData.SmoothQ);
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler relabeler = new(session, RelabelData.GoalFamily, agent, options) { Call = 7 };
        using TransitionBatch batch = RelabelData.Batch(Rows), original = RelabelData.Batch(Rows);
        relabeler.SetFixedCandidates([.. set.SelectMany(task => task)], logPrior);
        RelabelResult result = source is null
            ? relabeler.Relabel(batch, [.. set.SelectMany(task => task)], logPrior: logPrior)
            : relabeler.Relabel(batch);

        byte[] relabeled = result.Relabeled.ToArray();
        float[] tasks = result.Candidates.ToArray();
        int[] served = [.. Enumerable.Range(0, Rows).Where(row => relabeled[row] != 0)];
        Assert.InRange(served.Length, 25, 45);
        int firstCandidate = 0;
        double entropy = 0;
        int groupRows = isSet ? served.Length : options.GroupRows;
        for (int first = 0; first < served.Length; first += groupRows)
        {
            int[] rows = [.. served.Skip(first).Take(groupRows)];
            float[][] own = isSet ? set :
            [
                .. source == CandidateSource.Reached ? [] : rows.Select(row => RelabelData.Row(original.Task, row, 2)),
                .. source == CandidateSource.Commanded
                    ? []
                    : rows.Select(row => RelabelData.Row(original.NextObservation, row, 3)[..2]),
            ];
            int count = most == 0 ? own.Length : Math.Min(most, own.Length);
            float[][] candidates = [.. tasks.Chunk(2).Skip(firstCandidate).Take(count)];
            if (count == own.Length)
            {
                Assert.Equal(own, candidates);
            }
            else
            {
                int[] drawn = [.. candidates.Select(task => Array.FindIndex(own, task.SequenceEqual))];
                Assert.DoesNotContain(-1, drawn);
                Assert.Equal(count, drawn.Distinct().Count());
            }

            float[] softQ = SoftQ(original, rows, candidates);
            float[] logPartition = [];
            if (partition != PartitionMode.None)
            {
                logPartition = result.LogPartition.Slice(firstCandidate, count).ToArray();
                double[] expected = LogPartitionOracle.Compute(softQ, rows.Length, count);
                Assert.All(Enumerable.Range(0, count), i => Assert.Equal(expected[i], logPartition[i], 1e-4));
            }

            TaskPosterior posterior = new()
            {
                SoftQ = softQ, Rows = rows.Length, Candidates = count, LogPartition = logPartition,
                LogPrior = isSet ? logPrior : [], Temperature = temperature, Seed = options.Seed, Call = 7,
                FirstRow = (uint)first,
            };
            for (int i = 0; i < rows.Length; i++)
            {
                Choice choice = TaskSamplingOracle.SampleTask(posterior, i);
                Assert.True(choice.Margin > 1e-4, "A draw that is all but a tie shows nothing; take another seed.");
                Assert.Equal(firstCandidate + choice.Index, result.TaskIndex[rows[i]]);
                Assert.Equal(candidates[choice.Index], RelabelData.Row(batch.Task, rows[i], 2));
                entropy += TaskSamplingOracle.Statistics(posterior, i).Entropy;
            }

            firstCandidate += count;
        }

        Assert.Equal(firstCandidate * 2, result.Candidates.Length);
        Assert.Equal(entropy / served.Length, result.Diagnostics.PosteriorEntropy, 1e-4);
        for (int row = 0; row < Rows; row++)
        {
            if (!served.Contains(row))
            {
                Assert.Equal(-1, result.TaskIndex[row]);
                Assert.Equal(RelabelData.Row(original.Task, row, 2), RelabelData.Row(batch.Task, row, 2));
            }
        }

        RelabelData.AssertJudged(RelabelData.GoalFamily, batch);
    }

    [Fact]
    public void OneGroupOfAllRowsIsTheWholeBatch()
    {
        using ComputeSession session = FunctionSession.Create(RelabelData.SmoothQ);
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        RelabelOptions options = s_options with { RelabelFraction = 1 };
        using Relabeler groups = new(session, RelabelData.GoalFamily, agent, options with { GroupRows = Rows }),
            whole = new(session, RelabelData.GoalFamily, agent, options with { GroupRows = 0 });
        using TransitionBatch grouped = RelabelData.Batch(Rows), undivided = RelabelData.Batch(Rows);
        for (int call = 0; call < 3; call++)
        {
            RelabelResult result = groups.Relabel(grouped), expected = whole.Relabel(undivided);
            Assert.Equal(expected.TaskIndex.ToArray(), result.TaskIndex.ToArray());
            Assert.Equal(expected.LogPartition.ToArray(), result.LogPartition.ToArray());
            Assert.Equal(expected.Candidates.ToArray(), result.Candidates.ToArray());
            Assert.Equal(expected.Diagnostics, result.Diagnostics);
            Assert.Equal(RelabelData.Contents(undivided), RelabelData.Contents(grouped));
        }
    }

    [Fact]
    public void CandidatesOfAGroupAreDrawnUniformlyWithoutReplacement()
    {
        const int Calls = 3000, Own = 12, Drawn = 3;
        RelabelOptions options = s_options with { RelabelFraction = 1, GroupRows = 6, GroupCandidates = Drawn };
        using ComputeSession session = FunctionSession.Create(RelabelData.SmoothQ);
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler relabeler = new(session, RelabelData.GoalFamily, agent, options);
        using TransitionBatch batch = RelabelData.Batch(6), original = RelabelData.Batch(6);
        float[][] own =
        [
            .. Enumerable.Range(0, 6).Select(row => RelabelData.Row(original.Task, row, 2)),
            .. Enumerable.Range(0, 6).Select(row => RelabelData.Row(original.NextObservation, row, 3)[..2]),
        ];
        int[,] counts = new int[Drawn, Own];
        for (int call = 0; call < Calls; call++)
        {
            original.Task.CopyTo(batch.Task);
            RelabelResult result = relabeler.Relabel(batch);
            int[] drawn = new int[Drawn];
            for (int i = 0; i < Drawn; i++)
            {
                float[] task = RelabelData.Row(result.Candidates, i, 2);
                drawn[i] = Array.FindIndex(own, task.SequenceEqual);
                counts[i, drawn[i]]++;
            }

            Assert.Equal(Drawn, drawn.Distinct().Count());
        }

        // 250 each with a standard deviation of 15.
        Assert.All(counts.Cast<int>(), count => Assert.InRange(count, 175, 325));
    }

    [Fact]
    public void ALabelServesSoManyDrawsThenAnotherIsInferred()
    {
        using LabelWorld world = new(draws: 3);

        // Draw after draw of the same ten transitions: inferred, recalled twice, inferred, ...
        float[] label = [];
        for (int call = 0; call < 9; call++)
        {
            RelabelResult result = world.Draw(call);
            bool isInferred = call % 3 == 0;
            Assert.Equal(LabelWorld.Count, result.Relabeled.ToArray().Sum(flag => flag));
            Assert.All(result.TaskIndex.ToArray(), index => Assert.Equal(isInferred, index >= 0));
            Assert.Equal(isInferred, !result.Candidates.IsEmpty);
            Assert.Equal(isInferred, float.IsFinite(result.Diagnostics.PosteriorEntropy));
            float[] tasks = world.Batch.Task.ToArray();
            if (call > 0)
            {
                Assert.Equal(!isInferred, tasks.SequenceEqual(label));
            }

            label = tasks;
            RelabelData.AssertJudged(RelabelData.GoalFamily, world.Batch);
        }
    }

    [Fact]
    public void ALabelIsOfItsTransitionNotOfItsPlaceInTheRing()
    {
        using LabelWorld world = new(draws: 100);
        world.Draw(0);

        // The ring's next round: other transitions lie where labelled ones lay.
        world.Append(LabelWorld.Capacity);
        Assert.All(world.Draw(1).TaskIndex.ToArray(), index => Assert.True(index >= 0));
    }

    [Fact]
    public void ACallThatFailsUsesNoLabelUp()
    {
        using LabelWorld world = new(draws: 2);
        world.Draw(0);
        float[] label = world.Batch.Task.ToArray();
        world.Load();
        world.Batch.ReplayIndex[LabelWorld.Count - 1] = 1000;
        Assert.Throws<ArgumentException>(() => { world.Relabeler.Relabel(world.Batch, world.Replay); });
        world.Load();
        world.Batch.NextObservation[1] = float.NaN;
        Assert.Throws<InvalidDataException>(() => { world.Relabeler.Relabel(world.Batch, world.Replay); });

        Assert.All(world.Draw(1).TaskIndex.ToArray(), index => Assert.Equal(-1, index));
        Assert.Equal(label, world.Batch.Task.ToArray());
        Assert.All(world.Draw(2).TaskIndex.ToArray(), index => Assert.True(index >= 0));
    }

    [Fact]
    public void LabelsComeBackFromACheckpoint()
    {
        using TemporaryDirectory directory = new();
        string path = directory["labels.safetensors"];
        using LabelWorld world = new(draws: 3), restored = new(draws: 3);
        world.Draw(0);
        SafetensorsWriter writer = new();
        world.Relabeler.SaveState(writer, "relabeler.");
        writer.Save(path);
        using (SafetensorsFile file = SafetensorsFile.Open(path))
        {
            restored.Relabeler.LoadState(file, "relabeler.", restored.Replay);
            restored.Relabeler.Call = world.Relabeler.Call;
        }

        for (int call = 1; call < 5; call++)
        {
            int[] expected = world.Draw(call).TaskIndex.ToArray();
            Assert.Equal(expected, restored.Draw(call).TaskIndex.ToArray());
            Assert.Equal(world.Batch.Task.ToArray(), restored.Batch.Task.ToArray());
        }

        // More draws left than a label ever has.
        using LabelWorld fewer = new(draws: 2);
        using SafetensorsFile same = SafetensorsFile.Open(path);
        string message = Assert.Throws<InvalidDataException>(
            () => fewer.Relabeler.LoadState(same, "relabeler.", fewer.Replay)).Message;
        Assert.Contains("relabeler.labels.left", message);
    }

    [Fact]
    public void ACheckpointTakesThePlaceOfLaterLabels()
    {
        using TemporaryDirectory directory = new();
        string path = directory["labels.safetensors"];
        using LabelWorld world = new(draws: 100);
        SafetensorsWriter writer = new();
        world.Relabeler.SaveState(writer, "relabeler.");
        writer.Save(path);
        world.Draw(0);
        using SafetensorsFile file = SafetensorsFile.Open(path);
        world.Relabeler.LoadState(file, "relabeler.", world.Replay);
        Assert.All(world.Draw(1).TaskIndex.ToArray(), index => Assert.True(index >= 0));
    }

    [Fact]
    public void LabelsAreOfOneReplayBuffer()
    {
        using LabelWorld world = new(draws: 100);
        world.Draw(0);
        using ReplayBuffer other = world.Copy();
        world.Load();
        Assert.All(
            world.Relabeler.Relabel(world.Batch, other).TaskIndex.ToArray(), index => Assert.True(index >= 0));
    }

    [Fact]
    public void AnotherSetOfTasksLeavesNoLabel()
    {
        using LabelWorld world = new(draws: 100, CandidateSource.Fixed);
        world.Relabeler.SetFixedCandidates([0.5f, 0.5f, -0.5f, 0.25f]);
        world.Draw(0);
        world.Relabeler.SetFixedCandidates([0.75f, 0.75f]);
        Assert.All(world.Draw(1).TaskIndex.ToArray(), index => Assert.Equal(0, index));
    }

    [Theory]
    [InlineData(CandidateSource.Both)]
    [InlineData(CandidateSource.Fixed)]
    public void ACallThatServesMoreRowsThanAnyBeforeAllocatesNothing(CandidateSource source)
    {
        // Every buffer that grew would be of 8 KB and more; what the runtime books to a thread now and then is less.
        const int Count = 4000, Calls = 60, Noise = 8000;
        using ComputeSession session = FunctionSession.Create(RelabelData.SmoothQ);
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler relabeler = new(
            session, RelabelData.GoalFamily, agent,
            s_options with { Candidates = source, GroupRows = 2, RelabelFraction = 0.5f });
        relabeler.SetFixedCandidates([0.5f, 0.5f]);
        using TransitionBatch batch = RelabelData.Batch(Count);
        int most = relabeler.Relabel(batch).TaskIndex.ToArray().Count(index => index >= 0), grew = 0;
        for (int call = 0; call < Calls; call++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            ReadOnlySpan<int> taskIndex = relabeler.Relabel(batch).TaskIndex;
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, Noise);
            int served = taskIndex.Length - taskIndex.Count(-1);
            grew += served > most ? 1 : 0;
            most = Math.Max(most, served);
        }

        Assert.True(grew > 1);
    }

    [Fact]
    public void GroupsAndLabelsAllocateNothing()
    {
        using LabelWorld world = new(draws: 2);
        SteadyState.AssertAllocatesNothing(() =>
        {
            world.Load();
            world.Relabeler.Relabel(world.Batch, world.Replay);
        });
    }

    [Fact]
    public void WhatGroupsCannotDoIsRefused()
    {
        Assert.Contains(
            nameof(RelabelOptions.LabelDraws),
            Assert.Throws<ArgumentException>(() => new RelabelOptions { LabelDraws = 2 }.Validate()).Message);
        Assert.Contains(
            nameof(RelabelOptions.GroupCandidates),
            Assert.Throws<ArgumentException>(() => new RelabelOptions { GroupCandidates = 2 }.Validate()).Message);
        using LabelWorld world = new(draws: 2);
        world.Load();
        world.Relabeler.Observer = new Recorder();
        Assert.Contains(
            nameof(RelabelOptions.GroupRows),
            Assert.Throws<ArgumentException>(() => { world.Relabeler.Relabel(world.Batch); }).Message);
        world.Relabeler.Observer = null;
        world.Batch.ReplayIndex[2] = 1000;
        Assert.Contains(
            "1000",
            Assert.Throws<ArgumentException>(
                () => { world.Relabeler.Relabel(world.Batch, world.Replay); }).Message);
    }

    private static float[] SoftQ(TransitionBatch batch, int[] rows, float[][] candidates)
    {
        SoftQProblem problem = new()
        {
            Observation = batch.Observation, Action = batch.Action,
            Task = candidates.SelectMany(task => task).ToArray(), Rows = batch.Count,
            Candidates = candidates.Length, ObservationDimension = 3, ActionDimension = 2, TaskDimension = 2,
            Estimator = SoftQEstimator.Critic, Critic1 = null!,
        };
        float[] softQ = new float[rows.Length * candidates.Length];
        for (int i = 0; i < softQ.Length; i++)
        {
            softQ[i] = RelabelData.SmoothQ(problem, rows[i / candidates.Length], i % candidates.Length);
        }

        return softQ;
    }

    // Ten transitions of a small ring, drawn again and again; the same critic, another draw at every call.
    private sealed class LabelWorld : IDisposable
    {
        public const int Capacity = 16;
        public const int Count = 10;

        private readonly ComputeSession _session = FunctionSession.Create(RelabelData.SmoothQ);
        private readonly AgentNetworks _agent = RelabelData.Agent(RelabelData.Shape);
        private readonly TransitionBatch _source = RelabelData.Batch(Capacity);

        public LabelWorld(int draws, CandidateSource source = CandidateSource.Both)
        {
            Relabeler = new Relabeler(
                _session, RelabelData.GoalFamily, _agent,
                s_options with { RelabelFraction = 1, LabelDraws = draws, Candidates = source });
            Append(Capacity);
        }

        public Relabeler Relabeler { get; }

        public ReplayBuffer Replay { get; } = new(RelabelData.Shape, Capacity);

        public TransitionBatch Batch { get; } = new(RelabelData.Shape, Count) { Count = Count };

        public void Append(int count)
        {
            for (int i = 0; i < count; i++)
            {
                Replay.Append(
                    RelabelData.Row(_source.Observation, i, 3), RelabelData.Row(_source.Action, i, 2),
                    RelabelData.Row(_source.NextObservation, i, 3), RelabelData.Row(_source.Task, i, 2), [0], [0],
                    [0]);
            }
        }

        // Another buffer of the same transitions.
        public ReplayBuffer Copy()
        {
            ReplayBuffer copy = new(RelabelData.Shape, Capacity);
            _source.Terminated.Clear();
            copy.AppendEpisode(_source);
            return copy;
        }

        // The ten newest transitions, as they are in the ring.
        public void Load()
        {
            for (int row = 0; row < Count; row++)
            {
                _source.CopyTransition(row, Batch, row);
                _source.TaskOf(row).CopyTo(Batch.TaskOf(row));
                Batch.ReplayIndex[row] = Replay.TotalCount - Capacity + row;
            }
        }

        public RelabelResult Draw(int call)
        {
            Load();
            Assert.Equal((uint)call, Relabeler.Call);
            return Relabeler.Relabel(Batch, Replay);
        }

        public void Dispose()
        {
            Relabeler.Dispose();
            Replay.Dispose();
            Batch.Dispose();
            _source.Dispose();
            _agent.Dispose();
            _session.Dispose();
        }
    }
}
