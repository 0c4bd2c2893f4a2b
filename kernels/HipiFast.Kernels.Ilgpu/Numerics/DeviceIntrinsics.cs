using System.Reflection;
using ILGPU;
using ILGPU.Backends.OpenCL;
using ILGPU.Backends.PTX;
using ILGPU.IR;
using ILGPU.IR.Intrinsics;
using ILGPU.IR.Values;

namespace HipiFast.Kernels.Ilgpu.Numerics;

/// <summary>
/// Instructions that ILGPU does not emit by itself: methods in plain C#, which the other devices run as they are, and
/// for which the PTX of CUDA devices holds one instruction.
/// </summary>
internal static class DeviceIntrinsics
{
    /// <summary>Registers them with a context.</summary>
    /// <param name="manager">The context's intrinsics.</param>
    public static void Register(IntrinsicImplementationManager manager)
    {
        MethodInfo multiplyAdd = typeof(DeviceMath).GetMethod(nameof(DeviceMath.MultiplyAdd))!;
        manager.RegisterMethod(
            multiplyAdd, new PTXIntrinsic(
                typeof(DeviceIntrinsics), nameof(EmitMultiplyAdd), IntrinsicImplementationMode.GenerateCode));
        manager.RegisterMethod(multiplyAdd, new CLIntrinsic(
            typeof(DeviceIntrinsics), nameof(MultiplyAdd), IntrinsicImplementationMode.Redirect));
    }

    /// <summary>What OpenCL devices run; their compilers fuse it where the device can.</summary>
    /// <param name="a">Factor.</param>
    /// <param name="b">Factor.</param>
    /// <param name="c">Summand.</param>
    /// <returns>The sum.</returns>
    public static float MultiplyAdd(float a, float b, float c) => (a * b) + c;

    /// <summary>Called by ILGPU's code generator.</summary>
    /// <param name="backend">The backend.</param>
    /// <param name="generator">Its code generator.</param>
    /// <param name="value">The call.</param>
    public static void EmitMultiplyAdd(PTXBackend backend, PTXCodeGenerator generator, Value value)
    {
        var a = generator.LoadPrimitive(value[0]);
        var b = generator.LoadPrimitive(value[1]);
        var c = generator.LoadPrimitive(value[2]);
        var result = generator.AllocateHardware(value);
        using var command = generator.BeginCommand("fma.rn.f32", null);
        command.AppendArgument(result);
        command.AppendArgument(a);
        command.AppendArgument(b);
        command.AppendArgument(c);
    }
}
