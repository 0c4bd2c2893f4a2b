using HipiFast.Kernels.Devices.Runtime;

namespace HipiFast.Kernels.Cuda;

/// <summary>A kernel that the driver has loaded.</summary>
internal sealed class CudaKernel(
    string name, nint function, int[] parameterBytes, KernelResources resources, int maxDynamicSharedBytes)
    : DeviceKernel(name)
{
    /// <summary>Its handle.</summary>
    public nint Function { get; } = function;

    /// <summary>Bytes of each parameter.</summary>
    public int[] ParameterBytes { get; } = parameterBytes;

    /// <summary>Most dynamic shared memory of a launch.</summary>
    public int MaxDynamicSharedBytes { get; } = maxDynamicSharedBytes;

    /// <inheritdoc/>
    public override KernelResources Resources { get; } = resources;
}
