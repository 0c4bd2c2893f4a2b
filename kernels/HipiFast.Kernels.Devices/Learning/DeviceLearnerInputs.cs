using HipiFast.Kernels.Devices.Replay;
using HipiFast.Kernels.Devices.Runtime;

namespace HipiFast.Kernels.Devices.Learning;

/// <summary>
/// Makes what a learner's networks read of a batch in device memory, there, in whoever's memory it is to lie.
/// </summary>
/// <param name="runtime">The device; must outlive this object.</param>
internal sealed class DeviceLearnerInputs(DeviceRuntime runtime) : IDisposable
{
    private readonly DeviceLauncher _launcher = new(runtime);
    private readonly DeviceKernel _kernel = runtime.Load(DeviceKernelNames.LearnerInputs);

    /// <summary>Queues the kernel on the main stream.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="shape">Sizes; the rows lie in the batch.</param>
    /// <param name="inputs">Receives what <see cref="LearnerInputShape"/> says, floats.</param>
    /// <exception cref="ArgumentException">The batch's views do not hold the rows.</exception>
    public void Queue(DeviceBatch batch, in LearnerInputShape shape, DeviceView inputs)
    {
        (long s, long a, long p) = (shape.ObservationDimension, shape.ActionDimension, shape.TaskDimension);
        long rows = batch.Reward.Length;
        if (shape.FirstRow < 0 || shape.Rows < 1 || shape.FirstRow > rows - shape.Rows)
        {
            throw new ArgumentException(
                $"Rows {shape.FirstRow} to {shape.FirstRow + shape.Rows} are not inside the {rows} rows of the batch.");
        }

        Check(batch.Observation.Length, rows * s, "states");
        Check(batch.Action.Length, rows * a, "actions");
        Check(batch.NextObservation.Length, rows * s, "next states");
        Check(batch.Task.Length, rows * p, "tasks");
        Check(batch.Terminated.Length, rows, "terminations");
        long floats = Floats(shape);
        Check(inputs.Length, floats, "inputs");
        _launcher.Arguments.Clear()
            .Add(batch.Observation)
            .Add(batch.Action)
            .Add(batch.NextObservation)
            .Add(batch.Task)
            .Add(batch.Reward);
        _launcher.Arguments.Add(batch.Terminated).Add(inputs).Add(shape);
        _launcher.RunEntries(_kernel, floats);
    }

    /// <summary>Floats of the result.</summary>
    public static long Floats(in LearnerInputShape shape) =>
        (long)shape.Rows * ((3 * shape.ObservationDimension) + shape.ActionDimension + (3 * shape.TaskDimension) + 2);

    public void Dispose() => _launcher.Dispose();

    private static void Check(long found, long expected, string what)
    {
        if (found != expected)
        {
            throw new ArgumentException($"The batch on the device has {found} entries of {what}; expected {expected}.");
        }
    }
}
