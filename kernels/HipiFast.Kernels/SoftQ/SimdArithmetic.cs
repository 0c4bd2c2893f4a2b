using System.Runtime.CompilerServices;
using HipiFast.Kernels.Numerics;

namespace HipiFast.Kernels.SoftQ;

/// <summary><see cref="SoftQRule"/> on a vector of pairs.</summary>
/// <typeparam name="TSimd">The vector operations.</typeparam>
/// <typeparam name="TVector">A vector of floats.</typeparam>
internal readonly struct SimdArithmetic<TSimd, TVector> : ISoftQArithmetic<TVector>
    where TSimd : ISimd<TVector>
    where TVector : struct
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVector Constant(float value) => TSimd.Broadcast(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVector Add(TVector a, TVector b) => TSimd.Add(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVector Multiply(TVector a, TVector b) => TSimd.Multiply(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVector MultiplyAdd(TVector a, TVector b, TVector c) => TSimd.MultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVector Min(TVector a, TVector b) => TSimd.Min(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVector Select(TVector flag, TVector whereZero, TVector elsewhere) =>
        TSimd.Select(TSimd.Equal(flag, TSimd.Zero), whereZero, elsewhere);
}
