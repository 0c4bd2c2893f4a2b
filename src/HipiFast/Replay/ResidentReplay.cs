using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Replay;
using HipiFast.Storage;

namespace HipiFast.Replay;

/// <summary>
/// A replay buffer's transitions once more, in a session's own memory: batches are drawn, relabeled and gathered there
/// and need not go up. The buffer on the host stays what knows episodes and what a checkpoint keeps.
/// </summary>
/// <remarks>
/// A steady step allocates nothing. One thread at a time: a second is refused with an
/// <see cref="InvalidOperationException"/>.
/// </remarks>
public sealed class ResidentReplay : IReplay
{
    /// <summary>Transitions that go up at a time when the ring is filled anew.</summary>
    private const int RefillRows = 1 << 12;

    private readonly TransitionMemory _memory;
    private readonly TransitionRing _ring;
    private UseGuard _use;
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
        ArgumentNullException.ThrowIfNull(step);
        using UseGuard.Scope use = _use.Enter(this), held = step.Share();
        Host.Append(step, truncated);
        _ring.Append(step.Stored, step.Count);
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">
    /// A batch that was made before has not been disposed: the ring draws into one place.
    /// </exception>
    public ITransitionBatch CreateBatch(int capacity)
    {
        using UseGuard.Scope use = _use.Enter(this);
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
        using UseGuard.Scope use = _use.Enter(this);
        if (
            !ReferenceEquals(batch, _batch) || _batch is not { IsDisposed: false } resident || count < 1
                || count > resident.Capacity)
        {
            throw new ArgumentException(
                $"Cannot sample {count} transitions: expected the batch that this replay made last, and no more than "
                + "its capacity.",
                nameof(batch));
        }

        using UseGuard.Scope held = resident.Enter();
        resident.Transitions = _ring.Sample(count, seed, call);
    }

    /// <inheritdoc/>
    public void SaveState(SafetensorsWriter writer, string prefix)
    {
        using UseGuard.Scope use = _use.Enter(this);
        Host.SaveState(writer, prefix);
    }

    /// <inheritdoc/>
    public void LoadState(SafetensorsFile file, string prefix)
    {
        using UseGuard.Scope use = _use.Enter(this);
        Host.LoadState(file, prefix);
        Refill();
    }

    /// <summary>Gives ring and buffer back; a second call does nothing.</summary>
    /// <exception cref="InvalidOperationException">A call is under way.</exception>
    public void Dispose()
    {
        if (_use.Close(this))
        {
            _ring.Dispose();
            Host.Dispose();
        }
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
