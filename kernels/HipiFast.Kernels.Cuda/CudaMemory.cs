using HipiFast.Kernels.Cuda.Driver;
using HipiFast.Kernels.Devices;

namespace HipiFast.Kernels.Cuda;

/// <summary>Memory of a CUDA device, owned or somebody else's.</summary>
internal sealed unsafe class CudaBuffer : DeviceBuffer
{
    private readonly CudaRuntime _runtime;
    private readonly bool _isOwner;
    private ulong _address;

    public CudaBuffer(CudaRuntime runtime, ulong address, long bytes, bool isOwner)
        : base(bytes)
    {
        _runtime = runtime;
        _address = address;
        _isOwner = isOwner;
        runtime.Own(this);
    }

    public override ulong Address => _address;

    protected override void Dispose(bool disposing)
    {
        ulong address = _address;
        _address = 0;
        if (address != 0 && _runtime.Disown(this) && _isOwner)
        {
            using CudaRuntime.ContextScope scope = _runtime.Enter();
            CudaDriver.Check(_runtime.Driver.MemoryFree(address), "free device memory");
        }
    }
}

/// <summary>Host memory that a CUDA device copies from and to by itself.</summary>
internal sealed unsafe class CudaPinnedBuffer : PinnedBuffer
{
    private readonly CudaRuntime _runtime;
    private byte* _pointer;

    public CudaPinnedBuffer(CudaRuntime runtime, byte* pointer, long bytes)
        : base(bytes)
    {
        _runtime = runtime;
        _pointer = pointer;
        runtime.Own(this);
    }

    public override byte* Pointer => _pointer;

    protected override void Dispose(bool disposing)
    {
        byte* pointer = _pointer;
        _pointer = null;
        if (pointer is not null && _runtime.Disown(this))
        {
            using CudaRuntime.ContextScope scope = _runtime.Enter();
            CudaDriver.Check(_runtime.Driver.HostFree(pointer), "free pinned memory");
        }
    }
}

/// <summary>A CUDA stream, owned or somebody else's.</summary>
internal sealed unsafe class CudaStream : DeviceStream
{
    private readonly CudaRuntime _runtime;
    private readonly bool _isOwner;
    private nint _handle;
    private bool _isDisposed;

    public CudaStream(CudaRuntime runtime, nint handle, bool isOwner)
    {
        _runtime = runtime;
        _handle = handle;
        _isOwner = isOwner;
        runtime.Own(this);
    }

    /// <summary>Its handle; 0 for the default stream.</summary>
    public nint Handle
    {
        get
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            return _handle;
        }
    }

    protected override void Dispose(bool disposing)
    {
        nint handle = _handle;
        _handle = 0;
        bool isFirst = !_isDisposed;
        _isDisposed = true;
        if (isFirst && _runtime.Disown(this) && _isOwner)
        {
            using CudaRuntime.ContextScope scope = _runtime.Enter();
            CudaDriver.Check(_runtime.Driver.StreamDestroy(handle), "destroy a stream");
        }
    }
}

/// <summary>A CUDA event.</summary>
internal sealed unsafe class CudaEvent : DeviceEvent
{
    private readonly CudaRuntime _runtime;
    private nint _handle;

    public CudaEvent(CudaRuntime runtime, nint handle)
    {
        _runtime = runtime;
        _handle = handle;
        runtime.Own(this);
    }

    /// <summary>Its handle.</summary>
    public nint Handle
    {
        get
        {
            ObjectDisposedException.ThrowIf(_handle == 0, this);
            return _handle;
        }
    }

    protected override void Dispose(bool disposing)
    {
        nint handle = _handle;
        _handle = 0;
        if (handle != 0 && _runtime.Disown(this))
        {
            using CudaRuntime.ContextScope scope = _runtime.Enter();
            CudaDriver.Check(_runtime.Driver.EventDestroy(handle), "destroy an event");
        }
    }
}

/// <summary>An instantiated CUDA graph.</summary>
internal sealed unsafe class CudaGraph : DeviceGraph
{
    private readonly CudaRuntime _runtime;
    private nint _handle;

    public CudaGraph(CudaRuntime runtime, nint handle)
    {
        _runtime = runtime;
        _handle = handle;
        runtime.Own(this);
    }

    /// <summary>Its handle.</summary>
    public nint Handle
    {
        get
        {
            ObjectDisposedException.ThrowIf(_handle == 0, this);
            return _handle;
        }
    }

    protected override void Dispose(bool disposing)
    {
        nint handle = _handle;
        _handle = 0;
        if (handle != 0 && _runtime.Disown(this))
        {
            using CudaRuntime.ContextScope scope = _runtime.Enter();
            CudaDriver.Check(_runtime.Driver.GraphExecDestroy(handle), "destroy a graph");
        }
    }
}

/// <summary>A kernel that the driver has loaded.</summary>
internal sealed class CudaKernel(string name, nint function, int[] parameterBytes, KernelResources resources, int maxDynamicSharedBytes)
    : DeviceKernel(name)
{
    /// <summary>Its handle.</summary>
    public nint Function { get; } = function;

    /// <summary>Bytes of each parameter.</summary>
    public int[] ParameterBytes { get; } = parameterBytes;

    /// <summary>Most dynamic shared memory of a launch.</summary>
    public int MaxDynamicSharedBytes { get; } = maxDynamicSharedBytes;

    /// <inheritdoc/>
    public override KernelResources Resources { get; } = resources;
}
