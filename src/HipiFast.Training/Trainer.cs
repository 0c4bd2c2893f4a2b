using System.Diagnostics;
using HipiFast.Environments;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Devices;
using HipiFast.Kernels.Devices.Replay;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Random;
using HipiFast.Learning;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Storage;

namespace HipiFast.Training;

/// <summary>What the time of a run went into.</summary>
public enum TimedPart
{
    /// <summary>Acting and the environment.</summary>
    Environment,

    /// <summary>Storing and sampling transitions.</summary>
    Replay,

    /// <summary>Relabeling.</summary>
    Relabel,

    /// <summary>Gradient steps.</summary>
    Update,

    /// <summary>Evaluation.</summary>
    Evaluation,
}

/// <summary>
/// HIPI-RL (the paper's Algorithm 2): collects experience, relabels what it replays, and trains SAC on it. Knows nothing of files but what a
/// checkpoint must hold; <see cref="TrainingRun"/> keeps the run directory.
/// </summary>
/// <remarks>
/// All randomness is counter-based in the seed, so the same configuration gives the same bits for any thread count, and a trainer restored by
/// <see cref="LoadState"/> continues as the one that was saved would have. Between evaluations a step allocates nothing. Not thread-safe.
/// </remarks>
public sealed class Trainer : IDisposable
{
    private const string Prefix = "trainer.";

    private readonly VectorEnvironment _environment;
    private readonly Evaluator _evaluator;
    private readonly ReplayBuffer _replay;
    private readonly ComputeSession _session;
    private readonly AgentNetworks _networks;
    private readonly ISacLearner _learner;
    private readonly Relabeler _relabeler;
    private readonly TransitionBatch _batch;
    private readonly ReplayMirror? _mirror;

    // The minibatches in hand where the learner takes them on the device; null when they are in _batch.
    private DeviceBatch? _resident;
    private readonly NativeBuffer<float> _observation;
    private readonly NativeBuffer<float> _task;
    private readonly NativeBuffer<float> _action;
    private readonly RunningMeans _means = new(Enum.GetValues<MetricColumn>().Length);
    private readonly long[] _ticks = new long[Enum.GetValues<TimedPart>().Length];
    private uint _vectorSteps;
    private uint _sampleCalls;
    private uint _evaluations;
    private long _trainEpisodes;
    private int _minibatch;

    /// <summary>Builds environment, networks, replay buffer and relabeler; nothing has been stepped yet.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="backend">What computes, for a run that goes on with the backend it was begun with; null for the configuration's.</param>
    /// <exception cref="ArgumentException">A name or value in it is wrong.</exception>
    /// <exception cref="NotSupportedException">The backend or learner cannot run here.</exception>
    public Trainer(TrainingConfig config, KernelBackend? backend = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        Config = config;
        LearnerFactory learner = LearnerRegistry.Resolve(config.Learner.Name);
        backend ??= config.Compute.ResolveBackend();
        _environment = EnvironmentRegistry.Create(config.Environment, config.EnvironmentCopies, config.EnvironmentSettings);
        TransitionShape shape = _environment.Shape;
        _evaluator = new Evaluator(
            EnvironmentRegistry.Create(config.Environment, config.Run.EvalEpisodes, config.EnvironmentSettings));
        _replay = new ReplayBuffer(shape, config.Run.ReplayCapacity, config.EnvironmentCopies);
        _networks = new AgentNetworks(shape, config.Learner.Hidden, config.Learner.Critics == 2)
        {
            CriticRange = new(config.Learner.CriticLow, config.Learner.CriticHigh),
        };
        _networks.Initialize(config.Run.Seed);
        _session = backend.CreateSession(new SessionOptions(config.Compute.Threads, config.Compute.Device));
        _learner = learner(config, _networks, _session);
        _relabeler = new Relabeler(_session, _environment.Family, _networks, config.Relabeling, _environment.TaskDistribution);
        if (!_environment.FixedTasks.IsEmpty)
        {
            _relabeler.SetFixedCandidates(_environment.FixedTasks);
        }
        else if (config.Relabeling is
            {
                Strategy: RelabelStrategy.InverseRl, Assignment: Assignment.Row, Candidates: CandidateSource.Fixed,
            })
        {
            throw new ArgumentException(
                $"candidates (--candidates) is 'fixed', but {config.Environment} has no fixed set of tasks; expected commanded, reached or both.");
        }

        _mirror = config.Run.Replay == ReplayPlace.Host ? null : new ReplayMirror(RequireDevice(_session), _replay);
        _batch = new TransitionBatch(shape, config.Learner.Batch * config.Pool);
        _observation = new NativeBuffer<float>((long)_environment.Count * shape.ObservationDimension);
        _task = new NativeBuffer<float>((long)_environment.Count * shape.TaskDimension);
        _action = new NativeBuffer<float>((long)_environment.Count * shape.ActionDimension);
        _minibatch = config.Pool;
        _environment.Reset(config.Run.Seed);
    }

    /// <summary>The configuration.</summary>
    public TrainingConfig Config { get; }

    /// <summary>The backend that computes.</summary>
    public KernelBackend Backend => _session.Backend;

    /// <summary>The networks in training.</summary>
    public AgentNetworks Networks => _learner.Networks;

    /// <summary>The minibatches of the last relabel call, for tests; not where the learner takes them on the device.</summary>
    internal TransitionBatch Batch => _batch;

    /// <summary>Environment steps so far, over all copies.</summary>
    public long EnvSteps { get; private set; }

    /// <summary>Gradient steps so far.</summary>
    public long GradientSteps => _learner.UpdateCount;

    /// <summary>Whether all steps are done.</summary>
    public bool IsFinished => EnvSteps >= Config.Run.Steps;

    /// <summary>Losses of the last gradient step.</summary>
    public SacLosses LastLosses { get; private set; }

    /// <summary>Diagnostics of the last relabel call.</summary>
    public RelabelDiagnostics LastDiagnostics { get; private set; }

    /// <summary>Seconds spent in one part since this object was made.</summary>
    /// <param name="part">Which part.</param>
    /// <returns>Seconds.</returns>
    public double SecondsIn(TimedPart part) => _ticks[(int)part] / (double)Stopwatch.Frequency;

    /// <summary>One step of every environment copy, and the gradient steps that go with it.</summary>
    /// <returns>Whether an evaluation is due.</returns>
    public bool Step()
    {
        long time = Stopwatch.GetTimestamp();
        int copies = _environment.Count;
        _environment.Observation.CopyTo(_observation.Span);
        _environment.Task.CopyTo(_task.Span);
        if (EnvSteps < Config.Run.InitialRandomSteps)
        {
            ActAtRandom();
        }
        else
        {
            _learner.Act(_observation.Span, _task.Span, copies, deterministic: false, Config.Run.Seed, _vectorSteps, _action.Span);
        }

        _environment.Step(_action.Span, out StepResult result);
        time = Charge(TimedPart.Environment, time);
        try
        {
            _replay.Append(_observation.Span, _action.Span, result.NextObservation, _task.Span, result.Reward, result.Terminated, result.Truncated);
        }
        catch (InvalidDataException error) when (GradientSteps > 0)
        {
            throw Diverged(error);
        }

        _mirror?.Append(_observation.Span, _action.Span, result.NextObservation, _task.Span, result.Reward, result.Terminated);
        time = Charge(TimedPart.Replay, time);
        for (int copy = 0; copy < copies; copy++)
        {
            if (result.Terminated[copy] != 0 || result.Truncated[copy] != 0)
            {
                _trainEpisodes++;
                _means.Add((int)MetricColumn.TrainSuccessRate, result.Terminated[copy]);
            }
        }

        long before = EnvSteps;
        EnvSteps += copies;
        _vectorSteps++;
        if (EnvSteps > Config.Run.InitialRandomSteps)
        {
            for (int i = 0; i < Config.Run.GradientSteps * copies; i++)
            {
                time = Update(time);
            }
        }

        return EnvSteps / Config.Run.EvalEvery > before / Config.Run.EvalEvery || IsFinished;
    }

    /// <summary>Evaluates sampled and mean actions, and closes a row of metrics.</summary>
    /// <param name="row">Result, one entry per <see cref="MetricColumn"/>.</param>
    public void Evaluate(Span<double> row)
    {
        long time = Stopwatch.GetTimestamp();
        ulong seed = Evaluator.DeriveSeed(Config.Run.Seed, _evaluations++);
        EvaluationResult sampled = _evaluator.Evaluate(_learner, deterministic: false, seed);
        EvaluationResult mean = _evaluator.Evaluate(_learner, deterministic: true, seed);
        for (int column = 0; column < row.Length; column++)
        {
            row[column] = _means.Mean(column);
        }

        row[(int)MetricColumn.EnvSteps] = EnvSteps;
        row[(int)MetricColumn.GradientSteps] = GradientSteps;
        row[(int)MetricColumn.EpisodeReturn] = sampled.Return;
        row[(int)MetricColumn.SuccessRate] = sampled.SuccessRate;
        row[(int)MetricColumn.MeanActionReturn] = mean.Return;
        row[(int)MetricColumn.MeanActionSuccessRate] = mean.SuccessRate;
        row[(int)MetricColumn.TrainEpisodes] = _trainEpisodes;
        _means.Clear();
        Charge(TimedPart.Evaluation, time);
    }

    /// <summary>Adds everything needed to continue exactly to a checkpoint: networks, optimiser, replay, environment, counters, and the minibatches
    /// in hand.</summary>
    /// <param name="writer">The checkpoint.</param>
    public void SaveState(SafetensorsWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        _learner.SaveState(writer, "learner.");
        _replay.SaveState(writer, "replay.");
        _environment.SaveState(writer, "environment.");
        long[] counters = [EnvSteps, _vectorSteps, _sampleCalls, _evaluations, _trainEpisodes, _minibatch, _relabeler.Call];
        writer.Add<long>(Prefix + "counters", counters, counters.Length);
        _relabeler.SaveState(writer, "relabeler.");
        writer.Add<double>(Prefix + "means", _means.State, _means.State.Length);
        if (_minibatch < Config.Pool)
        {
            if (_resident is DeviceBatch resident)
            {
                _mirror!.Download(resident, _batch);
            }

            TransitionShape shape = _batch.Shape;
            writer.Add<float>(Prefix + "pool.observation", _batch.Observation, _batch.Count, shape.ObservationDimension);
            writer.Add<float>(Prefix + "pool.action", _batch.Action, _batch.Count, shape.ActionDimension);
            writer.Add<float>(Prefix + "pool.next_observation", _batch.NextObservation, _batch.Count, shape.ObservationDimension);
            writer.Add<float>(Prefix + "pool.task", _batch.Task, _batch.Count, shape.TaskDimension);
            writer.Add<float>(Prefix + "pool.reward", _batch.Reward, _batch.Count);
            writer.Add<byte>(Prefix + "pool.terminated", _batch.Terminated, _batch.Count);
        }
    }

    /// <summary>Writes the agent as it is now, atomically.</summary>
    /// <param name="path">File to make or replace.</param>
    /// <exception cref="IOException">The path cannot be written.</exception>
    public void SaveAgent(string path) => _learner.SaveAgent(path);

    /// <summary>The environment steps that a checkpoint holds.</summary>
    internal static long EnvStepsIn(SafetensorsFile file)
    {
        long steps = 0;
        file.Read(Prefix + "counters", new Span<long>(ref steps));
        return steps;
    }

    /// <summary>Restores what <see cref="SaveState"/> wrote, in a trainer of the same configuration.</summary>
    /// <param name="file">The checkpoint.</param>
    /// <exception cref="InvalidDataException">Something is missing, has another shape, or cannot be.</exception>
    public void LoadState(SafetensorsFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        _learner.LoadState(file, "learner.");
        _replay.LoadState(file, "replay.");
        _mirror?.Refill();
        _environment.LoadState(file, "environment.");
        long[] counters = new long[7];
        file.Require(Prefix + "counters", TensorType.Int64, counters.Length);
        file.Read<long>(Prefix + "counters", counters);
        CheckCounters(file, counters);
        EnvSteps = counters[0];
        _vectorSteps = (uint)counters[1];
        _sampleCalls = (uint)counters[2];
        _evaluations = (uint)counters[3];
        _trainEpisodes = counters[4];
        _minibatch = (int)counters[5];
        _relabeler.Call = (uint)counters[6];
        _relabeler.LoadState(file, "relabeler.");
        _resident = null;
        file.Require(Prefix + "means", TensorType.Float64, _means.State.Length);
        file.ReadFinite<double>(Prefix + "means", _means.State);
        if (_minibatch < Config.Pool)
        {
            TransitionShape shape = _batch.Shape;
            _batch.Count = _batch.Capacity;
            Load("pool.observation", _batch.Observation, _batch.Count, shape.ObservationDimension);
            Load("pool.action", _batch.Action, _batch.Count, shape.ActionDimension);
            Load("pool.next_observation", _batch.NextObservation, _batch.Count, shape.ObservationDimension);
            Load("pool.task", _batch.Task, _batch.Count, shape.TaskDimension);
            Load("pool.reward", _batch.Reward, _batch.Count);
            file.Require(Prefix + "pool.terminated", TensorType.UInt8, _batch.Count);
            file.ReadFlags(Prefix + "pool.terminated", _batch.Terminated);
        }

        void Load(string name, Span<float> destination, params ReadOnlySpan<long> expected)
        {
            file.Require(Prefix + name, TensorType.Float32, expected);
            file.ReadFinite(Prefix + name, destination);
        }
    }

    // What the counters of a run can be, from what else is known of it.
    private void CheckCounters(SafetensorsFile file, ReadOnlySpan<long> counters)
    {
        int copies = _environment.Count;
        Check("environment steps", counters[0], 0, Config.Run.Steps + copies - 1);
        Check("vector steps", counters[1], counters[0] / copies, counters[0] / copies);
        Check("transitions in replay", _replay.TotalCount, counters[0], counters[0]);
        Check("gradient steps", GradientSteps, 0, counters[0] * Config.Run.GradientSteps);
        Check("samples drawn", counters[2], 0, GradientSteps);
        Check("evaluations", counters[3], 0, counters[1]);
        Check("episodes", counters[4], 0, counters[0]);
        Check("minibatches used", counters[5], 0, Config.Pool);
        Check("relabel calls", counters[6], 0, GradientSteps);

        void Check(string what, long value, long least, long most)
        {
            if (value < least || value > most || value > uint.MaxValue)
            {
                throw new InvalidDataException(
                    $"{FileMessages.Tensor(Prefix + "counters", file.Path)} says {value} {what}; expected "
                    + $"{(least == most ? $"{least}" : $"{least} to {most}")}.");
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _relabeler.Dispose();
        _learner.Dispose();
        _networks.Dispose();
        _mirror?.Dispose();
        _session.Dispose();
        _replay.Dispose();
        _evaluator.Dispose();
        _environment.Dispose();
        _batch.Dispose();
        _observation.Dispose();
        _task.Dispose();
        _action.Dispose();
    }

    private long Update(long time)
    {
        try
        {
            if (_minibatch == Config.Pool)
            {
                time = _mirror is null ? NextBatch(time) : NextBatch(_mirror, time);
                AddMeans(LastDiagnostics);
                _minibatch = 0;
            }

            int firstRow = _minibatch * Config.Learner.Batch;
            LastLosses = _resident is DeviceBatch resident
                ? _learner.Update(resident, firstRow, Config.Learner.Batch)
                : _learner.Update(_batch, firstRow, Config.Learner.Batch);
            _minibatch++;
        }
        catch (InvalidDataException error)
        {
            throw Diverged(error);
        }

        AddMeans(LastLosses);
        return Charge(TimedPart.Update, time);
    }

    // What the replay buffer, the relabeler and the learner call bad data is, in here, of the run's own making.
    private TrainingDivergedException Diverged(InvalidDataException error) => new(
        $"Training diverged at gradient step {GradientSteps}; a smaller learning_rate or gradient_clip 1 may help. {error.Message}", error);

    private long NextBatch(long time)
    {
        _replay.Sample(_batch, _batch.Capacity, Config.Run.Seed, _sampleCalls++);
        time = Charge(TimedPart.Replay, time);
        LastDiagnostics = _relabeler.Relabel(_batch, _replay).Diagnostics;
        return Charge(TimedPart.Relabel, time);
    }

    // The same on the device. For a learner on the host the batch comes down once, relabeled.
    private long NextBatch(ReplayMirror mirror, long time)
    {
        DeviceBatch batch = mirror.Sample(_batch.Capacity, Config.Run.Seed, _sampleCalls++);
        time = Charge(TimedPart.Replay, time);
        LastDiagnostics = _relabeler.Relabel(batch, _replay).Diagnostics;
        time = Charge(TimedPart.Relabel, time);
        if (_learner.BatchDevice is DeviceRuntime device && ReferenceEquals(device, _session.Runtime))
        {
            _resident = batch;
            return time;
        }

        mirror.Download(batch, _batch);
        return Charge(TimedPart.Replay, time);
    }

    private static DeviceRuntime RequireDevice(ComputeSession session) => session.Runtime ?? throw new ArgumentException(
        $"replay (--replay) is 'device', but the backend '{session.Backend.Name}' (--backend) computes on the processor; expected cuda or ilgpu.");

    private void ActAtRandom()
    {
        int width = _environment.Shape.ActionDimension;
        for (int copy = 0; copy < _environment.Count; copy++)
        {
            Span<float> action = _action.Slice((long)copy * width, width);
            for (int i = 0; i < width; i++)
            {
                PhiloxBlock block = Philox.Next((uint)copy, (uint)i / 4, _vectorSteps, (uint)RandomPurpose.BehaviorAction, Config.Run.Seed);
                action[i] = (2f * Philox.ToUniform(block[i])) - 1f;
            }
        }
    }

    private void AddMeans(in SacLosses losses)
    {
        _means.Add((int)MetricColumn.CriticLoss, losses.CriticLoss);
        _means.Add((int)MetricColumn.ActorLoss, losses.ActorLoss);
        _means.Add((int)MetricColumn.AlphaLoss, losses.AlphaLoss);
        _means.Add((int)MetricColumn.Alpha, losses.Alpha);
        _means.Add((int)MetricColumn.MeanQ, losses.MeanQ);
        _means.Add((int)MetricColumn.PolicyEntropy, losses.Entropy);
    }

    private void AddMeans(in RelabelDiagnostics diagnostics)
    {
        _means.Add((int)MetricColumn.PosteriorEntropy, diagnostics.PosteriorEntropy);
        _means.Add((int)MetricColumn.EffectiveTasks, diagnostics.EffectiveTasks);
        _means.Add((int)MetricColumn.CommandedIsMode, diagnostics.CommandedIsMode);
        _means.Add((int)MetricColumn.KlFromCommanded, diagnostics.KlFromCommanded);
        _means.Add((int)MetricColumn.LogPartitionMin, diagnostics.LogPartitionMin);
        _means.Add((int)MetricColumn.LogPartitionMax, diagnostics.LogPartitionMax);
        _means.Add((int)MetricColumn.RelabeledShare, diagnostics.RelabeledShare);
        _means.Add((int)MetricColumn.TerminatedShare, diagnostics.TerminatedShare);
    }

    private long Charge(TimedPart part, long since)
    {
        long now = Stopwatch.GetTimestamp();
        _ticks[(int)part] += now - since;
        return now;
    }
}
