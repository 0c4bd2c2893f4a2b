using System.Runtime.CompilerServices;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Devices;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Ilgpu.Runtime;
using ILGPU.Runtime;

namespace HipiFast.Kernels.Ilgpu.Tests.TensorCores;

/// <summary>
/// The kernels on tensor cores, on ILGPU's CPU accelerator with warps of 32 threads and an emulation of their
/// instructions.
/// </summary>
/// <param name="name">Its name in the registry.</param>
/// <param name="warps">Warps of a group; 0 for a CUDA device in place of the accelerator.</param>
/// <param name="sharedKilobytes">Shared memory of a group.</param>
internal sealed class TensorTestBackend(string name, int warps, int sharedKilobytes) : DeviceBackend
{
    public const string OneWarp = "ilgpu-bf16-emulated", FourWarps = "ilgpu-bf16-emulated-4", Cuda = "ilgpu-bf16-cuda";

    /// <summary>As many warps as on a device; W2 in slices from 65 hidden units on.</summary>
    public const string EightWarps = "ilgpu-bf16-emulated-8";

    /// <summary>
    /// The same with the shared memory that the CUDA launcher gives on Hopper: W2 whole up to 320 hidden units.
    /// </summary>
    public const string EightWarpsWhole = "ilgpu-bf16-emulated-8-whole";

    /// <summary>Eight warps, whose slices are as long as slices are.</summary>
    public const string EightWarpsLong = "ilgpu-bf16-emulated-8-long";

    /// <summary>
    /// Less than any device gives, so that networks are read in slices that are narrow enough to be emulated.
    /// </summary>
    public const int FewSharedKilobytes = 28;

    /// <summary>As much as slices of 16 steps take, two warps wide, and no more.</summary>
    public const int LongSlicesSharedKilobytes = 137;

    /// <summary>What every device gives to a group.</summary>
    public const int SharedKilobytes = 48;

    /// <summary>What Hopper gives to those who ask.</summary>
    public const int HopperSharedKilobytes = 227;

    private static readonly IlgpuBackend s_backend = new(KernelPrecision.Bf16);

    private ComputeSession? _session;

    public override string Name => name;

    public override KernelPrecision Precision => KernelPrecision.Bf16;

    public override string Description => warps > 0 ? "Emulated tensor cores" : s_backend.Description;

    [ModuleInitializer]
    public static void Register()
    {
        // Never what "auto" takes.
        KernelRegistry.Default.Register(new TensorTestBackend(OneWarp, 1, SharedKilobytes), int.MinValue);
        KernelRegistry.Default.Register(new TensorTestBackend(FourWarps, 4, SharedKilobytes), int.MinValue);
        KernelRegistry.Default.Register(new TensorTestBackend(Cuda, 0, 0), int.MinValue);
        KernelRegistry.Default.Register(new TensorTestBackend(EightWarps, 8, FewSharedKilobytes), int.MinValue);
        KernelRegistry.Default.Register(new TensorTestBackend(EightWarpsWhole, 8, HopperSharedKilobytes), int.MinValue);
        KernelRegistry.Default.Register(
            new TensorTestBackend(EightWarpsLong, 8, LongSlicesSharedKilobytes), int.MinValue);
    }

    public static ComputeSession Open(string name) => KernelRegistry.Default.Resolve(name).CreateSession(default);

    public override bool IsSupported(out string reason)
    {
        reason = string.Empty;
        return warps > 0 || s_backend.IsSupported(out reason);
    }

    public override DeviceRuntime CreateRuntime(string? device = null)
    {
        if (warps == 0)
        {
            return s_backend.CreateRuntime(device);
        }

        (DeviceInfo info, Device accelerator) = IlgpuContext.CpuWarps(warps, sharedKilobytes << 10);
        return new IlgpuRuntime(info, () => IlgpuContext.Open(accelerator));
    }

    public override ComputeSession CreateSession(SessionOptions options) =>
        DeviceTestBackend.Lend(this, _session ??= DeviceSession.Create(this, CreateRuntime(), options));
}
