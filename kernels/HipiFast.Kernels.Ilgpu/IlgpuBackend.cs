using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Devices;
using HipiFast.Kernels.Ilgpu.Runtime;

namespace HipiFast.Kernels.Ilgpu;

/// <summary>The kernels on ILGPU's own runtime: CUDA and OpenCL devices, and a CPU accelerator that is for tests.</summary>
public sealed class IlgpuBackend : KernelBackend
{
    /// <summary>The backend's name.</summary>
    public const string BackendName = "ilgpu";

    /// <inheritdoc/>
    public override string Name => BackendName;

    /// <inheritdoc/>
    public override string Description => $"ILGPU fp32; {string.Join("; ", Devices.Select(device => device.Description))}";

    /// <inheritdoc/>
    public override IReadOnlyList<DeviceInfo> Devices => [.. IlgpuContext.Devices.Select(entry => entry.Info)];

    /// <summary>Whether a GPU is among the devices.</summary>
    internal static bool HasGpu => IlgpuContext.Devices.Any(entry => IlgpuContext.IsGpu(entry.Device));

    /// <inheritdoc/>
    public override bool IsSupported(out string reason)
    {
        reason = string.Empty;
        return true;
    }

    /// <inheritdoc/>
    public override ComputeSession CreateSession(SessionOptions options) => new DeviceSession(this, CreateRuntime(options.Device), options);

    /// <inheritdoc/>
    public override DeviceRuntime CreateRuntime(string? device = null)
    {
        DeviceInfo found = DeviceInfo.Find(Devices, device, Name);
        return new IlgpuRuntime(found, () => IlgpuContext.Open(IlgpuContext.Devices.First(entry => entry.Info.Id == found.Id).Device));
    }
}
