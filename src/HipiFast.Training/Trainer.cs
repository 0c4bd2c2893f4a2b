using System.Diagnostics;
using HipiFast.Environments;
using HipiFast.Kernels.Backends;
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
/// HIPI-RL (the paper's Algorithm 2): collects experience, relabels what it replays, and trains SAC on it. Knows
/// nothing of files but what a checkpoint must hold; <see cref="TrainingRun"/> keeps the run directory.
/// </summary>
/// <remarks>
/// All randomness is counter-based in the seed, so the same configuration gives the same bits for any thread count, and
/// a trainer restored by <see cref="LoadState"/> continues as the one that was saved would have. Between evaluations a
/// step allocates nothing. One thread at a time: a second is refused with an <see cref="InvalidOperationException"/>.
/// </remarks>
public sealed class Trainer : IDisposable
{
    private const string Prefix = "trainer.";

    private readonly VectorEnvironment _environment;
    private readonly Evaluator _evaluator;
    private readonly IReplay _replay;
    private readonly ComputeSession _session;
    private readonly AgentNetworks _networks;
    private readonly ISacLearner _learner;
    private readonly Relabeler _relabeler;
    private readonly ITransitionBatch _batch;

    // The vector step that is being taken.
    private readonly TransitionBatch _step;
    private readonly RunningMeans _means = new(Enum.GetValues<MetricColumn>().Length);
    private readonly long[] _ticks = new long[Enum.GetValues<TimedPart>().Length];
    private UseGuard _use;
    private TrainerCounters _counters;

    // The minibatches in hand: _batch, or those that came with a checkpoint.
    private ITransitionBatch _pool;

    /// <summary>Builds environment, networks, replay buffer and relabeler; nothing has been stepped yet.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="backend">
    /// What computes, for a run that goes on with the backend it was begun with; null for the configuration's.
    /// </param>
    /// <exception cref="ArgumentException">A name or value in it is wrong.</exception>
    /// <exception cref="NotSupportedException">The backend or learner cannot run here.</exception>
    public Trainer(TrainingConfig config, KernelBackend? backend = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        Config = config;
        RequireCandidates(config);
        LearnerFactory learner = LearnerRegistry.Resolve(config.Learner.Name);
        backend ??= config.Compute.ResolveBackend();
        try
        {
            _environment = EnvironmentRegistry.Create(
                config.Environment, config.EnvironmentCopies, config.EnvironmentSettings);
            TransitionShape shape = _environment.Shape;
            _evaluator = new Evaluator(
                EnvironmentRegistry.Create(config.Environment, config.Run.EvalEpisodes, config.EnvironmentSettings));
            _networks = new AgentNetworks(shape, config.Learner.Hidden, config.Learner.Critics == 2)
            {
                CriticRange = new(config.Learner.CriticLow, config.Learner.CriticHigh),
            };
            _networks.Initialize(config.Run.Seed);
            _session = backend.CreateSession(new SessionOptions(config.Compute.Threads, config.Compute.Device));
            _learner = learner(config, _networks, _session);
            _relabeler = new Relabeler(
                _session, _environment.Family, _networks, config.Relabeling, _environment.TaskDistribution);
            if (!_environment.FixedTasks.IsEmpty)
            {
                _relabeler.SetFixedCandidates(_environment.FixedTasks);
            }

            _replay = ReplayFactory.Create(config, shape, _session);
            _batch = _pool = _replay.CreateBatch(config.Learner.Batch * config.Pool);
            _step = new TransitionBatch(shape, _environment.Count) { Count = _environment.Count };
            _counters.Minibatch = config.Pool;
            _environment.Reset(config.Run.Seed);
        }
        catch
        {
            Release();
            throw;
        }
    }

    /// <summary>The configuration.</summary>
    public TrainingConfig Config { get; }

    /// <summary>The backend that computes.</summary>
    public KernelBackend Backend => _session.Backend;

    /// <summary>The networks in training.</summary>
    public AgentNetworks Networks
    {
        get
        {
            _use.ThrowIfDisposed(this);
            return _learner.Networks;
        }
    }

    /// <summary>The minibatches of the last relabel call, for tests.</summary>
    internal TransitionBatch Batch => _pool.ToHost();

    /// <summary>Environment steps so far, over all copies.</summary>
    public long EnvSteps => _counters.EnvSteps;

    /// <summary>Gradient steps so far.</summary>
    public long GradientSteps => _learner.UpdateCount;

    /// <summary>Whether all steps are done.</summary>
    public bool IsFinished => EnvSteps >= Config.Run.Steps;

    /// <summary>What relabeling will cost.</summary>
    public CostForecast Forecast => CostForecast.Of(
        Config, _environment.Shape, _environment.FixedTasks.Length / _environment.Shape.TaskDimension);

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
        using UseGuard.Scope use = _use.Enter(this);
        long time = Stopwatch.GetTimestamp();
        int copies = _environment.Count;
        _environment.Observation.CopyTo(_step.Observation);
        _environment.Task.CopyTo(_step.Task);
        if (EnvSteps < Config.Run.InitialRandomSteps)
        {
            ActAtRandom();
        }
        else
        {
            _learner.Act(
                _step.Observation, _step.Task, copies, deterministic: false, Config.Run.Seed,
                (uint)_counters.VectorSteps, _step.Action);
        }

        _environment.Step(_step.Action, out StepResult result);
        time = Charge(TimedPart.Environment, time);
        result.NextObservation.CopyTo(_step.NextObservation);
        result.Reward.CopyTo(_step.Reward);
        result.Terminated.CopyTo(_step.Terminated);
        try
        {
            _replay.Append(_step, result.Truncated);
        }
        catch (InvalidDataException error) when (GradientSteps > 0)
        {
            throw Diverged(error);
        }

        time = Charge(TimedPart.Replay, time);
        for (int copy = 0; copy < copies; copy++)
        {
            if (result.Terminated[copy] != 0 || result.Truncated[copy] != 0)
            {
                _counters.TrainEpisodes++;
                _means.Add((int)MetricColumn.TrainSuccessRate, result.Terminated[copy]);
            }
        }

        long before = EnvSteps;
        _counters.EnvSteps += copies;
        _counters.VectorSteps++;
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
        using UseGuard.Scope use = _use.Enter(this);
        long time = Stopwatch.GetTimestamp();
        ulong seed = Evaluator.DeriveSeed(Config.Run.Seed, (uint)_counters.Evaluations++);
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
        row[(int)MetricColumn.TrainEpisodes] = _counters.TrainEpisodes;
        _means.Clear();
        Charge(TimedPart.Evaluation, time);
    }

    /// <summary>
    /// Adds everything needed to continue exactly to a checkpoint: networks, optimiser, replay, environment, counters,
    /// and the minibatches in hand.
    /// </summary>
    /// <param name="writer">The checkpoint.</param>
    public void SaveState(SafetensorsWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        using UseGuard.Scope use = _use.Enter(this);
        _learner.SaveState(writer, "learner.");
        _replay.SaveState(writer, "replay.");
        _environment.SaveState(writer, "environment.");
        (_counters with { RelabelCalls = _relabeler.Call }).SaveState(writer, Prefix + "counters");
        _relabeler.SaveState(writer, "relabeler.");
        writer.Add<double>(Prefix + "means", _means.State, _means.State.Length);
        if (_counters.Minibatch < Config.Pool)
        {
            _pool.ToHost().SaveState(writer, Prefix + "pool.");
        }
    }

    /// <summary>Writes the agent as it is now, atomically.</summary>
    /// <param name="path">File to make or replace.</param>
    /// <exception cref="IOException">The path cannot be written.</exception>
    public void SaveAgent(string path)
    {
        using UseGuard.Scope use = _use.Enter(this);
        _learner.SaveAgent(path);
    }

    /// <summary>The environment steps that a checkpoint holds.</summary>
    internal static long EnvStepsIn(SafetensorsFile file) =>
        TrainerCounters.LoadState(file, Prefix + "counters").EnvSteps;

    /// <summary>Restores what <see cref="SaveState"/> wrote, in a trainer of the same configuration.</summary>
    /// <param name="file">The checkpoint.</param>
    /// <exception cref="InvalidDataException">Something is missing, has another shape, or cannot be.</exception>
    public void LoadState(SafetensorsFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        using UseGuard.Scope use = _use.Enter(this);
        _learner.LoadState(file, "learner.");
        _replay.LoadState(file, "replay.");
        _environment.LoadState(file, "environment.");
        TrainerCounters counters = TrainerCounters.LoadState(file, Prefix + "counters");
        CheckCounters(file, counters);
        _counters = counters;
        _relabeler.Call = (uint)counters.RelabelCalls;
        _relabeler.LoadState(file, "relabeler.", _replay);
        file.Require(Prefix + "means", TensorType.Float64, _means.State.Length);
        file.ReadFinite<double>(Prefix + "means", _means.State);
        if (counters.Minibatch < Config.Pool)
        {
            int rows = Config.Learner.Batch * Config.Pool;
            TransitionBatch pool = new(_environment.Shape, rows);
            SetPool(pool);
            pool.LoadState(file, Prefix + "pool.", rows);
        }
    }

    // What the counters of a run can be, from what else is known of it.
    private void CheckCounters(SafetensorsFile file, TrainerCounters counters)
    {
        int copies = _environment.Count;
        Check("environment steps", counters.EnvSteps, 0, Config.Run.Steps + copies - 1);
        Check("vector steps", counters.VectorSteps, counters.EnvSteps / copies, counters.EnvSteps / copies);
        Check("transitions in replay", _replay.Host.TotalCount, counters.EnvSteps, counters.EnvSteps);
        Check("gradient steps", GradientSteps, 0, counters.EnvSteps * Config.Run.GradientSteps);
        Check("samples drawn", counters.SampleCalls, 0, GradientSteps);
        Check("evaluations", counters.Evaluations, 0, counters.VectorSteps);
        Check("episodes", counters.TrainEpisodes, 0, counters.EnvSteps);
        Check("minibatches used", counters.Minibatch, 0, Config.Pool);
        Check("relabel calls", counters.RelabelCalls, 0, GradientSteps);

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

    /// <summary>Gives everything back; a second call does nothing.</summary>
    /// <exception cref="InvalidOperationException">A step or an evaluation is under way.</exception>
    public void Dispose()
    {
        if (!_use.Close(this))
        {
            return;
        }

        SetPool(_batch);
        Release();
    }

    // What there is: a trainer may fail while it is made.
    private void Release()
    {
        _relabeler?.Dispose();
        _learner?.Dispose();
        _networks?.Dispose();
        _batch?.Dispose();
        _replay?.Dispose();
        _session?.Dispose();
        _evaluator?.Dispose();
        _environment?.Dispose();
        _step?.Dispose();
    }

    private static void RequireCandidates(TrainingConfig config)
    {
        if (!EnvironmentRegistry.TraitsOf(config.Environment).HasFixedTasks && config.Relabeling is
            {
                Strategy: RelabelStrategy.InverseRl, Assignment: Assignment.Row, Candidates: CandidateSource.Fixed,
            })
        {
            throw new ArgumentException(
                $"candidates (--candidates) is 'fixed', but {config.Environment} has no fixed set of tasks; expected "
                + "commanded, reached or both.");
        }
    }

    private long Update(long time)
    {
        try
        {
            if (_counters.Minibatch == Config.Pool)
            {
                time = NextBatch(time);
                AddMeans(LastDiagnostics);
                _counters.Minibatch = 0;
            }

            LastLosses = _learner.Update(_pool, (int)_counters.Minibatch * Config.Learner.Batch, Config.Learner.Batch);
            _counters.Minibatch++;
        }
        catch (InvalidDataException error)
        {
            throw Diverged(error);
        }

        AddMeans(LastLosses);
        return Charge(TimedPart.Update, time);
    }

    // What the replay, the relabeler and the learner call bad data is, in here, of the run's own making.
    private TrainingDivergedException Diverged(InvalidDataException error) => new(
        $"Training diverged at gradient step {GradientSteps}; a smaller learning_rate or gradient_clip 1 may help. "
        + $"{error.Message}",
        error);

    private long NextBatch(long time)
    {
        SetPool(_batch);
        _replay.Sample(_batch, Config.Learner.Batch * Config.Pool, Config.Run.Seed, (uint)_counters.SampleCalls++);
        time = Charge(TimedPart.Replay, time);
        LastDiagnostics = _relabeler.Relabel(_batch, _replay).Diagnostics;
        return Charge(TimedPart.Relabel, time);
    }

    private void SetPool(ITransitionBatch pool)
    {
        if (_pool != _batch)
        {
            _pool.Dispose();
        }

        _pool = pool;
    }

    private void ActAtRandom()
    {
        int width = _environment.Shape.ActionDimension;
        for (int copy = 0; copy < _environment.Count; copy++)
        {
            Span<float> action = _step.Action.Slice(copy * width, width);
            for (int i = 0; i < width; i++)
            {
                PhiloxBlock block = Philox.Next(
                    (uint)copy, (uint)i / 4, (uint)_counters.VectorSteps, (uint)RandomPurpose.BehaviorAction,
                    Config.Run.Seed);
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
