using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace HipiFast.Kernels.Numerics;

/// <summary>
/// 256-bit vectors; used where <see cref="Vector256.IsHardwareAccelerated"/> and <see cref="Fma"/> are there.
/// </summary>
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
    public static Vector256<float> MultiplyAdd(Vector256<float> a, Vector256<float> b, Vector256<float> c) =>
        Vector256.FusedMultiplyAdd(a, b, c);

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

    public static Vector256<float> LaneNumbers
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector256<int>.Indices.AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Divide(Vector256<float> a, Vector256<float> b) => a / b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> SquareRoot(Vector256<float> a) => Vector256.Sqrt(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Min(Vector256<float> a, Vector256<float> b) => Vector256.MinNative(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Max(Vector256<float> a, Vector256<float> b) => Vector256.MaxNative(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LessThan(Vector256<float> a, Vector256<float> b) => Vector256.LessThan(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Equal(Vector256<float> a, Vector256<float> b) => Vector256.Equals(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Select(Vector256<float> mask, Vector256<float> a, Vector256<float> b) =>
        Vector256.ConditionalSelect(mask, a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Any(Vector256<float> mask) => Vector256.ExtractMostSignificantBits(mask) != 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> And(Vector256<float> a, Vector256<float> b) => a & b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Or(Vector256<float> a, Vector256<float> b) => a | b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Xor(Vector256<float> a, Vector256<float> b) => a ^ b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> BroadcastBits(uint bits) => Vector256.Create(bits).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> BroadcastEven(uint bits) => Vector256.Create((ulong)bits).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> FirstLanes(int count) =>
        Vector256.LessThan(LaneNumbers.AsInt32(), Vector256.Create(count)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> AddInt32(Vector256<float> a, Vector256<float> b) =>
        (a.AsInt32() + b.AsInt32()).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> ShiftLeft(Vector256<float> a, [ConstantExpected] int count) =>
        Vector256.ShiftLeft(a.AsInt32(), count).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> ShiftRightLogical(Vector256<float> a, [ConstantExpected] int count) =>
        Vector256.ShiftRightLogical(a.AsInt32(), count).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> ShiftRightArithmetic(Vector256<float> a, [ConstantExpected] int count) =>
        Vector256.ShiftRightArithmetic(a.AsInt32(), count).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> FromInt32(Vector256<float> a) => Vector256.ConvertToSingle(a.AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> FromUInt32(Vector256<float> a) => Vector256.ConvertToSingle(a.AsUInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> ToInt32(Vector256<float> a) => Vector256.ConvertToInt32Native(a).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MultiplyEven(Vector256<float> a, Vector256<float> b)
    {
        if (Avx2.IsSupported)
        {
            return Avx2.Multiply(a.AsUInt32(), b.AsUInt32()).AsSingle();
        }

        Vector256<ulong> lowHalves = Vector256.Create((ulong)uint.MaxValue);
        return ((a.AsUInt64() & lowHalves) * (b.AsUInt64() & lowHalves)).AsSingle();
    }

    // A shuffle rather than two shifts: it leaves the multiplier's ports free.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> SwapPairs(Vector256<float> a)
    {
        if (Avx2.IsSupported)
        {
            return Avx2.Shuffle(a.AsUInt32(), 0b10_11_00_01).AsSingle();
        }

        return (Vector256.ShiftRightLogical(a.AsUInt64(), 32) | Vector256.ShiftLeft(a.AsUInt64(), 32)).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void InterleavePairs(
        Vector256<float> a, Vector256<float> b, out Vector256<float> low, out Vector256<float> high)
    {
        if (Avx.IsSupported)
        {
            low = Avx.UnpackLow(a.AsDouble(), b.AsDouble()).AsSingle();
            high = Avx.UnpackHigh(a.AsDouble(), b.AsDouble()).AsSingle();
            return;
        }

        Vector128<float> a0 = a.GetLower(), a1 = a.GetUpper(), b0 = b.GetLower(), b1 = b.GetUpper();
        low = Vector256.Create(
            Vector128.Create(a0.GetLower(), b0.GetLower()), Vector128.Create(a1.GetLower(), b1.GetLower()));
        high = Vector256.Create(
            Vector128.Create(a0.GetUpper(), b0.GetUpper()), Vector128.Create(a1.GetUpper(), b1.GetUpper()));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadPartial(float* source, int count)
    {
        if (Avx.IsSupported)
        {
            return Avx.MaskLoad(source, FirstLanes(count));
        }

        Vector256<float> result = Vector256<float>.Zero;
        new ReadOnlySpan<float>(source, count).CopyTo(
            MemoryMarshal.CreateSpan(ref Unsafe.As<Vector256<float>, float>(ref result), Count));
        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePartial(Vector256<float> value, float* destination, int count)
    {
        if (Avx.IsSupported)
        {
            Avx.MaskStore(destination, FirstLanes(count), value);
            return;
        }

        MemoryMarshal.CreateReadOnlySpan(
            ref Unsafe.As<Vector256<float>, float>(ref value), count).CopyTo(new Span<float>(destination, count));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxLane(Vector256<float> a)
    {
        Vector128<float> half = Vector128.MaxNative(a.GetLower(), a.GetUpper());
        half = Vector128.MaxNative(half, Vector128.Shuffle(half, Vector128.Create(2, 3, 0, 1)));
        return Vector128.MaxNative(half, Vector128.Shuffle(half, Vector128.Create(1, 0, 3, 2))).ToScalar();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int MinLaneInt32(Vector256<float> a)
    {
        Vector128<int> half = Vector128.Min(a.AsInt32().GetLower(), a.AsInt32().GetUpper());
        half = Vector128.Min(half, Vector128.Shuffle(half, Vector128.Create(2, 3, 0, 1)));
        return Vector128.Min(half, Vector128.Shuffle(half, Vector128.Create(1, 0, 3, 2))).ToScalar();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SumEach(
        Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> d, float* destination)
    {
        if (!Avx.IsSupported)
        {
            Vector128.Store(Vector128.Create(Sum(a), Sum(b), Sum(c), Sum(d)), destination);
            return;
        }

        Vector256<float> halves = Avx.HorizontalAdd(Avx.HorizontalAdd(a, b), Avx.HorizontalAdd(c, d));
        Vector128.Store(halves.GetLower() + halves.GetUpper(), destination);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
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
            Transpose8(
                source + (row * sourceStride) + 8, sourceStride, destination + row + (8 * destinationStride),
                destinationStride);
        }
    }

    /// <summary>
    /// 8 x 8: rows at a distance of 4 meet in one vector, so that each 128-bit lane is a 4 x 4 block to transpose.
    /// </summary>
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
