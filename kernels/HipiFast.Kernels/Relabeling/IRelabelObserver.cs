namespace HipiFast.Kernels.Relabeling;

/// <summary>
/// Watches inverse RL by row, block by block in the order of the rows, so that matrices too large for memory can be
/// written out as they arise.
/// </summary>
/// <remarks>
/// With an observer every call evaluates Q~, also one in which inverse RL happens to serve no row. Assignment by task
/// is not shown.
/// </remarks>
public interface IRelabelObserver
{
    /// <summary>Whether <see cref="RelabelBlock.Posterior"/> is to be computed.</summary>
    bool WantsPosterior { get; }

    /// <summary>
    /// Receives a block; the blocks of a call cover every row once. An exception ends the relabel call and leaves the
    /// batch as it was.
    /// </summary>
    /// <param name="block">The block.</param>
    void OnBlock(in RelabelBlock block);
}
