using HipiFast.Storage;

namespace HipiFast.Replay;

/// <summary>
/// A ring of the latest transitions that batches are drawn from, wherever it lies. One object serves one thread at a
/// time.
/// </summary>
public interface IReplay : IDisposable
{
    /// <summary>The ring in host memory, which holds every live transition and knows the episodes.</summary>
    ReplayBuffer Host { get; }

    /// <summary>Adds one vector step: one transition of every environment copy.</summary>
    /// <param name="step">
    /// N rows in the order of the copies; tasks and rewards as commanded, s' also where the episode ended.
    /// </param>
    /// <param name="truncated">
    /// 1 where a time limit cut the episode, <c>[N]</c>; ends the copy's episode as a termination does.
    /// </param>
    /// <exception cref="ArgumentException">
    /// The shape, the number of rows or the length disagrees; nothing was added.
    /// </exception>
    /// <exception cref="InvalidDataException">
    /// A number is NaN or infinite, or a flag neither 0 nor 1; nothing was added.
    /// </exception>
    void Append(TransitionBatch step, ReadOnlySpan<byte> truncated);

    /// <summary>Makes a batch for <see cref="Sample"/>, where this replay draws its batches.</summary>
    /// <param name="capacity">Most rows, 1 or more.</param>
    /// <returns>The batch, for the caller to dispose before the replay.</returns>
    ITransitionBatch CreateBatch(int capacity);

    /// <summary>
    /// Fills a batch with transitions drawn uniformly, with replacement, from all live ones: the same ones wherever it
    /// lies.
    /// </summary>
    /// <param name="batch">One that <see cref="CreateBatch"/> made.</param>
    /// <param name="count">Rows wanted, 1 or more, within the batch's capacity.</param>
    /// <param name="seed">Philox key.</param>
    /// <param name="call">Number of this call: the third counter word.</param>
    /// <exception cref="ArgumentException">
    /// The batch lies elsewhere, the shapes disagree or <paramref name="count"/> does not fit.
    /// </exception>
    /// <exception cref="InvalidOperationException">The replay is empty.</exception>
    void Sample(ITransitionBatch batch, int count, ulong seed, uint call);

    /// <summary>Adds the live transitions to a checkpoint, the same tensors wherever they lie.</summary>
    /// <param name="writer">The checkpoint; it refers to memory that must not change until it is saved.</param>
    /// <param name="prefix">What the names start with.</param>
    void SaveState(SafetensorsWriter writer, string prefix);

    /// <summary>Restores what <see cref="SaveState"/> wrote, whichever replay wrote it.</summary>
    /// <param name="file">The checkpoint.</param>
    /// <param name="prefix">What the names start with.</param>
    /// <exception cref="InvalidDataException">
    /// A tensor is missing or of another shape, and nothing has changed; or a value cannot be, and the replay is empty.
    /// </exception>
    void LoadState(SafetensorsFile file, string prefix);
}
