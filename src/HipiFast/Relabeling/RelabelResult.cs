namespace HipiFast.Relabeling;

/// <summary>What a relabel call did, in numbers that come for free. NaN where a number does not apply.</summary>
/// <param name="PosteriorEntropy">Mean entropy of the rows' posteriors, in nats, in [0, log K].</param>
/// <param name="EffectiveTasks">exp(<paramref name="PosteriorEntropy"/>): among how many tasks a row hesitates.</param>
/// <param name="CommandedIsMode">Share of rows whose commanded task is the most likely candidate.</param>
/// <param name="LogPartitionMin">Smallest logZ, in nats.</param>
/// <param name="LogPartitionMax">Largest logZ, in nats.</param>
/// <param name="KlFromCommanded">
/// Mean of <c>-log q(psi_commanded | j)</c> over the rows whose commanded task is among the candidates (equal
/// candidates count together), in nats: the KL divergence from the commanded labels to the posterior, the paper's lower
/// bound on what relabeling gains (Lemma 2). NaN at temperature 0.
/// </param>
/// <param name="RelabeledShare">
/// Share of the batch's rows whose task was chosen anew, also where the choice fell on the task they had (by task:
/// whose transition was chosen anew, also where the choice fell on the same).
/// </param>
/// <param name="TerminatedShare">Share of the relabeled rows that terminate under their task.</param>
/// <remarks>
/// The first six speak of inverse RL by row, over all rows of the batch (trajectories when those are relabeled; with
/// <see cref="RelabelOptions.GroupRows"/> the rows that inverse RL served). They are NaN when it was not computed: by
/// task, and when it serves no row and no <see cref="Relabeler.Observer"/> watches.
/// </remarks>
public readonly record struct RelabelDiagnostics(
    float PosteriorEntropy, float EffectiveTasks, float CommandedIsMode, float LogPartitionMin, float LogPartitionMax,
    float KlFromCommanded,
    float RelabeledShare, float TerminatedShare);

/// <summary>
/// Outcome of a relabel call. The spans keep their numbers until the relabeler's next call, also when the relabeler is
/// disposed of or forgotten before.
/// </summary>
public readonly ref struct RelabelResult
{
    /// <summary>
    /// <c>[B]</c>: index into <see cref="Candidates"/>, or -1 where the commanded task was kept or the new task came
    /// from a future, final or random task, or from an earlier call (<see cref="RelabelOptions.LabelDraws"/>).
    /// </summary>
    public required ReadOnlySpan<int> TaskIndex { get; init; }

    /// <summary>
    /// <c>[B]</c>: 1 where the row's task was chosen anew (by task: the transition for its task), be it the one that it
    /// had before; else 0.
    /// </summary>
    public required ReadOnlySpan<byte> Relabeled { get; init; }

    /// <summary>
    /// The candidate tasks <c>[K, P]</c> that were scored and that <see cref="TaskIndex"/> points into; empty when
    /// inverse RL served no row and nobody observed. With <see cref="RelabelOptions.GroupRows"/> those of one group
    /// after the other.
    /// </summary>
    public required ReadOnlySpan<float> Candidates { get; init; }

    /// <summary>logZ <c>[K]</c>, in nats; empty without a partition.</summary>
    public required ReadOnlySpan<float> LogPartition { get; init; }

    /// <summary>The call in numbers.</summary>
    public required RelabelDiagnostics Diagnostics { get; init; }
}
