using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace HipiFast.Kernels.Numerics;

/// <summary>
/// Single-precision multiply-adds on the vectors of a managed backend: 16 chains, or 14 where there may be no more
/// registers; 8 to 10 hide the latency of two multiply-adds a cycle.
/// </summary>
internal sealed class ManagedMultiplyAddLoop(VectorKind kind) : IMultiplyAddLoop
{
    private const int WideChains = 16;
    private const int NarrowChains = 14;

    private float _sink;

    /// <inheritdoc/>
    public double Run(int iterations)
    {
        (float result, int lanes) = kind switch
        {
            VectorKind.Vector512 => (Run512(iterations, 1f), WideChains * Vector512<float>.Count),
            VectorKind.Vector256 => (Run256(iterations, 1f), NarrowChains * Vector256<float>.Count),
            _ => (RunPortable(iterations, 1f), NarrowChains * Vector<float>.Count),
        };

        // Keeps the loop from being optimised away.
        Volatile.Write(ref _sink, result);
        return 2.0 * lanes * iterations;
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static float Run512(int iterations, float start)
    {
        Vector512<float> a = Vector512.Create(0.999f), b = Vector512.Create(0.001f);
        Vector512<float> c0 = Vector512.Create(start), c1 = c0, c2 = c0, c3 = c0, c4 = c0, c5 = c0, c6 = c0, c7 = c0;
        Vector512<float> c8 = c0, c9 = c0, c10 = c0, c11 = c0, c12 = c0, c13 = c0, c14 = c0, c15 = c0;
        for (int i = 0; i < iterations; i++)
        {
            c0 = Vector512.FusedMultiplyAdd(c0, a, b);
            c1 = Vector512.FusedMultiplyAdd(c1, a, b);
            c2 = Vector512.FusedMultiplyAdd(c2, a, b);
            c3 = Vector512.FusedMultiplyAdd(c3, a, b);
            c4 = Vector512.FusedMultiplyAdd(c4, a, b);
            c5 = Vector512.FusedMultiplyAdd(c5, a, b);
            c6 = Vector512.FusedMultiplyAdd(c6, a, b);
            c7 = Vector512.FusedMultiplyAdd(c7, a, b);
            c8 = Vector512.FusedMultiplyAdd(c8, a, b);
            c9 = Vector512.FusedMultiplyAdd(c9, a, b);
            c10 = Vector512.FusedMultiplyAdd(c10, a, b);
            c11 = Vector512.FusedMultiplyAdd(c11, a, b);
            c12 = Vector512.FusedMultiplyAdd(c12, a, b);
            c13 = Vector512.FusedMultiplyAdd(c13, a, b);
            c14 = Vector512.FusedMultiplyAdd(c14, a, b);
            c15 = Vector512.FusedMultiplyAdd(c15, a, b);
        }

        return Vector512.Sum(c0 + c1 + c2 + c3 + c4 + c5 + c6 + c7 + c8 + c9 + c10 + c11 + c12 + c13 + c14 + c15);
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static float Run256(int iterations, float start)
    {
        Vector256<float> a = Vector256.Create(0.999f), b = Vector256.Create(0.001f);
        Vector256<float> c0 = Vector256.Create(start), c1 = c0, c2 = c0, c3 = c0, c4 = c0, c5 = c0, c6 = c0;
        Vector256<float> c7 = c0, c8 = c0, c9 = c0, c10 = c0, c11 = c0, c12 = c0, c13 = c0;

        // 14 chains and two operands fill the 16 registers that there are without AVX-512.
        for (int i = 0; i < iterations; i++)
        {
            c0 = Vector256.FusedMultiplyAdd(c0, a, b);
            c1 = Vector256.FusedMultiplyAdd(c1, a, b);
            c2 = Vector256.FusedMultiplyAdd(c2, a, b);
            c3 = Vector256.FusedMultiplyAdd(c3, a, b);
            c4 = Vector256.FusedMultiplyAdd(c4, a, b);
            c5 = Vector256.FusedMultiplyAdd(c5, a, b);
            c6 = Vector256.FusedMultiplyAdd(c6, a, b);
            c7 = Vector256.FusedMultiplyAdd(c7, a, b);
            c8 = Vector256.FusedMultiplyAdd(c8, a, b);
            c9 = Vector256.FusedMultiplyAdd(c9, a, b);
            c10 = Vector256.FusedMultiplyAdd(c10, a, b);
            c11 = Vector256.FusedMultiplyAdd(c11, a, b);
            c12 = Vector256.FusedMultiplyAdd(c12, a, b);
            c13 = Vector256.FusedMultiplyAdd(c13, a, b);
        }

        return Vector256.Sum(c0 + c1 + c2 + c3 + c4 + c5 + c6 + c7 + c8 + c9 + c10 + c11 + c12 + c13);
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static float RunPortable(int iterations, float start)
    {
        Vector<float> a = new(0.999f), b = new(0.001f);
        Vector<float> c0 = new(start), c1 = c0, c2 = c0, c3 = c0, c4 = c0, c5 = c0, c6 = c0;
        Vector<float> c7 = c0, c8 = c0, c9 = c0, c10 = c0, c11 = c0, c12 = c0, c13 = c0;

        for (int i = 0; i < iterations; i++)
        {
            c0 = Vector.MultiplyAddEstimate(c0, a, b);
            c1 = Vector.MultiplyAddEstimate(c1, a, b);
            c2 = Vector.MultiplyAddEstimate(c2, a, b);
            c3 = Vector.MultiplyAddEstimate(c3, a, b);
            c4 = Vector.MultiplyAddEstimate(c4, a, b);
            c5 = Vector.MultiplyAddEstimate(c5, a, b);
            c6 = Vector.MultiplyAddEstimate(c6, a, b);
            c7 = Vector.MultiplyAddEstimate(c7, a, b);
            c8 = Vector.MultiplyAddEstimate(c8, a, b);
            c9 = Vector.MultiplyAddEstimate(c9, a, b);
            c10 = Vector.MultiplyAddEstimate(c10, a, b);
            c11 = Vector.MultiplyAddEstimate(c11, a, b);
            c12 = Vector.MultiplyAddEstimate(c12, a, b);
            c13 = Vector.MultiplyAddEstimate(c13, a, b);
        }

        return Vector.Sum(c0 + c1 + c2 + c3 + c4 + c5 + c6 + c7 + c8 + c9 + c10 + c11 + c12 + c13);
    }
}
