using System.Numerics;
using System.Runtime.CompilerServices;
using HipiFast.Kernels.Networks;

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
    public static Vector<float> MultiplyAdd(Vector<float> a, Vector<float> b, Vector<float> c) => Vector.MultiplyAddEstimate(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Relu(
        Vector<float> a) => Vector.ConditionalSelect(Vector.LessThanOrEqual(a, Vector<float>.Zero), Vector<float>.Zero, a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> MaskPositive(Vector<float> a, Vector<float> activation) =>
        Vector.ConditionalSelect(Vector.GreaterThan(activation, Vector<float>.Zero), a, Vector<float>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> DivideByRoot(Vector<float> numerator, Vector<float> square, Vector<float> rootScale, Vector<float> epsilon) =>
        numerator / ((Vector.SquareRoot(square) * rootScale) + epsilon);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> FlushBelow(Vector<float> a, Vector<float> least) =>
        Vector.ConditionalSelect(Vector.LessThan(Vector.Abs(a), least), Vector<float>.Zero, a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector<float> a) => Vector.Sum(a);

    public static void Transpose16(float* source, nint sourceStride, float* destination, nint destinationStride)
    {
        for (int row = 0; row < MlpShape.LaneCount; row++)
        {
            for (int column = 0; column < MlpShape.LaneCount; column++)
            {
                destination[(column * destinationStride) + row] = source[(row * sourceStride) + column];
            }
        }
    }
}
