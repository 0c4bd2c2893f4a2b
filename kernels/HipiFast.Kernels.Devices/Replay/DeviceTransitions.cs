using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Replay;

namespace HipiFast.Kernels.Devices.Replay;

/// <summary>Transitions in the memory of a session's device.</summary>
/// <param name="launcher">The session's; it must outlive this object.</param>
internal sealed class DeviceTransitions(DeviceLauncher launcher) : TransitionMemory, IDisposable
{
    private PinnedBuffer? _staging;

    /// <summary>The device.</summary>
    public DeviceRuntime Runtime => launcher.Runtime;

    internal override TransitionRing CreateRing(ReadOnlySpan<ColumnRows> columns, long capacity)
    {
        using UseGuard.Scope use = launcher.Enter();
        return new DeviceReplay(launcher, columns, capacity);
    }

    internal override void Download(
        ResidentTransitions batch, ReadOnlySpan<ColumnRows> columns, Span<long> replayIndex)
    {
        using UseGuard.Scope use = launcher.Enter();
        DeviceBatch source = batch as DeviceBatch ?? throw new ArgumentException(
            "The batch does not lie in a device's memory.", nameof(batch));
        int count = 0;
        long numbers = (long)replayIndex.Length * sizeof(long), end = numbers;
        if (numbers > 0)
        {
            Check(source.ReplayIndex, numbers);
        }

        for (; count < columns.Length && source.TryGetColumn(count, out DeviceView view); count++)
        {
            long bytes = (long)source.Rows * columns[count].Words * sizeof(int);
            Check(view, bytes);
            end += bytes;
        }

        if (_staging is null || _staging.Bytes < end)
        {
            _staging?.Dispose();
            _staging = null;
            _staging = Runtime.AllocatePinned(Math.Max(end, 1));
        }

        // 64-bit numbers first, so that all are aligned.
        Runtime.DownloadAsync(source.ReplayIndex, _staging, 0, numbers);
        long at = numbers;
        for (int i = 0; i < count && source.TryGetColumn(i, out DeviceView view); i++)
        {
            long bytes = (long)source.Rows * columns[i].Words * sizeof(int);
            Runtime.DownloadAsync(view, _staging, at, bytes);
            at += bytes;
        }

        Runtime.Synchronize();
        _staging.Span<long>(0, replayIndex.Length).CopyTo(replayIndex);
        at = numbers;
        foreach (ColumnRows column in columns[..count])
        {
            int words = source.Rows * column.Words;
            column.ReadFrom(_staging.Span<int>(at, words));
            at += (long)words * sizeof(int);
        }
    }

    public void Dispose()
    {
        _staging?.Dispose();
        _staging = null;
    }

    private void Check(DeviceView view, long bytes)
    {
        long found = view.Length * view.ElementSize;
        if (found != bytes)
        {
            throw new ArgumentException(
                $"A column of the batch on the device has {found} bytes; found room for {bytes}.");
        }

        if (view.Buffer is DeviceBuffer buffer && !Runtime.Owns(buffer))
        {
            throw new ArgumentException(
                $"The batch lies in the memory of another session; expected that of this one on {Runtime.Device.Id}.");
        }
    }
}
