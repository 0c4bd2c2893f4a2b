using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Cuda.Driver;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Tasks;

namespace HipiFast.Kernels.Cuda;

/// <summary>
/// A CUDA device through its driver: the primary context (the one that the CUDA runtime, and so libtorch, uses), with
/// modules loaded from PTX.
/// </summary>
internal sealed unsafe class CudaRuntime : DeviceRuntime
{
    private const uint NonBlockingStream = 1;

    /// <summary>CU_EVENT_DISABLE_TIMING.</summary>
    private const uint UntimedEvent = 2;

    // Work of other threads of the process (libtorch's) does not break a recording.
    private const int ThreadLocalCapture = 1;

    /// <summary>Shared memory of a group that needs no leave.</summary>
    private const int FreeSharedBytes = 48 << 10;

    private const int JitLogBytes = 8 << 10;

    private readonly PtxCatalog _catalog;
    private readonly Func<string, TaskFamily?, int, PtxKernel?>? _compile;
    private readonly HashSet<IDisposable> _resources = [];
    private readonly Dictionary<string, nint> _modules = [];
    private readonly Dictionary<(string Kernel, string Family), CudaKernel> _kernels = [];
    private readonly int _device;
    private readonly nint _context;
    private readonly CudaStream _main;
    private StagingArea? _staging;
    private nint _capturing;
    private bool _isCapturing;
    private bool _isDisposed;

    /// <summary>Opens a device.</summary>
    /// <param name="driver">The driver.</param>
    /// <param name="device">One of <see cref="CudaDriver.ListDevices"/>.</param>
    /// <param name="ordinal">Its number.</param>
    /// <param name="catalog">The kernels kept ready.</param>
    /// <param name="compile">
    /// Compiles others, of a name, a family and a compute capability; null, also from it, where nothing can.
    /// </param>
    /// <exception cref="DeviceException">The driver reports an error.</exception>
    public CudaRuntime(
        CudaDriver driver, DeviceInfo device, int ordinal, PtxCatalog catalog,
        Func<string, TaskFamily?, int, PtxKernel?>? compile = null)
    {
        Driver = driver;
        Device = device;
        _catalog = catalog;
        _compile = compile;
        _device = driver.GetDevice(ordinal);
        nint context = 0;
        CudaDriver.Check(driver.PrimaryContextRetain(&context, _device), "open the device's primary context");
        _context = context;
        try
        {
            _main = (CudaStream)CreateStream();
        }
        catch (DeviceException)
        {
            driver.PrimaryContextRelease(_device);
            throw;
        }
    }

    /// <summary>The driver's entry points.</summary>
    public CudaDriver Driver { get; }

    /// <inheritdoc/>
    public override DeviceInfo Device { get; }

    /// <inheritdoc/>
    public override DeviceStream MainStream => _main;

    /// <inheritdoc/>
    public override bool CanCapture => true;

    /// <inheritdoc/>
    public override bool CanShare => true;

    /// <inheritdoc/>
    public override long FreeMemoryBytes
    {
        get
        {
            using ContextScope scope = Enter();
            nuint free = 0, total = 0;
            CudaDriver.Check(Driver.MemoryGetInfo(&free, &total), "read the free memory");
            return (long)free;
        }
    }

    /// <inheritdoc/>
    public override DeviceBuffer Allocate(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
        using ContextScope scope = Enter();
        ulong address = 0;
        CudaResult result = Driver.MemoryAllocate(&address, (nuint)bytes);
        if (result == CudaResult.OutOfMemory)
        {
            nuint free = 0, total = 0;
            long known = Driver.MemoryGetInfo(&free, &total) == CudaResult.Success ? (long)free : -1;
            throw new DeviceOutOfMemoryException(Device.Id, bytes, known);
        }

        CudaDriver.Check(result, "allocate device memory");
        return new CudaBuffer(this, address, bytes, isOwner: true);
    }

    /// <inheritdoc/>
    public override PinnedBuffer AllocatePinned(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
        using ContextScope scope = Enter();
        void* pointer = null;
        CudaResult result = Driver.HostAllocate(&pointer, (nuint)bytes, 0);
        if (result == CudaResult.OutOfMemory)
        {
            throw new OutOfMemoryException(
                $"The host has no {bytes} bytes of pinned memory left for device {Device.Id}.");
        }

        CudaDriver.Check(result, "allocate pinned memory");
        NativeMemory.Clear(pointer, (nuint)bytes);
        return new CudaPinnedBuffer(this, (byte*)pointer, bytes);
    }

    /// <inheritdoc/>
    public override DeviceBuffer Share(ulong address, long bytes)
    {
        ThrowIfDisposed();
        ArgumentOutOfRangeException.ThrowIfZero(address);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
        return new CudaBuffer(this, address, bytes, isOwner: false);
    }

    /// <inheritdoc/>
    internal override bool Owns(DeviceBuffer buffer) => buffer is CudaBuffer memory && memory.Runtime == this;

    /// <inheritdoc/>
    public override DeviceStream ShareStream(nint handle)
    {
        ThrowIfDisposed();
        return new CudaStream(this, handle, isOwner: false);
    }

    /// <inheritdoc/>
    public override DeviceStream CreateStream()
    {
        using ContextScope scope = Enter();
        nint handle = 0;
        CudaDriver.Check(Driver.StreamCreate(&handle, NonBlockingStream), "make a stream");
        return new CudaStream(this, handle, isOwner: true);
    }

    /// <inheritdoc/>
    public override DeviceEvent CreateEvent(bool isTimed = false)
    {
        using ContextScope scope = Enter();
        nint handle = 0;
        CudaDriver.Check(Driver.EventCreate(&handle, isTimed ? 0 : UntimedEvent), "make an event");
        return new CudaEvent(this, handle, isTimed);
    }

    /// <inheritdoc/>
    public override DeviceKernel Load(string name, TaskFamily? family = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        ThrowIfDisposed();
        string familyName = PtxCatalog.FamilyName(family);
        if (!_kernels.TryGetValue((name, familyName), out CudaKernel? kernel))
        {
            PtxKernel ptx = _catalog.Find(name, familyName, Device.Capability)
                ?? _compile?.Invoke(name, family, Device.Capability)
                ?? throw NotKept(name, familyName);
            kernel = LoadKernel(name, ptx);
            _kernels.Add((name, familyName), kernel);
        }

        return kernel;
    }

    /// <inheritdoc/>
    [SkipLocalsInit]
    public override void Launch(
        DeviceKernel kernel, in LaunchShape shape, LaunchArguments arguments, DeviceStream? stream = null)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        CudaKernel cuda = (CudaKernel)kernel;
        int count = arguments.Count;
        CheckArguments(cuda, arguments, shape.DynamicSharedBytes);

        // A view is two 64-bit words; a struct lies in the arguments already. The driver copies both before it returns.
        ulong* views = stackalloc ulong[2 * LaunchArguments.MaxCount];
        void** parameters = stackalloc void*[LaunchArguments.MaxCount];
        for (int i = 0; i < count; i++)
        {
            if (arguments.IsView(i))
            {
                DeviceView view = arguments.View(i);
                ulong* words = views + (2 * i);
                words[0] = view.Buffer is null ? 0 : Address(view);
                words[1] = (ulong)view.Length;
                parameters[i] = words;
            }
            else
            {
                // Native memory: it does not move.
                parameters[i] = Unsafe.AsPointer(ref MemoryMarshal.GetReference(arguments.StructBytes(i)));
            }
        }

        using ContextScope scope = Enter();
        CudaResult result = Driver.LaunchKernel(
            cuda.Function,
            (uint)shape.Grid.X, (uint)shape.Grid.Y, (uint)shape.Grid.Z,
            (uint)shape.Group.X, (uint)shape.Group.Y, (uint)shape.Group.Z,
            (uint)shape.DynamicSharedBytes, Handle(stream), parameters, null);
        if (result != CudaResult.Success)
        {
            throw new DeviceException(CudaErrors.Sentence(result, $"launch the kernel {cuda.Name}"));
        }
    }

    /// <inheritdoc/>
    public override void Record(DeviceEvent mark, DeviceStream? stream = null)
    {
        using ContextScope scope = Enter();
        CudaDriver.Check(Driver.EventRecord(((CudaEvent)mark).Handle, Handle(stream)), "record an event");
        ((CudaEvent)mark).IsRecorded = true;
    }

    /// <inheritdoc/>
    public override void Wait(DeviceEvent mark, DeviceStream? stream = null)
    {
        using ContextScope scope = Enter();
        CudaDriver.Check(Driver.StreamWaitEvent(Handle(stream), ((CudaEvent)mark).Handle, 0), "make a stream wait");
    }

    /// <inheritdoc/>
    public override TimeSpan Elapsed(DeviceEvent first, DeviceEvent second)
    {
        using ContextScope scope = Enter();
        CudaEvent begin = (CudaEvent)first, end = (CudaEvent)second;
        RequireTimed(begin.IsTimed, begin.IsRecorded);
        RequireTimed(end.IsTimed, end.IsRecorded);
        float milliseconds = 0;
        CudaDriver.Check(Driver.EventSynchronize(end.Handle), "wait for an event");
        CudaDriver.Check(
            Driver.EventElapsedTime(&milliseconds, begin.Handle, end.Handle), "read the time between events");
        return TimeSpan.FromMilliseconds(milliseconds);
    }

    /// <inheritdoc/>
    public override void Synchronize(DeviceStream? stream = null)
    {
        using ContextScope scope = Enter();
        CudaDriver.Check(Driver.StreamSynchronize(Handle(stream)), "finish the work of a stream");
    }

    /// <inheritdoc/>
    public override void Synchronize(DeviceEvent mark)
    {
        using ContextScope scope = Enter();
        CudaDriver.Check(Driver.EventSynchronize(((CudaEvent)mark).Handle), "wait for an event");
    }

    /// <inheritdoc/>
    public override void BeginCapture(DeviceStream? stream = null)
    {
        using ContextScope scope = Enter();
        if (_isCapturing)
        {
            throw new InvalidOperationException("A recording has been begun already.");
        }

        nint handle = Handle(stream);
        CudaDriver.Check(Driver.StreamBeginCapture(handle, ThreadLocalCapture), "begin to record a graph");
        _isCapturing = true;
        _capturing = handle;
    }

    /// <inheritdoc/>
    public override DeviceGraph EndCapture(DeviceStream? stream = null)
    {
        using ContextScope scope = Enter();
        nint handle = Handle(stream);
        if (!_isCapturing || handle != _capturing)
        {
            throw new InvalidOperationException("No recording has been begun on this stream.");
        }

        _isCapturing = false;
        nint graph = 0, executable = 0;
        CudaDriver.Check(Driver.StreamEndCapture(handle, &graph), "end the recording of a graph");
        CudaResult result = Driver.GraphInstantiate(&executable, graph, 0);

        // The executable graph is a copy.
        Driver.GraphDestroy(graph);
        CudaDriver.Check(result, "make a graph ready");
        return new CudaGraph(this, executable);
    }

    /// <inheritdoc/>
    public override void Replay(DeviceGraph graph, DeviceStream? stream = null)
    {
        using ContextScope scope = Enter();
        CudaDriver.Check(Driver.GraphLaunch(((CudaGraph)graph).Handle, Handle(stream)), "launch a graph");
    }

    /// <summary>Makes the device's context the calling thread's, as long as the scope lives.</summary>
    /// <exception cref="ObjectDisposedException">The runtime has been disposed.</exception>
    internal ContextScope Enter()
    {
        ThrowIfDisposed();
        return new ContextScope(Driver, _context);
    }

    /// <summary>Takes note of something to give back at the end.</summary>
    internal void Own(IDisposable resource) => _resources.Add(resource);

    /// <summary>Forgets it.</summary>
    /// <returns>False when the runtime has been disposed, and with it whatever it owned.</returns>
    internal bool Disown(IDisposable resource) => _resources.Remove(resource) && !_isDisposed;

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (_isDisposed)
        {
            return;
        }

        using (Enter())
        {
            if (_isCapturing)
            {
                nint graph = 0;
                if (Driver.StreamEndCapture(_capturing, &graph) == CudaResult.Success && graph != 0)
                {
                    Driver.GraphDestroy(graph);
                }
            }

            // A failed kernel shows here at the latest; what follows gives back what can be given back all the same.
            CudaResult result = Driver.ContextSynchronize();
            foreach (IDisposable resource in _resources.ToArray())
            {
                try
                {
                    resource.Dispose();
                }
                catch (DeviceException) when (result != CudaResult.Success)
                {
                    // After a fatal error every call fails the same way; the context goes, and all that is in it.
                }
            }

            foreach (nint module in _modules.Values)
            {
                Driver.ModuleUnload(module);
            }
        }

        _isDisposed = true;
        Driver.PrimaryContextRelease(_device);
    }

    /// <inheritdoc/>
    protected override void UploadCore(void* source, DeviceView destination, long bytes, DeviceStream? stream)
    {
        using ContextScope scope = Enter();
        Staging().Upload((byte*)source, Address(destination), bytes, Handle(stream));
    }

    /// <inheritdoc/>
    protected override void UploadAsyncCore(
        PinnedBuffer source, long sourceOffset, DeviceView destination, long bytes, DeviceStream? stream)
    {
        using ContextScope scope = Enter();
        byte* pointer = Pinned(source) + sourceOffset;
        CudaDriver.Check(
            Driver.CopyHostToDevice(Address(destination), pointer, (nuint)bytes, Handle(stream)), "copy to the device");
    }

    /// <inheritdoc/>
    protected override void DownloadCore(DeviceView source, void* destination, long bytes, DeviceStream? stream)
    {
        using ContextScope scope = Enter();
        Staging().Download(Address(source), (byte*)destination, bytes, Handle(stream));
    }

    /// <inheritdoc/>
    protected override void DownloadAsyncCore(
        DeviceView source, PinnedBuffer destination, long destinationOffset, long bytes, DeviceStream? stream)
    {
        using ContextScope scope = Enter();
        byte* pointer = Pinned(destination) + destinationOffset;
        CudaDriver.Check(
            Driver.CopyDeviceToHost(pointer, Address(source), (nuint)bytes, Handle(stream)), "copy from the device");
    }

    /// <inheritdoc/>
    protected override void CopyCore(DeviceView source, DeviceView destination, long bytes, DeviceStream? stream)
    {
        using ContextScope scope = Enter();
        CudaDriver.Check(
            Driver.CopyDeviceToDevice(Address(destination), Address(source), (nuint)bytes, Handle(stream)),
            "copy within the device");
    }

    /// <inheritdoc/>
    protected override void ClearCore(DeviceView view, long bytes, DeviceStream? stream)
    {
        using ContextScope scope = Enter();
        CudaDriver.Check(Driver.MemorySet(Address(view), 0, (nuint)bytes, Handle(stream)), "clear device memory");
    }

    private static ulong Address(in DeviceView view)
    {
        ulong address = view.Buffer!.Address;
        ObjectDisposedException.ThrowIf(address == 0, view.Buffer);
        return address + (ulong)view.ByteOffset;
    }

    private static byte* Pinned(PinnedBuffer buffer)
    {
        ObjectDisposedException.ThrowIf(buffer.Pointer is null, buffer);
        return buffer.Pointer;
    }

    private static void CheckArguments(CudaKernel kernel, LaunchArguments arguments, int dynamicSharedBytes)
    {
        int[] expected = kernel.ParameterBytes;
        if (arguments.Count != expected.Length)
        {
            throw new ArgumentException(
                $"The kernel {kernel.Name} has {expected.Length} parameters; found {arguments.Count}.",
                nameof(arguments));
        }

        for (int i = 0; i < expected.Length; i++)
        {
            int bytes = arguments.IsView(i) ? PtxParameters.ViewBytes : arguments.StructBytes(i).Length;
            if (bytes != expected[i])
            {
                throw new ArgumentException(
                    $"Parameter {i} of the kernel {kernel.Name} has {expected[i]} bytes; "
                    + $"found {(arguments.IsView(i) ? "a view" : "a struct")} of {bytes}.",
                    nameof(arguments));
            }
        }

        if (dynamicSharedBytes < 0 || dynamicSharedBytes > kernel.MaxDynamicSharedBytes)
        {
            throw new ArgumentException(
                $"The kernel {kernel.Name} may have {kernel.MaxDynamicSharedBytes} bytes of dynamic shared memory on "
                + "this device; "
                + $"{dynamicSharedBytes} were asked for.",
                nameof(dynamicSharedBytes));
        }
    }

    private nint Handle(DeviceStream? stream) => stream is null ? _main.Handle : ((CudaStream)stream).Handle;

    private StagingArea Staging()
    {
        if (_isCapturing)
        {
            throw new InvalidOperationException(
                "Only pinned buffers may be copied from and to while a graph is recorded.");
        }

        return _staging ??= new StagingArea(this);
    }

    private NotSupportedException NotKept(string name, string family)
    {
        if (family != "-" && _catalog.Find(name, family, int.MaxValue) is null)
        {
            return new NotSupportedException(
                $"The task family {family} is not among those that the cuda backend keeps ready, and compiling it "
                + "takes HipiFast.Kernels.Ilgpu: "
                + "build with the ILGPU package, or use another backend.");
        }

        int lowest = _catalog.LowestCapability;
        return new NotSupportedException(
            $"The kernel '{name}' is not kept ready for {Device.Id} of compute capability "
            + $"{Device.Capability / 10}.{Device.Capability % 10}"
            + $"{(lowest > 0 ? $" (kernels are kept for {lowest / 10}.{lowest % 10} and up)" : string.Empty)}.");
    }

    private CudaKernel LoadKernel(string name, PtxKernel ptx)
    {
        int[] parameters = PtxParameters.Read(ptx.Text, ptx.EntryPoint);
        using ContextScope scope = Enter();
        if (!_modules.TryGetValue(ptx.Text, out nint module))
        {
            module = LoadModule(name, ptx.Text);
            _modules.Add(ptx.Text, module);
        }

        nint function = 0;
        byte[] entryPoint = Encoding.UTF8.GetBytes(ptx.EntryPoint + '\0');
        fixed (byte* pointer = entryPoint)
        {
            CudaDriver.Check(
                Driver.ModuleGetFunction(&function, module, pointer), $"find the kernel {name} in its module");
        }

        KernelResources resources = new(
            Attribute(CudaFunctionAttribute.RegisterCount, function),
            Attribute(CudaFunctionAttribute.LocalSizeBytes, function),
            Attribute(CudaFunctionAttribute.SharedSizeBytes, function),
            Attribute(CudaFunctionAttribute.MaxThreadsPerBlock, function));

        // Asked for once and here, because it can wait for copies that are going on.
        bool needsLeave = PtxParameters.UsesDynamicSharedMemory(ptx.Text)
            && Device.SharedBytesPerGroup > FreeSharedBytes;
        int most = Math.Max(0, (needsLeave ? Device.SharedBytesPerGroup : FreeSharedBytes) - resources.SharedBytes);
        if (needsLeave)
        {
            CudaDriver.Check(
                Driver.FunctionSetAttribute(function, CudaFunctionAttribute.MaxDynamicSharedSizeBytes, most),
                $"give the kernel {name} more shared memory");
        }

        return new CudaKernel(name, function, parameters, resources, most);
    }

    private nint LoadModule(string name, string text)
    {
        byte[] ptx = Encoding.UTF8.GetBytes(text + '\0');
        byte[] log = new byte[JitLogBytes];
        nint module = 0;
        CudaResult result;
        fixed (byte* ptxPointer = ptx, logPointer = log)
        {
            // Options that are numbers are passed in the place of pointers.
            CudaJitOption* options =
                stackalloc CudaJitOption[] { CudaJitOption.ErrorLogBuffer, CudaJitOption.ErrorLogBufferSizeBytes };
            void** values = stackalloc void*[] { logPointer, (void*)(nint)JitLogBytes };
            result = Driver.ModuleLoadData(&module, ptxPointer, 2, options, values);
        }

        if (result == CudaResult.Success)
        {
            return module;
        }

        int end = Array.IndexOf(log, (byte)0);
        string first = Encoding.UTF8.GetString(log, 0, end < 0 ? log.Length : end)
            .Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                .FirstOrDefault(string.Empty);
        string sentence = CudaErrors.Sentence(result, $"load the kernel {name}");
        throw new DeviceException(
            first.Length == 0 ? sentence : $"{sentence.TrimEnd('.')}; the compiler says: {first.TrimEnd('.')}.");
    }

    private int Attribute(CudaFunctionAttribute attribute, nint function)
    {
        int value = 0;
        CudaDriver.Check(Driver.FunctionGetAttribute(&value, attribute, function), "read a kernel's properties");
        return value;
    }

    private void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_isDisposed, this);

    /// <summary>
    /// A part of a thread's life in which the device's context is current; the one before is current again afterwards.
    /// </summary>
    internal readonly ref struct ContextScope
    {
        private readonly CudaDriver? _driver;

        public ContextScope(CudaDriver driver, nint context)
        {
            nint current = 0;
            if (driver.ContextGetCurrent(&current) != CudaResult.Success || current != context)
            {
                CudaDriver.Check(driver.ContextPush(context), "switch to the device's context");
                _driver = driver;
            }
        }

        public void Dispose()
        {
            nint context = 0;
            if (_driver is not null)
            {
                _driver.ContextPop(&context);
            }
        }
    }
}
