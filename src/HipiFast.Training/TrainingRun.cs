using System.Diagnostics;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Memory;
using HipiFast.Learning;
using HipiFast.Options;
using HipiFast.Storage;

namespace HipiFast.Training;

/// <summary>
/// A <see cref="Trainer"/> with its run directory: logs, curve, checkpoints, and continuing after a stop or a crash.
/// </summary>
/// <remarks>
/// A checkpoint is one file that replaces the one before by a rename, so a process killed at any moment leaves a whole
/// one. It holds the metric rows too; a continued run writes <c>metrics.csv</c> anew from them and ends with the same
/// bytes as a run that was never stopped.
/// </remarks>
public sealed class TrainingRun : IDisposable
{
    private const string FormatKey = "format";
    private const string FormatName = "hipifast checkpoint 1";

    private static readonly string[] s_mayChange = ["steps", "threads", "checkpoint_every", "checkpoint_seconds"];

    private readonly DirectoryLock _held;
    private readonly Trainer _trainer;
    private readonly RunLogs _logs;
    private readonly double[] _row = new double[Enum.GetValues<MetricColumn>().Length];
    private readonly double[] _timingRow = new double[Enum.GetValues<TimingColumn>().Length];
    private readonly double[] _partSeconds = new double[Enum.GetValues<TimedPart>().Length];
    private readonly Stopwatch _watch = new();
    private UseGuard _use;
    private double _secondsBefore;
    private double _rowSeconds;
    private long _rowEnvSteps;
    private long _rowGradientSteps;
    private long _checkpointSteps;
    private double _checkpointSeconds;

    private TrainingRun(RunDirectory directory, Trainer trainer, DirectoryLock held)
    {
        Directory = directory;
        _held = held;
        _trainer = trainer;
        _logs = new RunLogs(directory, trainer.Config);
    }

    /// <summary>The run's files.</summary>
    public RunDirectory Directory { get; }

    /// <summary>The configuration.</summary>
    public TrainingConfig Config => _trainer.Config;

    /// <summary>What relabeling will cost.</summary>
    public CostForecast Forecast => _trainer.Forecast;

    /// <summary>The backend that computes.</summary>
    public KernelBackend Backend => _trainer.Backend;

    /// <summary>Whether all steps are done.</summary>
    public bool IsFinished => _trainer.IsFinished;

    /// <summary>The rows of <c>metrics.csv</c> so far, columns as in <see cref="MetricColumn"/>.</summary>
    public MetricsLog Metrics => _logs.Metrics;

    /// <summary>Environment steps done.</summary>
    public long EnvSteps => _trainer.EnvSteps;

    /// <summary>Begins a run in a directory that <see cref="RunDirectory.Create"/> made.</summary>
    /// <param name="directory">The directory.</param>
    /// <param name="config">The configuration.</param>
    /// <param name="held">
    /// What <see cref="RunDirectory.Hold"/> gave, to be kept and disposed by the run; when null, the run takes hold of
    /// its directory itself.
    /// </param>
    /// <returns>The run.</returns>
    /// <exception cref="DirectoryInUseException">Another run holds the directory.</exception>
    public static TrainingRun Start(RunDirectory directory, TrainingConfig config, DirectoryLock? held = null) =>
        Open(
            directory ?? throw new ArgumentNullException(nameof(directory)), held, () => new Trainer(config),
            run => run._logs.Begin(continues: false));

    /// <summary>The same with a trainer that is there already.</summary>
    /// <param name="directory">The directory.</param>
    /// <param name="trainer">
    /// A trainer that has not been stepped; the run disposes it, as it does where it cannot begin.
    /// </param>
    /// <param name="held">As for the other overload.</param>
    /// <returns>The run.</returns>
    /// <exception cref="DirectoryInUseException">Another run holds the directory.</exception>
    public static TrainingRun Start(RunDirectory directory, Trainer trainer, DirectoryLock? held = null)
    {
        ArgumentNullException.ThrowIfNull(directory);
        ArgumentNullException.ThrowIfNull(trainer);
        try
        {
            return Open(directory, held, () => trainer, run => run._logs.Begin(continues: false));
        }
        catch
        {
            trainer.Dispose();
            throw;
        }
    }

    /// <summary>The configuration with which <see cref="Resume"/> would continue; changes nothing.</summary>
    /// <param name="directory">The run directory.</param>
    /// <param name="changes">Keys to change, as for <see cref="Resume"/>.</param>
    /// <returns>The configuration.</returns>
    /// <exception cref="ArgumentException">
    /// A key that decides what is computed would change, or <c>steps</c> would fall below those done.
    /// </exception>
    /// <exception cref="InvalidDataException">The configuration or the checkpoint is damaged.</exception>
    public static TrainingConfig ReadConfig(RunDirectory directory, OptionLayer<TrainingConfig>? changes)
    {
        ArgumentNullException.ThrowIfNull(directory);
        TrainingConfig stored = directory.ReadConfig(changes);
        if (changes is null)
        {
            return stored;
        }

        TrainingConfig config = changes.Apply(stored);
        config.Validate();
        RequireSame(stored, config, (key, was, now) => new ArgumentException(
            $"{key.OptionName} is '{now}', but the run in {directory.Path} was begun with '{was}'; on --resume only "
            + $"{string.Join(", ", s_mayChange.Select(name => "--" + name.Replace('_', '-')))} may change."));
        if (config.Run.Steps < stored.Run.Steps && File.Exists(directory.Checkpoint))
        {
            using SafetensorsFile file = SafetensorsFile.Open(directory.Checkpoint);
            long done = Trainer.EnvStepsIn(file);
            if (config.Run.Steps < done)
            {
                throw new ArgumentException(
                    $"--steps is {config.Run.Steps}, but the run in {directory.Path} has done {done} already; expected "
                    + $"{done} or more.");
            }
        }

        return config;
    }

    /// <summary>Continues a run from its last checkpoint, or from its beginning when it has none yet.</summary>
    /// <param name="directory">The run directory.</param>
    /// <param name="changes">Keys to change (<c>steps</c>, <c>threads</c>, <c>checkpoint_every</c>,
    /// <c>checkpoint_seconds</c>); null for none.</param>
    /// <param name="allowOtherVariant">
    /// Whether another backend may go on where the one that the checkpoint was computed with cannot run here
    /// (<see cref="RunVariant"/>).
    /// </param>
    /// <param name="held">As for <see cref="Start(RunDirectory, TrainingConfig, DirectoryLock)"/>.</param>
    /// <returns>The run; <see cref="IsFinished"/> when nothing is left to do.</returns>
    /// <exception cref="ArgumentException">
    /// A key that decides what is computed would change, or <c>steps</c> would fall below those done.
    /// </exception>
    /// <exception cref="InvalidDataException">
    /// The configuration or the checkpoint is damaged, or one does not belong to the other.
    /// </exception>
    /// <exception cref="NotSupportedException">
    /// What computed the run cannot run here, and no other variant is allowed.
    /// </exception>
    /// <exception cref="DirectoryInUseException">Another run holds the directory.</exception>
    public static TrainingRun Resume(
        RunDirectory directory,
        OptionLayer<TrainingConfig>? changes = null,
        bool allowOtherVariant = false,
        DirectoryLock? held = null)
    {
        ArgumentNullException.ThrowIfNull(directory);
        TrainingConfig? stored = null, config = null;
        return Open(directory, held, Make, run =>
        {
            System.IO.Directory.CreateDirectory(directory.CheckpointFolder);
            AtomicFile.DeleteLeftovers(directory.Path);
            AtomicFile.DeleteLeftovers(directory.CheckpointFolder);
            bool continues = File.Exists(directory.Checkpoint);
            if (continues)
            {
                run.LoadCheckpoint();
            }

            if (config != stored)
            {
                if (continues)
                {
                    // The checkpoint vouches for config.json: it learns of the change first, and still knows the file
                    // as it is until it is replaced.
                    run.SaveCheckpoint(stored);
                }

                directory.WriteConfig(config!);
            }

            run._logs.Begin(continues: true);
        });

        Trainer Make()
        {
            stored = directory.ReadConfig(changes);
            config = ReadConfig(directory, changes);
            return new Trainer(config, RunVariant.Choose(directory, config, allowOtherVariant, out _));
        }
    }

    // The directory is held before anything in it is read. Whatever fails on the way, the trainer and what is held are
    // let go.
    private static TrainingRun Open(
        RunDirectory directory, DirectoryLock? held, Func<Trainer> make, Action<TrainingRun> begin)
    {
        Trainer? trainer = null;
        TrainingRun? run = null;
        try
        {
            held ??= directory.Hold();
            trainer = make();
            run = new TrainingRun(directory, trainer, held);
            begin(run);
            return run;
        }
        catch
        {
            run?._logs.Dispose();
            trainer?.Dispose();
            held?.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Trains until all steps are done, or until asked to stop; then, and every so often, writes a checkpoint.
    /// </summary>
    /// <param name="observer">Hears of progress, or null.</param>
    /// <param name="stop">Asks to stop.</param>
    /// <returns>True when all steps are done; false when it stopped before, ready to be resumed.</returns>
    public bool Run(ITrainingObserver? observer = null, CancellationToken stop = default)
    {
        using UseGuard.Scope use = _use.Enter(this);
        _watch.Start();
        double sessionStart = Seconds, reported = Seconds,
            progressSeconds = observer?.ProgressInterval.TotalSeconds ?? 0;
        long firstEnvSteps = EnvSteps, firstGradientSteps = _trainer.GradientSteps;
        bool worked = !IsFinished;
        _checkpointSteps = EnvSteps;
        _checkpointSeconds = Seconds;
        while (!IsFinished)
        {
            if (stop.IsCancellationRequested)
            {
                SaveCheckpoint();
                _watch.Stop();
                return false;
            }

            if (_trainer.Step())
            {
                Evaluate();
                observer?.Evaluated(_row);
            }

            double now = Seconds;
            if ((Config.Run.CheckpointEvery > 0 && EnvSteps - _checkpointSteps >= Config.Run.CheckpointEvery)
                || (Config.Run.CheckpointSeconds > 0 && now - _checkpointSeconds >= Config.Run.CheckpointSeconds))
            {
                SaveCheckpoint();
            }

            if (observer is not null && (now - reported >= progressSeconds || IsFinished))
            {
                reported = now;
                double elapsed = now - sessionStart, rate = (EnvSteps - firstEnvSteps) / elapsed;
                double updateRate = (_trainer.GradientSteps - firstGradientSteps) / elapsed, remaining = (
                    Config.Run.Steps - EnvSteps) / rate;
                observer.Progress(new TrainingProgress(
                    EnvSteps, Config.Run.Steps, _trainer.GradientSteps, now, rate, updateRate, remaining));
            }
        }

        if (worked)
        {
            SaveCheckpoint();
        }

        _watch.Stop();
        return true;
    }

    /// <summary>
    /// Closes the logs, frees the trainer and lets go of the directory; <see cref="Metrics"/> stays. A second call does
    /// nothing.
    /// </summary>
    /// <exception cref="InvalidOperationException">The run is under way.</exception>
    public void Dispose()
    {
        if (!_use.Close(this))
        {
            return;
        }

        _logs.Dispose();
        _trainer.Dispose();
        _held.Dispose();
    }

    /// <summary>Seconds of training so far, over all sessions of the run.</summary>
    public double Seconds => _secondsBefore + _watch.Elapsed.TotalSeconds;

    private static void RequireSame(
        TrainingConfig one, TrainingConfig other, Func<OptionKey<TrainingConfig>, string, string, Exception> error)
    {
        foreach (OptionKey<TrainingConfig> key in OptionKeys<TrainingConfig>.All)
        {
            if (!s_mayChange.Contains(key.Name) && !Equals(key.Get(one), key.Get(other)))
            {
                throw error(key, key.Format(one), key.Format(other));
            }
        }
    }

    private static TimingColumn ShareOf(TimedPart part) => part switch
    {
        TimedPart.Environment => TimingColumn.EnvironmentShare,
        TimedPart.Replay => TimingColumn.ReplayShare,
        TimedPart.Relabel => TimingColumn.RelabelShare,
        TimedPart.Update => TimingColumn.UpdateShare,
        TimedPart.Evaluation => TimingColumn.EvalShare,
        _ => throw new ArgumentOutOfRangeException(nameof(part), part, "Expected a part of a run."),
    };

    private void Evaluate()
    {
        _trainer.Evaluate(_row);
        double now = Seconds, elapsed = now - _rowSeconds;
        _timingRow[(int)TimingColumn.EnvSteps] = EnvSteps;
        _timingRow[(int)TimingColumn.Seconds] = now;
        _timingRow[(int)TimingColumn.EnvStepsPerSecond] = (EnvSteps - _rowEnvSteps) / elapsed;
        _timingRow[(int)TimingColumn.UpdatesPerSecond] = (_trainer.GradientSteps - _rowGradientSteps) / elapsed;
        foreach (TimedPart part in Enum.GetValues<TimedPart>())
        {
            double seconds = _trainer.SecondsIn(part);
            _timingRow[(int)ShareOf(part)] = (seconds - _partSeconds[(int)part]) / elapsed;
            _partSeconds[(int)part] = seconds;
        }

        _rowSeconds = now;
        _rowEnvSteps = EnvSteps;
        _rowGradientSteps = _trainer.GradientSteps;
        _logs.Add(_row, _timingRow);
    }

    private void SaveCheckpoint(TrainingConfig? before = null)
    {
        SafetensorsWriter writer = new();
        writer.Metadata[FormatKey] = FormatName;
        writer.Metadata[RunDirectory.CheckpointConfigKey] = OptionKeys<TrainingConfig>.ToJson(Config);
        if (before is not null)
        {
            writer.Metadata[RunDirectory.CheckpointConfigBeforeKey] = OptionKeys<TrainingConfig>.ToJson(before);
        }

        writer.Metadata[RunDirectory.CheckpointMetricsKey] = RunDirectory.SealOf(_logs.Metrics, _logs.Metrics.Count);
        RunVariant.Of(Backend).AddTo(writer);
        _trainer.SaveState(writer);
        _logs.SaveState(writer);
        double[] seconds = [Seconds];
        writer.Add<double>("run.seconds", seconds, 1);

        // The checkpoint last: a run counts as finished by it alone, and then has its agent.
        _trainer.SaveAgent(Directory.Agent);
        writer.Save(Directory.Checkpoint);
        _checkpointSteps = EnvSteps;
        _checkpointSeconds = Seconds;
    }

    private void LoadCheckpoint()
    {
        using SafetensorsFile file = SafetensorsFile.Open(Directory.Checkpoint);
        if (file.Metadata.GetValueOrDefault(FormatKey) != FormatName || !file.Metadata.TryGetValue(
            RunDirectory.CheckpointConfigKey, out string? json))
        {
            throw new InvalidDataException(
                $"{file.Path} is not a checkpoint that this version wrote: its metadata lacks \"{FormatKey}\": "
                + $"\"{FormatName}\".");
        }

        TrainingConfig made = RunDirectory.FromJson(json, $" in the metadata of {file.Path}");
        RequireSame(made, Config, (key, was, now) => new InvalidDataException(
            $"{file.Path} was made with {key.Name} = {was}, but {Directory.Config} says {now}; expected them equal."));
        _trainer.LoadState(file);
        _logs.LoadState(file);
        double[] seconds = new double[1];
        file.Require("run.seconds", TensorType.Float64, 1);
        file.ReadFinite<double>("run.seconds", seconds);
        _secondsBefore = _rowSeconds = seconds[0];
        _rowEnvSteps = EnvSteps;
        _rowGradientSteps = _trainer.GradientSteps;
    }
}
