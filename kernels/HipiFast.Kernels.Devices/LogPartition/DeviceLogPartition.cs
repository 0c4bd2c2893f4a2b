using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.LogPartition;
using HipiFast.Kernels.Memory;

namespace HipiFast.Kernels.Devices.LogPartition;

/// <summary>Column-wise logsumexp on a device.</summary>
internal sealed class DeviceLogPartition(DeviceLauncher launcher) : ILogPartitionKernel, IDisposable
{
    /// <summary>
    /// Rows that a thread sums: few enough for fp32, and for the cache to hold them between the maximum and the sum.
    /// </summary>
    private const int ThreadRows = 64;

    /// <summary>Columns side by side in a group: a line of 128 bytes.</summary>
    private const int MaxWidth = 32;

    /// <summary>Running statistics of a column: maximum, sum, and what the sum's last addition rounded away.</summary>
    private const int RunningPlanes = 3;

    private readonly DeviceArray _segments = new(launcher.Runtime);
    private readonly DeviceArray _running = new(launcher.Runtime);
    private readonly DeviceArray _softQ = new(launcher.Runtime);
    private readonly DeviceArray _result = new(launcher.Runtime);
    private DeviceKernel? _segmentsKernel;
    private DeviceKernel? _mergeKernel;
    private DeviceKernel? _finishKernel;

    /// <inheritdoc cref="DeviceArray.Generation"/>
    public int Generation => _segments.Generation + _running.Generation;

    public void Accumulate(
        ReadOnlySpan<float> softQ, int rows, int candidates, Span<float> runningMax, Span<float> runningSum)
    {
        using UseGuard.Scope use = launcher.Enter();
        LogPartitionArguments.CheckAccumulate(softQ, rows, candidates, runningMax, runningSum);
        DeviceRuntime runtime = launcher.Runtime;
        Prepare(rows, candidates);
        DeviceView matrix = _softQ.Ensure<float>(softQ.Length), running = Running(candidates);
        runtime.Upload(softQ, matrix);
        runtime.Clear(running);
        runtime.Upload<float>(runningMax, running.Slice(0, candidates));
        runtime.Upload<float>(runningSum, running.Slice(candidates, candidates));
        Queue(matrix, rows, candidates, begins: false);
        runtime.Download(running.Slice(0, candidates), runningMax);
        runtime.Download(running.Slice(candidates, candidates), runningSum);
    }

    public void Finish(
        ReadOnlySpan<float> runningMax, ReadOnlySpan<float> runningSum, long totalRows, Span<float> logPartition)
    {
        using UseGuard.Scope use = launcher.Enter();
        LogPartitionArguments.CheckFinish(runningMax, runningSum, totalRows, logPartition);
        DeviceRuntime runtime = launcher.Runtime;
        int candidates = logPartition.Length;
        Prepare(1, candidates);
        DeviceView running = Running(candidates), result = _result.Ensure<float>(candidates);
        runtime.Upload(runningMax, running.Slice(0, candidates));
        runtime.Upload(runningSum, running.Slice(candidates, candidates));
        QueueFinish(totalRows, candidates, result);
        runtime.Download(result, logPartition);
    }

    /// <summary>Loads the kernels and sizes the memory.</summary>
    /// <param name="blockRows">Most rows queued at once.</param>
    /// <param name="candidates">K.</param>
    public void Prepare(int blockRows, int candidates)
    {
        DeviceRuntime runtime = launcher.Runtime;
        _segmentsKernel ??= runtime.Load(DeviceKernelNames.LogPartitionSegments);
        _mergeKernel ??= runtime.Load(DeviceKernelNames.LogPartitionMerge);
        _finishKernel ??= runtime.Load(DeviceKernelNames.LogPartitionFinish);
        _segments.Ensure<float>(2L * Shape(blockRows, candidates).Segments * candidates);
        _running.Ensure<float>((long)RunningPlanes * candidates);
    }

    /// <summary>Queues a block of rows.</summary>
    /// <param name="softQ"><c>[rows, K]</c>.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="candidates">K.</param>
    /// <param name="begins">Whether this is the first block.</param>
    public void Queue(DeviceView softQ, int rows, int candidates, bool begins)
    {
        LogPartitionShape shape = Shape(rows, candidates);
        shape.Begins = begins ? 1 : 0;
        DeviceView segments = _segments.View<float>(0, 2L * shape.Segments * candidates);
        launcher.Arguments.Clear().Add(softQ).Add(segments).Add(shape);
        launcher.RunGroups(_segmentsKernel!, Across(shape) * shape.Segments);
        QueueMerge(segments, shape);
    }

    /// <summary>Queues a block of rows whose segments a kernel has left that had the matrix in hand.</summary>
    /// <param name="segments">Maxima <c>[count, K]</c>, then sums of exponentials relative to them.</param>
    /// <param name="count">Segments.</param>
    /// <param name="candidates">K.</param>
    /// <param name="begins">Whether this is the first block.</param>
    public void QueueSegments(DeviceView segments, int count, int candidates, bool begins)
    {
        LogPartitionShape shape = Shape(0, candidates);
        (shape.Segments, shape.Begins) = (count, begins ? 1 : 0);
        QueueMerge(segments, shape);
    }

    /// <summary>Queues the end.</summary>
    /// <param name="totalRows">B.</param>
    /// <param name="candidates">K.</param>
    /// <param name="logPartition">Receives <c>[K]</c>.</param>
    public void QueueFinish(long totalRows, int candidates, DeviceView logPartition)
    {
        LogPartitionShape shape = new() { Candidates = candidates, LogRows = (float)Math.Log(totalRows) };
        launcher.Arguments.Clear().Add(Running(candidates)).Add(logPartition).Add(shape);
        launcher.RunEntries(_finishKernel!, candidates);
    }

    public void Dispose()
    {
        _segments.Dispose();
        _running.Dispose();
        _softQ.Dispose();
        _result.Dispose();
    }

    private void QueueMerge(DeviceView segments, in LogPartitionShape shape)
    {
        launcher.Arguments.Clear().Add(segments).Add(Running(shape.Candidates)).Add(shape);
        launcher.RunGroups(_mergeKernel!, Across(shape));
    }

    // Groups that cover the columns.
    private long Across(in LogPartitionShape shape)
    {
        int width = launcher.GroupSize / shape.Lanes;
        return (shape.Candidates + width - 1L) / width;
    }

    private LogPartitionShape Shape(int rows, int candidates)
    {
        int lanes = launcher.GroupSize / launcher.WidthFor(candidates, MaxWidth), segmentRows = lanes * ThreadRows;
        return new LogPartitionShape
        {
            Rows = rows, Candidates = candidates, SegmentRows = segmentRows,
            Segments = (int)((rows + segmentRows - 1L) / segmentRows), Lanes = lanes,
        };
    }

    private DeviceView Running(int candidates) => _running.View<float>(0, (long)RunningPlanes * candidates);
}
