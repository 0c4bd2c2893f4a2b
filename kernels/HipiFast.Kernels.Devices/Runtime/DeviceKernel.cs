namespace HipiFast.Kernels.Devices.Runtime;

/// <summary>A kernel compiled for a device; lives as long as its runtime.</summary>
public abstract class DeviceKernel(string name)
{
    /// <summary>Its name among the kernels, one of <see cref="DeviceKernelNames"/>.</summary>
    public string Name { get; } = name;

    /// <summary>What it takes.</summary>
    public virtual KernelResources Resources => KernelResources.Unknown;
}
