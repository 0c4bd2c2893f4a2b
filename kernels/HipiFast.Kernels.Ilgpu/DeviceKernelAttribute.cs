using HipiFast.Kernels.Devices.Runtime;

namespace HipiFast.Kernels.Ilgpu;

/// <summary>
/// Makes a static method a kernel under a name of <see cref="DeviceKernelNames"/>. Kernels are explicitly grouped:
/// their parameters are views, then one struct of scalars, then, for those that judge, a task family (a generic
/// parameter constrained to <see cref="Tasks.ITaskFamily"/>) and a view of its constants.
/// </summary>
/// <param name="name">The kernel's name.</param>
[AttributeUsage(AttributeTargets.Method)]
public sealed class DeviceKernelAttribute(string name) : Attribute
{
    /// <summary>The kernel's name.</summary>
    public string Name { get; } = name;
}
