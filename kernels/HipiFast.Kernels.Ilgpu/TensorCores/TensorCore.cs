using System.Runtime.CompilerServices;
using HipiFast.Kernels.Ilgpu.Numerics;
using ILGPU;
using ILGPU.IR.Intrinsics;

namespace HipiFast.Kernels.Ilgpu.TensorCores;

/// <summary>
/// The instructions of NVIDIA's tensor cores that the kernels use, and the copies that feed them. In the PTX of CUDA
/// devices every method is the instruction that it names (<see cref="TensorCorePtx"/>); its body here does the same by
/// itself, so that the very same kernels run on ILGPU's CPU accelerator with warps of 32 threads.
/// </summary>
/// <remarks>
/// <para><c>mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32</c>, D = A B + C for the 32 lanes of a warp together.
/// Lane l has the group g = l / 4 and the thread t = l % 4 (PTX ISA, "Matrix fragments for mma.m16n8k16"); in a
/// register of two bf16 numbers the lower half comes first:</para>
/// <para>A, 16 rows x 16 columns, four registers: row g columns 2t, 2t + 1; row g + 8 columns 2t, 2t + 1; row g columns
/// 2t + 8, 2t + 9; row g + 8 columns 2t + 8, 2t + 9.</para>
/// <para>B, 16 rows x 8 columns, two registers: column g rows 2t, 2t + 1; column g rows 2t + 8, 2t + 9.</para>
/// <para>C and D, 16 rows x 8 columns, four floats: row g columns 2t and 2t + 1; row g + 8 columns 2t and 2t +
/// 1.</para>
/// </remarks>
public static class TensorCore
{
    /// <summary>Lanes of a warp.</summary>
    public const int Lanes = 32;

    /// <summary>Lanes that hold a row of A or C together.</summary>
    public const int LanesPerRow = 4;

    /// <summary>Rows of A in one fragment: four instructions' worth.</summary>
    public const int Rows = 64;

    /// <summary>Columns of A, rows of B.</summary>
    public const int Depth = 16;

    /// <summary>Columns of B in one block: two instructions' worth.</summary>
    public const int Columns = 16;

    /// <summary>32 <c>mma.sync</c>: a warp's 64 x 64 sums plus 64 x 16 left by 16 x 64 right operands.</summary>
    /// <param name="pairs">A: four tiles below each other.</param>
    /// <param name="weights">B: eight tiles beside each other.</param>
    /// <param name="sums">C.</param>
    /// <returns>D.</returns>
    [IntrinsicImplementation]
    public static WarpSums MultiplyAdd(PairFragment pairs, WeightFragment weights, WarpSums sums)
    {
        WarpExchange warp = WarpExchange.Share(pairs, weights);
        warp.MultiplyAdd(ref sums);
        return sums;
    }

    /// <summary>
    /// <c>cvt.rn.relu.bf16x2.f32</c>: two numbers rounded to the nearest bf16, ties to even, negative ones 0, NaN kept.
    /// </summary>
    /// <param name="first">For the lower half.</param>
    /// <param name="second">For the upper half.</param>
    /// <returns>Both.</returns>
    [IntrinsicImplementation]
    public static uint PackRelu(float first, float second) => Pack(DeviceMath.Relu(first), DeviceMath.Relu(second));

    /// <summary>Two numbers rounded to the nearest bf16, ties to even.</summary>
    /// <param name="first">For the lower half.</param>
    /// <param name="second">For the upper half.</param>
    /// <returns>Both.</returns>
    public static uint Pack(float first, float second) => Round(first) | (Round(second) << 16);

    /// <summary>
    /// <c>cp.async.cg.shared.global</c>: begins to copy 16 bytes of device memory to shared memory, where they are not
    /// to be read before <see cref="AwaitCopies"/> and a barrier.
    /// </summary>
    /// <param name="source">In device memory.</param>
    /// <param name="target">In shared memory.</param>
    [IntrinsicImplementation]
    public static void CopyAsync(ref FourWords source, ref FourWords target) =>
        PendingCopies.Add(ref source, ref target);

    /// <summary><c>cp.async.wait_all</c>: waits for all copies that this thread has begun.</summary>
    [IntrinsicImplementation]
    public static void AwaitCopies() => PendingCopies.Run();

    /// <summary>The value of one half of a register.</summary>
    /// <param name="word">Two bf16 numbers.</param>
    /// <param name="half">0 for the lower, 1 for the upper one.</param>
    /// <returns>The number.</returns>
    internal static float Unpack(uint word, int half) =>
        BitConverter.UInt32BitsToSingle(half == 0 ? word << 16 : word & 0xFFFF0000u);

    /// <summary>One <c>mma.sync</c> as one lane sees it.</summary>
    /// <param name="a">Four registers of every lane, lane by lane <paramref name="aStride"/> apart.</param>
    /// <param name="aStride">Registers between lanes.</param>
    /// <param name="b">Two registers of every lane.</param>
    /// <param name="bStride">Registers between lanes.</param>
    /// <param name="lane">The lane.</param>
    /// <param name="sums">The lane's C.</param>
    /// <returns>The lane's D.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static Four MultiplyAdd(
        ReadOnlySpan<uint> a, int aStride, ReadOnlySpan<uint> b, int bStride, int lane, Four sums)
    {
        int group = lane / LanesPerRow, thread = lane % LanesPerRow;
        ReadOnlySpan<uint> row = a[(group * LanesPerRow * aStride)..];
        ReadOnlySpan<uint> left = b[(
            2 * thread * LanesPerRow * bStride)..], right = b[(((2 * thread) + 1) * LanesPerRow * bStride)..];
        for (int word = 0; word < Depth / 2; word++)
        {
            // Words 0 to 3 are columns 0 to 7 of A, those of the four lanes of a row in turn; words 4 to 7 the others.
            int owner = word % LanesPerRow, far = word / LanesPerRow;
            uint top = row[(owner * aStride) + (2 * far)], bottom = row[(owner * aStride) + (2 * far) + 1];
            uint leftWord = left[(owner * bStride) + far], rightWord = right[(owner * bStride) + far];
            for (int half = 0; half < 2; half++)
            {
                float topValue = Unpack(top, half), bottomValue = Unpack(bottom, half);
                float leftValue = Unpack(leftWord, half), rightValue = Unpack(rightWord, half);
                sums.X += topValue * leftValue;
                sums.Y += topValue * rightValue;
                sums.Z += bottomValue * leftValue;
                sums.W += bottomValue * rightValue;
            }
        }

        return sums;
    }

    // To the nearest bf16, ties to even. A NaN becomes the one that the instruction gives: rounding might carry its
    // mantissa away.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Round(float value)
    {
        uint bits = Interop.FloatAsInt(value);
        return float.IsNaN(value) ? 0x7FFFu : (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
    }
}
