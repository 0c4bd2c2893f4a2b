using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Replay;

namespace HipiFast.Kernels.Devices.Replay;

/// <summary>Transitions in the memory of a session's device.</summary>
/// <param name="runtime">The device; it must outlive this object.</param>
internal sealed class DeviceTransitions(DeviceRuntime runtime) : TransitionMemory, IDisposable
{
    private UseGuard _use;
    private PinnedBuffer? _staging;

    /// <summary>The device.</summary>
    public DeviceRuntime Runtime => runtime;

    internal override TransitionRing CreateRing(ReadOnlySpan<ColumnRows> columns, long capacity)
    {
        _use.ThrowIfDisposed(UseGuard.Session);
        return new DeviceReplay(runtime, columns, capacity);
    }

    internal override void Download(
        ResidentTransitions batch, ReadOnlySpan<ColumnRows> columns, Span<long> replayIndex)
    {
        using UseGuard.Scope use = _use.Enter(UseGuard.Session);
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
            _staging = runtime.AllocatePinned(Math.Max(end, 1));
        }

        // 64-bit numbers first, so that all are aligned.
        runtime.DownloadAsync(source.ReplayIndex, _staging, 0, numbers);
        long at = numbers;
        for (int i = 0; i < count && source.TryGetColumn(i, out DeviceView view); i++)
        {
            long bytes = (long)source.Rows * columns[i].Words * sizeof(int);
            runtime.DownloadAsync(view, _staging, at, bytes);
            at += bytes;
        }

        runtime.Synchronize();
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
        if (_use.Close(UseGuard.Session))
        {
            _staging?.Dispose();
            _staging = null;
        }
    }

    private static void Check(DeviceView view, long bytes)
    {
        long found = view.Length * view.ElementSize;
        if (found != bytes)
        {
            throw new ArgumentException(
                $"A column of the batch on the device has {found} bytes; found room for {bytes}.");
        }
    }
}
