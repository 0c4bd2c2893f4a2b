using HipiFast.Kernels.Devices.Runtime;

namespace HipiFast.Kernels.Cuda;

/// <summary>An instantiated CUDA graph.</summary>
internal sealed unsafe class CudaGraph : DeviceGraph
{
    private readonly CudaRuntime _runtime;
    private readonly CudaHandle _handle;

    public CudaGraph(CudaRuntime runtime, nint handle)
    {
        _runtime = runtime;
        _handle = new CudaHandle(runtime, this, handle);
    }

    /// <summary>Its handle.</summary>
    public nint Handle => _handle.Value;

    protected override void Dispose(bool disposing) =>
        _handle.Release(_runtime.Driver.GraphExecDestroy, "destroy a graph");
}
