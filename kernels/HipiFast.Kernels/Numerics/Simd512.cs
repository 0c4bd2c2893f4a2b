using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace HipiFast.Kernels.Numerics;

/// <summary>512-bit vectors; used where <see cref="Vector512.IsHardwareAccelerated"/>.</summary>
internal readonly unsafe struct Simd512 : ISimd<Vector512<float>>
{
    /// <summary>Smallest normal float: keeps the reciprocal root of zero finite.</summary>
    private const float Tiny = 1.17549435e-38f;

    public static int Count => Vector512<float>.Count;

    public static bool HasTallTile => true;

    public static Vector512<float> Zero => Vector512<float>.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(float* source) => Vector512.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<float> value, float* destination) => Vector512.Store(value, destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Broadcast(float value) => Vector512.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Add(Vector512<float> a, Vector512<float> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Subtract(Vector512<float> a, Vector512<float> b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Multiply(Vector512<float> a, Vector512<float> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MultiplyAdd(Vector512<float> a, Vector512<float> b, Vector512<float> c) => Vector512.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Relu(Vector512<float> a) =>
        Vector512.ConditionalSelect(Vector512.LessThanOrEqual(a, Vector512<float>.Zero), Vector512<float>.Zero, a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MaskPositive(Vector512<float> a, Vector512<float> activation) =>
        Vector512.ConditionalSelect(Vector512.GreaterThan(activation, Vector512<float>.Zero), a, Vector512<float>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> DivideByRoot(
        Vector512<float> numerator, Vector512<float> square, Vector512<float> rootScale, Vector512<float> epsilon)
    {
        if (!Avx512F.IsSupported)
        {
            return numerator / ((Vector512.Sqrt(square) * rootScale) + epsilon);
        }

        // A 14-bit estimate and one Newton step each reach 2^-23 or so and take a third of the time of the exact root and quotient.
        Vector512<float> root = Avx512F.ReciprocalSqrt14(Vector512.MaxNative(square, Vector512.Create(Tiny)));
        root *= Vector512.FusedMultiplyAdd(square * root, root * -0.5f, Vector512.Create(1.5f));
        Vector512<float> denominator = Vector512.FusedMultiplyAdd(square * root, rootScale, epsilon);
        Vector512<float> inverse = Avx512F.Reciprocal14(denominator);
        inverse *= Vector512.FusedMultiplyAdd(-denominator, inverse, Vector512.Create(2f));
        return numerator * inverse;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> FlushBelow(Vector512<float> a, Vector512<float> least) =>
        Vector512.ConditionalSelect(Vector512.LessThan(Vector512.Abs(a), least), Vector512<float>.Zero, a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector512<float> a) => Vector512.Sum(a);

    public static void Transpose16(float* source, nint sourceStride, float* destination, nint destinationStride)
    {
        if (!Avx512F.IsSupported)
        {
            SimdPortable.Transpose16(source, sourceStride, destination, destinationStride);
            return;
        }

        // Four rows at a distance of 4 hold, per 128-bit lane, a 4 x 4 block each: transpose those, then exchange lanes.
        for (int quarter = 0; quarter < 4; quarter++)
        {
            // Lane l of the gathered row r is columns 4 quarter .. + 3 of source row 4 l + r.
            float* column = source + (4 * quarter);
            Vector512<float> r0 = Gather(column, sourceStride);
            Vector512<float> r1 = Gather(column + sourceStride, sourceStride);
            Vector512<float> r2 = Gather(column + (2 * sourceStride), sourceStride);
            Vector512<float> r3 = Gather(column + (3 * sourceStride), sourceStride);
            Vector512<double> low01 = Avx512F.UnpackLow(r0, r1).AsDouble();
            Vector512<double> high01 = Avx512F.UnpackHigh(r0, r1).AsDouble();
            Vector512<double> low23 = Avx512F.UnpackLow(r2, r3).AsDouble();
            Vector512<double> high23 = Avx512F.UnpackHigh(r2, r3).AsDouble();
            float* row = destination + (4 * quarter * destinationStride);
            Vector512.Store(Avx512F.UnpackLow(low01, low23).AsSingle(), row);
            Vector512.Store(Avx512F.UnpackHigh(low01, low23).AsSingle(), row + destinationStride);
            Vector512.Store(Avx512F.UnpackLow(high01, high23).AsSingle(), row + (2 * destinationStride));
            Vector512.Store(Avx512F.UnpackHigh(high01, high23).AsSingle(), row + (3 * destinationStride));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Gather(float* source, nint stride)
    {
        Vector256<float> low = Vector256.Create(Vector128.Load(source), Vector128.Load(source + (4 * stride)));
        Vector256<float> high = Vector256.Create(Vector128.Load(source + (8 * stride)), Vector128.Load(source + (12 * stride)));
        return Vector512.Create(low, high);
    }
}
