using HipiFast.Kernels.Devices.Runtime;

namespace HipiFast.Kernels.Ilgpu.Numerics;

/// <summary>What the kernels take for granted about a group.</summary>
internal static class GroupLimits
{
    /// <summary>
    /// Most threads of a group, so that shared memory can be declared; their number is always a power of two.
    /// </summary>
    public const int MaxThreads = DeviceLauncher.MaxGroupSize;
}
