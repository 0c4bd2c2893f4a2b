using System.Runtime.InteropServices;

namespace HipiFast.TorchSharp;

/// <summary>
/// Functions of TorchSharp's native library that its managed side hides, or calls in another way than is wanted here.
/// Their names and parameters are those of <c>THSTensor.h</c>.
/// </summary>
internal static unsafe partial class NativeMethods
{
    private const string Library = "LibTorchSharp";

    /// <summary>A tensor over memory of the caller's; without a deleter torch leaves it alone.</summary>
    [LibraryImport(Library)]
    public static partial nint THSTensor_new(
        nint data, nint deleter, long* sizes, int dimensions, sbyte elementType, sbyte type, int deviceType,
        int deviceIndex,
        [MarshalAs(UnmanagedType.U1)] bool requiresGradient);

    /// <summary>Address of the first element; <c>Tensor.storage</c> knows but the storage's.</summary>
    [LibraryImport(Library)]
    public static partial nint THSTensor_data(nint tensor);

    /// <summary>
    /// beta bias + alpha batch1 batch2. <c>Tensor.baddbmm</c> of TorchSharp 0.107 hands the operands over in another
    /// order.
    /// </summary>
    [LibraryImport(Library)]
    public static partial nint THSTensor_baddbmm(nint batch1, nint batch2, nint bias, float beta, float alpha);
}
