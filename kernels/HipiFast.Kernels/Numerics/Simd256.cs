using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace HipiFast.Kernels.Numerics;

/// <summary>256-bit vectors; used where <see cref="Vector256.IsHardwareAccelerated"/> and <see cref="Fma"/> are there.</summary>
internal readonly unsafe struct Simd256 : ISimd<Vector256<float>>
{
    public static int Count => Vector256<float>.Count;

    public static bool HasTallTile => false;

    public static Vector256<float> Zero => Vector256<float>.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(float* source) => Vector256.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<float> value, float* destination) => Vector256.Store(value, destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Broadcast(float value) => Vector256.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Add(Vector256<float> a, Vector256<float> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Subtract(Vector256<float> a, Vector256<float> b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Multiply(Vector256<float> a, Vector256<float> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MultiplyAdd(Vector256<float> a, Vector256<float> b, Vector256<float> c) => Vector256.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Relu(Vector256<float> a) =>
        Vector256.ConditionalSelect(Vector256.LessThanOrEqual(a, Vector256<float>.Zero), Vector256<float>.Zero, a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MaskPositive(Vector256<float> a, Vector256<float> activation) =>
        Vector256.ConditionalSelect(Vector256.GreaterThan(activation, Vector256<float>.Zero), a, Vector256<float>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> DivideByRoot(
        Vector256<float> numerator, Vector256<float> square, Vector256<float> rootScale, Vector256<float> epsilon) =>
        numerator / ((Vector256.Sqrt(square) * rootScale) + epsilon);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> FlushBelow(Vector256<float> a, Vector256<float> least) =>
        Vector256.ConditionalSelect(Vector256.LessThan(Vector256.Abs(a), least), Vector256<float>.Zero, a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector256<float> a) => Vector256.Sum(a);

    public static void Transpose16(float* source, nint sourceStride, float* destination, nint destinationStride)
    {
        if (!Avx.IsSupported)
        {
            SimdPortable.Transpose16(source, sourceStride, destination, destinationStride);
            return;
        }

        for (int row = 0; row < 16; row += 8)
        {
            Transpose8(source + (row * sourceStride), sourceStride, destination + row, destinationStride);
            Transpose8(source + (row * sourceStride) + 8, sourceStride, destination + row + (8 * destinationStride), destinationStride);
        }
    }

    /// <summary>8 x 8: rows at a distance of 4 meet in one vector, so that each 128-bit lane is a 4 x 4 block to transpose.</summary>
    private static void Transpose8(float* source, nint sourceStride, float* destination, nint destinationStride)
    {
        for (int half = 0; half < 2; half++)
        {
            float* column = source + (4 * half);
            Vector256<float> r0 = Gather(column, sourceStride);
            Vector256<float> r1 = Gather(column + sourceStride, sourceStride);
            Vector256<float> r2 = Gather(column + (2 * sourceStride), sourceStride);
            Vector256<float> r3 = Gather(column + (3 * sourceStride), sourceStride);
            Vector256<double> low01 = Avx.UnpackLow(r0, r1).AsDouble(), high01 = Avx.UnpackHigh(r0, r1).AsDouble();
            Vector256<double> low23 = Avx.UnpackLow(r2, r3).AsDouble(), high23 = Avx.UnpackHigh(r2, r3).AsDouble();
            float* row = destination + (4 * half * destinationStride);
            Vector256.Store(Avx.UnpackLow(low01, low23).AsSingle(), row);
            Vector256.Store(Avx.UnpackHigh(low01, low23).AsSingle(), row + destinationStride);
            Vector256.Store(Avx.UnpackLow(high01, high23).AsSingle(), row + (2 * destinationStride));
            Vector256.Store(Avx.UnpackHigh(high01, high23).AsSingle(), row + (3 * destinationStride));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Gather(float* source, nint stride) =>
        Vector256.Create(Vector128.Load(source), Vector128.Load(source + (4 * stride)));
}
