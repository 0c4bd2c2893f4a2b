using HipiFast.Kernels.Cuda.Driver;

namespace HipiFast.Kernels.Cuda;

/// <summary>
/// Two pinned blocks through which ordinary memory is copied: while the device copies one, the processor fills or
/// empties the other.
/// </summary>
internal sealed unsafe class StagingArea : IDisposable
{
    /// <summary>Bytes of a block: long enough that starting a copy (some microseconds) is nothing beside it.</summary>
    private const int BlockBytes = 4 << 20;
    private const int Blocks = 2;

    private readonly CudaRuntime _runtime;
    private readonly CudaPinnedBuffer _buffer;
    private readonly CudaEvent[] _done = new CudaEvent[Blocks];
    private int _next;

    public StagingArea(CudaRuntime runtime)
    {
        _runtime = runtime;
        _buffer = (CudaPinnedBuffer)runtime.AllocatePinned(Blocks * BlockBytes);
        for (int i = 0; i < Blocks; i++)
        {
            _done[i] = (CudaEvent)runtime.CreateEvent();
        }
    }

    /// <summary>Copies to the device; returns as soon as the source may be changed.</summary>
    public void Upload(byte* source, ulong destination, long bytes, nint stream)
    {
        for (long at = 0; at < bytes; at += BlockBytes)
        {
            long part = Math.Min(BlockBytes, bytes - at);
            byte* block = TakeBlock(out CudaEvent done);
            Buffer.MemoryCopy(source + at, block, part, part);
            CudaDriver.Check(_runtime.Driver.CopyHostToDevice(
                destination + (ulong)at, block, (nuint)part, stream), "copy to the device");
            CudaDriver.Check(_runtime.Driver.EventRecord(done.Handle, stream), "record an event");
        }
    }

    /// <summary>Copies from the device; returns when the data are there.</summary>
    public void Download(ulong source, byte* destination, long bytes, nint stream)
    {
        // The device copies a part into one block while the part before is taken out of the other.
        int previous = -1;
        long previousAt = 0;
        for (long at = 0; at < bytes; at += BlockBytes)
        {
            long part = Math.Min(BlockBytes, bytes - at);
            byte* block = TakeBlock(out CudaEvent done);
            CudaDriver.Check(_runtime.Driver.CopyDeviceToHost(
                block, source + (ulong)at, (nuint)part, stream), "copy from the device");
            CudaDriver.Check(_runtime.Driver.EventRecord(done.Handle, stream), "record an event");
            Empty(previous, destination + previousAt, BlockBytes);
            previous = (_next + Blocks - 1) % Blocks;
            previousAt = at;
        }

        Empty(previous, destination + previousAt, bytes - previousAt);
    }

    public void Dispose()
    {
        _buffer.Dispose();
        foreach (CudaEvent done in _done)
        {
            done.Dispose();
        }
    }

    private void Empty(int block, byte* destination, long bytes)
    {
        if (block >= 0)
        {
            CudaDriver.Check(_runtime.Driver.EventSynchronize(_done[block].Handle), "wait for a copy");
            Buffer.MemoryCopy(_buffer.Pointer + ((long)block * BlockBytes), destination, bytes, bytes);
        }
    }

    // The block's last copy has been done, whatever stream it was on. An event that was never recorded counts as
    // reached.
    private byte* TakeBlock(out CudaEvent done)
    {
        int block = _next;
        _next = (_next + 1) % Blocks;
        done = _done[block];
        CudaDriver.Check(_runtime.Driver.EventSynchronize(done.Handle), "wait for a copy");
        return _buffer.Pointer + ((long)block * BlockBytes);
    }
}
