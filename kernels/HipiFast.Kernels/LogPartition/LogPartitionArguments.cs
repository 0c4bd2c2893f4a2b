namespace HipiFast.Kernels.LogPartition;

/// <summary>The argument checks that every <see cref="ILogPartitionKernel"/> makes first.</summary>
internal static class LogPartitionArguments
{
    /// <summary>Checks the arguments of <see cref="ILogPartitionKernel.Accumulate"/>.</summary>
    /// <param name="softQ">Block <c>[rows, candidates]</c>.</param>
    /// <param name="rows">Rows, 1 or more.</param>
    /// <param name="candidates">K, 1 or more.</param>
    /// <param name="runningMax"><c>[K]</c>.</param>
    /// <param name="runningSum"><c>[K]</c>.</param>
    /// <exception cref="ArgumentException">
    /// A length disagrees, or rows or candidates is below 1; the message says which.
    /// </exception>
    public static void CheckAccumulate(
        ReadOnlySpan<float> softQ, int rows, int candidates, ReadOnlySpan<float> runningMax,
        ReadOnlySpan<float> runningSum)
    {
        if (rows < 1 || candidates < 1)
        {
            throw new ArgumentException(
                $"The log partition needs at least one row and one candidate task; found {rows} and {candidates}.");
        }

        if (softQ.Length != (long)rows * candidates)
        {
            throw new ArgumentException(
                $"Q~ of {rows} rows by {candidates} candidate tasks has {(long)rows * candidates} entries; found "
                + $"{softQ.Length}.");
        }

        if (runningMax.Length != candidates || runningSum.Length != candidates)
        {
            throw new ArgumentException(
                $"The running maximum and sum of {candidates} candidate tasks have {candidates} entries each; "
                + $"found {runningMax.Length} and {runningSum.Length}.");
        }
    }

    /// <summary>Checks the arguments of <see cref="ILogPartitionKernel.Finish"/>.</summary>
    /// <param name="runningMax"><c>[K]</c>.</param>
    /// <param name="runningSum"><c>[K]</c>.</param>
    /// <param name="totalRows">B, 1 or more.</param>
    /// <param name="logPartition"><c>[K]</c>.</param>
    /// <exception cref="ArgumentException">
    /// The lengths disagree or are 0, or <paramref name="totalRows"/> is below 1; the message says which.
    /// </exception>
    public static void CheckFinish(
        ReadOnlySpan<float> runningMax, ReadOnlySpan<float> runningSum, long totalRows,
        ReadOnlySpan<float> logPartition)
    {
        if (totalRows < 1)
        {
            throw new ArgumentException($"The log partition needs at least one row; found {totalRows}.");
        }

        if (runningMax.IsEmpty || runningMax.Length != runningSum.Length || runningMax.Length != logPartition.Length)
        {
            throw new ArgumentException(
                "The running maximum, the running sum and the log partition have one entry per candidate task; "
                + $"found {runningMax.Length}, {runningSum.Length} and {logPartition.Length}.");
        }
    }
}
