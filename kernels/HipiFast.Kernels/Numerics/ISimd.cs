namespace HipiFast.Kernels.Numerics;

/// <summary>
/// The vector operations that the kernels are written in, so that each kernel exists once and the JIT makes one machine version per
/// implementing struct: <see cref="Simd512"/>, <see cref="Simd256"/> and <see cref="SimdPortable"/>.
/// </summary>
/// <typeparam name="TVector">A vector of floats whose width divides 16.</typeparam>
internal unsafe interface ISimd<TVector>
    where TVector : struct
{
    /// <summary>Floats per vector.</summary>
    static abstract int Count { get; }

    /// <summary>Whether there are registers for 16 running sums (32 registers) or only for 8 (16 registers).</summary>
    static abstract bool HasTallTile { get; }

    static abstract TVector Zero { get; }

    static abstract TVector Load(float* source);

    static abstract void Store(TVector value, float* destination);

    static abstract TVector Broadcast(float value);

    static abstract TVector Add(TVector a, TVector b);

    static abstract TVector Subtract(TVector a, TVector b);

    static abstract TVector Multiply(TVector a, TVector b);

    /// <summary>a b + c.</summary>
    static abstract TVector MultiplyAdd(TVector a, TVector b, TVector c);

    /// <summary>max(0, a); NaN stays NaN, so that a bad input is seen in the output.</summary>
    static abstract TVector Relu(TVector a);

    /// <summary>a where activation is above zero, else 0.</summary>
    static abstract TVector MaskPositive(TVector a, TVector activation);

    /// <summary>numerator / (rootScale sqrt(square) + epsilon), to a few units in the last place, for square of 0 or more.</summary>
    static abstract TVector DivideByRoot(TVector numerator, TVector square, TVector rootScale, TVector epsilon);

    /// <summary>a where its magnitude is at least <paramref name="least"/>, else 0; NaN stays NaN.</summary>
    static abstract TVector FlushBelow(TVector a, TVector least);

    static abstract float Sum(TVector a);

    /// <summary>Writes the transpose of a 16 x 16 block.</summary>
    static abstract void Transpose16(float* source, nint sourceStride, float* destination, nint destinationStride);
}
