using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Memory;
using ILGPU;
using ILGPU.Runtime;

namespace HipiFast.Kernels.Ilgpu.Runtime;

/// <summary>Device memory that ILGPU allocated, or somebody else's that it was shown.</summary>
internal sealed class IlgpuBuffer(MemoryBuffer memory) : DeviceBuffer(memory.LengthInBytes)
{
    public override ulong Address => memory.IsDisposed ? 0 : (ulong)memory.NativePtr;

    /// <summary>Whether it is memory of an accelerator.</summary>
    public bool IsOf(Accelerator accelerator) => memory.Accelerator == accelerator;

    /// <summary>All of it.</summary>
    public ArrayView<byte> Memory
    {
        get
        {
            ObjectDisposedException.ThrowIf(memory.IsDisposed, this);
            return memory.AsRawArrayView();
        }
    }

    /// <summary>A part of it.</summary>
    public static ArrayView<byte> Of(DeviceView view) =>
        ((IlgpuBuffer)view.Buffer!).Memory.SubView(view.ByteOffset, view.Length * view.ElementSize);

    protected override void Dispose(bool disposing) => memory.Dispose();
}

/// <summary>
/// Ordinary memory: ILGPU's copies from and to page-locked memory know whole arrays only, so copies here wait for the
/// device.
/// </summary>
internal sealed unsafe class IlgpuPinnedBuffer(long bytes) : PinnedBuffer(bytes)
{
    private readonly NativeBuffer<byte> _memory = new(bytes);

    public override byte* Pointer => _memory.IsDisposed ? null : _memory.Pointer;

    protected override void Dispose(bool disposing) => _memory.Dispose();
}

/// <summary>A queue of ILGPU's.</summary>
internal sealed class IlgpuStream(AcceleratorStream queue, bool isOwner) : DeviceStream
{
    private bool _isDisposed;

    public AcceleratorStream Queue
    {
        get
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            return queue;
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (!_isDisposed && isOwner)
        {
            queue.Dispose();
        }

        _isDisposed = true;
    }
}

/// <summary>A mark of ILGPU's.</summary>
internal sealed class IlgpuEvent(bool isTimed) : DeviceEvent
{
    private ProfilingMarker? _marker;
    private bool _isDisposed;

    /// <summary>Whether time is to be read from it.</summary>
    public bool IsTimed => isTimed;

    /// <summary>Where it was recorded last; null before that.</summary>
    public ProfilingMarker? Marker
    {
        get
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            return _marker;
        }
    }

    /// <summary>Records it anew.</summary>
    public void Record(AcceleratorStream queue)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        _marker?.Dispose();
        _marker = queue.AddProfilingMarker();
    }

    protected override void Dispose(bool disposing)
    {
        if (!_isDisposed)
        {
            _isDisposed = true;
            _marker?.Dispose();
        }
    }
}
