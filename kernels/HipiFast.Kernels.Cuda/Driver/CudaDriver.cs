using System.Runtime.InteropServices;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Devices.Runtime;

namespace HipiFast.Kernels.Cuda.Driver;

/// <summary>
/// The entry points of NVIDIA's driver library that are used here, by the names of its header cuda.h. Loaded by hand
/// and not through <c>DllImport</c>, so that a machine without the library, or with one that lacks an entry point, is a
/// sentence and no exception from a call.
/// </summary>
internal sealed unsafe class CudaDriver
{
    /// <summary>
    /// Oldest version of CUDA that a driver must support: the first with all entry points
    /// (<c>cuGraphInstantiateWithFlags</c>).
    /// </summary>
    public const int OldestVersion = 11040;

    private const int NameBytes = 256;

    private CudaDriver(nint library)
    {
        Init = (delegate* unmanaged<uint, CudaResult>)Find("cuInit");
        DriverGetVersion = (delegate* unmanaged<int*, CudaResult>)Find("cuDriverGetVersion");
        DeviceGetCount = (delegate* unmanaged<int*, CudaResult>)Find("cuDeviceGetCount");
        DeviceGet = (delegate* unmanaged<int*, int, CudaResult>)Find("cuDeviceGet");
        DeviceGetName = (delegate* unmanaged<byte*, int, int, CudaResult>)Find("cuDeviceGetName");
        DeviceTotalMemory = (delegate* unmanaged<nuint*, int, CudaResult>)Find("cuDeviceTotalMem_v2");
        DeviceGetAttribute = (
            delegate* unmanaged<int*, CudaDeviceAttribute, int, CudaResult>)Find("cuDeviceGetAttribute");
        PrimaryContextRetain = (delegate* unmanaged<nint*, int, CudaResult>)Find("cuDevicePrimaryCtxRetain");
        PrimaryContextRelease = (delegate* unmanaged<int, CudaResult>)Find("cuDevicePrimaryCtxRelease_v2");
        ContextGetCurrent = (delegate* unmanaged<nint*, CudaResult>)Find("cuCtxGetCurrent");
        ContextPush = (delegate* unmanaged<nint, CudaResult>)Find("cuCtxPushCurrent_v2");
        ContextPop = (delegate* unmanaged<nint*, CudaResult>)Find("cuCtxPopCurrent_v2");
        ContextSynchronize = (delegate* unmanaged<CudaResult>)Find("cuCtxSynchronize");
        MemoryGetInfo = (delegate* unmanaged<nuint*, nuint*, CudaResult>)Find("cuMemGetInfo_v2");
        MemoryAllocate = (delegate* unmanaged<ulong*, nuint, CudaResult>)Find("cuMemAlloc_v2");
        MemoryFree = (delegate* unmanaged<ulong, CudaResult>)Find("cuMemFree_v2");
        HostAllocate = (delegate* unmanaged<void**, nuint, uint, CudaResult>)Find("cuMemHostAlloc");
        HostFree = (delegate* unmanaged<void*, CudaResult>)Find("cuMemFreeHost");
        CopyHostToDevice = (delegate* unmanaged<ulong, void*, nuint, nint, CudaResult>)Find("cuMemcpyHtoDAsync_v2");
        CopyDeviceToHost = (delegate* unmanaged<void*, ulong, nuint, nint, CudaResult>)Find("cuMemcpyDtoHAsync_v2");
        CopyDeviceToDevice = (delegate* unmanaged<ulong, ulong, nuint, nint, CudaResult>)Find("cuMemcpyDtoDAsync_v2");
        MemorySet = (delegate* unmanaged<ulong, byte, nuint, nint, CudaResult>)Find("cuMemsetD8Async");
        StreamCreate = (delegate* unmanaged<nint*, uint, CudaResult>)Find("cuStreamCreate");
        StreamDestroy = (delegate* unmanaged<nint, CudaResult>)Find("cuStreamDestroy_v2");
        StreamSynchronize = (delegate* unmanaged<nint, CudaResult>)Find("cuStreamSynchronize");
        StreamWaitEvent = (delegate* unmanaged<nint, nint, uint, CudaResult>)Find("cuStreamWaitEvent");
        StreamBeginCapture = (delegate* unmanaged<nint, int, CudaResult>)Find("cuStreamBeginCapture_v2");
        StreamEndCapture = (delegate* unmanaged<nint, nint*, CudaResult>)Find("cuStreamEndCapture");
        EventCreate = (delegate* unmanaged<nint*, uint, CudaResult>)Find("cuEventCreate");
        EventDestroy = (delegate* unmanaged<nint, CudaResult>)Find("cuEventDestroy_v2");
        EventRecord = (delegate* unmanaged<nint, nint, CudaResult>)Find("cuEventRecord");
        EventSynchronize = (delegate* unmanaged<nint, CudaResult>)Find("cuEventSynchronize");
        EventElapsedTime = (delegate* unmanaged<float*, nint, nint, CudaResult>)Find("cuEventElapsedTime");
        ModuleLoadData = (
            delegate* unmanaged<nint*, void*, uint, CudaJitOption*, void**, CudaResult>)Find("cuModuleLoadDataEx");
        ModuleUnload = (delegate* unmanaged<nint, CudaResult>)Find("cuModuleUnload");
        ModuleGetFunction = (delegate* unmanaged<nint*, nint, byte*, CudaResult>)Find("cuModuleGetFunction");
        FunctionGetAttribute = (
            delegate* unmanaged<int*, CudaFunctionAttribute, nint, CudaResult>)Find("cuFuncGetAttribute");
        FunctionSetAttribute = (
            delegate* unmanaged<nint, CudaFunctionAttribute, int, CudaResult>)Find("cuFuncSetAttribute");
        LaunchKernel = (
            delegate* unmanaged<
                nint, uint, uint, uint, uint, uint, uint, uint, nint, void**, void**, CudaResult>)
            Find("cuLaunchKernel");
        GraphInstantiate = (delegate* unmanaged<nint*, nint, ulong, CudaResult>)Find("cuGraphInstantiateWithFlags");
        GraphLaunch = (delegate* unmanaged<nint, nint, CudaResult>)Find("cuGraphLaunch");
        GraphDestroy = (delegate* unmanaged<nint, CudaResult>)Find("cuGraphDestroy");
        GraphExecDestroy = (delegate* unmanaged<nint, CudaResult>)Find("cuGraphExecDestroy");

        nint Find(string entryPoint) => NativeLibrary.TryGetExport(library, entryPoint, out nint address)
            ? address
            : throw new NotSupportedException(
                $"the NVIDIA driver lacks {entryPoint}: install a driver for CUDA {VersionText(OldestVersion)} or "
                + "newer.");
    }

    public delegate* unmanaged<uint, CudaResult> Init { get; }

    public delegate* unmanaged<int*, CudaResult> DriverGetVersion { get; }

    public delegate* unmanaged<int*, CudaResult> DeviceGetCount { get; }

    public delegate* unmanaged<int*, int, CudaResult> DeviceGet { get; }

    public delegate* unmanaged<byte*, int, int, CudaResult> DeviceGetName { get; }

    public delegate* unmanaged<nuint*, int, CudaResult> DeviceTotalMemory { get; }

    public delegate* unmanaged<int*, CudaDeviceAttribute, int, CudaResult> DeviceGetAttribute { get; }

    public delegate* unmanaged<nint*, int, CudaResult> PrimaryContextRetain { get; }

    public delegate* unmanaged<int, CudaResult> PrimaryContextRelease { get; }

    public delegate* unmanaged<nint*, CudaResult> ContextGetCurrent { get; }

    public delegate* unmanaged<nint, CudaResult> ContextPush { get; }

    public delegate* unmanaged<nint*, CudaResult> ContextPop { get; }

    public delegate* unmanaged<CudaResult> ContextSynchronize { get; }

    public delegate* unmanaged<nuint*, nuint*, CudaResult> MemoryGetInfo { get; }

    public delegate* unmanaged<ulong*, nuint, CudaResult> MemoryAllocate { get; }

    public delegate* unmanaged<ulong, CudaResult> MemoryFree { get; }

    public delegate* unmanaged<void**, nuint, uint, CudaResult> HostAllocate { get; }

    public delegate* unmanaged<void*, CudaResult> HostFree { get; }

    public delegate* unmanaged<ulong, void*, nuint, nint, CudaResult> CopyHostToDevice { get; }

    public delegate* unmanaged<void*, ulong, nuint, nint, CudaResult> CopyDeviceToHost { get; }

    public delegate* unmanaged<ulong, ulong, nuint, nint, CudaResult> CopyDeviceToDevice { get; }

    public delegate* unmanaged<ulong, byte, nuint, nint, CudaResult> MemorySet { get; }

    public delegate* unmanaged<nint*, uint, CudaResult> StreamCreate { get; }

    public delegate* unmanaged<nint, CudaResult> StreamDestroy { get; }

    public delegate* unmanaged<nint, CudaResult> StreamSynchronize { get; }

    public delegate* unmanaged<nint, nint, uint, CudaResult> StreamWaitEvent { get; }

    public delegate* unmanaged<nint, int, CudaResult> StreamBeginCapture { get; }

    public delegate* unmanaged<nint, nint*, CudaResult> StreamEndCapture { get; }

    public delegate* unmanaged<nint*, uint, CudaResult> EventCreate { get; }

    public delegate* unmanaged<nint, CudaResult> EventDestroy { get; }

    public delegate* unmanaged<nint, nint, CudaResult> EventRecord { get; }

    public delegate* unmanaged<nint, CudaResult> EventSynchronize { get; }

    public delegate* unmanaged<float*, nint, nint, CudaResult> EventElapsedTime { get; }

    public delegate* unmanaged<nint*, void*, uint, CudaJitOption*, void**, CudaResult> ModuleLoadData { get; }

    public delegate* unmanaged<nint, CudaResult> ModuleUnload { get; }

    public delegate* unmanaged<nint*, nint, byte*, CudaResult> ModuleGetFunction { get; }

    public delegate* unmanaged<int*, CudaFunctionAttribute, nint, CudaResult> FunctionGetAttribute { get; }

    public delegate* unmanaged<nint, CudaFunctionAttribute, int, CudaResult> FunctionSetAttribute { get; }

    public delegate* unmanaged<
        nint, uint, uint, uint, uint, uint, uint, uint, nint, void**, void**, CudaResult> LaunchKernel { get; }

    public delegate* unmanaged<nint*, nint, ulong, CudaResult> GraphInstantiate { get; }

    public delegate* unmanaged<nint, nint, CudaResult> GraphLaunch { get; }

    public delegate* unmanaged<nint, CudaResult> GraphDestroy { get; }

    public delegate* unmanaged<nint, CudaResult> GraphExecDestroy { get; }

    /// <summary>Version of CUDA that the driver supports, 1000 * major + 10 * minor.</summary>
    public int Version { get; private set; }

    /// <summary>The system's driver library.</summary>
    public static string DefaultPath => OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1";

    /// <summary>Loads and starts the driver.</summary>
    /// <param name="path">Name or path of its library.</param>
    /// <param name="reason">
    /// Why it cannot be used, in one sentence that begins in lower case; empty when it can.
    /// </param>
    /// <returns>The driver; null when it cannot be used.</returns>
    public static CudaDriver? TryLoad(string path, out string reason)
    {
        if (!NativeLibrary.TryLoad(path, out nint library))
        {
            reason =
                $"the NVIDIA driver's library {Path.GetFileName(path)} was not found: install the driver of an NVIDIA "
                + "GPU.";
            return null;
        }

        // The handle is kept: the driver's own threads live in the library.
        try
        {
            CudaDriver driver = new(library);
            int version = 0;
            CudaResult result = driver.DriverGetVersion(&version);
            if (result == CudaResult.Success && version < OldestVersion)
            {
                reason = $"the NVIDIA driver is too old: it supports CUDA {VersionText(version)}, "
                    + $"and {VersionText(OldestVersion)} or newer is needed.";
                return null;
            }

            driver.Version = version;
            result = result == CudaResult.Success ? driver.Init(0) : result;
            reason = result == CudaResult.Success ? string.Empty : CudaErrors.Explain(result, "start");
            return result == CudaResult.Success ? driver : null;
        }
        catch (NotSupportedException error)
        {
            reason = error.Message;
            return null;
        }
    }

    /// <summary>A version as people write it: 12040 is 12.4.</summary>
    /// <param name="version">1000 * major + 10 * minor.</param>
    /// <returns>The text.</returns>
    public static string VersionText(int version) => $"{version / 1000}.{version % 1000 / 10}";

    /// <summary>Throws unless a call succeeded.</summary>
    /// <param name="result">What it returned.</param>
    /// <param name="operation">
    /// The call, in words that complete "could not ...". A constant: it is made whether the call fails or not.
    /// </param>
    /// <exception cref="DeviceException">It failed.</exception>
    public static void Check(CudaResult result, string operation)
    {
        if (result != CudaResult.Success)
        {
            throw new DeviceException(CudaErrors.Sentence(result, operation));
        }
    }

    /// <summary>The devices, in the driver's order.</summary>
    /// <returns>What the driver says of each.</returns>
    /// <exception cref="DeviceException">It reports an error.</exception>
    public IReadOnlyList<DeviceInfo> ListDevices()
    {
        int count = 0;
        CudaResult result = DeviceGetCount(&count);
        if (result == CudaResult.NoDevice)
        {
            return [];
        }

        Check(result, "count the devices");
        byte* name = stackalloc byte[NameBytes];
        DeviceInfo[] devices = new DeviceInfo[count];
        for (int ordinal = 0; ordinal < count; ordinal++)
        {
            int device = GetDevice(ordinal);
            Check(DeviceGetName(name, NameBytes, device), "name a device");
            nuint memory = 0;
            Check(DeviceTotalMemory(&memory, device), "read a device's memory");

            // Drivers of devices that cannot exceed the usual limit say 0.
            int shared = Math.Max(
                Attribute(CudaDeviceAttribute.MaxSharedMemoryPerBlock, device),
                Attribute(CudaDeviceAttribute.MaxSharedMemoryPerBlockOptin, device));
            devices[ordinal] = new DeviceInfo(
                $"cuda:{ordinal}",
                Marshal.PtrToStringUTF8((nint)name) ?? string.Empty,
                (long)memory,
                (10 * Attribute(CudaDeviceAttribute.ComputeCapabilityMajor, device)) + Attribute(
                    CudaDeviceAttribute.ComputeCapabilityMinor, device),
                Attribute(CudaDeviceAttribute.MultiprocessorCount, device),
                Attribute(CudaDeviceAttribute.WarpSize, device),
                Attribute(CudaDeviceAttribute.MaxThreadsPerBlock, device),
                shared);
        }

        return devices;
    }

    /// <summary>Handle of a device.</summary>
    /// <param name="ordinal">Its number.</param>
    /// <returns>The handle.</returns>
    /// <exception cref="DeviceException">There is no such device.</exception>
    public int GetDevice(int ordinal)
    {
        int device = 0;
        Check(DeviceGet(&device, ordinal), "open a device");
        return device;
    }

    private int Attribute(CudaDeviceAttribute attribute, int device)
    {
        int value = 0;
        Check(DeviceGetAttribute(&value, attribute, device), "read a device's properties");
        return value;
    }
}

/// <summary>Properties of a device, <c>CUdevice_attribute</c>.</summary>
internal enum CudaDeviceAttribute
{
    MaxThreadsPerBlock = 1,
    MaxSharedMemoryPerBlock = 8,
    WarpSize = 10,
    MultiprocessorCount = 16,
    ComputeCapabilityMajor = 75,
    ComputeCapabilityMinor = 76,
    MaxSharedMemoryPerBlockOptin = 97,
}

/// <summary>Properties of a kernel, <c>CUfunction_attribute</c>.</summary>
internal enum CudaFunctionAttribute
{
    MaxThreadsPerBlock = 0,
    SharedSizeBytes = 1,
    LocalSizeBytes = 3,
    RegisterCount = 4,
    MaxDynamicSharedSizeBytes = 8,
}

/// <summary>Options of the driver's compiler, <c>CUjit_option</c>.</summary>
internal enum CudaJitOption
{
    ErrorLogBuffer = 5,
    ErrorLogBufferSizeBytes = 6,
}
