using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Devices.Runtime;

namespace HipiFast.Kernels.Ilgpu.Tests;

/// <summary>
/// ILGPU's CPU accelerator for the tests of a class: each of them would compile the kernels for itself.
/// </summary>
public sealed class CpuRuntime : IDisposable
{
    /// <summary>The accelerator.</summary>
    public DeviceRuntime Runtime { get; } = new IlgpuBackend().CreateRuntime(DeviceInfo.Cpu);

    public void Dispose() => Runtime.Dispose();
}
