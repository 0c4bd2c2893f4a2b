using HipiFast.Kernels.Backends;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tasks;
using HipiFast.Learning;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Testing;

namespace HipiFast.Tests.Relabeling;

/// <summary>Calls whose soft-Q matrix comes with them: the same labels as where the relabeler computes it.</summary>
public sealed class SoftQMatrixTests
{
    private const int Rows = 70;

    private static readonly float[] s_tasks = [0.5f, 0.5f, -0.5f, 0.25f, 0.9f, -0.3f];

    private static readonly RelabelOptions s_options = new()
    {
        RelabelFraction = 0.8f, Seed = 3, Compute = new() { Threads = 1 },
    };

    public static TheoryData<RelabelOptions, bool> Options => new()
    {
        { s_options, false },
        { s_options, true },
        { s_options with { Candidates = CandidateSource.Both }, false },
        { s_options with { Candidates = CandidateSource.Reached, GoalMix = 0.4f }, false },
        { s_options with { ExactTerminalValue = false, Temperature = 0.3f }, true },
        { s_options with { Partition = PartitionMode.None }, false },
        { s_options with { Candidates = CandidateSource.Fixed, Partition = PartitionMode.Running }, false },
        { s_options with { Candidates = CandidateSource.Fixed, Temperature = 0 }, false },
        { s_options with { MemoryBudget = 20 * 70 * 4 }, false },
        { s_options with { MemoryBudget = 20 * 70 * 4, ExactTerminalValue = false }, false },
    };

    // The matrix is what the function says, without exact values: those are the call's to put in.
    [Theory]
    [MemberData(nameof(Options))]
    public void TheSameMatrixGivesTheSameCall(RelabelOptions options, bool given)
    {
        using ComputeSession session = FunctionSession.Create(RelabelData.SmoothQ);
        using Relabeler asks = new(session, RelabelData.GoalFamily, null, options),
            reads = new(RelabelData.GoalFamily, null, options);
        float[] prior = given ? [0.4f, float.NegativeInfinity, 0] : [];
        foreach (Relabeler relabeler in (Relabeler[])[asks, reads])
        {
            relabeler.SetFixedCandidates(s_tasks, [0.1f, 0, -1]);
        }

        for (uint call = 0; call < 3; call++)
        {
            using TransitionBatch asked = RelabelData.Batch(Rows, call), read = RelabelData.Batch(Rows, call);
            using ReplayBuffer replay = Replay(asked, read);
            float[] tasks = given ? s_tasks : CandidatesOf(options, asked);
            float[] softQ = Matrix(asked, tasks), before = [.. softQ];

            RelabelResult expected = given
                ? asks.Relabel(asked, s_tasks, replay, prior)
                : asks.Relabel(asked, replay);
            RelabelResult found = reads.RelabelBySoftQ(read, softQ, given ? s_tasks : [], prior, replay);

            Assert.Equal(expected.TaskIndex.ToArray(), found.TaskIndex.ToArray());
            Assert.Equal(expected.Relabeled.ToArray(), found.Relabeled.ToArray());
            Assert.Equal(expected.Candidates.ToArray(), found.Candidates.ToArray());
            Assert.Equal(expected.LogPartition.ToArray(), found.LogPartition.ToArray());
            Assert.Equal(expected.Diagnostics, found.Diagnostics);
            Assert.Equal(RelabelData.Contents(asked), RelabelData.Contents(read));
            Assert.Equal(before, softQ);
            RelabelData.AssertJudged(RelabelData.GoalFamily, read);
        }
    }

    // Up to 32 rows are one group where the relabeler draws transitions from the batch itself: the same counters.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ByTaskTheSameMatrixPicksTheSameTransitions(bool exact)
    {
        RelabelOptions options = s_options with
        {
            Assignment = Assignment.Task, RelabelFraction = 1, ExactTerminalValue = exact,
        };
        using ComputeSession session = FunctionSession.Create(RelabelData.SmoothQ);
        using Relabeler asks = new(session, RelabelData.GoalFamily, null, options),
            reads = new(RelabelData.GoalFamily, null, options);
        using TransitionBatch asked = RelabelData.Batch(32), read = RelabelData.Batch(32),
            first = RelabelData.Batch(32);

        RelabelResult expected = asks.Relabel(asked);
        RelabelResult found = reads.RelabelBySoftQ(read, Matrix(read, [.. read.Task]));

        Assert.Equal(expected.TaskIndex.ToArray(), found.TaskIndex.ToArray());
        Assert.Equal(RelabelData.Contents(asked), RelabelData.Contents(read));
        Assert.NotEqual(RelabelData.Contents(first), RelabelData.Contents(read));
    }

    // At temperature 0 each served task takes the best row of its column; others keep their transitions.
    [Fact]
    public void ByTaskEachServedTaskTakesTheBestTransition()
    {
        RelabelOptions options = s_options with
        {
            Assignment = Assignment.Task, RelabelFraction = 0.5f, Temperature = 0, ExactTerminalValue = false,
        };
        using Relabeler relabeler = new(RelabelData.GoalFamily, null, options);
        using TransitionBatch batch = RelabelData.Batch(Rows), before = RelabelData.Batch(Rows);
        float[] softQ = Matrix(before, [.. before.Task]);
        RelabelResult result = relabeler.RelabelBySoftQ(batch, softQ);

        Assert.InRange(result.Relabeled.ToArray().Count(relabeled => relabeled == 1), 20, 50);
        for (int row = 0; row < Rows; row++)
        {
            int source = result.Relabeled[row] == 0
                ? row
                : Enumerable.Range(0, Rows).MaxBy(other => softQ[(other * Rows) + row]);
            Assert.Equal(
                RelabelData.Row(before.Observation, source, 3), RelabelData.Row(batch.Observation, row, 3));
        }
    }

    [Fact]
    public void AnAgentThatThereIsIsNotAsked()
    {
        using AgentNetworks agent = RelabelData.Agent(new TransitionShape(5, 1, 2));
        using Relabeler with = new(RelabelData.GoalFamily, agent, s_options),
            without = new(RelabelData.GoalFamily, null, s_options);
        using TransitionBatch first = RelabelData.Batch(Rows), second = RelabelData.Batch(Rows);
        float[] softQ = Matrix(first, s_tasks);
        with.RelabelBySoftQ(first, softQ, s_tasks);
        without.RelabelBySoftQ(second, softQ, s_tasks);
        Assert.Equal(RelabelData.Contents(first), RelabelData.Contents(second));
    }

    [Theory]
    [InlineData(Assignment.Row)]
    [InlineData(Assignment.Task)]
    public void SteadyStateAllocatesNothing(Assignment assignment)
    {
        RelabelOptions options = s_options with { Assignment = assignment };
        using Relabeler relabeler = new(RelabelData.GoalFamily, null, options);
        relabeler.PrepareBySoftQ(RelabelData.Shape, Rows);
        using TransitionBatch batch = RelabelData.Batch(Rows);
        float[] softQ = Matrix(batch, [.. batch.Task]);
        SteadyState.AssertAllocatesNothing(() => relabeler.RelabelBySoftQ(batch, softQ));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void PrepareChangesNoLaterCall(int candidates)
    {
        using Relabeler prepared = new(RelabelData.GoalFamily, null, s_options),
            plain = new(RelabelData.GoalFamily, null, s_options);
        using TransitionBatch first = RelabelData.Batch(Rows), second = RelabelData.Batch(Rows);
        prepared.PrepareBySoftQ(RelabelData.Shape, Rows, candidates);
        float[] softQ = Matrix(first, s_tasks);
        prepared.RelabelBySoftQ(first, softQ, s_tasks);
        plain.RelabelBySoftQ(second, softQ, s_tasks);
        Assert.Equal(RelabelData.Contents(second), RelabelData.Contents(first));
    }

    [Fact]
    public void WhateverIsWrongIsSaidAndChangesNothing()
    {
        using TransitionBatch batch = RelabelData.Batch(4);
        float[] before = RelabelData.Contents(batch), softQ = Matrix(batch, s_tasks);
        Refused<ArgumentException>(s_options, softQ[1..], "The soft-Q matrix has 11 entries; expected 4 transitions x 3");
        Refused<ArgumentException>(s_options, [], "The soft-Q matrix is empty");
        Refused<ArgumentException>(s_options with { Strategy = RelabelStrategy.Future }, softQ, "Strategy is Future");
        Refused<ArgumentException>(s_options with { GroupRows = 2 }, softQ, "GroupRows to be 0");
        Refused<ArgumentException>(
            s_options with { Assignment = Assignment.Task }, softQ, "Assignment by task keeps the commanded tasks");
        Refused<ArgumentException>(
            s_options with { Candidates = CandidateSource.Fixed, Partition = PartitionMode.Running }, softQ,
            "it does not apply to candidates given with a call");
        float[] bad = [.. softQ];
        bad[7] = float.NaN;
        Refused<InvalidDataException>(
            s_options with { ExactTerminalValue = false }, bad,
            "The soft-Q matrix is NaN at transition 2 and candidate task 1; expected a finite number.");

        using Relabeler byTask = new(
            RelabelData.GoalFamily, null,
            s_options with { Assignment = Assignment.Task, RelabelFraction = 1, ExactTerminalValue = false });
        Assert.Contains(
            "4 transitions x 4", Assert.Throws<ArgumentException>(
                () => byTask.RelabelBySoftQ(batch, softQ)).Message, StringComparison.Ordinal);
        Assert.Contains(
            "at transition 1 and candidate task 3", Assert.Throws<InvalidDataException>(
                () => byTask.RelabelBySoftQ(batch, [.. bad, 0, 0, 0, 0])).Message, StringComparison.Ordinal);
        Assert.Contains(
            "A prior is of candidate tasks", Assert.Throws<ArgumentException>(
                () => byTask.RelabelBySoftQ(batch, softQ, logPrior: [0])).Message, StringComparison.Ordinal);
        Assert.Equal(0u, byTask.Call);
        Assert.Equal(before, RelabelData.Contents(batch));

        void Refused<TError>(RelabelOptions options, float[] matrix, string sentence)
            where TError : Exception
        {
            using Relabeler relabeler = new(RelabelData.GoalFamily, null, options);
            TError error = Assert.Throws<TError>(() => relabeler.RelabelBySoftQ(batch, matrix, s_tasks));
            Assert.Contains(sentence, error.Message, StringComparison.Ordinal);
            Assert.Equal(before, RelabelData.Contents(batch));
        }
    }

    private static ReplayBuffer Replay(TransitionBatch first, TransitionBatch second)
    {
        ReplayBuffer replay = new(RelabelData.Shape, Rows);
        using TransitionBatch episode = RelabelData.Batch(Rows, 9);
        episode.Terminated.Clear();
        replay.AppendEpisode(episode);
        for (int row = 0; row < Rows; row++)
        {
            first.ReplayIndex[row] = second.ReplayIndex[row] = row;
        }

        return replay;
    }

    private static float[] CandidatesOf(RelabelOptions options, TransitionBatch batch)
    {
        float[] commanded = [.. batch.Task], reached = new float[commanded.Length];
        RelabelData.GoalFamily.AchievedTasks(batch.NextObservation, commanded, reached);
        return options.Candidates switch
        {
            CandidateSource.Commanded => commanded,
            CandidateSource.Reached => reached,
            CandidateSource.Both => [.. commanded, .. reached],
            _ => s_tasks,
        };
    }

    private static float[] Matrix(TransitionBatch batch, float[] tasks)
    {
        int count = tasks.Length / 2;
        SoftQProblem problem = new()
        {
            Observation = batch.Observation, Action = batch.Action, Task = tasks, Rows = batch.Count,
            Candidates = count, ObservationDimension = 3, ActionDimension = 2, TaskDimension = 2,
            Estimator = SoftQEstimator.Critic, Critic1 = null!,
        };
        float[] matrix = new float[batch.Count * count];
        for (int row = 0; row < batch.Count; row++)
        {
            for (int i = 0; i < count; i++)
            {
                matrix[(row * count) + i] = RelabelData.SmoothQ(problem, row, i);
            }
        }

        return matrix;
    }
}
