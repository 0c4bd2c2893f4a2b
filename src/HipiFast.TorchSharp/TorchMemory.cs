using TorchSharp;
using static TorchSharp.torch;

namespace HipiFast.TorchSharp;

/// <summary>Memory that torch and our kernels both see.</summary>
internal static unsafe class TorchMemory
{
    /// <summary>
    /// A flat float32 tensor over memory of the caller's, which must outlive it; nothing is copied. Belongs to no
    /// dispose scope.
    /// </summary>
    /// <param name="memory">Address of the first float.</param>
    /// <param name="length">Floats.</param>
    /// <returns>The tensor.</returns>
    /// <remarks>
    /// TorchSharp's own factories copy a <c>Memory&lt;float&gt;</c> and pin arrays; the native function underneath
    /// takes any address, and without a deleter it leaves the memory alone.
    /// </remarks>
    public static Tensor Share(float* memory, long length)
    {
        nint handle = NativeMethods.THSTensor_new(
            (nint)memory, 0, &length, 1, (sbyte)ScalarType.Float32, (sbyte)ScalarType.Float32, (int)DeviceType.CPU, -1,
            requiresGradient: false);
        return handle == 0
            ? throw new InvalidOperationException($"libtorch made no tensor of {length} floats.")
            : Tensor.UnsafeCreateTensor(handle).DetachFromDisposeScope();
    }

    /// <summary>Address of a tensor's first element on its device: its storage's address plus its offset.</summary>
    /// <param name="tensor">The tensor.</param>
    /// <returns>The address, valid as long as the tensor lives and is not resized.</returns>
    public static float* Address(Tensor tensor) => (float*)NativeMethods.THSTensor_data(tensor.Handle);

    /// <summary>The entries of a contiguous float tensor on the CPU.</summary>
    public static Span<float> Entries(Tensor tensor) => new(Address(tensor), checked((int)tensor.numel()));
}
