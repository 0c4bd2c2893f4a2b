using HipiFast.Environments;
using static HipiFast.Lifetimes.Tests.Subjects.AllSubjects;

namespace HipiFast.Lifetimes.Tests.Subjects;

/// <summary>The built-in environments, which stand for all that derive from their base.</summary>
internal static class EnvironmentSubjects
{
    public static IReadOnlyList<Subject> All { get; } =
        [Environment<Nav2d>("nav2d"), Environment<Gridworld>("gridworld"), Environment<Reacher2d>("reacher2d")];

    private static Subject<T> Environment<T>(string name)
        where T : SimulatedEnvironment, IDrawnEnvironment => new Subject<T>(_ =>
        {
            T environment = (T)EnvironmentRegistry.Create(name, 2);
            environment.Reset(1);
            return environment;
        })
        .Reads("Observation", environment => _ = environment.Observation)
        .Reads("Task", environment => _ = environment.Task)
        .Enters("Reset(UInt64)", environment => environment.Reset(1))
        .Enters("Rest(Int32)", environment => environment.Rest(0))
        .Reads("IsResting(Int32)", environment => environment.IsResting(0))
        .Enters(
            "Step(ReadOnlySpan, StepResult)",
            environment => environment.Step(new float[2 * environment.Shape.ActionDimension], out _))
        .Enters("SaveState(SafetensorsWriter, String)", environment => environment.SaveState(new(), string.Empty))
        .Enters("LoadState(SafetensorsFile, String)", environment => StorageSubjects.WithFile(
            file => environment.LoadState(file, string.Empty)))
        .Reads("DrawSvg(Int32, Int32, Int32)", environment => environment.DrawSvg(0, 64, 64))
        .Keeps(Fact, "Name", "Shape", "Count", "EpisodeLimit", "Family", "TaskDistribution", "FixedTasks");
}
