using HipiFast.Kernels.Replay;
using HipiFast.Storage;

namespace HipiFast.Replay;

/// <summary>
/// A replay buffer's transitions once more, in a session's own memory: batches are drawn, relabeled and gathered there
/// and need not go up. The buffer on the host stays what knows episodes and what a checkpoint keeps.
/// </summary>
/// <remarks>Not thread-safe. A steady step allocates nothing.</remarks>
public sealed class ResidentReplay : IReplay
{
    /// <summary>Transitions that go up at a time when the ring is filled anew.</summary>
    private const int RefillRows = 1 << 12;

    private readonly TransitionMemory _memory;
    private readonly TransitionRing _ring;
    private ResidentTransitionBatch? _batch;

    /// <summary>Allocates the ring and copies the transitions that the buffer holds.</summary>
    /// <param name="memory">
    /// Memory of the session that relabels (<see cref="Kernels.Backends.ComputeSession.Transitions"/>); it must outlive
    /// the replay.
    /// </param>
    /// <param name="host">
    /// The buffer; disposed with the replay. What is appended to it goes through the replay from here on.
    /// </param>
    /// <exception cref="Kernels.Memory.DeviceOutOfMemoryException">The ring does not fit.</exception>
    public ResidentReplay(TransitionMemory memory, ReplayBuffer host)
    {
        ArgumentNullException.ThrowIfNull(memory);
        ArgumentNullException.ThrowIfNull(host);
        _memory = memory;
        Host = host;
        _ring = memory.CreateRing(TransitionBatch.Forms(host.Shape), host.Capacity);
        Refill();
    }

    /// <inheritdoc/>
    public ReplayBuffer Host { get; }

    /// <inheritdoc/>
    public void Append(TransitionBatch step, ReadOnlySpan<byte> truncated)
    {
        Host.Append(step, truncated);
        _ring.Append(step.Stored, step.Count);
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">
    /// A batch that was made before has not been disposed: the ring draws into one place.
    /// </exception>
    public ITransitionBatch CreateBatch(int capacity)
    {
        if (_batch is { IsDisposed: false })
        {
            throw new InvalidOperationException(
                "A replay in a session's memory draws into one batch at a time; dispose the one before.");
        }

        _batch = new ResidentTransitionBatch(_memory, Host.Shape, capacity);
        return _batch;
    }

    /// <inheritdoc/>
    public void Sample(ITransitionBatch batch, int count, ulong seed, uint call)
    {
        ArgumentNullException.ThrowIfNull(batch);
        if (
            !ReferenceEquals(batch, _batch) || _batch is not { IsDisposed: false } resident || count < 1
                || count > resident.Capacity)
        {
            throw new ArgumentException(
                $"Cannot sample {count} transitions: expected the batch that this replay made last, and no more than "
                + "its capacity.",
                nameof(batch));
        }

        resident.Transitions = _ring.Sample(count, seed, call);
    }

    /// <inheritdoc/>
    public void SaveState(SafetensorsWriter writer, string prefix) => Host.SaveState(writer, prefix);

    /// <inheritdoc/>
    public void LoadState(SafetensorsFile file, string prefix)
    {
        Host.LoadState(file, prefix);
        Refill();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _ring.Dispose();
        Host.Dispose();
    }

    private void Refill()
    {
        long number = Host.TotalCount - Host.Count;
        _ring.Restart(number);
        if (Host.Count == 0)
        {
            return;
        }

        using TransitionBatch batch = new(Host.Shape, (int)Math.Min(RefillRows, Host.Count));
        for (; number < Host.TotalCount; number += batch.Count)
        {
            Host.Read(number, batch);
            _ring.Append(batch.Stored, batch.Count);
        }
    }
}
