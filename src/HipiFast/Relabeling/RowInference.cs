using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Relabeling;

namespace HipiFast.Relabeling;

/// <summary>
/// Inverse RL by row through a session's pipeline, of units in host memory or where the batch lies, and what a call
/// says of it.
/// </summary>
/// <param name="session">The pipeline's session.</param>
/// <param name="options">How to relabel.</param>
/// <param name="pending">Receives tasks and task indices; where the pipeline judges, rewards and terminations.</param>
internal sealed class RowInference(ComputeSession session, RelabelOptions options, PendingChanges pending) : IDisposable
{
    /// <summary>logZ of the last call's candidates.</summary>
    public ManagedBuffer<float> LogPartition { get; } = new(0);

    /// <summary>Chooses a task for every unit.</summary>
    /// <param name="problem">The call as the pipeline takes it.</param>
    /// <param name="summary">The call in sums.</param>
    /// <returns>The call in means.</returns>
    /// <exception cref="InvalidDataException">A NaN or infinity in Q~, or scores that overflow.</exception>
    public Inference Infer(in RelabelProblem problem, out RelabelSummary summary)
    {
        int units = problem.SoftQ.Rows, partition = problem.HasPartition ? problem.SoftQ.Candidates : 0;
        bool returnsTasks = problem.Resident is null, returnsRewards = returnsTasks && problem.Source is null;
        LogPartition.EnsureLength(partition);
        summary = session.RelabelPipeline.Run(problem, new RelabelOutput
        {
            NewTask = returnsTasks ? pending.OfUnits(units) : default,
            TaskIndex = pending.TaskIndex[..units],
            Reward = returnsRewards ? pending.Reward : default,
            Terminated = returnsRewards ? pending.Terminated : default,
            LogPartition = LogPartition.Slice(0, partition),
        });
        RelabelChecks.RequireSamples(
            summary, options, isReturn: problem.Source is not null, isGiven: !problem.GivenSoftQ.IsEmpty);
        return Inference.Of(summary, units, partition);
    }

    /// <summary>What the caller sees of a call.</summary>
    /// <param name="inference">What was inferred.</param>
    /// <param name="candidates">The candidates <c>[K, P]</c>; empty where nothing was inferred.</param>
    /// <param name="terminated">Relabeled rows that terminate.</param>
    /// <returns>The result; its spans are valid until the next call.</returns>
    public RelabelResult Result(Inference inference, ReadOnlySpan<float> candidates, int terminated)
    {
        ReadOnlySpan<float> logPartition = LogPartition.Slice(0, inference.PartitionCount);
        return new RelabelResult
        {
            TaskIndex = pending.TaskIndex,
            Relabeled = pending.Relabeled,
            Candidates = candidates,
            LogPartition = logPartition,
            Diagnostics = inference.Diagnose(logPartition, pending.Relabeled, terminated),
        };
    }

    /// <inheritdoc/>
    public void Dispose() => LogPartition.Dispose();
}
