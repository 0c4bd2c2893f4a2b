using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace HipiFast.Kernels.Ilgpu.Numerics;

/// <summary>
/// Four floats side by side: what one load from aligned memory brings, and a quarter of a thread's row of accumulators.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct Four
{
    /// <summary>Bytes, and the alignment of vector loads.</summary>
    public const int Bytes = 16;

    /// <summary>First.</summary>
    public float X;

    /// <summary>Second.</summary>
    public float Y;

    /// <summary>Third.</summary>
    public float Z;

    /// <summary>Fourth.</summary>
    public float W;

    /// <summary>Makes four of four.</summary>
    /// <param name="x">First.</param>
    /// <param name="y">Second.</param>
    /// <param name="z">Third.</param>
    /// <param name="w">Fourth.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Four(float x, float y, float z, float w)
    {
        X = x;
        Y = y;
        Z = z;
        W = w;
    }

    /// <summary><c>a b + c</c>, each by itself.</summary>
    /// <param name="a">Factor of all four.</param>
    /// <param name="b">Factors.</param>
    /// <param name="c">Summands.</param>
    /// <returns>The sums.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Four MultiplyAdd(float a, Four b, Four c) => new(
        DeviceMath.MultiplyAdd(a, b.X, c.X), DeviceMath.MultiplyAdd(a, b.Y, c.Y),
        DeviceMath.MultiplyAdd(a, b.Z, c.Z), DeviceMath.MultiplyAdd(a, b.W, c.W));

    /// <summary>a + b.</summary>
    /// <param name="a">Summands.</param>
    /// <param name="b">Summands.</param>
    /// <returns>The sums.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Four Add(Four a, Four b) => new(a.X + b.X, a.Y + b.Y, a.Z + b.Z, a.W + b.W);

    /// <summary>relu, each by itself.</summary>
    /// <param name="a">Values.</param>
    /// <returns>The values that are positive or NaN, else 0.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Four Relu(Four a) =>
        new(DeviceMath.Relu(a.X), DeviceMath.Relu(a.Y), DeviceMath.Relu(a.Z), DeviceMath.Relu(a.W));

    /// <summary>The scalar product of two, added to a number.</summary>
    /// <param name="a">Factors.</param>
    /// <param name="b">Factors.</param>
    /// <param name="c">Summand.</param>
    /// <returns>c + a . b.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Dot(Four a, Four b, float c) => DeviceMath.MultiplyAdd(
        a.X, b.X,
        DeviceMath.MultiplyAdd(a.Y, b.Y, DeviceMath.MultiplyAdd(a.Z, b.Z, DeviceMath.MultiplyAdd(a.W, b.W, c))));
}
