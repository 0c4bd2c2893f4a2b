using HipiFast.Kernels.Devices.Runtime;

namespace HipiFast.Kernels.Cuda;

/// <summary>A CUDA stream, owned or somebody else's.</summary>
internal sealed unsafe class CudaStream : DeviceStream
{
    private readonly CudaRuntime _runtime;
    private readonly CudaHandle _handle;

    public CudaStream(CudaRuntime runtime, nint handle, bool isOwner)
    {
        _runtime = runtime;
        _handle = new CudaHandle(runtime, this, handle, isOwner);
    }

    /// <summary>Its handle; 0 for the default stream.</summary>
    public nint Handle => _handle.Value;

    protected override void Dispose(bool disposing) =>
        _handle.Release(_runtime.Driver.StreamDestroy, "destroy a stream");
}
