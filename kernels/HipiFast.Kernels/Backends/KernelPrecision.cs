namespace HipiFast.Kernels.Backends;

/// <summary>
/// Arithmetic of a backend's soft-Q kernel. Everything else (partition, sampling, learning) is fp32 on every backend.
/// </summary>
public enum KernelPrecision
{
    /// <summary>Single precision.</summary>
    Fp32,

    /// <summary>Products of bfloat16 operands (8 bits of mantissa) summed in single precision.</summary>
    Bf16,
}
