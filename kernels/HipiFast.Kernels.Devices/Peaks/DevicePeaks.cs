using System.Runtime.InteropServices;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Devices.SoftQ;

namespace HipiFast.Kernels.Devices.Peaks;

/// <summary>What a device can do at most, measured by kernels that do nothing else.</summary>
/// <param name="Flops">Operations per second, two to a multiply-add: in fp32, or on tensor cores in bf16.</param>
/// <param name="BytesPerSecond">Bytes read and written per second by a copy within its memory.</param>
public readonly record struct DevicePeaks(double Flops, double BytesPerSecond)
{
    /// <summary>Independent chains of multiply-adds of a thread.</summary>
    public const int Chains = 16;

    /// <summary>Multiply-adds of each chain and iteration.</summary>
    public const int Repeats = 8;

    /// <summary>Multiply-adds of a thread and iteration on tensor cores: a warp's 64 x 64 x 16.</summary>
    public const int TensorMultiplyAdds = 64 * 64 * 16 / TensorTile.WarpSize;

    private const int Group = 256;

    /// <summary>
    /// Groups for each multiprocessor: with <see cref="Group"/> threads each, all that a multiprocessor keeps at once.
    /// </summary>
    private const int GroupsPerMultiprocessor = 8;
    private const int FloatsPerCopy = 4;

    /// <summary>
    /// Measures a device: the best of several launches, each long enough that starting it does not count.
    /// </summary>
    /// <param name="runtime">The device.</param>
    /// <param name="iterations">Iterations of the multiply-add kernel.</param>
    /// <param name="bytes">Size of the array that is copied; several times the device's cache.</param>
    /// <param name="repeats">Launches.</param>
    /// <param name="precision">Which arithmetic.</param>
    /// <returns>The peaks.</returns>
    public static DevicePeaks Measure(
        DeviceRuntime runtime, int iterations, long bytes, int repeats,
        KernelPrecision precision = KernelPrecision.Fp32)
    {
        ArgumentNullException.ThrowIfNull(runtime);
        int group = Math.Min(Group, runtime.Device.MaxGroupSize), groups = Math.Max(
            1, runtime.Device.Multiprocessors) * GroupsPerMultiprocessor;
        LaunchShape shape = new(new DeviceExtent(groups), new DeviceExtent(group));
        PeakLoop loop = new() { Iterations = iterations, Factor = 0.999f };
        using LaunchArguments arguments = new();
        using DeviceBuffer result = runtime.Allocate((long)groups * group * sizeof(float));
        using DeviceBuffer from = runtime.Allocate(bytes), to = runtime.Allocate(bytes);
        runtime.Clear(from.View<float>());
        bool isFp32 = precision == KernelPrecision.Fp32;
        DeviceKernel multiplyAdd = runtime.Load(
            isFp32 ? DeviceKernelNames.MultiplyAddPeak : DeviceKernelNames.TensorPeak);
        DeviceKernel copy = runtime.Load(DeviceKernelNames.CopyPeak);
        double seconds = Best(
            runtime, multiplyAdd, shape, arguments.Clear().Add(result.View<float>()).Add(loop), repeats);
        double flops = 2.0 * (isFp32 ? Chains * Repeats : TensorMultiplyAdds) * iterations * groups * group / seconds;
        seconds = Best(
            runtime, copy, shape, arguments.Clear().Add(from.View<Quad>()).Add(to.View<Quad>()).Add(loop), repeats);
        return new DevicePeaks(
            flops, 2.0 * (bytes / (FloatsPerCopy * sizeof(float))) * FloatsPerCopy * sizeof(float) / seconds);
    }

    private static double Best(
        DeviceRuntime runtime, DeviceKernel kernel, LaunchShape shape, LaunchArguments arguments, int repeats)
    {
        using DeviceEvent first = runtime.CreateEvent(isTimed: true), last = runtime.CreateEvent(isTimed: true);
        runtime.Launch(kernel, shape, arguments);
        double best = double.PositiveInfinity;
        for (int i = 0; i < repeats; i++)
        {
            runtime.Record(first);
            runtime.Launch(kernel, shape, arguments);
            runtime.Record(last);
            best = Math.Min(best, runtime.Elapsed(first, last).TotalSeconds);
        }

        return best;
    }

    // What a view of four floats counts in.
    private readonly record struct Quad(float X, float Y, float Z, float W);
}
