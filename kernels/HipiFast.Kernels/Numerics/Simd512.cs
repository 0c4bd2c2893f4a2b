using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
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
    public static Vector512<float> MultiplyAdd(Vector512<float> a, Vector512<float> b, Vector512<float> c) =>
        Vector512.FusedMultiplyAdd(a, b, c);

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

        // A 14-bit estimate and one Newton step each reach 2^-23 or so and take a third of the time of the exact root
        // and quotient.
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

    public static Vector512<float> LaneNumbers
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector512<int>.Indices.AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Divide(Vector512<float> a, Vector512<float> b) => a / b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> SquareRoot(Vector512<float> a) => Vector512.Sqrt(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Min(Vector512<float> a, Vector512<float> b) => Vector512.MinNative(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Max(Vector512<float> a, Vector512<float> b) => Vector512.MaxNative(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LessThan(Vector512<float> a, Vector512<float> b) => Vector512.LessThan(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Equal(Vector512<float> a, Vector512<float> b) => Vector512.Equals(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Select(Vector512<float> mask, Vector512<float> a, Vector512<float> b) =>
        Vector512.ConditionalSelect(mask, a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Any(Vector512<float> mask) => Vector512.ExtractMostSignificantBits(mask) != 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> And(Vector512<float> a, Vector512<float> b) => a & b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Or(Vector512<float> a, Vector512<float> b) => a | b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Xor(Vector512<float> a, Vector512<float> b) => a ^ b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> BroadcastBits(uint bits) => Vector512.Create(bits).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> BroadcastEven(uint bits) => Vector512.Create((ulong)bits).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> FirstLanes(int count) =>
        Vector512.LessThan(LaneNumbers.AsInt32(), Vector512.Create(count)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> AddInt32(Vector512<float> a, Vector512<float> b) =>
        (a.AsInt32() + b.AsInt32()).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ShiftLeft(Vector512<float> a, [ConstantExpected] int count) =>
        Vector512.ShiftLeft(a.AsInt32(), count).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ShiftRightLogical(Vector512<float> a, [ConstantExpected] int count) =>
        Vector512.ShiftRightLogical(a.AsInt32(), count).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ShiftRightArithmetic(Vector512<float> a, [ConstantExpected] int count) =>
        Vector512.ShiftRightArithmetic(a.AsInt32(), count).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> FromInt32(Vector512<float> a) => Vector512.ConvertToSingle(a.AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> FromUInt32(Vector512<float> a) => Vector512.ConvertToSingle(a.AsUInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ToInt32(Vector512<float> a) => Vector512.ConvertToInt32Native(a).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MultiplyEven(Vector512<float> a, Vector512<float> b)
    {
        if (Avx512F.IsSupported)
        {
            return Avx512F.Multiply(a.AsUInt32(), b.AsUInt32()).AsSingle();
        }

        Vector512<ulong> lowHalves = Vector512.Create((ulong)uint.MaxValue);
        return ((a.AsUInt64() & lowHalves) * (b.AsUInt64() & lowHalves)).AsSingle();
    }

    // A shuffle rather than two shifts: it leaves the multiplier's port free.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> SwapPairs(Vector512<float> a)
    {
        if (Avx512F.IsSupported)
        {
            return Avx512F.Shuffle(a.AsUInt32(), 0b10_11_00_01).AsSingle();
        }

        return (Vector512.ShiftRightLogical(a.AsUInt64(), 32) | Vector512.ShiftLeft(a.AsUInt64(), 32)).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void InterleavePairs(
        Vector512<float> a, Vector512<float> b, out Vector512<float> low, out Vector512<float> high)
    {
        if (Avx512F.IsSupported)
        {
            low = Avx512F.UnpackLow(a.AsDouble(), b.AsDouble()).AsSingle();
            high = Avx512F.UnpackHigh(a.AsDouble(), b.AsDouble()).AsSingle();
            return;
        }

        Simd256.InterleavePairs(a.GetLower(), b.GetLower(), out Vector256<float> low0, out Vector256<float> high0);
        Simd256.InterleavePairs(a.GetUpper(), b.GetUpper(), out Vector256<float> low1, out Vector256<float> high1);
        low = Vector512.Create(low0, low1);
        high = Vector512.Create(high0, high1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadPartial(float* source, int count)
    {
        if (Avx512F.IsSupported)
        {
            return Avx512F.MaskLoad(source, FirstLanes(count), Vector512<float>.Zero);
        }

        Vector512<float> result = Vector512<float>.Zero;
        new ReadOnlySpan<float>(source, count).CopyTo(
            MemoryMarshal.CreateSpan(ref Unsafe.As<Vector512<float>, float>(ref result), Count));
        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePartial(Vector512<float> value, float* destination, int count)
    {
        if (Avx512F.IsSupported)
        {
            Avx512F.MaskStore(destination, FirstLanes(count), value);
            return;
        }

        MemoryMarshal.CreateReadOnlySpan(
            ref Unsafe.As<Vector512<float>, float>(ref value), count).CopyTo(new Span<float>(destination, count));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxLane(Vector512<float> a) => Simd256.MaxLane(Vector256.MaxNative(a.GetLower(), a.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int MinLaneInt32(Vector512<float> a) =>
        Simd256.MinLaneInt32(Vector256.Min(a.AsInt32().GetLower(), a.AsInt32().GetUpper()).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SumEach(
        Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d, float* destination)
    {
        if (!Avx512F.IsSupported)
        {
            Vector128.Store(Vector128.Create(Sum(a), Sum(b), Sum(c), Sum(d)), destination);
            return;
        }

        // Within every 128-bit lane a0 + a2, b0 + b2, a1 + a3, b1 + b3, then one sum of each operand; last the four
        // lanes.
        Vector512<double> ab = (Avx512F.UnpackLow(a, b) + Avx512F.UnpackHigh(a, b)).AsDouble();
        Vector512<double> cd = (Avx512F.UnpackLow(c, d) + Avx512F.UnpackHigh(c, d)).AsDouble();
        Vector512<float> sums = Avx512F.UnpackLow(ab, cd).AsSingle() + Avx512F.UnpackHigh(ab, cd).AsSingle();
        Vector256<float> halves = sums.GetLower() + sums.GetUpper();
        Vector128.Store(halves.GetLower() + halves.GetUpper(), destination);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transpose16(float* source, nint sourceStride, float* destination, nint destinationStride)
    {
        if (!Avx512F.IsSupported)
        {
            SimdPortable.Transpose16(source, sourceStride, destination, destinationStride);
            return;
        }

        // Four rows at a distance of 4 hold, per 128-bit lane, a 4 x 4 block each: transpose those, then exchange
        // lanes.
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
        Vector256<float> high = Vector256.Create(
            Vector128.Load(source + (8 * stride)), Vector128.Load(source + (12 * stride)));
        return Vector512.Create(low, high);
    }
}
