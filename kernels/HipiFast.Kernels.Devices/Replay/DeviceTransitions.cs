using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Replay;

namespace HipiFast.Kernels.Devices.Replay;

/// <summary>Transitions in the memory of a session's device.</summary>
/// <param name="runtime">The device; it must outlive this object.</param>
internal sealed class DeviceTransitions(DeviceRuntime runtime) : TransitionMemory, IDisposable
{
    private PinnedBuffer? _staging;

    /// <summary>The device.</summary>
    public DeviceRuntime Runtime => runtime;

    public override TransitionRing CreateRing(
        int observationDimension, int actionDimension, int taskDimension, long capacity) =>
        new DeviceReplay(runtime, observationDimension, actionDimension, taskDimension, capacity);

    public override void Download(
        ResidentTransitions batch, Span<float> observation, Span<float> action, Span<float> nextObservation,
        Span<float> task, Span<float> reward,
        Span<byte> terminated, Span<long> replayIndex)
    {
        DeviceBatch source = batch as DeviceBatch ?? throw new ArgumentException(
            "The batch does not lie in a device's memory.", nameof(batch));

        // 64-bit numbers first, so that all are aligned.
        long numbers = 0, end = Bytes(source.ReplayIndex, replayIndex.Length);
        long states = Place(source.Observation, observation.Length), actions = Place(source.Action, action.Length);
        long next = Place(source.NextObservation, nextObservation.Length), tasks = Place(source.Task, task.Length);
        long rewards = Place(source.Reward, reward.Length), ends = Place(source.Terminated, terminated.Length);
        if (_staging is null || _staging.Bytes < end)
        {
            _staging?.Dispose();
            _staging = null;
            _staging = runtime.AllocatePinned(Math.Max(end, 1));
        }

        Queue(source.ReplayIndex, numbers, replayIndex.Length);
        Queue(source.Observation, states, observation.Length);
        Queue(source.Action, actions, action.Length);
        Queue(source.NextObservation, next, nextObservation.Length);
        Queue(source.Task, tasks, task.Length);
        Queue(source.Reward, rewards, reward.Length);
        Queue(source.Terminated, ends, terminated.Length);
        runtime.Synchronize();
        Read(numbers, replayIndex);
        Read(states, observation);
        Read(actions, action);
        Read(next, nextObservation);
        Read(tasks, task);
        Read(rewards, reward);
        Span<int> flags = _staging.Span<int>(ends, terminated.Length);
        for (int row = 0; row < flags.Length; row++)
        {
            terminated[row] = (byte)flags[row];
        }

        // Where the column begins in the staging memory.
        long Place(DeviceView view, int length)
        {
            long begin = end;
            end += Bytes(view, length);
            return begin;
        }
    }

    public void Dispose()
    {
        _staging?.Dispose();
        _staging = null;
    }

    private static long Bytes(DeviceView view, int length) => length == 0 || length == view.Length
        ? (long)length * view.ElementSize
        : throw new ArgumentException(
            $"A column of the batch on the device has {view.Length} entries; found room for {length}.");

    private void Queue(DeviceView view, long offset, int length) =>
        runtime.DownloadAsync(view, _staging!, offset, (long)length * view.ElementSize);

    private void Read<T>(long offset, Span<T> target)
        where T : unmanaged => _staging!.Span<T>(offset, target.Length).CopyTo(target);
}
