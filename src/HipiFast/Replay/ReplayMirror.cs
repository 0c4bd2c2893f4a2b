using HipiFast.Kernels.Devices;
using HipiFast.Kernels.Devices.Replay;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Memory;

namespace HipiFast.Replay;

/// <summary>
/// A replay buffer's transitions once more, in a device's memory: batches are drawn, relabeled and gathered there and need not go up. The buffer on
/// the host stays what knows episodes and what a checkpoint keeps. Not thread-safe; a steady step allocates nothing.
/// </summary>
public sealed class ReplayMirror : IDisposable
{
    /// <summary>Transitions that go up at a time when the ring is filled anew.</summary>
    private const int RefillRows = 1 << 12;

    private readonly ReplayBuffer _replay;
    private readonly DeviceRuntime _runtime;
    private readonly DeviceReplay _ring;
    private PinnedBuffer? _staging;

    /// <summary>Allocates the ring on the device and copies the transitions that the buffer holds.</summary>
    /// <param name="runtime">The device: the device of the session that relabels; it must outlive the
    /// mirror.</param>
    /// <param name="replay">The buffer.</param>
    /// <exception cref="DeviceOutOfMemoryException">The ring does not fit.</exception>
    public ReplayMirror(DeviceRuntime runtime, ReplayBuffer replay)
    {
        ArgumentNullException.ThrowIfNull(runtime);
        ArgumentNullException.ThrowIfNull(replay);
        _replay = replay;
        _runtime = runtime;
        TransitionShape shape = replay.Shape;
        _ring = new DeviceReplay(_runtime, shape.ObservationDimension, shape.ActionDimension, shape.TaskDimension, replay.Capacity);
        Refill();
    }

    /// <summary>Adds what was added to the buffer; arguments as for <see cref="DeviceReplay.Append"/>.</summary>
    /// <param name="observation">s, <c>[R, S]</c>.</param>
    /// <param name="action">a, <c>[R, A]</c>.</param>
    /// <param name="nextObservation">s', <c>[R, S]</c>.</param>
    /// <param name="task">The commanded tasks, <c>[R, P]</c>.</param>
    /// <param name="reward">r under the commanded tasks, <c>[R]</c>.</param>
    /// <param name="terminated">Not 0 where the task ended, <c>[R]</c>.</param>
    /// <exception cref="ArgumentException">A length disagrees; nothing was added.</exception>
    public void Append(
        ReadOnlySpan<float> observation, ReadOnlySpan<float> action, ReadOnlySpan<float> nextObservation, ReadOnlySpan<float> task,
        ReadOnlySpan<float> reward, ReadOnlySpan<byte> terminated) =>
        _ring.Append(observation, action, nextObservation, task, reward, terminated);

    /// <summary>Draws the batch that <see cref="ReplayBuffer.Sample(TransitionBatch, int, ulong, uint)"/> draws, on the device.</summary>
    /// <param name="rows">B, 1 or more.</param>
    /// <param name="seed">Philox key.</param>
    /// <param name="call">Number of the call.</param>
    /// <returns>The batch; its memory serves the next one, too.</returns>
    /// <exception cref="InvalidOperationException">The buffer is empty.</exception>
    public DeviceBatch Sample(int rows, ulong seed, uint call) => _ring.Sample(rows, seed, call);

    /// <summary>Fills the ring anew with what the buffer holds, after <see cref="ReplayBuffer.LoadState"/>.</summary>
    public void Refill()
    {
        long number = _replay.TotalCount - _replay.Count;
        _ring.Restart(number);
        if (_replay.Count == 0)
        {
            return;
        }

        using TransitionBatch batch = new(_replay.Shape, (int)Math.Min(RefillRows, _replay.Count));
        for (; number < _replay.TotalCount; number += batch.Count)
        {
            _replay.Read(number, batch);
            Append(batch.Observation, batch.Action, batch.NextObservation, batch.Task, batch.Reward, batch.Terminated);
        }
    }

    /// <summary>Copies a batch to the host, for a learner that learns there.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="target">Receives it; of the buffer's shape, with room for its rows.</param>
    public void Download(in DeviceBatch batch, TransitionBatch target)
    {
        ArgumentNullException.ThrowIfNull(target);
        target.Count = checked((int)batch.Reward.Length);
        long bytes = Bytes(batch.Observation) + Bytes(batch.Action) + Bytes(batch.NextObservation) + Bytes(batch.Task) + Bytes(batch.Reward)
            + Bytes(batch.Terminated) + Bytes(batch.ReplayIndex);
        if (_staging is null || _staging.Bytes < bytes)
        {
            _staging?.Dispose();
            _staging = null;
            _staging = _runtime.AllocatePinned(bytes);
        }

        // 64-bit numbers first, so that all are aligned.
        long end = 0;
        long index = Queue(batch.ReplayIndex, ref end), observation = Queue(batch.Observation, ref end), action = Queue(batch.Action, ref end);
        long next = Queue(batch.NextObservation, ref end), task = Queue(batch.Task, ref end), reward = Queue(batch.Reward, ref end);
        long terminated = Queue(batch.Terminated, ref end);
        _runtime.Synchronize();
        Read(index, target.ReplayIndex);
        Read(observation, target.Observation);
        Read(action, target.Action);
        Read(next, target.NextObservation);
        Read(task, target.Task);
        Read(reward, target.Reward);
        Span<int> flags = _staging.Span<int>(terminated, target.Count);
        for (int row = 0; row < flags.Length; row++)
        {
            target.Terminated[row] = (byte)flags[row];
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _staging?.Dispose();
        _ring.Dispose();
    }

    private static long Bytes(DeviceView view) => view.Length * view.ElementSize;

    // Where the copy will be.
    private long Queue(DeviceView view, ref long end)
    {
        long begin = end;
        _runtime.DownloadAsync(view, _staging!, begin, Bytes(view));
        end += Bytes(view);
        return begin;
    }

    private void Read<T>(long offset, Span<T> target)
        where T : unmanaged => _staging!.Span<T>(offset, target.Length).CopyTo(target);
}
