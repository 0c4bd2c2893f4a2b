namespace HipiFast.Kernels.LogPartition;

/// <summary>
/// Column-wise log partition of a soft-Q matrix, <c>logZ_i = logsumexp_j Q~[j, i] - log B</c> (the paper's Monte Carlo
/// estimate, Section 5.1).
/// </summary>
/// <remarks>
/// Max-shifted. A column of -inf gives -inf; one that holds +inf gives +inf; one that holds NaN (beside +inf or not)
/// gives NaN. Rows may come in blocks: <see cref="Accumulate"/> each, then <see cref="Finish"/>. Not thread-safe. The
/// same calls give the same bits for any thread count.
/// </remarks>
public interface ILogPartitionKernel
{
    /// <summary>Folds a block of rows into running statistics.</summary>
    /// <param name="softQ">Block <c>[rows, candidates]</c> row-major, in nats.</param>
    /// <param name="rows">Rows in the block, 1 or more.</param>
    /// <param name="candidates">K, 1 or more.</param>
    /// <param name="runningMax"><c>[K]</c>: largest entry so far; -inf to begin with.</param>
    /// <param name="runningSum"><c>[K]</c>: sum of exp(entry - runningMax) so far; 0 to begin with.</param>
    /// <exception cref="ArgumentException">A length disagrees, or rows or candidates is 0.</exception>
    void Accumulate(
        ReadOnlySpan<float> softQ, int rows, int candidates, Span<float> runningMax, Span<float> runningSum);

    /// <summary>Turns running statistics into the log partition.</summary>
    /// <param name="runningMax"><c>[K]</c>.</param>
    /// <param name="runningSum"><c>[K]</c>.</param>
    /// <param name="totalRows">B over all blocks, 1 or more.</param>
    /// <param name="logPartition">Result <c>[K]</c>, in nats.</param>
    /// <exception cref="ArgumentException">Lengths disagree or <paramref name="totalRows"/> is below 1.</exception>
    void Finish(
        ReadOnlySpan<float> runningMax, ReadOnlySpan<float> runningSum, long totalRows, Span<float> logPartition);
}
