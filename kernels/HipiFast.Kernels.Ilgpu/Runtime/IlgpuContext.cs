using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Devices.SoftQ;
using HipiFast.Kernels.Ilgpu.Numerics;
using HipiFast.Kernels.Ilgpu.TensorCores;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.IR;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace HipiFast.Kernels.Ilgpu.Runtime;

/// <summary>ILGPU's context with the devices that it finds. Made when it is first asked for, and kept.</summary>
internal static class IlgpuContext
{
    /// <summary>What ILGPU asks of a CPU device at least.</summary>
    private const int MinimalThreads = 2;

    private static readonly Lazy<Context> s_devices = new(
        () => Create(builder => builder.Cuda().OpenCL().CPU(CpuDevice(MinimalThreads))));
    private static readonly Lazy<Context> s_compiler = new(() => Create(_ => { }));
    private static readonly Lazy<IReadOnlyList<(DeviceInfo Info, Device Device)>> s_list = new(List);

    /// <summary>The devices, best first; the CPU accelerator is the last.</summary>
    public static IReadOnlyList<(DeviceInfo Info, Device Device)> Devices => s_list.Value;

    /// <summary>A context that only compiles.</summary>
    public static Context Compiler => s_compiler.Value;

    /// <summary>Whether a device is a GPU, rather than a processor that OpenCL or ILGPU make look like one.</summary>
    public static bool IsGpu(Device device) =>
        device is CudaDevice or CLDevice { DeviceType: CLDeviceType.CL_DEVICE_TYPE_GPU };

    /// <summary>Whether a device is an NVIDIA GPU whose tensor cores know bf16.</summary>
    public static bool HasTensorCores(DeviceInfo device) => device.Capability >= TensorTile.MinCapability;

    /// <summary>
    /// A CPU accelerator with so many warps of 32 threads to a group, apart from the listed devices: it emulates tensor
    /// cores for tests.
    /// </summary>
    /// <param name="warps">Warps of a group.</param>
    /// <param name="sharedBytes">Shared memory that a group is to make do with.</param>
    /// <returns>What it is taken for, and the accelerator.</returns>
    public static (DeviceInfo Info, Device Device) CpuWarps(int warps, int sharedBytes)
    {
        CPUDevice device = new(TensorTile.WarpSize, warps, 1);
        DeviceInfo info = Describe(device, DeviceInfo.Cpu, 0);
        return (info with { MaxGroupSize = device.MaxNumThreadsPerGroup, SharedBytesPerGroup = sharedBytes }, device);
    }

    /// <summary>
    /// Opens a device. The CPU accelerator runs one group after the other: every thread of a group is one of the
    /// system's, and every barrier a change of threads.
    /// </summary>
    public static Accelerator Open(Device device) => device is CPUDevice cpu
        ? cpu.CreateCPUAccelerator(
            s_devices.Value,
            cpu.WarpSize == TensorTile.WarpSize ? CPUAcceleratorMode.Parallel : CPUAcceleratorMode.Sequential)
        : device.CreateAccelerator(s_devices.Value);

    /// <summary>
    /// A CPU accelerator with groups of several threads, apart from the listed devices: slow, but with barriers that
    /// mean something.
    /// </summary>
    public static Accelerator OpenCpu(int groupThreads)
    {
        Context context = Create(builder => builder.CPU(CpuDevice(groupThreads)));
        return context.GetCPUDevices()[0].CreateCPUAccelerator(context);
    }

    private static CPUDevice CpuDevice(int threads) => new(threads, 1, 1);

    private static Context Create(Action<Context.Builder> addDevices) => Context.Create(builder =>
    {
        // Algorithms, so that a user's task family may call MathF, on CUDA too.
        builder.EnableAlgorithms().Profiling().Inlining(InliningMode.Aggressive).Optimize(OptimizationLevel.O2);
        DeviceIntrinsics.Register(builder.GetIntrinsicManager());
        Registers.Register(builder.GetIntrinsicManager());
        TensorCorePtx.Register(builder.GetIntrinsicManager());
        addDevices(builder);
    });

    private static List<(DeviceInfo Info, Device Device)> List()
    {
        List<(DeviceInfo Info, Device Device)> list = [];
        int cuda = 0, openCl = 0;
        foreach (CudaDevice device in s_devices.Value.GetCudaDevices())
        {
            int capability = device.Architecture is CudaArchitecture architecture
                ? (architecture.Major * 10) + architecture.Minor
                : 0;
            list.Add((Describe(device, $"cuda:{cuda++}", capability), device));
        }

        List<CLDevice> openClDevices = [];
        foreach (CLDevice device in s_devices.Value.GetCLDevices())
        {
            openClDevices.Add(device);
        }

        foreach (CLDevice device in openClDevices.OrderByDescending(device => IsGpu(device)))
        {
            list.Add((Describe(device, $"opencl:{openCl++}", 0), device));
        }

        foreach (CPUDevice device in s_devices.Value.GetCPUDevices())
        {
            list.Add((Describe(device, DeviceInfo.Cpu, 0), device));
        }

        return list;
    }

    private static DeviceInfo Describe(Device device, string id, int capability)
    {
        bool isCpu = device is CPUDevice;
        return new DeviceInfo(
            id, isCpu ? "ILGPU's CPU accelerator, for tests" : device.Name, isCpu ? 0 : device.MemorySize, capability,
            device.NumMultiprocessors, device.WarpSize, isCpu ? 1 : device.MaxNumThreadsPerGroup,
            device.MaxSharedMemoryPerGroup);
    }
}
