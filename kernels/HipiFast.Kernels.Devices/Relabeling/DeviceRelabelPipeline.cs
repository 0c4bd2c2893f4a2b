using System.Runtime.CompilerServices;
using HipiFast.Kernels.Devices.LogPartition;
using HipiFast.Kernels.Devices.Replay;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Devices.SoftQ;
using HipiFast.Kernels.Devices.TaskSampling;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Relabeling;
using HipiFast.Kernels.Replay;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tasks;

namespace HipiFast.Kernels.Devices.Relabeling;

/// <summary>
/// A whole relabel call on a device: one copy up, the kernels, one copy down, and nothing waited for in between. A call
/// like the one before it is replayed as a captured graph where the device can.
/// </summary>
/// <remarks>
/// Whatever travels lies in one block of memory (<see cref="RelabelLayout"/>). Results go there, too, and from there to
/// a batch that is on the device already, when nothing went wrong. Q~ stays on the device; when it does not fit, blocks
/// of rows are computed twice, as on the processor.
/// </remarks>
internal sealed class DeviceRelabelPipeline(
    DeviceLauncher launcher, DeviceSoftQ softQKernel, DeviceLogPartition logPartitionKernel,
    DeviceTaskSampling sampling)
    : IRelabelPipeline, IDisposable
{
    /// <summary>Share of the free memory that Q~ may take, in eighths: others use the device, too.</summary>
    private const int FreeEighths = 7;

    private readonly DeviceArray _memory = new(launcher.Runtime);
    private readonly DeviceArray _matrix = new(launcher.Runtime);
    private readonly DeviceFamily _family = new(launcher.Runtime);

    // What has to pass through host memory: the same kernels, one after the other.
    private readonly HostRelabelPipeline _host = new(softQKernel, logPartitionKernel, sampling);
    private PinnedBuffer? _staging;
    private DeviceKernel? _assignKernel;
    private DeviceKernel? _summarizeKernel;
    private DeviceKernel? _reachedKernel;
    private DeviceKernel? _commitKernel;
    private DeviceGraph? _graph;
    private Signature _last;

    // Bytes of Q~ for which the device has been asked what it has to spare.
    private long _askedBytes;

    public void Prepare(in RelabelProblem problem)
    {
        if (problem.NeedsHost)
        {
            _host.Prepare(problem);
            return;
        }

        using UseGuard.Scope use = launcher.Enter();
        problem.Validate();
        Execute(problem, commits: false);
    }

    public RelabelSummary Run(in RelabelProblem problem, in RelabelOutput output)
    {
        if (problem.NeedsHost)
        {
            return _host.Run(problem, output);
        }

        using UseGuard.Scope use = launcher.Enter();
        problem.Validate(output);
        RelabelLayout layout = Execute(problem, commits: true);
        Read<int>(layout.TaskIndex, output.TaskIndex);
        Read<float>(layout.LogPartition, output.LogPartition);
        Read<float>(layout.NewTask, output.NewTask);
        Read<float>(layout.Reward, output.Reward);
        ReadOnlySpan<int> terminated = _staging!.Span<int>(layout.Terminated, output.Terminated.Length);
        for (int row = 0; row < terminated.Length; row++)
        {
            output.Terminated[row] = (byte)terminated[row];
        }

        return _staging.Span<DeviceSummary>(layout.Summary, 1)[0].ToSummary();
    }

    public void Dispose()
    {
        _host.Dispose();
        _graph?.Dispose();
        _memory.Dispose();
        _matrix.Dispose();
        _family.Dispose();
        _staging?.Dispose();
    }

    private RelabelLayout Execute(in RelabelProblem problem, bool commits)
    {
        RelabelLayout layout = Begin(problem, out Signature signature);
        BatchColumns batch = problem.Resident is ResidentBatch resident
            ? Columns(resident.Batch)
            : Staged(problem.SoftQ, layout);
        signature = signature with { Batch = new BatchAddresses(batch) };
        Stage(problem, layout, commits);
        Execute(signature, layout, batch);
        return layout;
    }

    // Everything that may allocate, compile or fail.
    private RelabelLayout Begin(in RelabelProblem problem, out Signature signature)
    {
        SoftQProblem softQ = problem.SoftQ;
        int rows = softQ.Rows, candidates = softQ.Candidates;
        DeviceRuntime runtime = launcher.Runtime;
        _assignKernel = runtime.Load(DeviceKernelNames.AssignTasks, softQ.Family);
        _summarizeKernel ??= runtime.Load(DeviceKernelNames.Summarize);
        if (problem.Resident is ResidentBatch resident)
        {
            _commitKernel ??= runtime.Load(DeviceKernelNames.CommitBatch);
            const ResidentCandidates Reached = ResidentCandidates.ReachedNext | ResidentCandidates.ReachedCurrent;
            _reachedKernel = (resident.Candidates & Reached) != 0
                ? runtime.Load(DeviceKernelNames.ReachedTasks, softQ.Family)
                : null;
        }

        _family.Update(softQ.Family!);
        RelabelLayout layout = new(problem);
        _memory.EnsureBytes(layout.Bytes);
        if (_staging is null || _staging.Bytes < layout.Bytes)
        {
            DropGraph();
            _staging?.Dispose();
            _staging = null;
            _staging = runtime.AllocatePinned(layout.Bytes);
        }

        sampling.Prepare(rows);
        int blockRows = ReserveMatrix(problem);
        logPartitionKernel.Prepare(blockRows, candidates);
        softQKernel.Prepare(softQ, blockRows, problem.HasPartition);
        signature = new Signature(
            default, problem.Resident is not null, problem.Resident?.Candidates ?? ResidentCandidates.Given, rows,
            candidates, blockRows,
            problem.HasPartition, !problem.LogPrior.IsEmpty, !problem.Goals.IsEmpty, softQ.Family!, softQ.UsesFamily,
            softQ.Estimator, softQ.Twin, softQ.UsesCritic2, softQ.UsesLogProbability, softQ.CriticRange,
            softQ.Critic1.Shape, softQ.Actor?.Shape ?? default,
            softQ.ObservationDimension, softQ.ActionDimension,
            _memory.Generation + _matrix.Generation + _family.Generation + sampling.Generation
                + logPartitionKernel.Generation + softQKernel.Generation);
        return layout;
    }

    // As much of Q~ as the budget and the device allow.
    private int ReserveMatrix(in RelabelProblem problem)
    {
        int rows = problem.SoftQ.Rows, candidates = problem.SoftQ.Candidates;
        long rowBytes = (long)candidates * sizeof(float), wanted = Math.Min(problem.MemoryBudget, rows * rowBytes);

        // The driver's answer takes longer than the call may: it is asked when more is wanted than ever before, or when
        // what there is holds no row. Otherwise the matrix is large enough, or as large as the device could bear.
        long budget = Math.Min(problem.MemoryBudget, Math.Max(_matrix.Bytes, rowBytes));
        if (wanted <= _matrix.Bytes)
        {
            budget = problem.MemoryBudget;
        }
        else if (wanted > _askedBytes || _matrix.Bytes < rowBytes)
        {
            long free = launcher.Runtime.FreeMemoryBytes;
            budget = free < 0
                ? problem.MemoryBudget
                : Math.Min(problem.MemoryBudget, Math.Max((free / 8 * FreeEighths) + _matrix.Bytes, rowBytes));
            _askedBytes = Math.Max(_askedBytes, wanted);
        }

        long fitting = budget / rowBytes;
        while (true)
        {
            int blockRows = new RowBlocks(rows, fitting, problem.HasPartition).BlockRows;
            try
            {
                _matrix.EnsureBytes(blockRows * rowBytes);
                return blockRows;
            }
            catch (DeviceOutOfMemoryException) when (blockRows > 1)
            {
                fitting = blockRows / 2;
            }
        }
    }

    private void Stage(in RelabelProblem problem, in RelabelLayout layout, bool commits)
    {
        CallNumbers numbers = DeviceSoftQ.Numbers(problem.SoftQ);
        DeviceTaskSampling.SetTemperature(ref numbers, problem.Temperature, problem.LogPrior);
        numbers.RelabelFraction = problem.RelabelFraction;
        numbers.GoalMix = problem.GoalMix;
        numbers.Commits = commits ? 1 : 0;
        _staging!.Span<CallNumbers>(layout.Call, 1)[0] = numbers;
        Write(layout.Observation, problem.SoftQ.Observation);
        Write(layout.Action, problem.SoftQ.Action);
        Write(layout.NextObservation, problem.SoftQ.NextObservation);
        Write(layout.Commanded, problem.Commanded);
        Write(layout.Candidates, problem.SoftQ.Task);
        Write(layout.LogPrior, problem.LogPrior);
        Write(layout.Goals, problem.Goals);
    }

    private void Execute(in Signature signature, in RelabelLayout layout, in BatchColumns batch)
    {
        DeviceRuntime runtime = launcher.Runtime;
        if (!signature.Equals(_last))
        {
            // The first of its kind runs as it is; a second is worth a recording.
            DropGraph();
            Queue(signature, layout, batch);
            _last = signature;
        }
        else if (!runtime.CanCapture)
        {
            Queue(signature, layout, batch);
        }
        else
        {
            _graph ??= Capture(signature, layout, batch);
            runtime.Replay(_graph);
        }

        runtime.Synchronize();
    }

    private DeviceGraph Capture(in Signature signature, in RelabelLayout layout, in BatchColumns batch)
    {
        launcher.Runtime.BeginCapture();
        try
        {
            Queue(signature, layout, batch);
        }
        catch
        {
            try
            {
                launcher.Runtime.EndCapture().Dispose();
            }
            catch (DeviceException)
            {
                // What broke the recording says why; that it is broken says nothing more.
            }

            throw;
        }

        return launcher.Runtime.EndCapture();
    }

    private void DropGraph()
    {
        _graph?.Dispose();
        _graph = null;
        _last = default;
    }

    private void Queue(in Signature signature, in RelabelLayout layout, in BatchColumns batch)
    {
        DeviceRuntime runtime = launcher.Runtime;
        int rows = signature.Rows, candidates = signature.Candidates, s = signature.ObservationDimension,
            a = signature.ActionDimension;
        int p = layout.TaskDimension;
        runtime.UploadAsync(_staging!, 0, _memory.View<byte>(0, layout.Bytes), layout.UploadBytes);
        AssignmentShape assignment = new()
        {
            Rows = rows,
            Candidates = candidates,
            ObservationDimension = s,
            ActionDimension = a,
            TaskDimension = p,
            HasPartition = signature.HasPartition ? 1 : 0,
            Goals = layout.Goals / sizeof(int),
            TaskIndex = layout.TaskIndex / sizeof(int),
            NewTask = layout.NewTask / sizeof(int),
            Reward = layout.Reward / sizeof(int),
            Terminated = layout.Terminated / sizeof(int),
        };
        DeviceView call = _memory.View<CallNumbers>(layout.Call, 1);
        DeviceView tasks = QueueCandidates(signature, layout, batch, assignment);
        DeviceView logPrior = signature.HasPrior ? Floats(layout.LogPrior, candidates) : default;
        DeviceView logPartition = signature.HasPartition ? Floats(layout.LogPartition, candidates) : default;
        DeviceProblem problem = new(call, batch.Observation, batch.Action, batch.NextObservation, tasks);
        softQKernel.QueueTasks(problem);
        RowBlocks blocks = new(rows, signature.BlockRows, signature.HasPartition);
        for (int i = 0; i < blocks.StepCount; i++)
        {
            RowStep step = blocks[i];
            DeviceView block = Matrix(step.Rows, candidates);
            softQKernel.Queue(problem, step.First, step.Rows, block, step.Accumulates ? logPartitionKernel : null);
            if (step.FinishesPartition)
            {
                logPartitionKernel.QueueFinish(rows, candidates, logPartition);
            }

            if (step.Samples)
            {
                QueueSampling(signature, problem, batch, step, block, logPartition, logPrior, p);
            }
        }

        QueueAssignment(signature, layout, batch, problem, logPartition, assignment);
        runtime.DownloadAsync(
            _memory.View<byte>(layout.Download, layout.Bytes - layout.Download), _staging!, layout.Download,
            layout.Bytes - layout.Download);
    }

    private void QueueSampling(
        in Signature signature, in DeviceProblem problem, in BatchColumns batch, in RowStep step, DeviceView softQ,
        DeviceView logPartition,
        DeviceView logPrior, int taskDimension)
    {
        SamplingShape shape = new()
        {
            Rows = step.Rows,
            Candidates = signature.Candidates,
            FirstRow = step.First,
            ResultRows = signature.Rows,
            TaskDimension = taskDimension,
            HasPartition = signature.HasPartition ? 1 : 0,
            HasPrior = signature.HasPrior ? 1 : 0,
            LogCandidates = MathF.Log(signature.Candidates),
        };
        DeviceView commanded = batch.Task.Slice((long)step.First * taskDimension, (long)step.Rows * taskDimension);
        sampling.Queue(problem.Call, softQ, logPartition, logPrior, problem.Task, commanded, shape);
    }

    // The candidate tasks: where the block has them, or the batch, or put together of the batch's own.
    private DeviceView QueueCandidates(
        in Signature signature, in RelabelLayout layout, in BatchColumns batch, in AssignmentShape shape)
    {
        ResidentCandidates sources = signature.Sources;
        if (sources == ResidentCandidates.Commanded)
        {
            return batch.Task;
        }

        DeviceView candidates = Floats(layout.Candidates, (long)shape.Candidates * shape.TaskDimension);
        long part = (long)shape.Rows * shape.TaskDimension, end = 0;
        if ((sources & ResidentCandidates.Commanded) != 0)
        {
            launcher.Runtime.Copy(batch.Task, candidates, part * sizeof(float));
            end += part;
        }

        if ((sources & ResidentCandidates.ReachedNext) != 0)
        {
            QueueReached(batch.NextObservation, batch.Task, candidates.Slice(end, part), shape);
            end += part;
        }

        if ((sources & ResidentCandidates.ReachedCurrent) != 0)
        {
            QueueReached(batch.Observation, batch.Task, candidates.Slice(end, part), shape);
        }

        return candidates;
    }

    private void QueueReached(DeviceView states, DeviceView commanded, DeviceView reached, in AssignmentShape shape)
    {
        LaunchArguments arguments = launcher.Arguments.Clear().Add(states).Add(commanded).Add(reached).Add(shape);
        _family.AddTo(arguments);
        launcher.RunEntries(_reachedKernel!, reached.Length);
    }

    // New tasks, judged; the call in numbers; and, where the batch is on the device, its new contents.
    private void QueueAssignment(
        in Signature signature, in RelabelLayout layout, in BatchColumns batch, in DeviceProblem problem,
        DeviceView logPartition, in AssignmentShape shape)
    {
        int rows = shape.Rows;
        DeviceView block = Floats(0, layout.Bytes / sizeof(float));
        LaunchArguments arguments = launcher.Arguments.Clear();
        arguments.Add(problem.Call)
            .Add(batch.Observation)
            .Add(batch.Action)
            .Add(batch.NextObservation)
            .Add(batch.Task)
            .Add(problem.Task)
            .Add(sampling.Integers(rows))
            .Add(block)
            .Add(shape);
        _family.AddTo(arguments);
        launcher.RunEntries(_assignKernel!, rows);

        DeviceView summary = _memory.View<int>(layout.Summary, Unsafe.SizeOf<DeviceSummary>() / sizeof(int));
        arguments.Clear()
            .Add(problem.Call)
            .Add(sampling.Integers(rows))
            .Add(sampling.Floats(rows))
            .Add(logPartition)
            .Add(block)
            .Add(summary)
            .Add(shape);
        launcher.RunGroups(_summarizeKernel!, 1);
        if (signature.IsResident)
        {
            arguments.Clear().Add(problem.Call).Add(summary).Add(block);
            arguments.Add(batch.Task).Add(batch.Reward).Add(batch.Terminated).Add(shape);
            launcher.RunEntries(_commitKernel!, (long)rows * shape.TaskDimension);
        }
    }

    private static BatchColumns Columns(ResidentTransitions batch) => new(
        batch as DeviceBatch ?? throw new ArgumentException(
            "The batch does not lie in a device's memory.", nameof(batch)));

    // The batch of a call that brings it along, in the block.
    private BatchColumns Staged(in SoftQProblem problem, in RelabelLayout layout)
    {
        long rows = problem.Rows;
        return new BatchColumns(
            Floats(layout.Observation, rows * problem.ObservationDimension),
            Floats(layout.Action, rows * problem.ActionDimension),
            Floats(layout.NextObservation, rows * problem.ObservationDimension),
            Floats(layout.Commanded, rows * problem.TaskDimension),
            default, default);
    }

    private DeviceView Floats(long offset, long length) => _memory.View<float>(offset, length);

    private DeviceView Matrix(int rows, int candidates) => _matrix.View<float>(0, (long)rows * candidates);

    private void Write(long offset, ReadOnlySpan<float> values) =>
        values.CopyTo(_staging!.Span<float>(offset, values.Length));

    private void Read<T>(long offset, Span<T> values)
        where T : unmanaged => _staging!.Span<T>(offset, values.Length).CopyTo(values);

    /// <summary>What two calls must have in common for one's launches to serve the other.</summary>
    private readonly record struct Signature(
        BatchAddresses Batch, bool IsResident, ResidentCandidates Sources, int Rows, int Candidates, int BlockRows,
        bool HasPartition, bool HasPrior,
        bool HasGoals, TaskFamily Family, bool UsesFamily, SoftQEstimator Estimator, TwinCombination Twin,
        bool UsesCritic2, bool UsesLogProbability,
        CriticRange Range, Networks.MlpShape Critic, Networks.MlpShape Actor, int ObservationDimension,
        int ActionDimension, int Generation);

    // Addresses, not buffers: a recording is good for them, whoever owns the memory now, and a disposed buffer has
    // none.
    private readonly record struct BatchAddresses(
        ulong Observation, ulong Action, ulong NextObservation, ulong Task, ulong Reward, ulong Terminated)
    {
        public BatchAddresses(in BatchColumns batch)
            : this(
                batch.Observation.Address, batch.Action.Address, batch.NextObservation.Address, batch.Task.Address,
                batch.Reward.Address,
                batch.Terminated.Address)
        {
        }
    }
}
