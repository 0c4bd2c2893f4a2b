namespace HipiFast.Kernels.Relabeling;

/// <summary>
/// Who waits for a relabel call: may end it, and hears how far it is. Both happen on the thread that relabels, between
/// parts of the call.
/// </summary>
internal sealed class RelabelWatch
{
    // Pairs of a part: a second or so of a critic that is no dwarf, and many times what the threads share out.
    private const int PartPairs = 1 << 21;

    private long _rows = 1;
    private long _done;

    /// <summary>Ends the call.</summary>
    public CancellationToken Cancellation { get; set; }

    /// <summary>Hears the share of the call that is done, in [0, 1].</summary>
    public IProgress<double>? Progress { get; set; }

    /// <summary>Most rows to compute before <see cref="Advance"/> is called.</summary>
    /// <param name="candidates">K.</param>
    /// <returns>1 or more; without end where nobody waits.</returns>
    public int PartRows(int candidates) => Cancellation.CanBeCanceled || Progress is not null
        ? Math.Max(1, PartPairs / candidates)
        : int.MaxValue;

    /// <summary>Begins a call.</summary>
    /// <param name="rows">Rows of Q~ that it computes, those that it computes twice counted twice; 1 or more.</param>
    /// <exception cref="OperationCanceledException">It is not wanted any more.</exception>
    public void Begin(long rows)
    {
        _rows = rows;
        _done = 0;
        Cancellation.ThrowIfCancellationRequested();
    }

    /// <summary>Goes on.</summary>
    /// <param name="rows">Rows computed since.</param>
    /// <exception cref="OperationCanceledException">The call is not wanted any more.</exception>
    public void Advance(long rows)
    {
        _done += rows;
        Cancellation.ThrowIfCancellationRequested();
        Progress?.Report((double)_done / _rows);
    }
}
