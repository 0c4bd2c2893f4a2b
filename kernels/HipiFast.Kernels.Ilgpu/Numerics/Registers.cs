using System.Reflection;
using System.Runtime.CompilerServices;
using HipiFast.Kernels.Ilgpu.SoftQ;
using HipiFast.Kernels.Ilgpu.TensorCores;
using ILGPU.Backends;
using ILGPU.Backends.OpenCL;
using ILGPU.Backends.PTX;
using ILGPU.IR;
using ILGPU.IR.Intrinsics;

namespace HipiFast.Kernels.Ilgpu.Numerics;

/// <summary>
/// Values that are computed where they are held and nowhere else. ILGPU moves what has no side effects to where it is
/// used, into a loop too, however often it is computed there; a held value is opaque to it, and a register to the
/// assembler, which drops the copy.
/// </summary>
internal static class Registers
{
    /// <summary>Registers the methods with a context.</summary>
    /// <param name="manager">The context's intrinsics.</param>
    public static void Register(IntrinsicImplementationManager manager)
    {
        foreach (MethodInfo method in typeof(Registers).GetMethods().Where(method => method.Name == nameof(Hold)))
        {
            manager.RegisterMethod(
                method, new PTXIntrinsic(
                    typeof(Registers), nameof(EmitHold), IntrinsicImplementationMode.GenerateCode));
            manager.RegisterMethod(
                method, new CLIntrinsic(
                    typeof(Plain), method.ReturnType.Name, IntrinsicImplementationMode.Redirect));
        }
    }

    /// <summary>Computes a number here.</summary>
    /// <param name="value">The number.</param>
    /// <returns>The same.</returns>
    [IntrinsicImplementation]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Hold(int value) => value;

    /// <inheritdoc cref="Hold(int)"/>
    [IntrinsicImplementation]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Hold(long value) => value;

    /// <inheritdoc cref="Hold(int)"/>
    [IntrinsicImplementation]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Accumulators Hold(Accumulators value) => value;

    /// <inheritdoc cref="Hold(int)"/>
    [IntrinsicImplementation]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WarpSums Hold(WarpSums value) => value;

    /// <summary>Called by ILGPU's code generator.</summary>
    /// <param name="backend">The backend.</param>
    /// <param name="generator">Its code generator.</param>
    /// <param name="value">The call.</param>
    public static void EmitHold(PTXBackend backend, PTXCodeGenerator generator, Value value)
    {
        List<string> from = TensorCorePtx.Registers(generator, generator.Load(value[0]));
        List<string> to = TensorCorePtx.Registers(generator, generator.Allocate(value));
        for (int i = 0; i < to.Count; i++)
        {
            string type = to[i].StartsWith("%f", StringComparison.Ordinal) ? "f32"
                : to[i].StartsWith("%rd", StringComparison.Ordinal) ? "b64"
                : "b32";
            TensorCorePtx.Line(generator, $"mov.{type} {to[i]}, {from[i]};");
        }
    }

    // What OpenCL devices run, by the type of the value.
    private static class Plain
    {
        public static int Int32(int value) => value;

        public static long Int64(long value) => value;

        public static Accumulators Accumulators(Accumulators value) => value;

        public static WarpSums WarpSums(WarpSums value) => value;
    }
}
