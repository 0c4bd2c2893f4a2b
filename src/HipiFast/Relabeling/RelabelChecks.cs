using System.Globalization;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Numerics;
using HipiFast.Kernels.Relabeling;
using HipiFast.Kernels.Replay;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tasks;
using HipiFast.Learning;
using HipiFast.Replay;
using HipiFast.Tasks;

namespace HipiFast.Relabeling;

/// <summary>Everything that relabeling refuses, each with one sentence.</summary>
internal static class RelabelChecks
{
    /// <summary>Throws unless the options apply to the family, and the parts have tasks of the same width.</summary>
    public static void RequireFit(
        TaskFamily family, AgentNetworks? agent, RelabelOptions options, ITaskDistribution? tasks)
    {
        ArgumentNullException.ThrowIfNull(family);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        RequireAchievedTasks(family, options);
        if (agent is not null && agent.Shape.TaskDimension != family.TaskDimension)
        {
            throw new ArgumentException(
                $"The agent takes tasks of {agent.Shape.TaskDimension} entries; the task family has "
                + $"{family.TaskDimension}.",
                nameof(agent));
        }

        if (tasks is not null && tasks.TaskDimension != family.TaskDimension)
        {
            throw new ArgumentException(
                $"The task distribution makes tasks of {tasks.TaskDimension} entries; the task family has "
                + $"{family.TaskDimension}.",
                nameof(tasks));
        }
    }

    /// <summary>
    /// Throws unless there is a whole task, all entries are finite, and the prior fits and excludes not every task.
    /// </summary>
    public static void RequireCandidates(ReadOnlySpan<float> tasks, ReadOnlySpan<float> logPrior, int taskDimension)
    {
        if (tasks.IsEmpty)
        {
            throw new ArgumentException("There are no candidate tasks; relabeling needs at least one.", nameof(tasks));
        }

        if (tasks.Length % taskDimension != 0)
        {
            throw new ArgumentException(
                $"The candidate tasks have {tasks.Length} entries, which is not a multiple of the task family's "
                + $"{taskDimension}.",
                nameof(tasks));
        }

        int index = FiniteCheck.IndexOfNonFinite(tasks);
        if (index >= 0)
        {
            throw new ArgumentException(
                $"Candidate task {index / taskDimension} is {Text(tasks[index])} in column {index % taskDimension}; "
                + "expected finite numbers.",
                nameof(tasks));
        }

        if (!logPrior.IsEmpty)
        {
            RequirePrior(logPrior, tasks.Length / taskDimension);
        }
    }

    /// <summary>Throws unless a prior fits and excludes not every task.</summary>
    public static void RequirePrior(ReadOnlySpan<float> logPrior, int count)
    {
        if (logPrior.Length != count)
        {
            throw new ArgumentException(
                $"The prior has {logPrior.Length} entries for {count} candidate tasks.", nameof(logPrior));
        }

        bool possible = false;
        for (int i = 0; i < logPrior.Length; i++)
        {
            if (float.IsNaN(logPrior[i]) || float.IsPositiveInfinity(logPrior[i]))
            {
                throw new ArgumentException(
                    $"The log prior of candidate task {i} is {Text(logPrior[i])}; expected a finite number or "
                    + "-infinity.",
                    nameof(logPrior));
            }

            possible |= float.IsFinite(logPrior[i]);
        }

        if (!possible)
        {
            throw new ArgumentException("The prior excludes every candidate task.", nameof(logPrior));
        }
    }

    /// <summary>
    /// Throws unless the batch has transitions of the family's and the agent's widths, all of them finite.
    /// </summary>
    public static void RequireBatch(
        TransitionBatch batch, ReplayBuffer? replay, int taskDimension, AgentNetworks? agent)
    {
        ArgumentNullException.ThrowIfNull(batch);
        if (batch.Count == 0)
        {
            throw new ArgumentException("The batch holds no transitions.", nameof(batch));
        }

        if (batch.Shape.TaskDimension != taskDimension)
        {
            throw new ArgumentException(
                $"The batch has tasks of {batch.Shape.TaskDimension} entries; the task family has {taskDimension}.",
                nameof(batch));
        }

        if (agent is not null && agent.Shape != batch.Shape)
        {
            throw new ArgumentException(
                $"The batch has the widths {Widths(batch.Shape)}; the agent takes {Widths(agent.Shape)}.",
                nameof(batch));
        }

        RequireReplay(batch.Shape, replay);
        RequireFinite(batch, string.Empty);
    }

    /// <summary>Throws unless the replay buffer has the batch's widths.</summary>
    public static void RequireReplay(TransitionShape shape, ReplayBuffer? replay)
    {
        if (replay is not null && replay.Shape != shape)
        {
            throw new ArgumentException(
                $"The batch has the widths {Widths(shape)}; the replay buffer has {Widths(replay.Shape)}.",
                nameof(replay));
        }
    }

    /// <summary>Throws at the first NaN or infinity of a batch.</summary>
    public static void RequireFinite(TransitionBatch batch, string source)
    {
        if (batch.FindNonFinite(0, batch.Count, withOutcome: false) is { } bad)
        {
            throw NotFinite(source, bad.Column.Words, bad.Row, bad.Position, bad.Value);
        }
    }

    /// <summary>
    /// Throws at actions outside [-1, 1] where the policy is asked how likely they are: it would answer for others.
    /// </summary>
    public static void RequireActions(TransitionBatch batch, AgentEstimate estimate, RelabelOptions options)
    {
        if (!estimate.ReadsActionProbability)
        {
            return;
        }

        OutsideActions outside = OutsideActions.Of(batch);
        if (outside.Count > 0)
        {
            throw new InvalidDataException(
                $"{outside.Describe(batch.Count)}; the {Name(options.Estimator)} estimate needs the policy's density, "
                + "which there is none of outside. Expected actions in the policy's units, from -1 to 1.");
        }
    }

    /// <summary>
    /// Throws at the first NaN or infinity of a matrix. The name comes in two parts because putting them together on
    /// every call would make garbage.
    /// </summary>
    public static void RequireFinite(ReadOnlySpan<float> values, int width, string source, string what)
    {
        int index = FiniteCheck.IndexOfNonFinite(values);
        if (index >= 0)
        {
            throw NotFinite(source, what, index / width, index % width, values[index]);
        }
    }

    /// <summary>Throws unless the session relabels batches in its own memory by these options.</summary>
    public static TransitionMemory RequireMemory(
        ComputeSession session, ResidentTransitionBatch batch, RelabelOptions options, IRelabelObserver? observer)
    {
        if (session.Transitions is null)
        {
            throw new ArgumentException(
                $"The backend '{session.Backend.Name}' computes on the processor; "
                + "a batch on a device takes a session of the backend cuda or ilgpu.");
        }

        if (batch.Memory != session.Transitions)
        {
            throw new ArgumentException(
                "The batch lies in the memory of another session; expected one in that of the relabeler's session.",
                nameof(batch));
        }

        if (options.Strategy != RelabelStrategy.InverseRl || options.Assignment == Assignment.Task)
        {
            throw new ArgumentException(
                "A batch on a device is relabeled by inverse RL by row; other strategies take a batch on the host.");
        }

        if (options.Partition == PartitionMode.Running)
        {
            throw new ArgumentException(
                "A batch on a device is normalised by itself or not at all; a partition kept across batches takes a "
                + "batch on the host.");
        }

        if (options.Groups)
        {
            throw new ArgumentException(
                "A batch on a device is relabeled as a whole; rows in groups take a batch on the host, or "
                + $"{nameof(RelabelOptions.GroupRows)} 0.");
        }

        if (observer is not null)
        {
            throw new ArgumentException(
                "Q~ of a batch on a device stays there; an observer takes a batch on the host.");
        }

        return session.Transitions;
    }

    /// <summary>Throws unless a soft-Q matrix that was given is of all rows and all candidates.</summary>
    public static void RequireSoftQ(ReadOnlySpan<float> softQ, int rows, int candidates)
    {
        if (softQ.Length != (long)rows * candidates)
        {
            throw new ArgumentException(
                $"The soft-Q matrix has {softQ.Length} entries; expected {rows} transitions x {candidates} candidate "
                + $"tasks = {(long)rows * candidates}.",
                nameof(softQ));
        }
    }

    /// <summary>Throws where Q~ is not asked for at all, or not of the whole batch.</summary>
    public static void RequireSoftQApplies(RelabelOptions options)
    {
        if (options.Strategy != RelabelStrategy.InverseRl)
        {
            throw new ArgumentException(
                $"A soft-Q matrix is for inverse RL; the relabeling option {nameof(RelabelOptions.Strategy)} is "
                + $"{options.Strategy}.");
        }

        if (options.Groups)
        {
            throw new ArgumentException(
                "A soft-Q matrix is of all rows and candidates of a batch at once, which rows in groups do without; "
                + $"expected the relabeling option {nameof(RelabelOptions.GroupRows)} to be 0.");
        }
    }

    /// <summary>Q~ of a whole batch is not computed.</summary>
    public static void RefuseObserver(IRelabelObserver? observer)
    {
        if (observer is not null)
        {
            throw new ArgumentException(
                "An observer sees Q~ of every row under every candidate, which rows in groups do without; expected the "
                + $"relabeling option {nameof(RelabelOptions.GroupRows)} to be 0, or no observer.");
        }
    }

    /// <summary>A partition that is kept across batches does not apply.</summary>
    public static void RefuseRunningPartition(RelabelOptions options, string what)
    {
        if (options.Partition == PartitionMode.Running)
        {
            throw new ArgumentException(
                $"A partition that is kept across batches is of fixed candidates; it does not apply to {what}.");
        }
    }

    /// <summary>Throws at an entry of Q~ that is not finite, or a row without a sample.</summary>
    public static void RequireSamples(
        in RelabelSummary summary, RelabelOptions options, bool isReturn = false, bool isGiven = false)
    {
        if (summary.BadRow >= 0)
        {
            throw isReturn
                ? NotFiniteReturn(summary.BadRow, summary.BadCandidate, summary.BadValue)
                : isGiven
                ? NotFiniteGiven(summary.BadRow, summary.BadCandidate, summary.BadValue)
                : NotFinite(options.Estimator, summary.BadRow, summary.BadCandidate, summary.BadValue);
        }

        if (summary.UnsampledRow >= 0)
        {
            throw NotSampled("transition or trajectory", summary.UnsampledRow, options.Temperature);
        }
    }

    /// <summary>Throws at a reward that is not finite.</summary>
    public static void RequireReward(in RelabelSummary summary)
    {
        if (summary.BadRewardRow >= 0)
        {
            throw NotFinite("recomputed ", "reward", summary.BadRewardRow, 0, summary.BadReward);
        }
    }

    /// <summary>An entry of Q~, of transitions.</summary>
    public static InvalidDataException NotFinite(SoftQEstimator estimator, int row, int task, float value) => new(
        $"The {Name(estimator)} estimate of transition {row} under candidate task {task} is {Text(value)}; expected a "
        + "finite number.");

    /// <summary>An entry of a soft-Q matrix that was given.</summary>
    public static InvalidDataException NotFiniteGiven(int row, int task, float value) => new(
        $"The soft-Q matrix is {Text(value)} at transition {row} and candidate task {task}; expected a finite number.");

    /// <summary>Q~ is finite, but divided by a tiny temperature it need not be.</summary>
    public static InvalidDataException NotSampled(string what, int number, float temperature) => new(
        $"The scores of {what} {number} overflow at the temperature {Text(temperature)}; "
        + "expected a higher temperature, or 0 for the most likely.");

    private static void RequireAchievedTasks(TaskFamily family, RelabelOptions options)
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
            {
                Strategy: RelabelStrategy.InverseRl, Assignment: Assignment.Row,
                Candidates: CandidateSource.Reached or CandidateSource.Both,
            }
                => "reached states as candidates",
            _ => null,
        };
        if (wanted is not null)
        {
            throw new ArgumentException(
                $"This task family has no map from states to tasks, so {wanted} does not apply; it takes a goal "
                + "family.",
                nameof(family));
        }
    }

    private static InvalidDataException NotFiniteReturn(int trajectory, int task, float value) => new(
        $"The return of trajectory {trajectory} under candidate task {task} is {Text(value)}; expected a finite "
        + "number.");

    private static InvalidDataException NotFinite(string source, string what, int row, int column, float value) => new(
        $"The {source}{what} of transition {row} is {Text(value)} in column {column}; expected finite numbers.");

    private static string Text(float value) => float.IsNaN(value)
        ? "NaN"
        : float.IsInfinity(value)
            ? (value > 0 ? "infinity" : "-infinity")
            : value.ToString(CultureInfo.InvariantCulture);

    private static string Widths(TransitionShape shape) =>
        $"{shape.ObservationDimension} (state), {shape.ActionDimension} (action), {shape.TaskDimension} (task)";

    private static string Name(SoftQEstimator estimator) => estimator switch
    {
        SoftQEstimator.Critic => "critic",
        SoftQEstimator.SoftCritic => "soft-critic",
        _ => "bellman",
    };
}
