using HipiFast.Training;

namespace HipiFast.Hostile.Tests;

/// <summary>
/// A training run of a fraction of a second that was stopped in the middle, with every file that a run writes.
/// </summary>
internal static class ShortRun
{
    /// <summary>Its configuration.</summary>
    public static TrainingConfig Config { get; } = new()
    {
        Environment = "nav2d",
        EnvironmentSettings = new() { EpisodeLimit = 20 },
        Run = new()
        {
            Seed = 3, Steps = 240, InitialRandomSteps = 40, EvalEvery = 60, EvalEpisodes = 2, CheckpointSeconds = 0,
            ReplayCapacity = 400,
        },
        Compute = new() { Threads = 1 },
        Learner = new() { Batch = 4, Hidden = 4 },
        Pool = 3,
    };

    /// <summary>Trains until the middle, saves, and stops.</summary>
    public static void Stop(RunDirectory directory)
    {
        RunDirectory.Create(directory.Path, [Config], folders: false);
        using TrainingRun run = TrainingRun.Start(directory, Config);
        using Halfway halfway = new();
        Assert.False(run.Run(halfway, halfway.Token));
    }

    /// <summary>Continues it to its end.</summary>
    /// <returns>The bytes of <c>metrics.csv</c>.</returns>
    public static string Finish(RunDirectory directory)
    {
        using TrainingRun run = TrainingRun.Resume(directory);
        Assert.True(run.Run());
        return File.ReadAllText(directory.Metrics);
    }

    /// <summary>Copies a directory with everything in it.</summary>
    public static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string path in Directory.EnumerateFileSystemEntries(from))
        {
            string target = Path.Combine(to, Path.GetFileName(path));
            if (Directory.Exists(path))
            {
                Copy(path, target);
            }
            else
            {
                File.Copy(path, target);
            }
        }
    }

    private sealed class Halfway : ITrainingObserver, IDisposable
    {
        private readonly CancellationTokenSource _source = new();

        public CancellationToken Token => _source.Token;

        public TimeSpan ProgressInterval => TimeSpan.Zero;

        public void Progress(in TrainingProgress progress)
        {
            if (progress.EnvSteps == 2 * progress.TotalSteps / 3)
            {
                _source.Cancel();
            }
        }

        public void Evaluated(ReadOnlySpan<double> row)
        {
        }

        public void Dispose() => _source.Dispose();
    }
}
