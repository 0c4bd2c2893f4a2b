using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Devices;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Devices.SoftQ;
using HipiFast.Kernels.Ilgpu.Runtime;
using HipiFast.Kernels.Tasks;
using ILGPU.Runtime;

namespace HipiFast.Kernels.Ilgpu;

/// <summary>
/// The kernels on ILGPU's own runtime: CUDA and OpenCL devices, and a CPU accelerator that is for tests.
/// </summary>
/// <param name="precision">Arithmetic of the soft-Q kernels; in bf16 they need NVIDIA's tensor cores.</param>
public sealed class IlgpuBackend(KernelPrecision precision = KernelPrecision.Fp32) : DeviceBackend
{
    /// <summary>The name of the backend in fp32, and of the two together.</summary>
    public const string BackendName = "ilgpu";

    private static readonly PtxCompiler s_compiler = new();

    /// <inheritdoc/>
    public override string Name => precision == KernelPrecision.Fp32 ? BackendName : $"{BackendName}-bf16";

    /// <inheritdoc/>
    public override string Family => BackendName;

    /// <inheritdoc/>
    public override KernelPrecision Precision => precision;

    /// <inheritdoc/>
    public override string Description =>
        $"ILGPU {(precision == KernelPrecision.Fp32 ? "fp32" : "bf16 on tensor cores")}; "
        + string.Join("; ", Devices.Select(device => device.Description));

    /// <inheritdoc/>
    public override IReadOnlyList<DeviceInfo> Devices => [.. Entries.Select(entry => entry.Info)];

    /// <summary>Whether a GPU is among the devices.</summary>
    internal static bool HasGpu => IlgpuContext.Devices.Any(entry => IlgpuContext.IsGpu(entry.Device));

    /// <summary>Whether a GPU with tensor cores for bf16 is among the devices.</summary>
    internal static bool HasTensorCores => IlgpuContext.Devices.Any(entry => IlgpuContext.HasTensorCores(entry.Info));

    private IEnumerable<(DeviceInfo Info, Device Device)> Entries => precision == KernelPrecision.Fp32
        ? IlgpuContext.Devices
        : IlgpuContext.Devices.Where(entry => IlgpuContext.HasTensorCores(entry.Info));

    /// <inheritdoc/>
    public override bool IsSupported(out string reason)
    {
        reason = precision == KernelPrecision.Bf16 && !HasTensorCores
            ? $"no NVIDIA GPU of compute capability {TensorTile.MinCapability / 10}.{TensorTile.MinCapability % 10} or "
                + "more was found."
            : string.Empty;
        return reason.Length == 0;
    }

    /// <inheritdoc/>
    public override DeviceRuntime CreateRuntime(string? device = null)
    {
        if (!IsSupported(out string reason))
        {
            throw new NotSupportedException($"Backend '{Name}' cannot run here: {reason}");
        }

        DeviceInfo found = DeviceInfo.Find(Devices, device, Name);
        return new IlgpuRuntime(
            found, () => IlgpuContext.Open(Entries.First(entry => entry.Info.Id == found.Id).Device));
    }

    /// <inheritdoc/>
    public override PtxKernel CompilePtx(string name, TaskFamily? family, int capability) =>
        s_compiler.Compile(name, family, capability);
}
