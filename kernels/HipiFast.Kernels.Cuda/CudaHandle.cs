using HipiFast.Kernels.Cuda.Driver;
using HipiFast.Kernels.Devices.Runtime;

namespace HipiFast.Kernels.Cuda;

/// <summary>
/// The driver's handle of a stream, an event or a graph: valid until it is released, and destroyed once at most.
/// </summary>
internal sealed unsafe class CudaHandle
{
    private readonly CudaRuntime _runtime;
    private readonly IDisposable _holder;
    private readonly nint _value;
    private readonly bool _isOwner;

    // Not told by a value of 0, which is the default stream's handle.
    private bool _isReleased;

    /// <summary>Keeps a handle; the runtime disposes its holder at the latest when it is disposed itself.</summary>
    /// <param name="runtime">The runtime.</param>
    /// <param name="holder">What has the handle, and releases it when it is disposed.</param>
    /// <param name="value">The handle.</param>
    /// <param name="isOwner">Whether to destroy it; otherwise it is somebody else's.</param>
    public CudaHandle(CudaRuntime runtime, IDisposable holder, nint value, bool isOwner = true)
    {
        _runtime = runtime;
        _holder = holder;
        _value = value;
        _isOwner = isOwner;
        runtime.Own(holder);
    }

    /// <summary>What the driver knows it by.</summary>
    /// <exception cref="ObjectDisposedException">It has been released.</exception>
    public nint Value
    {
        get
        {
            ObjectDisposedException.ThrowIf(_isReleased, _holder);
            return _value;
        }
    }

    /// <summary>
    /// Ends its use, and destroys it if it is owned and the runtime has not been disposed; a second time does nothing.
    /// </summary>
    /// <param name="destroy">The driver's function for it.</param>
    /// <param name="what">What that does, for the message when it fails.</param>
    /// <exception cref="DeviceException">The driver reports an error.</exception>
    public void Release(delegate* unmanaged<nint, CudaResult> destroy, string what)
    {
        bool isFirst = !_isReleased;
        _isReleased = true;
        if (isFirst && _runtime.Disown(_holder) && _isOwner)
        {
            using CudaRuntime.ContextScope scope = _runtime.Enter();
            CudaDriver.Check(destroy(_value), what);
        }
    }
}
