using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace HipiFast.Kernels.Ilgpu.TensorCores;

/// <summary>
/// Four registers of two bf16 numbers each, the first of a pair in the lower half: what one load from aligned memory
/// brings.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct FourWords
{
    /// <summary>Bytes, and the alignment of vector loads and asynchronous copies.</summary>
    public const int Bytes = 16;

    /// <summary>First.</summary>
    public uint X;

    /// <summary>Second.</summary>
    public uint Y;

    /// <summary>Third.</summary>
    public uint Z;

    /// <summary>Fourth.</summary>
    public uint W;

    /// <summary>Makes four of four.</summary>
    /// <param name="x">First.</param>
    /// <param name="y">Second.</param>
    /// <param name="z">Third.</param>
    /// <param name="w">Fourth.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public FourWords(uint x, uint y, uint z, uint w)
    {
        X = x;
        Y = y;
        Z = z;
        W = w;
    }
}
