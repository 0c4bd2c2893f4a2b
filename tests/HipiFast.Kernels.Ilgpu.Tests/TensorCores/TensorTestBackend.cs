using System.Runtime.CompilerServices;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Devices;
using HipiFast.Kernels.Ilgpu.Runtime;
using ILGPU.Runtime;

namespace HipiFast.Kernels.Ilgpu.Tests.TensorCores;

/// <summary>The kernels on tensor cores, on ILGPU's CPU accelerator with warps of 32 threads and an emulation of their instructions.</summary>
/// <param name="name">Its name in the registry.</param>
/// <param name="warps">Warps of a group; 0 for a CUDA device in place of the accelerator.</param>
internal sealed class TensorTestBackend(string name, int warps) : KernelBackend
{
    public const string OneWarp = "ilgpu-bf16-emulated", FourWarps = "ilgpu-bf16-emulated-4", Cuda = "ilgpu-bf16-cuda";

    private static readonly IlgpuBackend s_backend = new(KernelPrecision.Bf16);

    private ComputeSession? _session;

    public override string Name => name;

    public override KernelPrecision Precision => KernelPrecision.Bf16;

    public override string Description => warps > 0 ? "Emulated tensor cores" : s_backend.Description;

    [ModuleInitializer]
    public static void Register()
    {
        // Never what "auto" takes.
        KernelRegistry.Default.Register(new TensorTestBackend(OneWarp, 1), int.MinValue);
        KernelRegistry.Default.Register(new TensorTestBackend(FourWarps, 4), int.MinValue);
        KernelRegistry.Default.Register(new TensorTestBackend(Cuda, 0), int.MinValue);
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

        (DeviceInfo info, Device accelerator) = IlgpuContext.CpuWarps(warps);
        return new IlgpuRuntime(info, () => IlgpuContext.Open(accelerator));
    }

    public override ComputeSession CreateSession(SessionOptions options) =>
        new DeviceTestBackend.Lent(this, _session ??= new DeviceSession(this, CreateRuntime(), options));
}
