namespace HipiFast.Kernels.Numerics;

/// <summary>Vectors that managed kernels are built on, fastest first.</summary>
internal enum VectorKind
{
    /// <summary>512-bit vectors (AVX-512).</summary>
    Vector512,

    /// <summary>256-bit vectors with fused multiply-add (AVX2 and FMA).</summary>
    Vector256,

    /// <summary>Vectors of whatever width <see cref="System.Numerics.Vector{T}"/> has.</summary>
    Portable,
}
