using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Devices.SoftQ;
using HipiFast.Kernels.Ilgpu.TensorCores;
using ILGPU;

namespace HipiFast.Kernels.Ilgpu.SoftQ;

/// <summary>Packs W2 in bf16 in the order in which the lanes of a warp hold the right operand.</summary>
public static class SecondLayerKernel
{
    /// <summary>
    /// One thread to the four registers of a lane: <c>[step of 16 inputs][block of 16 outputs][lane]</c>. So a warp
    /// reads its fragments as 512 bytes in a row, which no swizzle could better.
    /// </summary>
    /// <remarks>
    /// The order of inputs within a step is free as long as both operands keep it: the lane t of a row takes inputs 4t
    /// to 4t + 3, which are one load of the first layer, where the instruction counts 2t, 2t + 1, 2t + 8 and 2t + 9.
    /// Likewise outputs: a lane's four sums of a block are outputs 4t to 4t + 3, which are one load of the biases.
    /// </remarks>
    /// <param name="network">The network.</param>
    /// <param name="packed">Receives the fragments, zeros beyond the last output.</param>
    /// <param name="shape">Sizes.</param>
    [DeviceKernel(DeviceKernelNames.PackSecondLayer)]
    public static void Run(ArrayView<float> network, ArrayView<FourWords> packed, SecondLayerShape shape)
    {
        int length = shape.Stride / TensorCore.Depth * shape.Blocks * TensorCore.Lanes;
        for (int i = (Grid.IdxX * Group.DimX) + Group.IdxX; i < length; i += Grid.DimX * Group.DimX)
        {
            int lane = i & (TensorCore.Lanes - 1), step = i / TensorCore.Lanes / shape.Blocks,
                block = (i / TensorCore.Lanes) - (step * shape.Blocks);
            int group = lane / TensorCore.LanesPerRow, thread = lane & (TensorCore.LanesPerRow - 1);
            int input = (step * TensorCore.Depth) + (4 * thread), output = (
                block * TensorCore.Columns) + (4 * (group / 2)) + (group & 1);
            FourWords words = default;
            if (block * TensorCore.Columns < shape.Stride)
            {
                int left = shape.Weights + (input * shape.Stride) + output, right = left + 2, below = 2 * shape.Stride;
                words = new FourWords(
                    TensorCore.Pack(network[left], network[left + shape.Stride]),
                    TensorCore.Pack(network[left + below], network[left + below + shape.Stride]),
                    TensorCore.Pack(network[right], network[right + shape.Stride]),
                    TensorCore.Pack(network[right + below], network[right + below + shape.Stride]));
            }

            packed[i] = words;
        }
    }
}
