using System.Diagnostics.CodeAnalysis;

namespace HipiFast.Kernels.Numerics;

/// <summary>
/// The vector operations that the kernels are written in, so that each kernel exists once and the JIT makes one machine
/// version per implementing struct: <see cref="Simd512"/>, <see cref="Simd256"/> and <see cref="SimdPortable"/>.
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

    /// <summary>
    /// numerator / (rootScale sqrt(square) + epsilon), to a few units in the last place, for square of 0 or more.
    /// </summary>
    static abstract TVector DivideByRoot(TVector numerator, TVector square, TVector rootScale, TVector epsilon);

    /// <summary>a where its magnitude is at least <paramref name="least"/>, else 0; NaN stays NaN.</summary>
    static abstract TVector FlushBelow(TVector a, TVector least);

    static abstract float Sum(TVector a);

    static abstract TVector Divide(TVector a, TVector b);

    static abstract TVector SquareRoot(TVector a);

    /// <summary>The smaller of each pair; which of the two where one is NaN is the processor's choice.</summary>
    static abstract TVector Min(TVector a, TVector b);

    /// <summary>The larger of each pair; which of the two where one is NaN is the processor's choice.</summary>
    static abstract TVector Max(TVector a, TVector b);

    /// <summary>All bits set where a &lt; b, else none; NaN compares false.</summary>
    static abstract TVector LessThan(TVector a, TVector b);

    /// <summary>All bits set where a = b, else none; NaN compares false.</summary>
    static abstract TVector Equal(TVector a, TVector b);

    /// <summary>a where the mask's bits are set, b where they are not.</summary>
    static abstract TVector Select(TVector mask, TVector a, TVector b);

    /// <summary>Whether any lane's sign bit is set: for masks, whether any lane holds.</summary>
    static abstract bool Any(TVector mask);

    static abstract TVector And(TVector a, TVector b);

    static abstract TVector Or(TVector a, TVector b);

    static abstract TVector Xor(TVector a, TVector b);

    /// <summary>The same 32 bits in every lane; this and the operations below see a lane as an integer.</summary>
    static abstract TVector BroadcastBits(uint bits);

    /// <summary>The same 32 bits in every even lane, 0 in the odd ones.</summary>
    static abstract TVector BroadcastEven(uint bits);

    /// <summary>The integers 0, 1, 2, ... of the lanes.</summary>
    static abstract TVector LaneNumbers { get; }

    /// <summary>All bits set in the first <paramref name="count"/> lanes.</summary>
    static abstract TVector FirstLanes(int count);

    static abstract TVector AddInt32(TVector a, TVector b);

    static abstract TVector ShiftLeft(TVector a, [ConstantExpected] int count);

    static abstract TVector ShiftRightLogical(TVector a, [ConstantExpected] int count);

    static abstract TVector ShiftRightArithmetic(TVector a, [ConstantExpected] int count);

    /// <summary>Signed integers to floats.</summary>
    static abstract TVector FromInt32(TVector a);

    /// <summary>Unsigned integers to floats, rounded to nearest.</summary>
    static abstract TVector FromUInt32(TVector a);

    /// <summary>Floats to signed integers, towards zero; of no meaning beyond their range.</summary>
    static abstract TVector ToInt32(TVector a);

    /// <summary>
    /// The 64-bit products of the unsigned integers in the even lanes; odd lanes of the operands are not read.
    /// </summary>
    static abstract TVector MultiplyEven(TVector a, TVector b);

    /// <summary>Exchanges lanes 0 and 1, 2 and 3, and so on.</summary>
    static abstract TVector SwapPairs(TVector a);

    /// <summary>
    /// Puts pairs of lanes of a and b in turns: <paramref name="low"/> takes a's pairs 0, 2, 4, ... and
    /// <paramref name="high"/> its pairs 1, 3, 5, ..., each followed by b's pair of the same number.
    /// </summary>
    static abstract void InterleavePairs(TVector a, TVector b, out TVector low, out TVector high);

    /// <summary>
    /// Loads <paramref name="count"/> floats, 1 or more, and no more than there are lanes; the other lanes are 0.
    /// Touches no memory behind them.
    /// </summary>
    static abstract TVector LoadPartial(float* source, int count);

    /// <summary>Stores the first <paramref name="count"/> lanes, 1 or more, and no more than there are.</summary>
    static abstract void StorePartial(TVector value, float* destination, int count);

    /// <summary>Largest lane; no NaN among them.</summary>
    static abstract float MaxLane(TVector a);

    /// <summary>Smallest lane as a signed integer.</summary>
    static abstract int MinLaneInt32(TVector a);

    /// <summary>Writes the sums of the lanes of a, b, c and d, each added in the same order.</summary>
    static abstract void SumEach(TVector a, TVector b, TVector c, TVector d, float* destination);

    /// <summary>Writes the transpose of a 16 x 16 block.</summary>
    static abstract void Transpose16(float* source, nint sourceStride, float* destination, nint destinationStride);
}
