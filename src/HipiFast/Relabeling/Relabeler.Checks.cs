using System.Globalization;
using HipiFast.Kernels.Devices;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Relabeling;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tasks;
using HipiFast.Learning;
using HipiFast.Replay;

namespace HipiFast.Relabeling;

// Everything that is refused, each with one sentence.
public sealed unsafe partial class Relabeler
{
    private static void CheckApplies(TaskFamily family, RelabelOptions options)
    {
        if (family.HasAchievedTask || options.Strategy == RelabelStrategy.None)
        {
            return;
        }

        string? wanted = options switch
        {
            { Strategy: RelabelStrategy.Final } => "'final' relabeling",
            { Strategy: RelabelStrategy.Future } => "'future' relabeling",
            { MixesGoals: true } => "a goal mix",
            { Strategy: RelabelStrategy.InverseRl, Assignment: Assignment.Row, Candidates: CandidateSource.Reached or CandidateSource.Both }
                => "reached states as candidates",
            _ => null,
        };
        if (wanted is not null)
        {
            throw new ArgumentException(
                $"This task family has no map from states to tasks, so {wanted} does not apply; it takes a goal family.", nameof(family));
        }
    }

    private static void CheckPrior(ReadOnlySpan<float> logPrior, int count)
    {
        if (logPrior.Length != count)
        {
            throw new ArgumentException($"The prior has {logPrior.Length} entries for {count} candidate tasks.", nameof(logPrior));
        }

        bool possible = false;
        for (int i = 0; i < logPrior.Length; i++)
        {
            if (float.IsNaN(logPrior[i]) || float.IsPositiveInfinity(logPrior[i]))
            {
                throw new ArgumentException(
                    $"The log prior of candidate task {i} is {Text(logPrior[i])}; expected a finite number or -infinity.", nameof(logPrior));
            }

            possible |= float.IsFinite(logPrior[i]);
        }

        if (!possible)
        {
            throw new ArgumentException("The prior excludes every candidate task.", nameof(logPrior));
        }
    }

    private static string Text(float value) => float.IsNaN(value)
        ? "NaN"
        : float.IsInfinity(value) ? (value > 0 ? "infinity" : "-infinity") : value.ToString(CultureInfo.InvariantCulture);

    // The name comes in two parts because putting them together on every call would make garbage.
    private static void CheckFinite(ReadOnlySpan<float> values, int width, string source, string what)
    {
        int index = FiniteCheck.IndexOfNonFinite(values);
        if (index >= 0)
        {
            throw NotFinite(source, what, index / width, index % width, values[index]);
        }
    }

    private static InvalidDataException NotFinite(string source, string what, int row, int column, float value) => new(
        $"The {source}{what} of transition {row} is {Text(value)} in column {column}; expected finite numbers.");

    private static void CheckFinite(TransitionBatch batch, string source)
    {
        CheckFinite(batch.Observation, batch.Shape.ObservationDimension, source, "observation");
        CheckFinite(batch.Action, batch.Shape.ActionDimension, source, "action");
        CheckFinite(batch.NextObservation, batch.Shape.ObservationDimension, source, "next observation");
        CheckFinite(batch.Task, batch.Shape.TaskDimension, source, "task");
    }

    private void RefuseRunningPartition(string what)
    {
        if (KeepsPartition)
        {
            throw new ArgumentException($"A partition that is kept across batches is of fixed candidates; it does not apply to {what}.");
        }
    }

    private int CheckCandidates(ReadOnlySpan<float> tasks, ReadOnlySpan<float> logPrior)
    {
        if (tasks.IsEmpty)
        {
            throw new ArgumentException("There are no candidate tasks; relabeling needs at least one.", nameof(tasks));
        }

        if (tasks.Length % TaskDimension != 0)
        {
            throw new ArgumentException(
                $"The candidate tasks have {tasks.Length} entries, which is not a multiple of the task family's {TaskDimension}.", nameof(tasks));
        }

        int index = FiniteCheck.IndexOfNonFinite(tasks);
        if (index >= 0)
        {
            throw new ArgumentException(
                $"Candidate task {index / TaskDimension} is {Text(tasks[index])} in column {index % TaskDimension}; expected finite numbers.",
                nameof(tasks));
        }

        int count = tasks.Length / TaskDimension;
        if (!logPrior.IsEmpty)
        {
            CheckPrior(logPrior, count);
        }

        return count;
    }

    private void CheckBatch(TransitionBatch batch, ReplayBuffer? replay)
    {
        ArgumentNullException.ThrowIfNull(batch);
        if (batch.Count == 0)
        {
            throw new ArgumentException("The batch holds no transitions.", nameof(batch));
        }

        if (batch.Shape.TaskDimension != TaskDimension)
        {
            throw new ArgumentException(
                $"The batch has tasks of {batch.Shape.TaskDimension} entries; the task family has {TaskDimension}.", nameof(batch));
        }

        if (_agent is not null && _agent.Shape != batch.Shape)
        {
            throw new ArgumentException($"The batch has the widths {Widths(batch.Shape)}; the agent takes {Widths(_agent.Shape)}.", nameof(batch));
        }

        CheckReplay(batch.Shape, replay);
        CheckFinite(batch, string.Empty);
    }

    private static void CheckReplay(TransitionShape shape, ReplayBuffer? replay)
    {
        if (replay is not null && replay.Shape != shape)
        {
            throw new ArgumentException($"The batch has the widths {Widths(shape)}; the replay buffer has {Widths(replay.Shape)}.", nameof(replay));
        }
    }

    // What a batch on a device takes.
    private IRelabelPipeline RequireDevice(out DeviceRuntime runtime)
    {
        if (_session.Runtime is not { } device || _session.RelabelPipeline is not { } pipeline)
        {
            throw new ArgumentException(
                $"The backend '{Backend.Name}' computes on the processor; a batch on a device takes a session of the backend cuda or ilgpu.");
        }

        if (Options.Strategy != RelabelStrategy.InverseRl || Options.Assignment == Assignment.Task)
        {
            throw new ArgumentException("A batch on a device is relabeled by inverse RL by row; other strategies take a batch on the host.");
        }

        if (KeepsPartition)
        {
            throw new ArgumentException(
                "A batch on a device is normalised by itself or not at all; a partition kept across batches takes a batch on the host.");
        }

        if (Observer is not null)
        {
            throw new ArgumentException("Q~ of a batch on a device stays there; an observer takes a batch on the host.");
        }

        runtime = device;
        return pipeline;
    }

    private static string Widths(TransitionShape shape) =>
        $"{shape.ObservationDimension} (state), {shape.ActionDimension} (action), {shape.TaskDimension} (task)";

    private AgentNetworks RequireAgent() => _agent ?? throw new ArgumentException(
        $"Relabeling transitions by inverse RL with the estimator {Options.Estimator} needs an agent's networks; none were given.");

    private void CheckSoftQ(ReadOnlySpan<float> softQ, int firstRow, int candidates, bool trajectories, int firstCandidate = 0)
    {
        int index = FiniteCheck.IndexOfNonFinite(softQ);
        if (index < 0)
        {
            return;
        }

        throw NotFinite(firstRow + (index / candidates), firstCandidate + (index % candidates), softQ[index], trajectories);
    }

    private InvalidDataException NotFinite(int row, int task, float value, bool trajectories) => new(trajectories
        ? $"The return of trajectory {row} under candidate task {task} is {Text(value)}; expected a finite number."
        : $"The {EstimatorName(Options.Estimator)} estimate of transition {row} under candidate task {task} is {Text(value)}; "
            + "expected a finite number.");

    // Q~ is finite, but divided by a tiny temperature it need not be.
    private void CheckSampled(ReadOnlySpan<int> index, int first, string what)
    {
        int missing = index.IndexOf(-1);
        if (missing >= 0)
        {
            throw NotSampled(first + missing, what);
        }
    }

    private InvalidDataException NotSampled(int number, string what) => new(
        $"The scores of {what} {number} overflow at the temperature {Text(Options.Temperature)}; "
        + "expected a higher temperature, or 0 for the most likely.");

    private static string EstimatorName(SoftQEstimator estimator) => estimator switch
    {
        SoftQEstimator.Critic => "critic",
        SoftQEstimator.SoftCritic => "soft-critic",
        _ => "bellman",
    };
}
