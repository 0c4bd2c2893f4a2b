namespace HipiFast.Kernels.Relabeling;

/// <summary>A block of rows of Q~ and of the posterior made of it. The spans are valid during the call only.</summary>
public readonly ref struct RelabelBlock
{
    /// <summary>Number of the block's first row within the batch (first trajectory when those are relabeled).</summary>
    public required int FirstRow { get; init; }

    /// <summary>Rows in the block.</summary>
    public required int Rows { get; init; }

    /// <summary>K.</summary>
    public required int Candidates { get; init; }

    /// <summary>Q~ <c>[rows, K]</c>, in nats.</summary>
    public required ReadOnlySpan<float> SoftQ { get; init; }

    /// <summary>logZ <c>[K]</c> over the whole batch, in nats; empty without a partition.</summary>
    public required ReadOnlySpan<float> LogPartition { get; init; }

    /// <summary>
    /// q(psi_i | j), <c>[rows, K]</c>, rows adding up to 1 (at temperature 0 a single 1); empty unless
    /// <see cref="IRelabelObserver.WantsPosterior"/>.
    /// </summary>
    public required ReadOnlySpan<float> Posterior { get; init; }
}
