using HipiFast.Kernels.Devices.Peaks;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Ilgpu.Numerics;
using HipiFast.Kernels.Ilgpu.TensorCores;
using ILGPU;

namespace HipiFast.Kernels.Ilgpu.Peaks;

/// <summary>What a device's tensor cores can do at most by the instruction that the soft-Q kernels use.</summary>
public static class TensorPeakKernel
{
    /// <summary>
    /// Products of bf16 operands in registers alone: 32 independent chains of <c>mma.sync</c> to a warp.
    /// </summary>
    /// <param name="result">Receives a number for each thread, so that nothing is optimised away.</param>
    /// <param name="loop">How often.</param>
    [DeviceKernel(DeviceKernelNames.TensorPeak)]
    public static void Multiply(ArrayView<float> result, PeakLoop loop)
    {
        int thread = (Grid.IdxX * Group.DimX) + Group.IdxX;
        uint word = TensorCore.PackRelu(loop.Factor, thread);
        FourWords words = new(word, word + 1, word + 2, word + 3);
        PairFragment pairs = new() { Tile0 = words, Tile1 = words, Tile2 = words, Tile3 = words };
        WeightFragment weights = new(words, words, words, words);
        WarpSums sums = default;
        for (int i = 0; i < loop.Iterations; i++)
        {
            sums = TensorCore.MultiplyAdd(pairs, weights, sums);
        }

        Four total = Four.Add(
            Four.Add(Total(sums.Block0), Total(sums.Block1)), Four.Add(Total(sums.Block2), Total(sums.Block3)));
        result[thread] = total.X + total.Y + total.Z + total.W;
    }

    private static Four Total(SumFragment sums) => Four.Add(
        Four.Add(Four.Add(sums.Left0, sums.Right0), Four.Add(sums.Left1, sums.Right1)),
        Four.Add(Four.Add(sums.Left2, sums.Right2), Four.Add(sums.Left3, sums.Right3)));
}
