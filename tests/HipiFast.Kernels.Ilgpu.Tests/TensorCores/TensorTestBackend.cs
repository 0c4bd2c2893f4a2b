using System.Runtime.CompilerServices;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Devices;
using HipiFast.Kernels.Ilgpu.Runtime;
using ILGPU.Runtime;

namespace HipiFast.Kernels.Ilgpu.Tests.TensorCores;

/// <summary>The kernels on tensor cores, on ILGPU's CPU accelerator with warps of 32 threads and an emulation of their instructions.</summary>
/// <param name="name">Its name in the registry.</param>
/// <param name="warps">Warps of a group.</param>
internal sealed class TensorTestBackend(string name, int warps) : KernelBackend
{
    public const string OneWarp = "ilgpu-bf16-emulated", EightWarps = "ilgpu-bf16-emulated-8";

    private ComputeSession? _session;

    public override string Name => name;

    public override KernelPrecision Precision => KernelPrecision.Bf16;

    public override string Description => "Emulated tensor cores";

    [ModuleInitializer]
    public static void Register()
    {
        // Never what "auto" takes.
        KernelRegistry.Default.Register(new TensorTestBackend(OneWarp, 1), int.MinValue);
        KernelRegistry.Default.Register(new TensorTestBackend(EightWarps, 8), int.MinValue);
    }

    public static ComputeSession Open(string name) => KernelRegistry.Default.Resolve(name).CreateSession(default);

    public override bool IsSupported(out string reason)
    {
        reason = string.Empty;
        return true;
    }

    public override DeviceRuntime CreateRuntime(string? device = null)
    {
        (DeviceInfo info, Device accelerator) = IlgpuContext.CpuWarps(warps);
        return new IlgpuRuntime(info, () => IlgpuContext.Open(accelerator));
    }

    public override ComputeSession CreateSession(SessionOptions options) =>
        new DeviceTestBackend.Lent(this, _session ??= new DeviceSession(this, CreateRuntime(), options));
}
