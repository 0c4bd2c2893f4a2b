using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Devices.SoftQ;
using HipiFast.Kernels.Ilgpu.Numerics;
using ILGPU;

namespace HipiFast.Kernels.Ilgpu.SoftQ;

/// <summary>
/// One part of a network's first layer, once for every row and once for every task instead of for every pair.
/// </summary>
public static class FirstLayerKernel
{
    /// <summary>
    /// One thread to an entry, hidden units side by side, so that reads of W1 and writes are contiguous.
    /// </summary>
    /// <param name="x"><c>[rows, XWidth]</c>.</param>
    /// <param name="y"><c>[rows, YWidth]</c>.</param>
    /// <param name="weights">The network, in the layout of <see cref="Networks.MlpShape"/>.</param>
    /// <param name="layers">Receives <c>[rows, stride]</c> from <see cref="FirstLayerShape.Offset"/> on.</param>
    /// <param name="shape">Sizes.</param>
    [DeviceKernel(DeviceKernelNames.FirstLayer)]
    public static void Run(
        ArrayView<float> x, ArrayView<float> y, ArrayView<float> weights, ArrayView<float> layers,
        FirstLayerShape shape)
    {
        long entries = (long)shape.Rows * shape.Stride, step = (long)Grid.DimX * Group.DimX;
        for (long entry = ((long)Grid.IdxX * Group.DimX) + Group.IdxX; entry < entries; entry += step)
        {
            int row = (int)(entry / shape.Stride), h = (int)(
                entry - ((long)row * shape.Stride)), weight = (shape.WeightRow * shape.Stride) + h;
            float sum = 0f;
            if (shape.Bias >= 0)
            {
                sum = weights[shape.Bias + h];
            }

            long xRow = (long)row * shape.XWidth, yRow = (long)row * shape.YWidth;
            for (int c = 0; c < shape.XWidth; c++)
            {
                sum = DeviceMath.MultiplyAdd(x[xRow + c], weights[weight], sum);
                weight += shape.Stride;
            }

            for (int c = 0; c < shape.YWidth; c++)
            {
                sum = DeviceMath.MultiplyAdd(y[yRow + c], weights[weight], sum);
                weight += shape.Stride;
            }

            layers[shape.Offset + entry] = sum;
        }
    }
}
