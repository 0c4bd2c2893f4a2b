namespace HipiFast.Kernels.Devices.Runtime;

/// <summary>How a kernel is spread over the device.</summary>
/// <param name="Grid">Groups.</param>
/// <param name="Group">Threads of a group.</param>
/// <param name="DynamicSharedBytes">Shared memory of a group beyond what the kernel declares.</param>
public readonly record struct LaunchShape(DeviceExtent Grid, DeviceExtent Group, int DynamicSharedBytes = 0);
