using HipiFast.Kernels.Devices.Runtime;

namespace HipiFast.Kernels.Cuda;

/// <summary>A CUDA event.</summary>
internal sealed unsafe class CudaEvent : DeviceEvent
{
    private readonly CudaRuntime _runtime;
    private readonly CudaHandle _handle;

    public CudaEvent(CudaRuntime runtime, nint handle, bool isTimed)
    {
        _runtime = runtime;
        IsTimed = isTimed;
        _handle = new CudaHandle(runtime, this, handle);
    }

    /// <summary>Whether the driver notes the time when it is reached.</summary>
    public bool IsTimed { get; }

    /// <summary>Whether it has been recorded.</summary>
    public bool IsRecorded { get; set; }

    /// <summary>Its handle.</summary>
    public nint Handle => _handle.Value;

    protected override void Dispose(bool disposing) =>
        _handle.Release(_runtime.Driver.EventDestroy, "destroy an event");
}
