namespace HipiFast.Kernels.Devices.Runtime;

/// <summary>Number of groups of a grid, or of threads of a group, along each axis.</summary>
/// <param name="X">Along the fastest axis, 1 or more.</param>
/// <param name="Y">1 or more.</param>
/// <param name="Z">1 or more.</param>
public readonly record struct DeviceExtent(int X, int Y = 1, int Z = 1)
{
    /// <summary>The product.</summary>
    public long Size => (long)X * Y * Z;
}
