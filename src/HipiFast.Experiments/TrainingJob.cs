using HipiFast.Options;
using HipiFast.Storage;
using HipiFast.Training;

namespace HipiFast.Experiments;

/// <summary>A training run as a job that continues where it stopped.</summary>
internal static class TrainingJob
{
    /// <summary>Whether a run has done all its steps.</summary>
    /// <param name="directory">The run.</param>
    /// <param name="config">What it should be.</param>
    /// <returns>False when it has not begun or not ended.</returns>
    /// <exception cref="ArgumentException">The directory holds a run of other settings.</exception>
    public static bool IsFinished(RunDirectory directory, TrainingConfig config)
    {
        if (!File.Exists(directory.Config))
        {
            return false;
        }

        RequireSame(directory, config);
        if (!File.Exists(directory.Checkpoint))
        {
            return false;
        }

        using SafetensorsFile file = SafetensorsFile.Open(directory.Checkpoint);
        return Trainer.EnvStepsIn(file) >= config.Run.Steps;
    }

    /// <summary>Makes the job of a run.</summary>
    /// <param name="label">What is shown while it runs.</param>
    /// <param name="directory">The run.</param>
    /// <param name="config">Its configuration.</param>
    /// <returns>The job.</returns>
    public static ExperimentJob Create(string label, RunDirectory directory, TrainingConfig config) =>
        new(label, (progress, stop) =>
    {
        if (!File.Exists(directory.Config))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(directory.Path))!);
            RunDirectory.Create(directory.Path, [config], folders: false);
        }

        using TrainingRun run = File.Exists(directory.Checkpoint)
            ? TrainingRun.Resume(directory)
            : TrainingRun.Start(directory, config);
        run.Run(new ProgressObserver(progress), stop);
    });

    private static void RequireSame(RunDirectory directory, TrainingConfig config)
    {
        TrainingConfig found = directory.ReadConfig();
        OptionKey<TrainingConfig>? other = OptionKeys<TrainingConfig>.All
            .FirstOrDefault(key => !Equals(key.Get(found), key.Get(config)));
        if (other is not null)
        {
            throw new ArgumentException(
                $"{directory.Path} holds a run with {other.Name} = {other.Format(found)}, where this figure needs "
                + $"{other.Format(config)}; "
                + "choose another directory with --out, or remove it.");
        }
    }

    private sealed class ProgressObserver(Action<double> progress) : ITrainingObserver
    {
        public TimeSpan ProgressInterval => TimeSpan.FromSeconds(0.5);

        public void Progress(in TrainingProgress latest) => progress((double)latest.EnvSteps / latest.TotalSteps);

        public void Evaluated(ReadOnlySpan<double> row)
        {
        }
    }
}
