using System.Runtime.CompilerServices;
using HipiFast.Kernels.Ilgpu.Numerics;
using HipiFast.Kernels.SoftQ;
using ILGPU.Util;

namespace HipiFast.Kernels.Ilgpu.SoftQ;

/// <summary><see cref="SoftQRule"/> on one pair of a kernel.</summary>
internal readonly struct DeviceArithmetic : ISoftQArithmetic<float>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float Constant(float value) => value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float Add(float a, float b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float Multiply(float a, float b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float MultiplyAdd(float a, float b, float c) => DeviceMath.MultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float Min(float a, float b) => Utilities.Select(a < b, a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float Select(float flag, float whereZero, float elsewhere) =>
        Utilities.Select(flag == 0f, whereZero, elsewhere);
}
