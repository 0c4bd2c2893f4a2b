namespace HipiFast.Relabeling;

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

/// <summary>
/// Watches inverse RL by row, block by block in the order of the rows, so that matrices too large for memory can be written out as they arise.
/// </summary>
/// <remarks>
/// With an observer every call evaluates Q~, also one in which inverse RL happens to serve no row. Assignment by task is not shown.
/// </remarks>
public interface IRelabelObserver
{
    /// <summary>Whether <see cref="RelabelBlock.Posterior"/> is to be computed.</summary>
    bool WantsPosterior { get; }

    /// <summary>
    /// Receives a block; the blocks of a call cover every row once. An exception ends the relabel call and leaves the batch as it was.
    /// </summary>
    /// <param name="block">The block.</param>
    void OnBlock(in RelabelBlock block);
}
