using System.Numerics;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace HipiFast.Kernels.Numerics;

/// <summary>What this processor has of each <see cref="VectorKind"/>.</summary>
internal static class VectorKinds
{
    /// <summary>Floats in the widest vector.</summary>
    public const int WidestLanes = 16;

    /// <summary>The fastest kind that can run here.</summary>
    public static VectorKind Best { get; } = Enum.GetValues<VectorKind>().First(kind => WhyNot(kind).Length == 0);

    /// <summary>Bits of a vector.</summary>
    public static int Bits(VectorKind kind) => kind switch
    {
        VectorKind.Vector512 => 512,
        VectorKind.Vector256 => 256,
        _ => Vector<byte>.Count * 8,
    };

    /// <summary>Why a kind cannot run here, one sentence; empty when it can.</summary>
    public static string WhyNot(VectorKind kind) => kind switch
    {
        VectorKind.Vector512 when !Vector512.IsHardwareAccelerated =>
            "the processor (or the .NET runtime's settings) has no 512-bit vectors.",

        // The processor may have what a program compiled ahead of time for a lower level does not use: its vectors of
        // this width are then emulated.
        VectorKind.Vector256 when !Vector256.IsHardwareAccelerated || !Avx2.IsSupported || !Fma.IsSupported =>
            "the processor (or the .NET runtime's settings) lacks AVX2 or FMA.",
        _ => string.Empty,
    };
}
