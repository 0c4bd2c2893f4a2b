using HipiFast.Kernels.Memory;

namespace HipiFast.Kernels.Replay;

/// <summary>
/// Transitions in the memory of a session's device: rings that batches are drawn from there, and the way back to the
/// host.
/// </summary>
public abstract class TransitionMemory
{
    /// <summary>Allocates a ring.</summary>
    /// <param name="columns">Form of the columns of a transition, those of <see cref="KernelColumn"/> first.</param>
    /// <param name="capacity">Slots, in [1, 2^31 - 1].</param>
    /// <returns>The ring; dispose it before the session.</returns>
    /// <exception cref="ArgumentException">
    /// A column that kernels know is missing, or a size is out of range.
    /// </exception>
    /// <exception cref="DeviceOutOfMemoryException">The ring does not fit.</exception>
    internal abstract TransitionRing CreateRing(ReadOnlySpan<ColumnRows> columns, long capacity);

    /// <summary>Copies a batch to the host, after what has been queued to fill it.</summary>
    /// <param name="batch">The batch, in this memory.</param>
    /// <param name="columns">
    /// Receive the columns, in the order of the ring; none where nobody asks for them. Those behind the batch's own
    /// stay.
    /// </param>
    /// <param name="replayIndex">Receives the absolute numbers, <c>[B]</c>; empty where nobody asks for them.</param>
    /// <exception cref="ArgumentException">
    /// The batch is not one of this memory, or a column has another length.
    /// </exception>
    internal abstract void Download(
        ResidentTransitions batch, ReadOnlySpan<ColumnRows> columns, Span<long> replayIndex);
}
