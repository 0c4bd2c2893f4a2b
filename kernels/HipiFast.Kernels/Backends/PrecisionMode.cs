namespace HipiFast.Kernels.Backends;

/// <summary>Which arithmetic a caller allows the soft-Q kernel.</summary>
public enum PrecisionMode
{
    /// <summary>fp32, unless the backend that is named computes in bf16.</summary>
    Auto,

    /// <summary>fp32 only.</summary>
    Fp32,

    /// <summary>
    /// bf16 only: about three digits of the largest Q, several times as fast where the processor has bf16 units.
    /// </summary>
    Bf16,
}
