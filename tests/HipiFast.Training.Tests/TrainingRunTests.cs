using HipiFast.Kernels.Random;
using HipiFast.Options;
using HipiFast.Relabeling;
using HipiFast.Storage;
using HipiFast.Testing;
using HipiFast.Training;

namespace HipiFast.Training.Tests;

public class TrainingRunTests
{
    // Small enough for a fraction of a second, and large enough to evaluate four times and to relabel in pools that
    // straddle steps and checkpoints.
    private static readonly TrainingConfig s_tiny = new()
    {
        Environment = "nav2d",
        EnvironmentSettings = new() { EpisodeLimit = 20 },
        Run = new()
        {
            Seed = 7, Steps = 400, InitialRandomSteps = 50, EvalEvery = 100, EvalEpisodes = 4, CheckpointSeconds = 0,
        },
        Compute = new() { Threads = 1 },
        Learner = new() { Batch = 8, Hidden = 8 },
        Relabeling = new() { Candidates = CandidateSource.Both, RelabelFraction = 0.8f, GoalMix = 0.5f },
        Pool = 3,
    };

    public static TheoryData<RelabelStrategy, Assignment, int> Variants => new()
    {
        { RelabelStrategy.InverseRl, Assignment.Row, 1 },
        { RelabelStrategy.InverseRl, Assignment.Task, 1 },
        { RelabelStrategy.InverseRl, Assignment.Row, 4 },
        { RelabelStrategy.Future, Assignment.Row, 1 },
        { RelabelStrategy.None, Assignment.Row, 1 },
    };

    [Theory]
    [MemberData(nameof(Variants))]
    public void SameSeedGivesSameBytesForAnyThreadCount(RelabelStrategy strategy, Assignment assign, int copies)
    {
        TrainingConfig config = Variant(strategy, assign, copies);
        string once = RunToEnd(config), again = RunToEnd(config), twoThreads = RunToEnd(
            config with { Compute = new() { Threads = 2 } });
        Assert.Equal(once, again);
        Assert.Equal(once, twoThreads);
        Assert.NotEqual(once, RunToEnd(config with { Run = config.Run with { Seed = 8 } }));
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void StoppedAnywhereAndResumedGivesSameBytes(RelabelStrategy strategy, Assignment assign, int copies)
    {
        TrainingConfig config = Variant(strategy, assign, copies);
        string expected = RunToEnd(config);
        using TemporaryDirectory temporary = new();
        RunDirectory directory = new(temporary["run"]);
        RunDirectory.Create(directory.Path, [config], folders: false);
        long steps = 0;
        for (uint stop = 0; ; stop++)
        {
            // Stops after 1 to 64 vector steps, within the random steps, around evaluations and inside pools of
            // minibatches.
            int vectorSteps = 1 + (int)(Philox.Next(stop, 0, 0, (uint)RandomPurpose.SyntheticData, 3).X % 64);
            using TrainingRun run = stop == 0 ? TrainingRun.Start(directory, config) : TrainingRun.Resume(directory);
            Assert.Equal(steps, run.EnvSteps);
            using StopAfter stopper = new(vectorSteps);
            if (run.Run(stopper, stopper.Token))
            {
                break;
            }

            Assert.True(run.EnvSteps > steps);
            steps = run.EnvSteps;
        }

        Assert.Equal(expected, File.ReadAllText(directory.Metrics));
    }

    [Fact]
    public void APartitionKeptAcrossBatchesSurvivesAStop()
    {
        TrainingConfig config = s_tiny with
        {
            Environment = "nav2d-discrete",
            Relabeling = s_tiny.Relabeling with
            {
                Candidates = CandidateSource.Fixed, Partition = PartitionMode.Running, GoalMix = 0,
            },
        };
        string expected = RunToEnd(config);
        Assert.NotEqual(expected, RunToEnd(config with
        {
            Relabeling = config.Relabeling with { Partition = PartitionMode.Batch },
        }));
        using TemporaryDirectory temporary = new();
        RunDirectory directory = new(temporary["run"]);
        RunDirectory.Create(directory.Path, [config], folders: false);
        using (TrainingRun run = TrainingRun.Start(directory, config))
        using (StopAfter stopper = new(200))
        {
            Assert.False(run.Run(stopper, stopper.Token));
        }

        using (TrainingRun run = TrainingRun.Resume(directory))
        {
            Assert.True(run.Run());
        }

        Assert.Equal(expected, File.ReadAllText(directory.Metrics));
    }

    [Fact]
    public void MetricsHaveOneRowPerMark()
    {
        using TemporaryDirectory temporary = new();
        RunDirectory directory = new(temporary["run"]);
        RunDirectory.Create(directory.Path, [OfSteps(350)], folders: false);
        using TrainingRun run = TrainingRun.Start(directory, OfSteps(350));
        Assert.True(run.Run());
        MetricsLog metrics = MetricsLog.Load(directory.Metrics), timing = MetricsLog.Load(directory.Timing);
        Assert.Equal([100.0, 200, 300, 350], metrics.Column("env_steps"));
        Assert.Equal([100.0, 200, 300, 350], timing.Column("env_steps"));

        // Two gradient steps for every environment step after the random ones.
        Assert.Equal([100.0, 300, 500, 600], metrics.Column("gradient_steps"));
        Assert.All(metrics.Column("success_rate"), rate => Assert.InRange(rate, 0, 1));
        Assert.All(metrics.Column("episode_return"), value => Assert.InRange(value, -20, 0));
        Assert.All(metrics.Column("relabeled_share"), share => Assert.InRange(share, 0.5, 1));
        Assert.All(metrics.Column("posterior_entropy"), entropy => Assert.InRange(entropy, 0, Math.Log(48)));
        Assert.All(timing.Column("update_share"), share => Assert.InRange(share, 0, 1));
        Assert.True(File.Exists(directory.Curve));
        Assert.Single(Directory.GetFiles(directory.Path, "*tfevents*"));
    }

    [Fact]
    public void AFinishedRunSaysSoAndContinuesWithMoreSteps()
    {
        using TemporaryDirectory temporary = new();
        RunDirectory directory = new(temporary["run"]);
        string shorter = RunToEnd(OfSteps(200), directory);
        using (TrainingRun run = TrainingRun.Resume(directory))
        {
            Assert.True(run.IsFinished);
            Assert.True(run.Run());
        }

        Assert.Equal(shorter, File.ReadAllText(directory.Metrics));
        using (TrainingRun run = TrainingRun.Resume(directory, Change("steps", "400")))
        {
            Assert.False(run.IsFinished);
            Assert.True(run.Run());
        }

        Assert.Equal(RunToEnd(s_tiny), File.ReadAllText(directory.Metrics));
        Assert.Equal(400, directory.ReadConfig().Run.Steps);
    }

    [Fact]
    public void WhatDecidesTheNumbersCannotChangeOnResume()
    {
        using TemporaryDirectory temporary = new();
        RunDirectory directory = new(temporary["run"]);
        RunDirectory.Create(directory.Path, [s_tiny], folders: false);
        ArgumentException error = Assert.Throws<ArgumentException>(
            () => TrainingRun.Resume(directory, Change("gamma", "0.5")));
        Assert.Contains("--gamma is '0.5', but the run in", error.Message);
    }

    [Fact]
    public void ACheckpointOfAnotherConfigurationIsRefused()
    {
        using TemporaryDirectory temporary = new();
        RunDirectory directory = new(temporary["run"]);
        RunToEnd(OfSteps(100), directory);
        directory.WriteConfig(OfSteps(100) with { Learner = s_tiny.Learner with { Hidden = 9 } });
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => TrainingRun.Resume(directory));
        Assert.Contains("was made with hidden = 8", error.Message);
    }

    [Fact]
    public void ADamagedCheckpointIsRefused()
    {
        using TemporaryDirectory temporary = new();
        RunDirectory directory = new(temporary["run"]);
        RunToEnd(OfSteps(100), directory);
        byte[] whole = File.ReadAllBytes(directory.Checkpoint);
        foreach (int length in (int[])[0, 7, 100, whole.Length / 2, whole.Length - 1])
        {
            File.WriteAllBytes(directory.Checkpoint, whole[..length]);
            Assert.Throws<InvalidDataException>(() => TrainingRun.Resume(directory));
        }
    }

    [Fact]
    public void AnAgentOnItsOwnIsNoCheckpoint()
    {
        using TemporaryDirectory temporary = new();
        RunDirectory directory = new(temporary["run"]);
        RunToEnd(OfSteps(100), directory);
        File.Copy(directory.Agent, directory.Checkpoint, overwrite: true);
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => TrainingRun.Resume(directory));
        Assert.Contains("is not a checkpoint", error.Message);
    }

    [Fact]
    public void CheckpointsAppearOnTheirOwn()
    {
        using TemporaryDirectory temporary = new();
        RunDirectory directory = new(temporary["run"]);
        TrainingConfig config = s_tiny with { Run = s_tiny.Run with { CheckpointEvery = 90 } };
        RunDirectory.Create(directory.Path, [config], folders: false);
        using TrainingRun run = TrainingRun.Start(directory, config);
        CheckpointSizes sizes = new(directory);
        Assert.True(run.Run(sizes));

        // At the evaluations at 100, 200, 300 and 400 the last checkpoints are those at 90, 180, 270 and 360: each
        // holds more replay.
        Assert.Equal(4, sizes.Sizes.Count);
        Assert.True(sizes.Sizes[0] > 0);
        Assert.Equal(sizes.Sizes.Order(), sizes.Sizes);
        Assert.Equal(4, sizes.Sizes.Distinct().Count());
    }

    [Fact]
    public void ANonEmptyDirectoryIsRefused()
    {
        using TemporaryDirectory temporary = new();
        RunDirectory.RequireEmpty(temporary.Root);
        RunDirectory.RequireEmpty(temporary["absent"]);
        File.WriteAllText(temporary["file"], "x");
        IOException error = Assert.Throws<IOException>(() => RunDirectory.RequireEmpty(temporary.Root));
        Assert.Contains("it is not empty", error.Message);
        Assert.Throws<IOException>(() => RunDirectory.RequireEmpty(temporary["file"]));
    }

    private static TrainingConfig Variant(RelabelStrategy strategy, Assignment assign, int copies) => s_tiny with
    {
        Relabeling = s_tiny.Relabeling with { Strategy = strategy, Assignment = assign }, EnvironmentCopies = copies,
    };

    private static TrainingConfig OfSteps(long steps) => s_tiny with { Run = s_tiny.Run with { Steps = steps } };

    private static string RunToEnd(TrainingConfig config)
    {
        using TemporaryDirectory temporary = new();
        return RunToEnd(config, new RunDirectory(temporary["run"]));
    }

    private static string RunToEnd(TrainingConfig config, RunDirectory directory)
    {
        RunDirectory.Create(directory.Path, [config], folders: false);
        using TrainingRun run = TrainingRun.Start(directory, config);
        Assert.True(run.Run());
        return File.ReadAllText(directory.Metrics);
    }

    private static OptionLayer<TrainingConfig> Change(string key, string value)
    {
        OptionLayer<TrainingConfig> layer = new();
        layer.Set(key, value);
        return layer;
    }

    /// <summary>Asks to stop after so many vector steps.</summary>
    private sealed class StopAfter(int vectorSteps) : ITrainingObserver, IDisposable
    {
        private readonly CancellationTokenSource _source = new();
        private int _left = vectorSteps;

        public CancellationToken Token => _source.Token;

        public TimeSpan ProgressInterval => TimeSpan.Zero;

        public void Progress(in TrainingProgress progress)
        {
            if (--_left == 0)
            {
                _source.Cancel();
            }
        }

        public void Evaluated(ReadOnlySpan<double> row)
        {
        }

        public void Dispose() => _source.Dispose();
    }

    private sealed class CheckpointSizes(RunDirectory directory) : ITrainingObserver
    {
        public List<long> Sizes { get; } = [];

        public void Progress(in TrainingProgress progress)
        {
        }

        public void Evaluated(ReadOnlySpan<double> row) => Sizes.Add(new FileInfo(directory.Checkpoint).Length);
    }
}
