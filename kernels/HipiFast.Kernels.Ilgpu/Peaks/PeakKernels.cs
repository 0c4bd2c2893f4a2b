using HipiFast.Kernels.Devices.Peaks;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Ilgpu.Numerics;
using ILGPU;
using ILGPU.Runtime;

namespace HipiFast.Kernels.Ilgpu.Peaks;

/// <summary>What a device can do at most, for the fractions that its other kernels are quoted as.</summary>
public static class PeakKernels
{
    /// <summary>
    /// Multiply-adds on registers alone: <see cref="DevicePeaks.Chains"/> independent chains hide their latency.
    /// </summary>
    /// <param name="result">Receives a number for each thread, so that nothing is optimised away.</param>
    /// <param name="loop">How often.</param>
    [DeviceKernel(DeviceKernelNames.MultiplyAddPeak)]
    public static void MultiplyAdd(ArrayView<float> result, PeakLoop loop)
    {
        int thread = (Grid.IdxX * Group.DimX) + Group.IdxX;
        Four c0 = new(thread, 1f, 2f, 3f), c1 = new(4f, thread, 5f, 6f), c2 = new(7f, 8f, thread, 9f),
            c3 = new(10f, 11f, 12f, thread);
        Four b = new(0.001f, 0.002f, 0.003f, 0.004f);
        float a = loop.Factor;
        for (int i = 0; i < loop.Iterations; i++)
        {
            // Eight times, so that counting and branching are 2% of the instructions and not 18%.
            Repeat(ref c0, ref c1, ref c2, ref c3, a, b);
            Repeat(ref c0, ref c1, ref c2, ref c3, a, b);
        }

        result[thread] = Four.Dot(c0, c1, Four.Dot(c2, c3, 0f));
    }

    /// <summary>Copies, four floats to a thread and step.</summary>
    /// <param name="source">What to copy.</param>
    /// <param name="destination">Where to.</param>
    /// <param name="loop">Not read; every launch copies once.</param>
    [DeviceKernel(DeviceKernelNames.CopyPeak)]
    public static void Copy(ArrayView<Four> source, ArrayView<Four> destination, PeakLoop loop)
    {
        ArrayView<Four> from = source.AsAligned(Four.Bytes), to = destination.AsAligned(Four.Bytes);
        long step = (long)Grid.DimX * Group.DimX;
        for (long i = ((long)Grid.IdxX * Group.DimX) + Group.IdxX; i < source.Length; i += step)
        {
            to[i] = from[i];
        }
    }

    private static void Repeat(ref Four c0, ref Four c1, ref Four c2, ref Four c3, float a, Four b)
    {
        c0 = Scale(Scale(Scale(Scale(c0, a, b), a, b), a, b), a, b);
        c1 = Scale(Scale(Scale(Scale(c1, a, b), a, b), a, b), a, b);
        c2 = Scale(Scale(Scale(Scale(c2, a, b), a, b), a, b), a, b);
        c3 = Scale(Scale(Scale(Scale(c3, a, b), a, b), a, b), a, b);
    }

    // c = c a + b, each by itself: a chain of multiply-adds, each of which waits for the one before.
    private static Four Scale(Four c, float a, Four b) => new(
        DeviceMath.MultiplyAdd(c.X, a, b.X), DeviceMath.MultiplyAdd(c.Y, a, b.Y),
        DeviceMath.MultiplyAdd(c.Z, a, b.Z), DeviceMath.MultiplyAdd(c.W, a, b.W));
}
