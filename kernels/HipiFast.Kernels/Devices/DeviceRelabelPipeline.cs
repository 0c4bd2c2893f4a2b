using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tasks;

namespace HipiFast.Kernels.Devices;

/// <summary>
/// A whole relabel call on a device: one copy up, the kernels, one copy down, and nothing waited for in between. A call like the one before it is
/// replayed as a captured graph where the device can.
/// </summary>
/// <remarks>
/// Batch, candidates and results lie in one block of memory in the order in which they travel: what only goes up, the new tasks, which go both ways,
/// and what only comes down. Q~ stays on the device; when it does not fit, blocks of rows are computed twice, as on the processor.
/// </remarks>
internal sealed class DeviceRelabelPipeline(
    DeviceLauncher launcher, DeviceSoftQ softQKernel, DeviceLogPartition logPartitionKernel, DeviceTaskSampling sampling) : IRelabelPipeline, IDisposable
{
    /// <summary>Sections of the block begin at multiples of this: what devices like to load and copy from.</summary>
    private const long Alignment = 256;

    /// <summary>Rows that blocks are multiples of where more than that fit, as on the processor.</summary>
    private const int BlockAlignment = 64;

    /// <summary>Share of the free memory that Q~ may take, in eighths: others use the device, too.</summary>
    private const int FreeEighths = 7;

    private readonly DeviceArray _memory = new(launcher.Runtime);
    private readonly DeviceArray _matrix = new(launcher.Runtime);
    private readonly DeviceFamily _family = new(launcher.Runtime);
    private PinnedBuffer? _staging;
    private DeviceKernel? _assignKernel;
    private DeviceKernel? _summarizeKernel;
    private DeviceGraph? _graph;
    private Signature _last;

    public void Prepare(in RelabelProblem problem)
    {
        Layout layout = Begin(problem, out Signature signature);
        Stage(problem, problem.Commanded, layout);
        Execute(signature, layout);
    }

    public RelabelSummary Run(in RelabelProblem problem, in RelabelOutput output)
    {
        Check(problem, output);
        Layout layout = Begin(problem, out Signature signature);
        Stage(problem, output.NewTask, layout);
        Execute(signature, layout);
        int rows = problem.SoftQ.Rows;
        Read<float>(layout.NewTask, output.NewTask);
        Read<int>(layout.TaskIndex, output.TaskIndex);
        Read<float>(layout.Reward, output.Reward);
        Read<float>(layout.LogPartition, output.LogPartition);
        ReadOnlySpan<int> terminated = _staging!.Span<int>(layout.Terminated, rows);
        for (int row = 0; row < rows; row++)
        {
            output.Terminated[row] = (byte)terminated[row];
        }

        return _staging.Span<RelabelSummary>(layout.Summary, 1)[0];
    }

    public void Dispose()
    {
        _graph?.Dispose();
        _memory.Dispose();
        _matrix.Dispose();
        _family.Dispose();
        _staging?.Dispose();
    }

    private static void Check(in RelabelProblem problem, in RelabelOutput output)
    {
        int rows = problem.SoftQ.Rows, candidates = problem.SoftQ.Candidates;
        CheckLength(output.NewTask.Length, (long)rows * problem.SoftQ.TaskDimension, "new tasks");
        CheckLength(output.TaskIndex.Length, rows, "task indices");
        CheckLength(output.Reward.Length, rows, "rewards");
        CheckLength(output.Terminated.Length, rows, "terminations");
        CheckLength(output.LogPartition.Length, problem.HasPartition ? candidates : 0, "the log partition");
    }

    private static void Check(in RelabelProblem problem)
    {
        SoftQProblem softQ = problem.SoftQ;
        softQ.Validate();
        if (softQ.Family is null)
        {
            throw new ArgumentException("A relabel call needs a task family to judge the new tasks; found none.");
        }

        CheckLength(softQ.NextObservation.Length, (long)softQ.Rows * softQ.ObservationDimension, "next observations");
        CheckLength(problem.Commanded.Length, (long)softQ.Rows * softQ.TaskDimension, "commanded tasks");
        CheckLength(problem.LogPrior.Length, problem.LogPrior.IsEmpty ? 0 : softQ.Candidates, "the log prior");
        if (!(problem.Temperature >= 0f) || float.IsPositiveInfinity(problem.Temperature))
        {
            throw new ArgumentException($"The temperature is {problem.Temperature}; expected a finite number, 0 or more.");
        }
    }

    private static void CheckLength(long found, long expected, string what)
    {
        if (found != expected)
        {
            throw new ArgumentException($"Expected {expected} entries for {what}; found {found}.");
        }
    }

    // Everything that may allocate, compile or fail.
    private Layout Begin(in RelabelProblem problem, out Signature signature)
    {
        Check(problem);
        SoftQProblem softQ = problem.SoftQ;
        int rows = softQ.Rows, candidates = softQ.Candidates;
        DeviceRuntime runtime = launcher.Runtime;
        _assignKernel = runtime.Load(DeviceKernelNames.AssignTasks, softQ.Family);
        _summarizeKernel ??= runtime.Load(DeviceKernelNames.Summarize);
        _family.Update(softQ.Family!);
        Layout layout = new(softQ, problem.HasPartition, !problem.LogPrior.IsEmpty);
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
            rows, candidates, blockRows, problem.HasPartition, !problem.LogPrior.IsEmpty, softQ.Family!, softQ.UsesFamily,
            softQ.Estimator, softQ.Twin, softQ.UsesCritic2, softQ.UsesLogProbability, softQ.CriticRange, softQ.Critic1.Shape, softQ.Actor?.Shape ?? default,
            softQ.ObservationDimension, softQ.ActionDimension,
            _memory.Generation + _matrix.Generation + _family.Generation + sampling.Generation + logPartitionKernel.Generation + softQKernel.Generation);
        return layout;
    }

    // As much of Q~ as the budget and the device allow.
    private int ReserveMatrix(in RelabelProblem problem)
    {
        int rows = problem.SoftQ.Rows, candidates = problem.SoftQ.Candidates;
        long rowBytes = (long)candidates * sizeof(float), budget = problem.MemoryBudget, free = launcher.Runtime.FreeMemoryBytes;
        if (free >= 0 && _matrix.Bytes < Math.Min(budget, rows * rowBytes))
        {
            budget = Math.Min(budget, Math.Max((free / 8 * FreeEighths) + _matrix.Bytes, rowBytes));
        }

        long fitting = budget / rowBytes;
        while (true)
        {
            if (fitting < rows && fitting > BlockAlignment)
            {
                fitting -= fitting % BlockAlignment;
            }

            int blockRows = (int)Math.Clamp(fitting, 1, rows);
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

    private void Stage(in RelabelProblem problem, ReadOnlySpan<float> newTask, in Layout layout)
    {
        CallNumbers numbers = DeviceSoftQ.Numbers(problem.SoftQ);
        numbers.InverseTemperature = DeviceTaskSampling.InverseTemperature(problem.Temperature);
        numbers.RelabelFraction = problem.RelabelFraction;
        numbers.GoalMix = problem.GoalMix;
        _staging!.Span<CallNumbers>(layout.Call, 1)[0] = numbers;
        Write(layout.Observation, problem.SoftQ.Observation);
        Write(layout.Action, problem.SoftQ.Action);
        Write(layout.NextObservation, problem.SoftQ.NextObservation);
        Write(layout.Commanded, problem.Commanded);
        Write(layout.Candidates, problem.SoftQ.Task);
        Write(layout.LogPrior, problem.LogPrior);
        Write(layout.NewTask, newTask);
    }

    private void Execute(Signature signature, in Layout layout)
    {
        DeviceRuntime runtime = launcher.Runtime;
        if (!signature.Equals(_last))
        {
            // The first of its kind runs as it is; a second is worth a recording.
            DropGraph();
            Queue(signature, layout);
            _last = signature;
        }
        else if (!runtime.CanCapture)
        {
            Queue(signature, layout);
        }
        else
        {
            _graph ??= Capture(signature, layout);
            runtime.Replay(_graph);
        }

        runtime.Synchronize();
    }

    private DeviceGraph Capture(Signature signature, in Layout layout)
    {
        launcher.Runtime.BeginCapture();
        try
        {
            Queue(signature, layout);
        }
        catch
        {
            launcher.Runtime.EndCapture().Dispose();
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

    private void Queue(Signature signature, in Layout layout)
    {
        DeviceRuntime runtime = launcher.Runtime;
        int rows = signature.Rows, candidates = signature.Candidates, s = signature.ObservationDimension, a = signature.ActionDimension;
        int p = layout.TaskDimension;
        runtime.UploadAsync(_staging!, 0, _memory.View<byte>(0, layout.Bytes), layout.UploadBytes);
        DeviceView call = _memory.View<CallNumbers>(layout.Call, 1), tasks = Floats(layout.Candidates, (long)candidates * p);
        DeviceProblem batch = new(
            call, Floats(layout.Observation, (long)rows * s), Floats(layout.Action, (long)rows * a), Floats(layout.NextObservation, (long)rows * s), tasks);
        DeviceView commanded = Floats(layout.Commanded, (long)rows * p), logPrior = signature.HasPrior ? Floats(layout.LogPrior, candidates) : default;
        DeviceView logPartition = signature.HasPartition ? Floats(layout.LogPartition, candidates) : default;
        softQKernel.QueueTasks(batch);
        if (signature.HasPartition)
        {
            for (int first = 0; first < rows; first += signature.BlockRows)
            {
                int count = Math.Min(signature.BlockRows, rows - first);
                softQKernel.Queue(batch, first, count, Matrix(count, candidates), logPartitionKernel);
            }

            logPartitionKernel.QueueFinish(rows, candidates, logPartition);
        }

        // One block is still in memory from the partition; several are computed again, with the same noise because it is counted by row.
        bool inMemory = signature.HasPartition && signature.BlockRows == rows;
        for (int first = 0; first < rows; first += signature.BlockRows)
        {
            int count = Math.Min(signature.BlockRows, rows - first);
            DeviceView block = Matrix(count, candidates);
            if (!inMemory)
            {
                softQKernel.Queue(batch, first, count, block);
            }

            SamplingShape shape = new()
            {
                Rows = count,
                Candidates = candidates,
                FirstRow = first,
                ResultRows = rows,
                TaskDimension = p,
                HasPartition = signature.HasPartition ? 1 : 0,
                HasPrior = signature.HasPrior ? 1 : 0,
                LogCandidates = MathF.Log(candidates),
            };
            sampling.Queue(call, block, logPartition, logPrior, tasks, commanded.Slice((long)first * p, (long)count * p), shape);
        }

        AssignmentShape assignment = new()
        {
            Rows = rows,
            Candidates = candidates,
            ObservationDimension = s,
            ActionDimension = a,
            TaskDimension = p,
            HasPartition = signature.HasPartition ? 1 : 0,
        };
        LaunchArguments arguments = launcher.Arguments.Clear();
        arguments.Add(call).Add(batch.Observation).Add(batch.Action).Add(batch.NextObservation).Add(tasks).Add(sampling.Integers(rows));
        arguments.Add(_memory.View<int>(layout.TaskIndex, rows)).Add(Floats(layout.NewTask, (long)rows * p)).Add(Floats(layout.Reward, rows));
        arguments.Add(_memory.View<int>(layout.Terminated, rows)).Add(assignment);
        _family.AddTo(arguments);
        launcher.RunEntries(_assignKernel!, rows);
        launcher.Arguments.Clear().Add(sampling.Integers(rows)).Add(sampling.Floats(rows)).Add(logPartition);
        launcher.Arguments.Add(_memory.View<int>(layout.Summary, Unsafe.SizeOf<RelabelSummary>() / sizeof(int))).Add(assignment);
        launcher.RunGroups(_summarizeKernel!, 1);
        runtime.DownloadAsync(
            _memory.View<byte>(layout.NewTask, layout.Bytes - layout.NewTask), _staging!, layout.NewTask, layout.Bytes - layout.NewTask);
    }

    private DeviceView Floats(long offset, long length) => _memory.View<float>(offset, length);

    private DeviceView Matrix(int rows, int candidates) => _matrix.View<float>(0, (long)rows * candidates);

    private void Write(long offset, ReadOnlySpan<float> values) => values.CopyTo(_staging!.Span<float>(offset, values.Length));

    private void Read<T>(long offset, Span<T> values)
        where T : unmanaged => _staging!.Span<T>(offset, values.Length).CopyTo(values);

    /// <summary>What two calls must have in common for one's launches to serve the other.</summary>
    private readonly record struct Signature(
        int Rows, int Candidates, int BlockRows, bool HasPartition, bool HasPrior, TaskFamily Family, bool UsesFamily, SoftQEstimator Estimator,
        TwinCombination Twin, bool UsesCritic2, bool UsesLogProbability, CriticRange Range, Networks.MlpShape Critic, Networks.MlpShape Actor,
        int ObservationDimension, int ActionDimension, int Generation);

    /// <summary>Offsets in the block, in bytes.</summary>
    [StructLayout(LayoutKind.Auto)]
    private readonly struct Layout
    {
        public readonly int TaskDimension;
        public readonly long Call;
        public readonly long Observation;
        public readonly long Action;
        public readonly long NextObservation;
        public readonly long Commanded;
        public readonly long Candidates;
        public readonly long LogPrior;
        public readonly long NewTask;
        public readonly long UploadBytes;
        public readonly long TaskIndex;
        public readonly long Reward;
        public readonly long Terminated;
        public readonly long LogPartition;
        public readonly long Summary;
        public readonly long Bytes;

        public Layout(in SoftQProblem problem, bool hasPartition, bool hasPrior)
        {
            long rows = problem.Rows, candidates = problem.Candidates, end = 0;
            TaskDimension = problem.TaskDimension;
            Call = Take(ref end, Unsafe.SizeOf<CallNumbers>());
            Observation = Take(ref end, rows * problem.ObservationDimension * sizeof(float));
            Action = Take(ref end, rows * problem.ActionDimension * sizeof(float));
            NextObservation = Take(ref end, rows * problem.ObservationDimension * sizeof(float));
            Commanded = Take(ref end, rows * TaskDimension * sizeof(float));
            Candidates = Take(ref end, candidates * TaskDimension * sizeof(float));
            LogPrior = Take(ref end, hasPrior ? candidates * sizeof(float) : 0);
            NewTask = Take(ref end, rows * TaskDimension * sizeof(float));
            UploadBytes = end;
            TaskIndex = Take(ref end, rows * sizeof(int));
            Reward = Take(ref end, rows * sizeof(float));
            Terminated = Take(ref end, rows * sizeof(int));
            LogPartition = Take(ref end, hasPartition ? candidates * sizeof(float) : 0);
            Summary = Take(ref end, Unsafe.SizeOf<RelabelSummary>());
            Bytes = end;
        }

        private static long Take(ref long end, long bytes)
        {
            long start = end;
            end += (bytes + Alignment - 1) / Alignment * Alignment;
            return start;
        }
    }
}
