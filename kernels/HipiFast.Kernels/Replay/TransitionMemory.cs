using HipiFast.Kernels.Memory;

namespace HipiFast.Kernels.Replay;

/// <summary>
/// Transitions in the memory of a session's device: rings that batches are drawn from there, and the way back to the
/// host.
/// </summary>
public abstract class TransitionMemory
{
    /// <summary>Allocates a ring.</summary>
    /// <param name="observationDimension">S, 1 or more.</param>
    /// <param name="actionDimension">A, 1 or more.</param>
    /// <param name="taskDimension">P, 1 or more.</param>
    /// <param name="capacity">Slots, in [1, 2^31 - 1].</param>
    /// <returns>The ring; dispose it before the session.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A size is out of range.</exception>
    /// <exception cref="DeviceOutOfMemoryException">The ring does not fit.</exception>
    public abstract TransitionRing CreateRing(
        int observationDimension, int actionDimension, int taskDimension, long capacity);

    /// <summary>
    /// Copies the columns of a batch to the host, after what has been queued to fill them; a column whose span is empty
    /// stays. Every other span holds the column exactly.
    /// </summary>
    /// <param name="batch">The batch, in this memory.</param>
    /// <param name="observation">Receives s, <c>[B, S]</c>.</param>
    /// <param name="action">Receives a, <c>[B, A]</c>.</param>
    /// <param name="nextObservation">Receives s', <c>[B, S]</c>.</param>
    /// <param name="task">Receives the tasks, <c>[B, P]</c>.</param>
    /// <param name="reward">Receives r, <c>[B]</c>.</param>
    /// <param name="terminated">Receives the terminations, 1 or 0, <c>[B]</c>.</param>
    /// <param name="replayIndex">Receives the absolute numbers, <c>[B]</c>.</param>
    /// <exception cref="ArgumentException">
    /// The batch is not one of this memory, or a span has another length than its column.
    /// </exception>
    public abstract void Download(
        ResidentTransitions batch, Span<float> observation, Span<float> action, Span<float> nextObservation,
        Span<float> task, Span<float> reward,
        Span<byte> terminated, Span<long> replayIndex);
}
