using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace HipiFast.Kernels.Numerics;

/// <summary>Vectors of whatever width <see cref="Vector{T}"/> has here.</summary>
internal readonly unsafe struct SimdPortable : ISimd<Vector<float>>
{
    public static int Count => Vector<float>.Count;

    public static bool HasTallTile => false;

    public static Vector<float> Zero => Vector<float>.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Load(float* source) => Vector.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector<float> value, float* destination) => Vector.Store(value, destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Broadcast(float value) => new(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Add(Vector<float> a, Vector<float> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Subtract(Vector<float> a, Vector<float> b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Multiply(Vector<float> a, Vector<float> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> MultiplyAdd(Vector<float> a, Vector<float> b, Vector<float> c) =>
        Vector.MultiplyAddEstimate(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Relu(
        Vector<float> a) => Vector.ConditionalSelect(
            Vector.LessThanOrEqual(a, Vector<float>.Zero), Vector<float>.Zero, a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> MaskPositive(Vector<float> a, Vector<float> activation) =>
        Vector.ConditionalSelect(Vector.GreaterThan(activation, Vector<float>.Zero), a, Vector<float>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> DivideByRoot(
        Vector<float> numerator, Vector<float> square, Vector<float> rootScale, Vector<float> epsilon) =>
        numerator / ((Vector.SquareRoot(square) * rootScale) + epsilon);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> FlushBelow(Vector<float> a, Vector<float> least) =>
        Vector.ConditionalSelect(Vector.LessThan(Vector.Abs(a), least), Vector<float>.Zero, a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector<float> a) => Vector.Sum(a);

    public static Vector<float> LaneNumbers
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector<int>.Indices.As<int, float>();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Divide(Vector<float> a, Vector<float> b) => a / b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> SquareRoot(Vector<float> a) => Vector.SquareRoot(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Min(Vector<float> a, Vector<float> b) => Vector.MinNative(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Max(Vector<float> a, Vector<float> b) => Vector.MaxNative(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> LessThan(Vector<float> a, Vector<float> b) => Vector.LessThan<float>(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Equal(Vector<float> a, Vector<float> b) => Vector.Equals<float>(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Select(Vector<float> mask, Vector<float> a, Vector<float> b) =>
        Vector.ConditionalSelect(mask, a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Any(Vector<float> mask) => Vector.LessThanAny(mask.As<float, int>(), Vector<int>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> And(Vector<float> a, Vector<float> b) => a & b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Or(Vector<float> a, Vector<float> b) => a | b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Xor(Vector<float> a, Vector<float> b) => a ^ b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> BroadcastBits(uint bits) => new Vector<uint>(bits).As<uint, float>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> BroadcastEven(uint bits) => new Vector<ulong>(bits).As<ulong, float>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> FirstLanes(int count) =>
        Vector.LessThan(Vector<int>.Indices, new Vector<int>(count)).As<int, float>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> AddInt32(Vector<float> a, Vector<float> b) =>
        (a.As<float, int>() + b.As<float, int>()).As<int, float>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> ShiftLeft(Vector<float> a, [ConstantExpected] int count) =>
        Vector.ShiftLeft(a.As<float, int>(), count).As<int, float>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> ShiftRightLogical(Vector<float> a, [ConstantExpected] int count) =>
        Vector.ShiftRightLogical(a.As<float, int>(), count).As<int, float>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> ShiftRightArithmetic(Vector<float> a, [ConstantExpected] int count) =>
        Vector.ShiftRightArithmetic(a.As<float, int>(), count).As<int, float>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> FromInt32(Vector<float> a) => Vector.ConvertToSingle(a.As<float, int>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> FromUInt32(Vector<float> a) => Vector.ConvertToSingle(a.As<float, uint>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> ToInt32(Vector<float> a) => Vector.ConvertToInt32Native(a).As<int, float>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> MultiplyEven(Vector<float> a, Vector<float> b)
    {
        Vector<ulong> lowHalves = new(uint.MaxValue);
        return ((a.As<float, ulong>() & lowHalves) * (b.As<float, ulong>() & lowHalves)).As<ulong, float>();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> SwapPairs(Vector<float> a) =>
        (Vector.ShiftRightLogical(
            a.As<float, ulong>(), 32) | Vector.ShiftLeft(a.As<float, ulong>(), 32)).As<ulong, float>();

    public static void InterleavePairs(Vector<float> a, Vector<float> b, out Vector<float> low, out Vector<float> high)
    {
        ulong* lows = stackalloc ulong[Vector<ulong>.Count], highs = stackalloc ulong[Vector<ulong>.Count];
        for (int pair = 0; pair < Vector<ulong>.Count; pair += 2)
        {
            lows[pair] = a.As<float, ulong>()[pair];
            lows[pair + 1] = b.As<float, ulong>()[pair];
            highs[pair] = a.As<float, ulong>()[pair + 1];
            highs[pair + 1] = b.As<float, ulong>()[pair + 1];
        }

        low = Vector.Load((float*)lows);
        high = Vector.Load((float*)highs);
    }

    public static Vector<float> LoadPartial(float* source, int count)
    {
        Vector<float> result = Vector<float>.Zero;
        new ReadOnlySpan<float>(source, count).CopyTo(
            MemoryMarshal.CreateSpan(ref Unsafe.As<Vector<float>, float>(ref result), Count));
        return result;
    }

    public static void StorePartial(Vector<float> value, float* destination, int count) =>
        MemoryMarshal.CreateReadOnlySpan(
            ref Unsafe.As<Vector<float>, float>(ref value), count).CopyTo(new Span<float>(destination, count));

    public static float MaxLane(Vector<float> a)
    {
        float max = a[0];
        for (int lane = 1; lane < Count; lane++)
        {
            max = a[lane] > max ? a[lane] : max;
        }

        return max;
    }

    public static int MinLaneInt32(Vector<float> a)
    {
        Vector<int> integers = a.As<float, int>();
        int min = integers[0];
        for (int lane = 1; lane < Count; lane++)
        {
            min = Math.Min(min, integers[lane]);
        }

        return min;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SumEach(Vector<float> a, Vector<float> b, Vector<float> c, Vector<float> d, float* destination)
    {
        destination[0] = Vector.Sum(a);
        destination[1] = Vector.Sum(b);
        destination[2] = Vector.Sum(c);
        destination[3] = Vector.Sum(d);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transpose16(float* source, nint sourceStride, float* destination, nint destinationStride)
    {
        for (int row = 0; row < VectorKinds.WidestLanes; row++)
        {
            for (int column = 0; column < VectorKinds.WidestLanes; column++)
            {
                destination[(column * destinationStride) + row] = source[(row * sourceStride) + column];
            }
        }
    }
}
