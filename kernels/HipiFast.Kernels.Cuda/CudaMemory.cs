using HipiFast.Kernels.Cuda.Driver;
using HipiFast.Kernels.Devices.Runtime;

namespace HipiFast.Kernels.Cuda;

/// <summary>Memory of a CUDA device, owned or somebody else's.</summary>
internal sealed unsafe class CudaBuffer : DeviceBuffer
{
    private readonly bool _isOwner;
    private ulong _address;

    public CudaBuffer(CudaRuntime runtime, ulong address, long bytes, bool isOwner)
        : base(bytes)
    {
        Runtime = runtime;
        _address = address;
        _isOwner = isOwner;
        runtime.Own(this);
    }

    public override ulong Address => _address;

    /// <summary>The runtime that made it.</summary>
    public CudaRuntime Runtime { get; }

    protected override void Dispose(bool disposing)
    {
        ulong address = _address;
        _address = 0;
        if (address != 0 && Runtime.Disown(this) && _isOwner)
        {
            using CudaRuntime.ContextScope scope = Runtime.Enter();
            CudaDriver.Check(Runtime.Driver.MemoryFree(address), "free device memory");
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
