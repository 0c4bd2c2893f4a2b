using System.Runtime.InteropServices;

namespace HipiFast.Kernels.Ilgpu.TensorCores;

/// <summary>
/// A lane's part of a warp's 64 x 64 sums, four blocks of 16 columns: 128 floats, which the kernel compiler keeps in
/// registers.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct WarpSums
{
    /// <summary>Columns 0 to 15.</summary>
    public SumFragment Block0;

    /// <summary>Columns 16 to 31.</summary>
    public SumFragment Block1;

    /// <summary>Columns 32 to 47.</summary>
    public SumFragment Block2;

    /// <summary>Columns 48 to 63.</summary>
    public SumFragment Block3;
}
