namespace HipiFast.Kernels.Replay;

/// <summary>
/// A ring of the latest transitions in the memory of a session's device, from which batches are drawn there. The draws
/// are those of a replay ring of the same capacity on the host, row for row.
/// </summary>
/// <remarks>
/// Transitions have absolute numbers that never change, kept in slot <c>number mod Capacity</c>. A batch sees exactly
/// what was appended before it was drawn. Not thread-safe. Appending and sampling allocate nothing.
/// </remarks>
internal abstract class TransitionRing : IDisposable
{
    /// <summary>Most transitions kept.</summary>
    public abstract long Capacity { get; }

    /// <summary>
    /// Adds transitions. Returns as soon as their memory may be changed; the device copies while it computes.
    /// </summary>
    /// <param name="columns">The columns, as many and as wide as the ring was made for.</param>
    /// <param name="rows">Rows of each.</param>
    /// <exception cref="ArgumentException">A column has another form; nothing was added.</exception>
    public abstract void Append(ReadOnlySpan<ColumnRows> columns, int rows);

    /// <summary>Draws transitions uniformly, with replacement, and gathers them. The host does not wait.</summary>
    /// <param name="rows">B, 1 or more.</param>
    /// <param name="seed">Philox key.</param>
    /// <param name="call">Number of the call: third counter word.</param>
    /// <returns>
    /// The batch. Its memory serves the next one, too, and moves only when a larger one is asked for.
    /// </returns>
    /// <exception cref="InvalidOperationException">
    /// The ring is empty, or began anew and has not been filled since.
    /// </exception>
    public abstract ResidentTransitions Sample(int rows, ulong seed, uint call);

    /// <summary>
    /// Forgets all transitions and goes on with a number, for a ring that is filled from a checkpoint.
    /// </summary>
    /// <param name="firstNumber">
    /// Number of the next transition to be added, 0 or more. Above 0 the ring must be filled, with
    /// <see cref="Capacity"/> transitions, before it is sampled.
    /// </param>
    public abstract void Restart(long firstNumber);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives the memory back; a second call does nothing.</summary>
    /// <param name="disposing">True.</param>
    protected abstract void Dispose(bool disposing);
}
