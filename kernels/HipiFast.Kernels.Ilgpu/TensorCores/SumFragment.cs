using System.Runtime.InteropServices;
using HipiFast.Kernels.Ilgpu.Numerics;

namespace HipiFast.Kernels.Ilgpu.TensorCores;

/// <summary>
/// A lane's part of 64 x 16 sums: four tiles of 16 rows below each other by two of 8 columns, each as
/// <see cref="TensorCore"/> lays out C.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct SumFragment
{
    /// <summary>Rows 0 to 15, columns 0 to 7.</summary>
    public Four Left0;

    /// <summary>Rows 0 to 15, columns 8 to 15.</summary>
    public Four Right0;

    /// <summary>Rows 16 to 31, columns 0 to 7.</summary>
    public Four Left1;

    /// <summary>Rows 16 to 31, columns 8 to 15.</summary>
    public Four Right1;

    /// <summary>Rows 32 to 47, columns 0 to 7.</summary>
    public Four Left2;

    /// <summary>Rows 32 to 47, columns 8 to 15.</summary>
    public Four Right2;

    /// <summary>Rows 48 to 63, columns 0 to 7.</summary>
    public Four Left3;

    /// <summary>Rows 48 to 63, columns 8 to 15.</summary>
    public Four Right3;
}
