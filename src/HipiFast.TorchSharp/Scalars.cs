using TorchSharp;

namespace HipiFast.TorchSharp;

/// <summary>
/// Numbers as torch takes them, made once: each conversion would allocate natively and wait for a finalizer.
/// </summary>
internal static class Scalars
{
    public static Scalar One { get; } = 1f;

    public static Scalar Two { get; } = 2f;

    public static Scalar MinusTwo { get; } = -2f;

    public static Scalar MinLogStd { get; } = Kernels.Dense.TanhGaussian.MinLogStd;

    public static Scalar MaxLogStd { get; } = Kernels.Dense.TanhGaussian.MaxLogStd;
}
