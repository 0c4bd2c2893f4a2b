namespace HipiFast.Kernels.Devices.Runtime;

/// <summary>What a compiled kernel takes of a device; -1 where the runtime does not tell.</summary>
/// <param name="Registers">Registers of a thread.</param>
/// <param name="LocalBytes">Bytes of a thread that lie outside registers (spilled ones and arrays).</param>
/// <param name="SharedBytes">Declared (static) shared memory of a group.</param>
/// <param name="MaxGroupSize">Most threads in a group, given the registers.</param>
public readonly record struct KernelResources(int Registers, int LocalBytes, int SharedBytes, int MaxGroupSize)
{
    /// <summary>Nothing is known.</summary>
    public static KernelResources Unknown { get; } = new(-1, -1, -1, -1);
}
