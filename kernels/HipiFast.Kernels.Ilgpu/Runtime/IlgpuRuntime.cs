using System.Reflection;
using System.Runtime.CompilerServices;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Devices.SoftQ;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Tasks;
using ILGPU;
using ILGPU.Backends.EntryPoints;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;

namespace HipiFast.Kernels.Ilgpu.Runtime;

/// <summary>A device through ILGPU's own runtime, in a context of its own.</summary>
internal sealed unsafe class IlgpuRuntime : DeviceRuntime
{
    // What an empty view points to: some drivers take no null.
    private const int NothingBytes = 16;

    private readonly Accelerator _accelerator;
    private readonly IlgpuStream _mainStream;
    private readonly IlgpuBuffer _nothing;
    private readonly Dictionary<(string Name, Type? Family), IlgpuKernel> _kernels = [];
    private bool _isDisposed;

    public IlgpuRuntime(DeviceInfo info, Func<Accelerator> open)
    {
        Device = info;
        try
        {
            _accelerator = open();
            _mainStream = new IlgpuStream(_accelerator.DefaultStream, isOwner: false);
            _nothing = new IlgpuBuffer(_accelerator.Allocate1D<byte>(NothingBytes));
        }
        catch (Exception error)
        {
            _accelerator?.Dispose();
            if (error is OutOfMemoryException)
            {
                throw;
            }

            throw new DeviceException($"Device {info.Id} ({info.Name}) cannot be opened: {FirstLine(error)}");
        }
    }

    public override DeviceInfo Device { get; }

    public override long FreeMemoryBytes
    {
        get
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            return _accelerator is CudaAccelerator cuda ? cuda.GetFreeMemory() : -1;
        }
    }

    public override DeviceStream MainStream => _mainStream;

    public override bool CanCapture => false;

    /// <summary>
    /// The CPU accelerator's memory is the process's own; ILGPU has no way to look at memory of others on a GPU.
    /// </summary>
    public override bool CanShare => _accelerator is CPUAccelerator;

    public override DeviceBuffer Allocate(long bytes)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, 1);
        try
        {
            return new IlgpuBuffer(_accelerator.Allocate1D<byte>(bytes));
        }
        catch (Exception error) when (error is AcceleratorException or OutOfMemoryException)
        {
            throw new DeviceOutOfMemoryException(Device.Id, bytes, FreeMemoryBytes);
        }
    }

    public override PinnedBuffer AllocatePinned(long bytes)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, 1);
        return new IlgpuPinnedBuffer(bytes);
    }

    public override DeviceBuffer Share(ulong address, long bytes)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        if (!CanShare)
        {
            return base.Share(address, bytes);
        }

        ArgumentOutOfRangeException.ThrowIfZero(address);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
        return new IlgpuBuffer(CPUMemoryBuffer.Create(_accelerator, (nint)address, bytes, sizeof(byte)));
    }

    internal override bool Owns(DeviceBuffer buffer) => buffer is IlgpuBuffer memory && memory.IsOf(_accelerator);

    public override DeviceStream ShareStream(nint handle)
    {
        // The processor has no streams of others: what was done there is done.
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        return CanShare ? new IlgpuStream(_accelerator.DefaultStream, isOwner: false) : base.ShareStream(handle);
    }

    public override DeviceStream CreateStream()
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        return new IlgpuStream(_accelerator.CreateStream(), isOwner: true);
    }

    public override DeviceEvent CreateEvent(bool isTimed = false)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        return new IlgpuEvent(isTimed);
    }

    public override DeviceKernel Load(string name, TaskFamily? family = null)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        Type? type = KernelTable.TypeOf(family);
        if (_kernels.TryGetValue((name, type), out IlgpuKernel? kernel))
        {
            return kernel;
        }

        MethodInfo method = KernelTable.Find(name, type, SoftQTile.For(Device));
        try
        {
            kernel = new IlgpuKernel(
                name, _accelerator.LoadKernel(
                    _accelerator.CompileKernel(EntryPointDescription.FromExplicitlyGroupedKernel(method))), method);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            string what = family is null ? string.Empty : $" for the task family {type!.Name}";
            throw new DeviceException(
                $"The kernel '{name}'{what} does not compile for device {Device.Id}: {FirstLine(error)}");
        }

        _kernels.Add((name, type), kernel);
        return kernel;
    }

    public override void Launch(
        DeviceKernel kernel, in LaunchShape shape, LaunchArguments arguments, DeviceStream? stream = null)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        ((IlgpuKernel)kernel).Launch(Queue(stream), shape, arguments, _nothing.Memory);
    }

    public override void Record(DeviceEvent mark, DeviceStream? stream = null)
    {
        AcceleratorStream queue = Queue(stream);
        ((IlgpuEvent)mark).Record(queue);
    }

    public override void Wait(DeviceEvent mark, DeviceStream? stream = null)
    {
        // ILGPU has no waiting of one queue for another, so the host waits.
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        ((IlgpuEvent)mark).Marker?.Synchronize();
    }

    public override TimeSpan Elapsed(DeviceEvent first, DeviceEvent second)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        IlgpuEvent begin = (IlgpuEvent)first, end = (IlgpuEvent)second;
        RequireTimed(begin.IsTimed, begin.Marker is not null);
        RequireTimed(end.IsTimed, end.Marker is not null);
        return end.Marker!.MeasureFrom(begin.Marker!);
    }

    public override void Synchronize(DeviceStream? stream = null)
    {
        AcceleratorStream queue = Queue(stream);
        try
        {
            queue.Synchronize();
        }
        catch (AcceleratorException error)
        {
            throw new DeviceException($"Device {Device.Id} failed: {FirstLine(error)}");
        }
    }

    public override void Synchronize(DeviceEvent mark)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        ((IlgpuEvent)mark).Marker?.Synchronize();
    }

    protected override void UploadCore(void* source, DeviceView destination, long bytes, DeviceStream? stream)
    {
        AcceleratorStream queue = Queue(stream);
        IlgpuBuffer.Of(destination).SubView(0, bytes).CopyFromCPU(queue, ref Unsafe.AsRef<byte>(source), bytes);
        queue.Synchronize();
    }

    protected override void UploadAsyncCore(
        PinnedBuffer source, long sourceOffset, DeviceView destination, long bytes, DeviceStream? stream) =>
        UploadCore(source.Pointer + sourceOffset, destination, bytes, stream);

    protected override void DownloadCore(DeviceView source, void* destination, long bytes, DeviceStream? stream)
    {
        AcceleratorStream queue = Queue(stream);
        IlgpuBuffer.Of(source).SubView(0, bytes).CopyToCPU(queue, ref Unsafe.AsRef<byte>(destination), bytes);
        queue.Synchronize();
    }

    protected override void DownloadAsyncCore(
        DeviceView source, PinnedBuffer destination, long destinationOffset, long bytes, DeviceStream? stream) =>
        DownloadCore(source, destination.Pointer + destinationOffset, bytes, stream);

    protected override void CopyCore(DeviceView source, DeviceView destination, long bytes, DeviceStream? stream) =>
        IlgpuBuffer.Of(source).SubView(0, bytes).CopyTo(Queue(stream), IlgpuBuffer.Of(destination).SubView(0, bytes));

    protected override void ClearCore(DeviceView view, long bytes, DeviceStream? stream) =>
        IlgpuBuffer.Of(view).SubView(0, bytes).MemSetToZero(Queue(stream));

    protected override void Dispose(bool disposing)
    {
        if (!_isDisposed)
        {
            _isDisposed = true;
            _nothing.Dispose();
            _accelerator.Dispose();
        }
    }

    private static string FirstLine(Exception error)
    {
        Exception cause = error.GetBaseException();
        return cause.Message.Split('\n')[0].Trim();
    }

    private AcceleratorStream Queue(DeviceStream? stream)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        return ((IlgpuStream?)stream ?? _mainStream).Queue;
    }
}
