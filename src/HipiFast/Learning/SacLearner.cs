using System.Runtime.CompilerServices;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Dense;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Networks;
using HipiFast.Kernels.Random;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tasks;
using HipiFast.Kernels.Threading;
using HipiFast.Replay;
using HipiFast.Storage;

namespace HipiFast.Learning;

/// <summary>
/// Soft actor-critic on the kernels of a <see cref="ComputeSession"/>, with the HIPI paper's defaults (Appendix C.1):
/// ReLU networks with two hidden layers, a tanh-squashed Gaussian actor, twin critics, a learned temperature, Adam, and
/// a Polyak step of the targets every update.
/// </summary>
/// <remarks>
/// One update on rows b, with alpha, actor and targets as the update finds them:
/// <list type="number">
/// <item><c>y = r + gamma (1 - terminated) (min_k Qtarget_k(s', a', psi) - alpha log pi(a'))</c>, a' sampled at
/// s'.</item>
/// <item>Critics step down <c>0.5 sum_k mean_b (Q_k(s, a, psi) - y)^2</c>; targets follow by tau.</item>
/// <item>The actor steps down <c>mean_b (alpha log pi(a) - min_k Q_k(s, a, psi))</c>, a sampled at s, with the critics
/// as step 2 left them.</item>
/// <item>log alpha steps down <c>-alpha mean_b (log pi(a) + target entropy)</c>.</item>
/// </list>
/// Noise is Philox with purpose <see cref="RandomPurpose.LearnerAction"/>: entry d of row b at s' uses counter (b, d /
/// 4, update), at s (b, d / 4 + 32768, update), the update's number from 0. Results do not depend on the number of
/// threads. A second thread is refused with an <see cref="InvalidOperationException"/>; a learner, or one whose session
/// or networks have been disposed of, throws <see cref="ObjectDisposedException"/>.
/// </remarks>
public sealed unsafe class SacLearner : ISacLearner
{
    /// <summary>Name of the tensor that holds the number of updates in a checkpoint.</summary>
    internal const string StepName = "optim.step";

    /// <summary>Offset of the second counter word that tells actions at s from those at s'.</summary>
    internal const uint CurrentStateBlockOffset = 32768;

    /// <summary>
    /// Rows times H^2 from which an update is worth a second thread; below, it is over before a thread could help.
    /// </summary>
    private const long ThreadingWork = 1L << 18;

    /// <summary>
    /// Rows times H^2 from which the actor's pass is cut in two parts. Part of the result (it fixes the order of sums),
    /// so never a matter of threads.
    /// </summary>
    private const long SplitWork = 1L << 21;

    private readonly SacOptions _options;
    private readonly ComputeSession _session;
    private readonly IDenseKernel _dense;
    private readonly ulong _seed;
    private readonly int _capacity;
    private readonly int _maxThreads;
    private readonly TemperatureOptimizer _temperature;
    private readonly MlpPolicy _policy;
    private readonly CriticLearner[] _critics;
    private readonly NetworkOptimizer _actor;
    private readonly NativeBuffer<float> _secondActorGradient;
    private readonly MlpActivations _nextActor;
    private readonly MlpActivations[] _currentActor;
    private readonly PolicySample _nextSample;
    private readonly PolicySample _currentSample;
    private readonly NativeBuffer<float> _inputs;
    private readonly MatrixView _actorInput;
    private readonly MatrixView _nextActorInput;
    private readonly MatrixView _criticInput;
    private readonly MatrixView _nextCriticInput;
    private readonly MatrixView _policyCriticInput;
    private readonly Phase _sampling;
    private readonly Phase _evaluation;
    private readonly Phase _criticStep;
    private readonly Phase _actionGradient;
    private readonly Phase _actorGradient;

    private UseGuard _use;

    // Operands of the update that is running, for the phases.
    private TransitionBatch? _batch;
    private int _firstRow;
    private int _rows;
    private int _actorParts;
    private int _firstPartRows;
    private float _alpha;

    /// <summary>Makes a learner for an agent.</summary>
    /// <param name="networks">
    /// The agent; stays the caller's to dispose. A fixed alpha in the options is written to it.
    /// </param>
    /// <param name="options">Options.</param>
    /// <param name="session">Kernels; must stay alive as long as the learner.</param>
    /// <param name="batchCapacity">Most rows of one update, 1 or more.</param>
    /// <param name="seed">Philox key of the action noise.</param>
    /// <param name="maxThreads">
    /// Most threads of one update; 0 for one per core. Small updates use one whatever this says.
    /// </param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public SacLearner(
        AgentNetworks networks, SacOptions options, ComputeSession session, int batchCapacity, ulong seed,
        int maxThreads = 0)
    {
        ArgumentNullException.ThrowIfNull(networks);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(session);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchCapacity, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(maxThreads);
        options.Validate();
        Networks = networks;
        _options = options;
        _session = session;
        _dense = session.Dense;
        _seed = seed;
        _capacity = batchCapacity;
        _maxThreads = maxThreads > 0 ? maxThreads : Environment.ProcessorCount;

        TransitionShape shape = networks.Shape;
        _temperature = new TemperatureOptimizer(networks, options);
        _policy = new MlpPolicy(networks, _dense);
        CriticLearner first = new(_dense, networks.Critic1, networks.Target1, batchCapacity, shape.ActionDimension);
        _critics = networks.Critic2 is null
            ? [first]
            : [first, new CriticLearner(
                _dense, networks.Critic2, networks.Target2!, batchCapacity, shape.ActionDimension)];
        _actor = new NetworkOptimizer(networks.Actor);
        _secondActorGradient = new NativeBuffer<float>(networks.Actor.Shape.Length);
        _nextActor = new MlpActivations(networks.Actor.Shape, batchCapacity);
        _currentActor = [new MlpActivations(
            networks.Actor.Shape, batchCapacity), new MlpActivations(networks.Actor.Shape, (batchCapacity + 1) / 2)];
        _nextSample = new PolicySample(shape.ActionDimension, batchCapacity);
        _currentSample = new PolicySample(shape.ActionDimension, batchCapacity);

        int actorInputs = shape.ActorInputs, criticInputs = shape.CriticInputs;
        _inputs = new NativeBuffer<float>((long)batchCapacity * ((2 * actorInputs) + (3 * criticInputs)));
        float* at = _inputs.Pointer;
        _actorInput = Take(actorInputs);
        _nextActorInput = Take(actorInputs);
        _criticInput = Take(criticInputs);
        _nextCriticInput = Take(criticInputs);
        _policyCriticInput = Take(criticInputs);

        _sampling = new Phase(SampleActions);
        _evaluation = new Phase(EvaluateCritic);
        _criticStep = new Phase(StepCritic);
        _actionGradient = new Phase(DifferentiateByAction);
        _actorGradient = new Phase(DifferentiateActor);

        MatrixView Take(int columns)
        {
            MatrixView view = new((nint)at, batchCapacity, columns, columns);
            at += (long)batchCapacity * columns;
            return view;
        }
    }

    /// <inheritdoc/>
    public AgentNetworks Networks { get; }

    /// <inheritdoc/>
    public long UpdateCount { get; private set; }

    /// <summary>Gradient of the last update's actor loss, before clipping, and moments.</summary>
    internal NetworkOptimizer ActorOptimizer => _actor;

    /// <summary>
    /// Gradient of the last update's critic loss with respect to one critic, before clipping, and moments.
    /// </summary>
    /// <param name="critic">0 or 1.</param>
    internal NetworkOptimizer CriticOptimizer(int critic) => _critics[critic].Optimizer;

    /// <inheritdoc/>
    public SacLosses Update(ITransitionBatch batch, int firstRow, int rows)
    {
        ArgumentNullException.ThrowIfNull(batch);
        using UseGuard.Scope use = Enter(), networks = Networks.Share();
        TransitionBatch host = batch.ToHost();
        using UseGuard.Scope held = host.Share();
        UpdateRows.Check(host, firstRow, rows, Networks.Shape, _capacity);
        _batch = host;
        _firstRow = firstRow;
        _rows = rows;
        _alpha = Networks.Alpha;
        int hidden = Networks.Hidden;
        long work = (long)rows * hidden * hidden;
        int threads = work >= ThreadingWork ? _maxThreads : 1;
        _actorParts = work >= SplitWork && rows >= 2 * MlpShape.LaneCount ? 2 : 1;
        _firstPartRows = _actorParts == 1 ? rows : MlpShape.RoundUp((rows + 1) / 2);

        WorkerPool.Shared.Run(_sampling, 1 + _actorParts, threads);
        WorkerPool.Shared.Run(_evaluation, _critics.Length, threads);
        (float criticLoss, float meanQ) = DifferentiateCriticLoss();
        if (!float.IsFinite(criticLoss))
        {
            throw new InvalidDataException(
                $"The critic loss of update {UpdateCount} is {criticLoss}: the networks have diverged.");
        }

        WorkerPool.Shared.Run(_criticStep, _critics.Length, threads);
        (float actorLoss, float entropy) = DifferentiateActorLoss();
        if (!float.IsFinite(actorLoss))
        {
            throw new InvalidDataException(
                $"The actor loss of update {UpdateCount} is {actorLoss}: the networks have diverged.");
        }

        WorkerPool.Shared.Run(_actionGradient, _critics.Length, threads);
        WorkerPool.Shared.Run(_actorGradient, _actorParts, threads);
        if (_actorParts > 1)
        {
            _dense.Add(_secondActorGradient.Span, _actor.Gradient);
        }

        _actor.Step(_dense, _options, UpdateCount + 1);
        float alphaLoss = _temperature.Step(entropy, UpdateCount + 1);
        _batch = null;
        UpdateCount++;
        return new SacLosses(criticLoss, actorLoss, alphaLoss, _alpha, meanQ, entropy);
    }

    /// <inheritdoc/>
    public void Act(
        ReadOnlySpan<float> observation, ReadOnlySpan<float> task, int rows, bool deterministic, ulong seed, uint call,
        Span<float> action)
    {
        using UseGuard.Scope use = Enter(), networks = Networks.Share();
        _policy.Act(observation, task, rows, deterministic, seed, call, action);
    }

    /// <inheritdoc/>
    public void SaveState(SafetensorsWriter writer, string prefix)
    {
        ArgumentNullException.ThrowIfNull(writer);
        using UseGuard.Scope use = Enter(), networks = Networks.Share();
        AgentFile.AddTo(writer, Networks, prefix);
        _actor.AddTo(writer, prefix + "optim.actor");
        for (int k = 0; k < _critics.Length; k++)
        {
            _critics[k].Optimizer.AddTo(writer, $"{prefix}optim.critic{k + 1}");
        }

        _temperature.AddTo(writer, prefix);
        writer.Add<long>(prefix + StepName, [UpdateCount], 1);
    }

    /// <inheritdoc/>
    public void LoadState(SafetensorsFile file, string prefix)
    {
        ArgumentNullException.ThrowIfNull(file);
        using UseGuard.Scope use = Enter(), networks = Networks.Share();
        long step = ReadStep(file, prefix);
        TemperatureOptimizer.Require(file, prefix);
        AgentFile.Load(file, Networks, prefix);
        _actor.Load(file, prefix + "optim.actor");
        for (int k = 0; k < _critics.Length; k++)
        {
            _critics[k].Optimizer.Load(file, $"{prefix}optim.critic{k + 1}");
        }

        _temperature.Load(file, prefix);
        UpdateCount = step;
    }

    /// <summary>Gives the memory back, and leaves networks and session alone; a second call does nothing.</summary>
    /// <exception cref="InvalidOperationException">A call is under way.</exception>
    public void Dispose()
    {
        if (!_use.Close(this))
        {
            return;
        }

        foreach (CriticLearner critic in _critics)
        {
            critic.Dispose();
        }

        _actor.Dispose();
        _secondActorGradient.Dispose();
        _nextActor.Dispose();
        _currentActor[0].Dispose();
        _currentActor[1].Dispose();
        _nextSample.Dispose();
        _currentSample.Dispose();
        _inputs.Dispose();
        _policy.Dispose();
    }

    /// <summary>The number of updates that a checkpoint has seen.</summary>
    internal static long ReadStep(SafetensorsFile file, string prefix)
    {
        file.Require(prefix + StepName, TensorType.Int64, 1);
        long step = 0;
        file.Read(prefix + StepName, new Span<long>(ref step));
        return step >= 0
            ? step
            : throw new InvalidDataException(
                $"Tensor '{prefix}{StepName}' of '{file.Path}' is {step}; expected 0 or more.");
    }

    private UseGuard.Scope Enter()
    {
        UseGuard.Scope use = _use.Enter(this);
        if (_session.IsDisposed)
        {
            use.Dispose();
            _session.ThrowIfDisposed();
        }

        return use;
    }

    /// <summary>
    /// Chunk 0 prepares and samples at the next states, chunks 1 and 2 the parts of the batch at the current states.
    /// </summary>
    private void SampleActions(int chunk)
    {
        if (chunk == 0)
        {
            TransitionPointers pointers = _batch!.Pointers;
            Concatenate((float*)pointers.NextObservation, null, _nextActorInput, _nextCriticInput, default, 0, _rows);
            Sample(_nextActorInput.First(_rows), _nextActor, _nextSample, 0, 0, _nextCriticInput);
        }
        else
        {
            TransitionPointers pointers = _batch!.Pointers;
            (int first, int rows) = Part(chunk - 1);
            Concatenate(
                (float*)pointers.Observation, (float*)pointers.Action, _actorInput, _policyCriticInput, _criticInput,
                first, rows);
            Sample(
                _actorInput.Slice(first, rows), _currentActor[chunk - 1], _currentSample, first,
                CurrentStateBlockOffset, _policyCriticInput);
        }
    }

    /// <summary>
    /// Writes rows [first, first + rows) of the inputs: (state, task) for the actor; (state, [action to come], task)
    /// for the critic on sampled actions; (state, action, task) for the critic on stored actions, when there are any.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Concatenate(
        float* states, float* actions, in MatrixView actorInput, in MatrixView sampledInput, in MatrixView storedInput,
        int first, int rows)
    {
        TransitionShape shape = Networks.Shape;
        int s = shape.ObservationDimension, a = shape.ActionDimension, p = shape.TaskDimension;
        for (int row = first; row < first + rows; row++)
        {
            nint at = _firstRow + row;
            float* state = states + (at * s), task = _batch!.TaskPointer + (at * p), actor = actorInput.Row(row),
                sampled = sampledInput.Row(row);
            Copy(state, actor, s);
            Copy(task, actor + s, p);
            Copy(state, sampled, s);
            Copy(task, sampled + s + a, p);
            if (actions != null)
            {
                float* stored = storedInput.Row(row);
                Copy(state, stored, s);
                Copy(actions + (at * a), stored + s, a);
                Copy(task, stored + s + a, p);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Sample(
        in MatrixView input, MlpActivations activations, PolicySample sample, int first, uint blockOffset,
        in MatrixView criticInput)
    {
        _dense.Forward(Networks.Actor, input, activations);
        ActionNoise noise = new(_seed, blockOffset, (uint)UpdateCount, RandomPurpose.LearnerAction);
        _dense.SampleActions(activations.Output.First(input.Rows), sample, first, noise);
        int s = Networks.Shape.ObservationDimension, a = Networks.Shape.ActionDimension;
        for (int row = first; row < first + input.Rows; row++)
        {
            Copy(sample.Action + ((nint)row * a), criticInput.Row(row) + s, a);
        }
    }

    private void EvaluateCritic(int critic)
    {
        _critics[critic].EvaluateTarget(_nextCriticInput.First(_rows), Networks.CriticRange);
        _critics[critic].Evaluate(_criticInput.First(_rows), Networks.CriticRange);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private (float Loss, float MeanQ) DifferentiateCriticLoss()
    {
        float* reward = _batch!.RewardPointer + _firstRow;
        byte* terminated = _batch.TerminatedPointer + _firstRow;
        float weight = 2f * _options.CriticLossScale / _rows;
        double squares = 0, values = 0;
        for (int row = 0; row < _rows; row++)
        {
            float next = _critics[0].TargetValue[row];
            if (_critics.Length > 1)
            {
                next = MathF.Min(next, _critics[1].TargetValue[row]);
            }

            float target = reward[row];
            if (terminated[row] == 0)
            {
                target += _options.Gamma * (next - (_alpha * _nextSample.LogProbability[row]));
            }

            foreach (CriticLearner critic in _critics)
            {
                float error = critic.Value[row] - target;
                critic.OutputGradient[row] = weight * error * critic.Slope[row];
                squares += error * error;
                values += critic.Value[row];
            }
        }

        return ((float)(_options.CriticLossScale * squares / _rows), (float)(values / _rows / _critics.Length));
    }

    private void StepCritic(int critic)
    {
        _critics[critic].Improve(_criticInput.First(_rows), _options, UpdateCount + 1);
        _critics[critic].Evaluate(_policyCriticInput.First(_rows), Networks.CriticRange);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private (float Loss, float Entropy) DifferentiateActorLoss()
    {
        double logProbabilities = 0, values = 0;
        for (int row = 0; row < _rows; row++)
        {
            // The smaller value alone receives the gradient; the first one where they are equal.
            int lower = _critics.Length > 1 && _critics[1].Value[row] < _critics[0].Value[row] ? 1 : 0;
            for (int k = 0; k < _critics.Length; k++)
            {
                _critics[k].OutputGradient[row] = k == lower ? -_critics[k].Slope[row] / _rows : 0f;
            }

            values += _critics[lower].Value[row];
            logProbabilities += _currentSample.LogProbability[row];
        }

        return ((float)(((_alpha * logProbabilities) - values) / _rows), (float)(-logProbabilities / _rows));
    }

    private void DifferentiateByAction(int critic) =>
        _critics[critic].BackwardToAction(_policyCriticInput.First(_rows), Networks.Shape.ObservationDimension);

    private void DifferentiateActor(int part)
    {
        (int first, int rows) = Part(part);
        MlpActivations activations = _currentActor[part];
        _currentSample.Backward(
            _critics[0].ActionGradient, _critics.Length > 1 ? _critics[1].ActionGradient : null, _alpha / _rows, first,
            activations.OutputGradient.First(rows));
        _dense.Backward(
            Networks.Actor, _actorInput.Slice(first, rows), activations,
            part == 0 ? _actor.Gradient : _secondActorGradient.Span, default, 0);
    }

    private (int First, int Rows) Part(int part) => part == 0
        ? (0, _firstPartRows)
        : (_firstPartRows, _rows - _firstPartRows);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy(float* source, float* destination, int count)
    {
        // Rows are a handful of floats: a loop beats a call.
        for (int i = 0; i < count; i++)
        {
            destination[i] = source[i];
        }
    }

    /// <summary>A step of the update whose chunks may run on several threads.</summary>
    private sealed class Phase(Action<int> run) : IParallelWork
    {
        public void Execute(int chunk, int worker) => run(chunk);
    }
}
