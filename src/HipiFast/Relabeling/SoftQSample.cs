namespace HipiFast.Relabeling;

/// <summary>
/// What <see cref="SoftQSampler.Sample"/> drew. The spans keep their numbers until the sampler's next call, also when
/// it is disposed of or forgotten before.
/// </summary>
public readonly ref struct SoftQSample
{
    /// <summary>
    /// By row <c>[B]</c>: the candidate that each transition drew, in [0, K). By task <c>[K]</c>: the transition that
    /// each task drew, in [0, B).
    /// </summary>
    public required ReadOnlySpan<int> Index { get; init; }

    /// <summary>logZ <c>[K]</c>, in nats; empty without a partition, and by task, where it cancels.</summary>
    public required ReadOnlySpan<float> LogPartition { get; init; }

    /// <summary>
    /// By row <c>[B]</c>: the most likely candidate of each transition, the first of equals. By task empty.
    /// </summary>
    public required ReadOnlySpan<int> Mode { get; init; }

    /// <summary>By row <c>[B]</c>: entropy of each posterior, in nats, in [0, log K]. By task empty.</summary>
    public required ReadOnlySpan<float> Entropy { get; init; }
}
