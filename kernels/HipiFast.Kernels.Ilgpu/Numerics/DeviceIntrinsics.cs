using System.Reflection;
using ILGPU;
using ILGPU.Backends.OpenCL;
using ILGPU.Backends.PTX;
using ILGPU.IR;
using ILGPU.IR.Intrinsics;
using ILGPU.IR.Values;
using ILGPU.Util;

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
        MethodInfo relu = typeof(DeviceMath).GetMethod(nameof(DeviceMath.Relu))!;
        manager.RegisterMethod(
            relu, new PTXIntrinsic(
                typeof(DeviceIntrinsics), nameof(EmitRelu), IntrinsicImplementationMode.GenerateCode));
        manager.RegisterMethod(relu, new CLIntrinsic(
            typeof(DeviceIntrinsics), nameof(Relu), IntrinsicImplementationMode.Redirect));
    }

    /// <summary>What OpenCL devices run; their compilers fuse it where the device can.</summary>
    /// <param name="a">Factor.</param>
    /// <param name="b">Factor.</param>
    /// <param name="c">Summand.</param>
    /// <returns>The sum.</returns>
    public static float MultiplyAdd(float a, float b, float c) => (a * b) + c;

    /// <summary>What OpenCL devices run.</summary>
    /// <param name="x">Any value.</param>
    /// <returns>x where positive or NaN, else 0.</returns>
    public static float Relu(float x) => Utilities.Select(x < 0f, 0f, x);

    /// <summary>One instruction for a comparison and a selection: 0 where x is less, NaN where x is one.</summary>
    /// <param name="backend">The backend.</param>
    /// <param name="generator">Its code generator.</param>
    /// <param name="value">The call.</param>
    public static void EmitRelu(PTXBackend backend, PTXCodeGenerator generator, Value value)
    {
        var x = generator.LoadPrimitive(value[0]);
        var result = generator.AllocateHardware(value);
        using var command = generator.BeginCommand("max.NaN.f32", null);
        command.AppendArgument(result);
        command.AppendArgument(x);
        command.AppendConstant(0f);
    }

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
