using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace HipiFast.Kernels.Ilgpu.TensorCores;

/// <summary>
/// A lane's part of 16 x 64 right operands: four blocks of 16 columns, each the two registers of its left tile of 8
/// columns as <see cref="TensorCore"/> lays out B, then those of the right one.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct WeightFragment
{
    /// <summary>Columns 0 to 15.</summary>
    public FourWords Block0;

    /// <summary>Columns 16 to 31.</summary>
    public FourWords Block1;

    /// <summary>Columns 32 to 47.</summary>
    public FourWords Block2;

    /// <summary>Columns 48 to 63.</summary>
    public FourWords Block3;

    /// <summary>Makes it of its blocks.</summary>
    /// <param name="block0">Columns 0 to 15.</param>
    /// <param name="block1">Columns 16 to 31.</param>
    /// <param name="block2">Columns 32 to 47.</param>
    /// <param name="block3">Columns 48 to 63.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public WeightFragment(FourWords block0, FourWords block1, FourWords block2, FourWords block3)
    {
        Block0 = block0;
        Block1 = block1;
        Block2 = block2;
        Block3 = block3;
    }
}
