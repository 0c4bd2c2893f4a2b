using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Devices.SoftQ;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.TaskSampling;

namespace HipiFast.Kernels.Devices.TaskSampling;

/// <summary>Gumbel-max sampling on a device.</summary>
internal sealed class DeviceTaskSampling(DeviceLauncher launcher) : ITaskSamplingKernel, IDisposable
{
    /// <summary>Blocks of columns side by side in a group when rows are sampled: two lines of 128 bytes.</summary>
    private const int MaxWidth = 16;

    private readonly DeviceArray _numbers = new(launcher.Runtime);
    private readonly DeviceArray _softQ = new(launcher.Runtime);
    private readonly DeviceArray _logPartition = new(launcher.Runtime);
    private readonly DeviceArray _logPrior = new(launcher.Runtime);
    private readonly DeviceArray _integers = new(launcher.Runtime);
    private readonly DeviceArray _floats = new(launcher.Runtime);
    private DeviceKernel? _tasksKernel;
    private DeviceKernel? _rowsKernel;

    /// <inheritdoc cref="DeviceArray.Generation"/>
    public int Generation => _integers.Generation + _floats.Generation;

    /// <summary>The planes of <see cref="RowResult"/> that are integers.</summary>
    public DeviceView Integers(int rows) => _integers.View<int>(0, (long)RowResult.IntegerPlanes * rows);

    /// <summary>The planes that are floats.</summary>
    public DeviceView Floats(int rows) => _floats.View<float>(0, (long)RowResult.FloatPlanes * rows);

    public void SampleTasks(in TaskPosterior posterior, in TaskSamples samples)
    {
        using UseGuard.Scope use = launcher.Enter();
        posterior.Validate(samples);
        DeviceRuntime runtime = launcher.Runtime;
        int rows = posterior.Rows, candidates = posterior.Candidates;
        Prepare(rows);
        DeviceView call = Upload(posterior), softQ = Upload(_softQ, posterior.SoftQ);
        DeviceView logPartition = Upload(
            _logPartition, posterior.LogPartition), logPrior = Upload(_logPrior, posterior.LogPrior);
        SamplingShape shape = new()
        {
            Rows = rows,
            Candidates = candidates,
            ResultRows = rows,
            HasPartition = posterior.LogPartition.IsEmpty ? 0 : 1,
            HasPrior = posterior.LogPrior.IsEmpty ? 0 : 1,
            LogCandidates = MathF.Log(candidates),
        };
        Queue(call, softQ, logPartition, logPrior, default, default, shape);
        Download(Integers(rows), RowResult.Index, samples.Index);
        Download(Integers(rows), RowResult.Mode, samples.Mode);
        Download(Floats(rows), RowResult.Entropy, samples.Entropy);
        Download(Floats(rows), RowResult.LogNormalizer, samples.LogNormalizer);

        void Download<T>(DeviceView planes, int plane, Span<T> destination)
            where T : unmanaged
        {
            if (!destination.IsEmpty)
            {
                runtime.Download(planes.Slice((long)plane * destination.Length, destination.Length), destination);
            }
        }
    }

    public void SampleRows(in TaskPosterior posterior, Span<int> rowIndex)
    {
        using UseGuard.Scope use = launcher.Enter();
        posterior.Validate(rowIndex);
        DeviceRuntime runtime = launcher.Runtime;
        _rowsKernel ??= runtime.Load(DeviceKernelNames.SampleRows);
        DeviceView call = Upload(posterior), softQ = Upload(_softQ, posterior.SoftQ),
            result = _integers.Ensure<int>(rowIndex.Length);
        int blocks = (posterior.Candidates + SamplingShape.BlockTasks - 1) / SamplingShape.BlockTasks;
        int width = launcher.WidthFor(blocks, MaxWidth);
        SamplingShape shape = new()
        {
            Rows = posterior.Rows,
            Candidates = posterior.Candidates,
            Lanes = launcher.GroupSize / width,
        };
        launcher.Arguments.Clear().Add(call).Add(softQ).Add(result).Add(shape);
        launcher.RunGroups(_rowsKernel, (blocks + width - 1) / width);
        runtime.Download(result, rowIndex);
    }

    /// <summary>Loads the kernel and sizes the results.</summary>
    /// <param name="rows">Rows of the whole call.</param>
    public void Prepare(int rows)
    {
        _tasksKernel ??= launcher.Runtime.Load(DeviceKernelNames.SampleTasks);
        _integers.Ensure<int>((long)RowResult.IntegerPlanes * rows);
        _floats.Ensure<float>((long)RowResult.FloatPlanes * rows);
    }

    /// <summary>
    /// Queues the rows of a block; the results go to <see cref="Integers"/> and <see cref="Floats"/>.
    /// </summary>
    public void Queue(
        DeviceView call, DeviceView softQ, DeviceView logPartition, DeviceView logPrior,
        DeviceView candidates, DeviceView commanded, in SamplingShape shape)
    {
        launcher.Arguments.Clear().Add(call).Add(softQ).Add(logPartition).Add(logPrior).Add(candidates).Add(commanded);
        launcher.Arguments.Add(Integers(shape.ResultRows)).Add(Floats(shape.ResultRows)).Add(shape);
        launcher.RunGroups(_tasksKernel!, shape.Rows);
    }

    /// <summary>Sets what the sampling kernels read of a call.</summary>
    /// <param name="numbers">Receives it.</param>
    /// <param name="temperature">Of the posterior; 0 for the most likely task.</param>
    /// <param name="logPrior">log p <c>[K]</c>, or empty.</param>
    public static void SetTemperature(ref CallNumbers numbers, float temperature, ReadOnlySpan<float> logPrior)
    {
        numbers.Temperature = temperature;
        numbers.InverseTemperature = temperature == 0f ? 0f : 1f / temperature;
        numbers.PlainLimit = ExactScores.PlainLimit(logPrior);
    }

    public void Dispose()
    {
        _numbers.Dispose();
        _softQ.Dispose();
        _logPartition.Dispose();
        _logPrior.Dispose();
        _integers.Dispose();
        _floats.Dispose();
    }

    private DeviceView Upload(in TaskPosterior posterior)
    {
        CallNumbers numbers = new()
        {
            Seed = posterior.Seed,
            Call = posterior.Call,
            FirstRow = posterior.FirstRow,
        };
        SetTemperature(ref numbers, posterior.Temperature, posterior.LogPrior);
        DeviceView call = _numbers.Ensure<CallNumbers>(1);
        launcher.Runtime.Upload(new ReadOnlySpan<CallNumbers>(in numbers), call);
        return call;
    }

    private DeviceView Upload(DeviceArray memory, ReadOnlySpan<float> values)
    {
        if (values.IsEmpty)
        {
            return default;
        }

        DeviceView view = memory.Ensure<float>(values.Length);
        launcher.Runtime.Upload(values, view);
        return view;
    }
}
