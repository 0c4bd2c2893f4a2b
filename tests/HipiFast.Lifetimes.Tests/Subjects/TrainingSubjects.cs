using HipiFast.Environments;
using HipiFast.Learning;
using HipiFast.Replay;
using HipiFast.Testing;
using HipiFast.Training;
using HipiFast.Training.Cloning;
using static HipiFast.Lifetimes.Tests.Subjects.AllSubjects;

namespace HipiFast.Lifetimes.Tests.Subjects;

/// <summary>Trainers, runs and their logs.</summary>
internal static class TrainingSubjects
{
    private static readonly TrainingConfig s_config = new()
    {
        EnvironmentSettings = new() { EpisodeLimit = 5 },
        Run = new() { Steps = 20, EvalEvery = 10, EvalEpisodes = 1, InitialRandomSteps = 5 },
        Compute = new() { Threads = 1 },
        Learner = new() { Batch = 4, Hidden = 4 },
    };

    private static readonly int s_metrics = Enum.GetValues<MetricColumn>().Length;
    private static readonly int s_timings = Enum.GetValues<TimingColumn>().Length;

    public static IReadOnlyList<Subject> All { get; } =
        [Evaluation(), Logs(), Training(), Run(), Collected(), Played()];

    private static RunDirectory NewDirectory(Needs needs)
    {
        RunDirectory directory = new(needs.Add(new TemporaryDirectory())["run"]);
        RunDirectory.Create(directory.Path, [s_config], folders: false);
        return directory;
    }

    private static Subject<Evaluator> Evaluation() => new Subject<Evaluator>(
        _ => new Evaluator(EnvironmentRegistry.Create("nav2d", 2, new EnvironmentSettings { EpisodeLimit = 3 })))
        .Enters("Evaluate(IPolicy, UInt64)", evaluator => evaluator.Evaluate(new Still(), 1))
        .Enters("Evaluate(ISacLearner, Boolean, UInt64)", evaluator =>
        {
            using SacFixture fixture = new(new TransitionShape(2, 2, 2), 4, 2);
            evaluator.Evaluate(fixture.Learner, true, 1);
        });

    private static Subject<RunLogs> Logs() => new Subject<RunLogs>(needs => new RunLogs(NewDirectory(needs), s_config))
        .Enters("Begin(Boolean)", logs => logs.Begin(continues: false))
        .Enters("Add(ReadOnlySpan, ReadOnlySpan)", logs => logs.Add(new double[s_metrics], new double[s_timings]))
        .Enters("SaveState(SafetensorsWriter)", logs => logs.SaveState(new()))
        .Enters("LoadState(SafetensorsFile)", logs => StorageSubjects.WithFile(file => logs.LoadState(file)))
        .Keeps("the rows, which are looked at when a run has ended", "Metrics", "Timing");

    private static Subject<Trainer> Training() => new Subject<Trainer>(_ => new Trainer(s_config))
        .Enters("Step()", trainer => trainer.Step())
        .Enters("Evaluate(Span)", trainer => trainer.Evaluate(new double[s_metrics]))
        .Enters("SaveState(SafetensorsWriter)", trainer => trainer.SaveState(new()))
        .Enters("SaveAgent(String)", trainer => trainer.SaveAgent(
            Path.Combine(Path.GetTempPath(), Path.GetRandomFileName())))
        .Enters("LoadState(SafetensorsFile)", trainer => StorageSubjects.WithFile(file => trainer.LoadState(file)))
        .Reads("Networks", trainer => _ = trainer.Networks)
        .Keeps(
            "numbers of the run, which are looked at when it has ended", "Config", "Backend", "EnvSteps",
            "Forecast", "GradientSteps", "IsFinished", "LastLosses", "LastDiagnostics", "SecondsIn(TimedPart)");

    private static Subject<TrainingRun> Run() => new Subject<TrainingRun>(
        needs => TrainingRun.Start(NewDirectory(needs), s_config))
        .Enters("Run(ITrainingObserver, CancellationToken)", run => run.Run())
        .Keeps(
            "numbers of the run, which are looked at when it has ended",
            "Directory", "Config", "Backend", "Forecast", "IsFinished", "Metrics", "EnvSteps", "Seconds");

    private static Subject<Demonstrations> Collected() => new Subject<Demonstrations>(
        _ => new Demonstrations(RelabelData.Batch(2), [1, 1]))
        .Keeps("a batch that is disposed of with it and then throws itself", "Transitions")
        .Keeps(Fact, "Episode");

    private static Subject<PlayedAgent> Played() => new Subject<PlayedAgent>(needs =>
    {
        RunDirectory directory = NewDirectory(needs);
        using VectorEnvironment environment = EnvironmentRegistry.Create(s_config.Environment, 1);
        using AgentNetworks agent = new(environment.Shape, s_config.Learner.Hidden);
        Directory.CreateDirectory(directory.CheckpointFolder);
        AgentFile.Save(agent, directory.Agent);
        return PlayedAgent.Open(directory, s_config, environment);
    })
        .Keeps("a learner that is disposed of with it and then throws itself", "Learner");

    private sealed class Still : IPolicy
    {
        public void Act(
            ReadOnlySpan<float> observation, ReadOnlySpan<float> task, int rows, uint step, Span<float> action) =>
            action.Clear();
    }
}
