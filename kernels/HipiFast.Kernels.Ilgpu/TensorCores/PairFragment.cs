using System.Runtime.InteropServices;

namespace HipiFast.Kernels.Ilgpu.TensorCores;

/// <summary>
/// A lane's part of 64 x 16 left operands: four tiles of 16 rows below each other, each as <see cref="TensorCore"/>
/// lays out A.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct PairFragment
{
    /// <summary>Rows 0 to 15.</summary>
    public FourWords Tile0;

    /// <summary>Rows 16 to 31.</summary>
    public FourWords Tile1;

    /// <summary>Rows 32 to 47.</summary>
    public FourWords Tile2;

    /// <summary>Rows 48 to 63.</summary>
    public FourWords Tile3;
}
