using HipiFast.Kernels.SoftQ;

namespace HipiFast.Kernels.Devices;

/// <summary>Inverse RL of transitions by row, as one piece of work.</summary>
public readonly ref struct RelabelProblem
{
    /// <summary>
    /// The soft-Q matrix: batch, candidates, networks, estimator, seed and number of the call. Its family judges the new tasks, so it is needed
    /// always, and so are the next observations.
    /// </summary>
    public required SoftQProblem SoftQ { get; init; }

    /// <summary>The commanded tasks <c>[B, P]</c>.</summary>
    public required ReadOnlySpan<float> Commanded { get; init; }

    /// <summary>log p(psi) <c>[K]</c>, unnormalised, or empty for a uniform prior.</summary>
    public ReadOnlySpan<float> LogPrior { get; init; }

    /// <summary>Whether logZ is subtracted.</summary>
    public required bool HasPartition { get; init; }

    /// <summary>Temperature of the posterior, 0 or more; see <see cref="TaskSampling.TaskPosterior.Temperature"/>.</summary>
    public required float Temperature { get; init; }

    /// <summary>
    /// Probability with which a row receives a new task; decided from the counters of <see cref="Random.RandomPurpose.Mixing"/>, as on the processor.
    /// </summary>
    public required float RelabelFraction { get; init; }

    /// <summary>Probability with which a relabeled row is served by a goal instead, which then is in <see cref="RelabelOutput.NewTask"/> already.</summary>
    public required float GoalMix { get; init; }

    /// <summary>Largest part of Q~ kept in memory, bytes; a larger matrix is computed twice, in blocks of rows.</summary>
    public required long MemoryBudget { get; init; }
}

/// <summary>Where the results of a <see cref="RelabelProblem"/> go.</summary>
public readonly ref struct RelabelOutput
{
    /// <summary><c>[B, P]</c>: tasks of the rows that inverse RL does not serve; receives those of the others.</summary>
    public required Span<float> NewTask { get; init; }

    /// <summary><c>[B]</c>: the candidate, -1 where inverse RL does not serve or the row has no sample.</summary>
    public required Span<int> TaskIndex { get; init; }

    /// <summary><c>[B]</c>: reward under the new task.</summary>
    public required Span<float> Reward { get; init; }

    /// <summary><c>[B]</c>: 1 where the new task ends with the transition, else 0.</summary>
    public required Span<byte> Terminated { get; init; }

    /// <summary><c>[K]</c>: logZ; empty without a partition.</summary>
    public required Span<float> LogPartition { get; init; }
}

/// <summary>
/// A whole relabel call without the host in between: soft-Q matrix, column-wise logsumexp, Gumbel-max, mixing, rewards, diagnostics. Backends of devices
/// have it; those of the processor have nothing to gain from it.
/// </summary>
public interface IRelabelPipeline
{
    /// <summary>Compiles the kernels, sizes the memory, brings the networks over and warms up, so that the first call is as fast as any.</summary>
    /// <param name="problem">A problem of the size and kind to come; its numbers are read but lead nowhere.</param>
    /// <exception cref="ArgumentException">As for <see cref="Run"/>.</exception>
    /// <exception cref="DeviceOutOfMemoryException">As for <see cref="Run"/>.</exception>
    void Prepare(in RelabelProblem problem);

    /// <summary>Runs a call.</summary>
    /// <param name="problem">What to compute.</param>
    /// <param name="output">Where the results go.</param>
    /// <returns>The call in numbers. Nothing is thrown for NaN or infinities; they show here.</returns>
    /// <exception cref="ArgumentException">The problem is not complete, or lengths disagree.</exception>
    /// <exception cref="DeviceOutOfMemoryException">Not even one row of Q~ fits beside the batch and the networks.</exception>
    RelabelSummary Run(in RelabelProblem problem, in RelabelOutput output);
}
