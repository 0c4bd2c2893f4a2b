using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Devices.LogPartition;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Networks;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tasks;

namespace HipiFast.Kernels.Devices.SoftQ;

/// <summary>
/// The soft-Q matrix on a device: first layers once for every row and task, the actor and the critics on tiles of
/// pairs.
/// </summary>
internal sealed class DeviceSoftQ : ISoftQKernel, IDisposable
{
    /// <summary>
    /// What is kept for pairs between kernels, most bytes: rows go in blocks beyond it. Large enough for a full device
    /// many times over.
    /// </summary>
    private const long PairBytes = 256L << 20;

    /// <summary>Column maxima and sums left for the log partition, most bytes.</summary>
    private const long SegmentBytes = 256L << 20;

    /// <summary>Rows' first layers, most bytes.</summary>
    private const long LayerBytes = 1L << 30;

    /// <summary>Networks' layers begin at multiples of this many floats, for loads of four.</summary>
    private const int Alignment = MlpShape.LaneCount;

    private readonly DeviceLauncher _launcher;
    private readonly SoftQTile _deviceTile;
    private readonly DeviceNetwork _critic1;
    private readonly DeviceNetwork _critic2;
    private readonly DeviceNetwork _actor;
    private readonly DeviceFamily _family;
    private readonly DeviceArray _layers;
    private readonly DeviceArray _pairs;
    private readonly DeviceArray _inputs;
    private readonly DeviceArray _result;
    private readonly DeviceArray _numbers;
    private readonly TensorSoftQ? _tensor;
    private DeviceKernel? _firstLayerKernel;
    private DeviceKernel? _actorKernel;
    private DeviceKernel? _criticKernel;
    private Plan _plan;

    public DeviceSoftQ(DeviceLauncher launcher, KernelPrecision precision)
    {
        _launcher = launcher;
        _deviceTile = SoftQTile.For(launcher.Runtime.Device);
        _tensor = precision == KernelPrecision.Bf16 ? new TensorSoftQ(launcher) : null;
        DeviceRuntime runtime = launcher.Runtime;
        _critic1 = new DeviceNetwork(runtime);
        _critic2 = new DeviceNetwork(runtime);
        _actor = new DeviceNetwork(runtime);
        _family = new DeviceFamily(runtime);
        _layers = new DeviceArray(runtime);
        _pairs = new DeviceArray(runtime);
        _inputs = new DeviceArray(runtime);
        _result = new DeviceArray(runtime);
        _numbers = new DeviceArray(runtime);
    }

    /// <summary>Changes with every allocation, so that captured sequences can tell.</summary>
    public int Generation =>
        _critic1.Generation + _critic2.Generation + _actor.Generation + _family.Generation + _layers.Generation
        + _pairs.Generation + (_tensor?.Generation ?? 0);

    public void Compute(in SoftQProblem problem, Span<float> softQ)
    {
        using UseGuard.Scope use = _launcher.Enter();
        problem.Validate(softQ.Length);
        DeviceRuntime runtime = _launcher.Runtime;
        CallNumbers numbers = Numbers(problem);
        DeviceView call = _numbers.Ensure<CallNumbers>(1);
        runtime.Upload(new ReadOnlySpan<CallNumbers>(in numbers), call);
        long bytes = Reserve(problem.Observation) + Reserve(problem.Action) + Reserve(problem.NextObservation)
            + Reserve(problem.Task), offset = 0;
        _inputs.EnsureBytes(bytes);
        DeviceProblem batch = new(
            call, Upload(problem.Observation, ref offset), Upload(problem.Action, ref offset),
            Upload(problem.NextObservation, ref offset),
            Upload(problem.Task, ref offset));
        DeviceView result = _result.Ensure<float>(softQ.Length);
        Prepare(problem, problem.Rows, hasPartition: false);
        QueueTasks(batch);
        Queue(batch, 0, problem.Rows, result);
        runtime.Download(result, softQ);
    }

    /// <summary>What of a problem changes from call to call; the posterior's part is left 0.</summary>
    public static CallNumbers Numbers(in SoftQProblem problem) => new()
    {
        Seed = problem.Seed, Call = problem.Call, FirstRow = problem.FirstRow, Alpha = problem.Alpha,
        Gamma = problem.Gamma,
    };

    /// <summary>
    /// Loads the kernels, brings the networks over and sizes the memory for a problem, of which blocks of rows are then
    /// queued.
    /// </summary>
    /// <param name="problem">The problem; its matrices are not read.</param>
    /// <param name="blockRows">Most rows of a block.</param>
    /// <param name="hasPartition">Whether blocks will be queued with a log partition.</param>
    public void Prepare(in SoftQProblem problem, int blockRows, bool hasPartition)
    {
        DeviceRuntime runtime = _launcher.Runtime;
        MlpShape critic = problem.Critic1.Shape;
        _firstLayerKernel ??= runtime.Load(DeviceKernelNames.FirstLayer);
        _critic1.Update(problem.Critic1);
        if (problem.UsesCritic2)
        {
            _critic2.Update(problem.Critic2!);
        }

        int critics = problem.UsesCritic2 ? 2 : 1;
        MlpShape actor = problem.UsesActor ? problem.Actor!.Shape : default;
        SoftQTile tile = _deviceTile.For(critic.HiddenStride, critics, actor.HiddenStride);
        bool isHalf = tile != _deviceTile;
        if (problem.UsesActor)
        {
            _actor.Update(problem.Actor!);
            if (_tensor is not null)
            {
                _tensor.PrepareActor(actor, _actor);
            }
            else
            {
                _actorKernel = runtime.Load(
                    isHalf ? DeviceKernelNames.SoftQActorHalf : DeviceKernelNames.SoftQActor);
            }
        }

        TaskFamily? family = problem.UsesFamily ? problem.Family : null;
        if (_tensor is not null)
        {
            _tensor.Prepare(problem, family, _critic1, _critic2);
        }
        else
        {
            _criticKernel = runtime.Load(
                isHalf ? DeviceKernelNames.SoftQCriticHalf : DeviceKernelNames.SoftQCritic, family);
        }

        if (family is not null)
        {
            _family.Update(family);
        }

        int rows = LaunchRows(problem, tile, critic, actor, blockRows, hasPartition);
        if (hasPartition)
        {
            _tensor?.PrepareSegments(rows, problem.Candidates);
        }

        // Warps on tensor cores read whole tiles; what they make of the rows and tasks beyond the last is stored
        // nowhere.
        long paddedRows = _tensor is null ? rows : TensorTile.PaddedRows(rows);
        long paddedTasks = _tensor is null ? problem.Candidates : TensorTile.PaddedCandidates(problem.Candidates);
        long criticRows = paddedRows * critic.HiddenStride, criticTasks = paddedTasks * critic.HiddenStride;
        long actorRows = paddedRows * actor.HiddenStride, actorTasks = paddedTasks * actor.HiddenStride;
        long actorLayer = critics * (criticRows + criticTasks), capacity = 0;
        _layers.EnsureBytes((actorLayer + actorRows + actorTasks) * sizeof(float));
        if (problem.UsesActor)
        {
            long tiledPairs = tile.Tiles(rows, problem.Candidates) * tile.Pairs;
            capacity = _tensor is null ? tiledPairs : paddedRows * paddedTasks;
            _pairs.EnsureBytes(capacity * Planes(problem.ActionDimension) * sizeof(float));
        }

        _plan = new Plan
        {
            LaunchRows = rows,
            Tile = tile,
            Critic = critic,
            Actor = actor,
            HasFamily = family is not null,
            Shape = new SoftQShape
            {
                PairCapacity = capacity,
                RowLayer = 0,
                TaskLayer = criticRows,
                RowLayer2 = criticRows + criticTasks,
                TaskLayer2 = (2 * criticRows) + criticTasks,
                Candidates = problem.Candidates,
                ObservationDimension = problem.ObservationDimension,
                ActionDimension = problem.ActionDimension,
                TaskDimension = problem.TaskDimension,
                Inputs = critic.Inputs,
                Stride = critic.HiddenStride,
                OutputStride = critic.OutputStride,
                Critics = critics,
                Estimator = (int)problem.Estimator,
                Twin = (int)problem.Twin,
                UsesLogProbability = problem.UsesLogProbability ? 1 : 0,
                UsesFamily = family is null ? 0 : 1,
                RangeLow = problem.CriticRange.Low,
                RangeWidth = problem.CriticRange.IsBounded ? problem.CriticRange.High - problem.CriticRange.Low : 0f,
            },
            ActorRowLayer = actorLayer,
            ActorTaskLayer = actorLayer + actorRows,
        };
    }

    /// <summary>Queues the tasks' part of the first layers: once, before the blocks of rows.</summary>
    public void QueueTasks(in DeviceProblem batch)
    {
        SoftQShape shape = _plan.Shape;
        int taskRow = shape.ObservationDimension + shape.ActionDimension;
        QueueLayer(
            batch.Task, shape.TaskDimension, default, 0, _critic1, _plan.Critic, shape.TaskLayer, shape.Candidates,
            taskRow, hasBias: false);
        if (shape.Critics == 2)
        {
            QueueLayer(
                batch.Task, shape.TaskDimension, default, 0, _critic2, _plan.Critic, shape.TaskLayer2, shape.Candidates,
                taskRow, hasBias: false);
        }

        if (_plan.Actor.Inputs > 0)
        {
            QueueLayer(
                batch.Task, shape.TaskDimension, default, 0, _actor, _plan.Actor, _plan.ActorTaskLayer,
                shape.Candidates, shape.ObservationDimension,
                hasBias: false);
        }
    }

    /// <summary>Queues a block of rows.</summary>
    /// <param name="batch">The whole batch.</param>
    /// <param name="first">First row.</param>
    /// <param name="count">Rows.</param>
    /// <param name="softQ">Receives <c>[count, K]</c>.</param>
    /// <param name="logPartition">
    /// The log partition that the block's columns are folded into, begun anew at row 0; null for none.
    /// </param>
    public void Queue(
        in DeviceProblem batch, int first, int count, DeviceView softQ, DeviceLogPartition? logPartition = null)
    {
        int candidates = _plan.Shape.Candidates;
        for (int start = 0; start < count; start += _plan.LaunchRows)
        {
            int rows = Math.Min(_plan.LaunchRows, count - start), segments = 0;
            DeviceView left = logPartition is null || _tensor is null
                ? default
                : _tensor.Segments(rows, candidates, out segments);
            QueueRows(batch, first + start, rows, softQ.Slice((long)start * candidates, (long)rows * candidates), left);
            if (segments > 0)
            {
                logPartition!.QueueSegments(left, segments, candidates, begins: first + start == 0);
            }
        }

        if (_tensor is null)
        {
            logPartition?.Queue(softQ, count, candidates, begins: first == 0);
        }
    }

    public void Dispose()
    {
        _tensor?.Dispose();
        _critic1.Dispose();
        _critic2.Dispose();
        _actor.Dispose();
        _family.Dispose();
        _layers.Dispose();
        _pairs.Dispose();
        _inputs.Dispose();
        _result.Dispose();
        _numbers.Dispose();
    }

    // The actor's outputs of a pair, and its log-probability.
    private static int Planes(int actions) => (2 * actions) + 1;

    private static DeviceView Rows(DeviceView matrix, int first, int rows, int width) =>
        matrix.Buffer is null ? matrix : matrix.Slice((long)first * width, (long)rows * width);

    private static long Reserve(ReadOnlySpan<float> values) =>
        (values.Length + Alignment - 1L) / Alignment * Alignment * sizeof(float);

    private int LaunchRows(
        in SoftQProblem problem, SoftQTile tile, MlpShape critic, MlpShape actor, int rows, bool hasPartition)
    {
        long layer = (long)Math.Max(critic.HiddenStride, actor.HiddenStride) * sizeof(float);
        long fitting = Math.Max(LayerBytes / layer, 1);
        if (actor.Inputs > 0)
        {
            fitting = Math.Min(fitting, Math.Max(
                PairBytes / ((long)Planes(problem.ActionDimension) * sizeof(float) * problem.Candidates), 1));
        }

        if (hasPartition && _tensor is not null)
        {
            long segments = Math.Max(SegmentBytes / _tensor.SegmentBytes(problem.Candidates), 1);
            fitting = Math.Min(fitting, segments * _tensor.SegmentRows);
        }

        // Whole tiles, as far as they fit, and no more of them than an integer counts.
        long tileRows = tile.Pairs, countable = int.MaxValue / Math.Max(problem.Candidates, 1);
        fitting = Math.Min(fitting, Math.Max(countable, 1));
        return (int)Math.Min(rows, fitting > tileRows ? fitting - (fitting % tileRows) : fitting);
    }

    private DeviceView Upload(ReadOnlySpan<float> values, ref long offset)
    {
        if (values.IsEmpty)
        {
            return default;
        }

        DeviceView view = _inputs.View<float>(offset, values.Length);
        _launcher.Runtime.Upload(values, view);
        offset += Reserve(values);
        return view;
    }

    private void QueueRows(in DeviceProblem batch, int first, int rows, DeviceView softQ, DeviceView segments)
    {
        SoftQShape shape = _plan.Shape;
        shape.Rows = rows;
        shape.FirstRow = first;
        shape.TaskShift = _plan.Tile.TaskShift(rows, shape.Candidates);
        int s = shape.ObservationDimension, a = shape.ActionDimension;
        DeviceView observation = Rows(batch.Observation, first, rows, s), action = Rows(batch.Action, first, rows, a);
        DeviceView next = Rows(batch.NextObservation, first, rows, s);
        bool isBellman = shape.Estimator == (int)SoftQEstimator.Bellman;
        if (shape.UsesLogProbability != 0)
        {
            QueueActor(batch, observation, action, shape, samplesActions: false);
        }

        if (isBellman)
        {
            QueueActor(batch, next, action, shape, samplesActions: true);
        }

        // At s', each pair has an action of its own, which the critics' kernel adds.
        DeviceView state = isBellman ? next : observation, stateAction = isBellman ? default : action;
        int actionWidth = isBellman ? 0 : a;
        QueueLayer(state, s, stateAction, actionWidth, _critic1, _plan.Critic, shape.RowLayer, rows, 0, hasBias: true);
        if (shape.Critics == 2)
        {
            QueueLayer(
                state, s, stateAction, actionWidth, _critic2, _plan.Critic, shape.RowLayer2, rows, 0, hasBias: true);
        }

        DeviceFamily? family = _plan.HasFamily ? _family : null;
        if (_tensor is not null)
        {
            _tensor.QueueCritics(
                batch, observation, action, next, _critic1, _critic2, Layers(), Pairs(), softQ, segments, shape,
                family);
            return;
        }

        LaunchArguments arguments = _launcher.Arguments.Clear();
        arguments.Add(batch.Call).Add(observation).Add(action).Add(next).Add(batch.Task).Add(_critic1.View);
        arguments.Add(shape.Critics == 2 ? _critic2.View : default).Add(Layers()).Add(Pairs()).Add(softQ).Add(shape);
        DeviceFamily.AddTo(arguments, family);
        _launcher.RunGroups(_criticKernel!, _plan.Tile.Tiles(rows, shape.Candidates), _plan.Tile.GroupSize);
    }

    private void QueueActor(
        in DeviceProblem batch, DeviceView state, DeviceView action, SoftQShape shape, bool samplesActions)
    {
        MlpShape actor = _plan.Actor;
        QueueLayer(
            state, shape.ObservationDimension, default, 0, _actor, actor, _plan.ActorRowLayer, shape.Rows, 0,
            hasBias: true);
        shape.RowLayer = _plan.ActorRowLayer;
        shape.TaskLayer = _plan.ActorTaskLayer;
        shape.Inputs = actor.Inputs;
        shape.Stride = actor.HiddenStride;
        shape.OutputStride = actor.OutputStride;
        shape.SamplesActions = samplesActions ? 1 : 0;
        if (_tensor is not null)
        {
            _tensor.QueueActor(batch, action, _actor, Layers(), Pairs(), shape);
            return;
        }

        _launcher.Arguments.Clear().Add(batch.Call).Add(action).Add(_actor.View).Add(Layers()).Add(Pairs()).Add(shape);
        _launcher.RunGroups(_actorKernel!, _plan.Tile.Tiles(shape.Rows, shape.Candidates), _plan.Tile.GroupSize);
    }

    private void QueueLayer(
        DeviceView x, int xWidth, DeviceView y, int yWidth, DeviceNetwork network, MlpShape networkShape,
        long offset, int rows, int weightRow, bool hasBias)
    {
        FirstLayerShape shape = new()
        {
            Offset = offset,
            Rows = rows,
            Stride = networkShape.HiddenStride,
            XWidth = xWidth,
            YWidth = yWidth,
            WeightRow = weightRow,
            Bias = hasBias ? networkShape.Bias1 : -1,
        };
        _launcher.Arguments.Clear().Add(x).Add(y).Add(network.View).Add(Layers()).Add(shape);
        _launcher.RunEntries(_firstLayerKernel!, (long)rows * networkShape.HiddenStride);
    }

    private DeviceView Layers() => _layers.View<float>(0, _layers.Bytes / sizeof(float));

    private DeviceView Pairs() => _pairs.Bytes == 0 ? default : _pairs.View<float>(0, _pairs.Bytes / sizeof(float));

    /// <summary>What <see cref="Prepare"/> has settled.</summary>
    private struct Plan
    {
        public int LaunchRows;
        public SoftQTile Tile;
        public MlpShape Critic;
        public MlpShape Actor;
        public bool HasFamily;
        public SoftQShape Shape;
        public long ActorRowLayer;
        public long ActorTaskLayer;
    }
}
