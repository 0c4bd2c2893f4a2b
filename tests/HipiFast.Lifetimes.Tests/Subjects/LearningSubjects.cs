using HipiFast.Import;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Dense;
using HipiFast.Kernels.Networks;
using HipiFast.Kernels.Tasks;
using HipiFast.Learning;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Storage;
using HipiFast.Testing;
using static HipiFast.Lifetimes.Tests.Subjects.AllSubjects;

namespace HipiFast.Lifetimes.Tests.Subjects;

/// <summary>Networks and learners.</summary>
internal static unsafe class LearningSubjects
{
    private static readonly TabularTransition[] s_steps = [new(0, 0, 1, 0, 1f, true)];

    public static IReadOnlyList<Subject> All { get; } = [Networks(), Imported(), Learner(), Cloning(), Policy(), Table()];

    /// <summary>Calls with a row of three inputs and one of two outputs.</summary>
    public static void WithRows(Action<MatrixView, MatrixView> call)
    {
        float* input = stackalloc float[3];
        float* output = stackalloc float[2];
        call(new MatrixView((nint)input, 1, 3, 3), new MatrixView((nint)output, 1, 2, 2));
    }

    private static Subject<AgentNetworks> Networks() =>
        new Subject<AgentNetworks>(_ => RelabelData.Agent(RelabelData.Shape))
            .Enters("Initialize(UInt64)", networks => networks.Initialize(1))
            .Enters("SynchronizeTargets()", networks => networks.SynchronizeTargets())
            .Keeps("networks that are disposed of with these and then throw themselves",
                "Actor", "Critic1", "Critic2", "Target1", "Target2")
            .Keeps(Fact, "Shape", "Hidden", "LogAlpha", "LogAlpha=", "Alpha", "CriticRange", "CriticRange=");

    private static Subject<ImportedAgent> Imported() =>
        new Subject<ImportedAgent>(_ => AgentImport.Read(
            new Dictionary<string, NamedTensor>
            {
                ["qf1.fc1.weight"] = new(
                    new float[4 * RelabelData.Shape.CriticInputs], [4, RelabelData.Shape.CriticInputs]),
                ["qf1.fc2.weight"] = new(new float[4], [1, 4]),
            },
            RelabelData.Shape))
            .Enters(
                "CreateRelabeler(TaskFamily, RelabelOptions, ITaskDistribution)",
                agent => agent.CreateRelabeler(
                    TaskFamilies.None(RelabelData.Shape.TaskDimension), new RelabelOptions()).Dispose())
            .Keeps("networks that are disposed of with these and then throw themselves", "Networks")
            .Keeps(Fact, "Shape", "Format", "Alpha", "Notes", "IsDiscrete", "HasUnitActions", "Description");

    private static Subject<SacLearner> Learner() => new Subject<SacLearner>(needs => new SacLearner(
        needs.Add(RelabelData.Agent(RelabelData.Shape)), new SacOptions(), KernelSubjects.NewSession(needs), 4, 1, 1))
        .Enters("Update(ITransitionBatch, Int32, Int32)", learner =>
        {
            using TransitionBatch batch = RelabelData.Batch(4);
            learner.Update(batch, 0, 4);
        })
        .Enters(
            "Act(ReadOnlySpan, ReadOnlySpan, Int32, Boolean, UInt64, UInt32, Span)",
            learner => learner.Act(new float[3], new float[2], 1, true, 1, 1, new float[2]))
        .Enters("SaveState(SafetensorsWriter, String)", learner => learner.SaveState(new(), string.Empty))
        .Enters("LoadState(SafetensorsFile, String)", learner => StorageSubjects.WithFile(
            file => learner.LoadState(file, string.Empty)))
        .Keeps("the caller's, who disposes of them", "Networks", "ISacLearner.SaveAgent(String)")
        .Keeps(Fact, "UpdateCount");

    private static Subject<BehaviorCloning> Cloning() => new Subject<BehaviorCloning>(_ => new BehaviorCloning(
        RelabelData.Shape, new BehaviorCloningOptions { Hidden = 8, Batch = 4 },
        (shape, options) => new CloningPolicy(
            KernelRegistry.Default.Resolve("managed"), shape, options.Batch, options.LearningRate, options.Seed)))
        .Enters("Fit(TransitionBatch, ReadOnlySpan, CancellationToken)", clone =>
        {
            using TransitionBatch batch = RelabelData.Batch(4);
            clone.Fit(batch, [1, 1, 2, 2]);
        })
        .Enters(
            "Act(ReadOnlySpan, ReadOnlySpan, Int32, Span)",
            clone => clone.Act(new float[3], new float[2], 1, new float[2]))
        .Enters("Save(String)", clone => clone.Save(Path.Combine(Path.GetTempPath(), Path.GetRandomFileName())))
        .Keeps(Fact, "Shape");

    private static Subject<CloningPolicy> Policy() => new Subject<CloningPolicy>(_ => new CloningPolicy(
        KernelRegistry.Default.Resolve("managed"), new MlpShape(3, 4, 2), 2, 1e-3f, 1))
        .Enters("Step(MatrixView, MatrixView)", policy => WithRows((input, output) => policy.Step(input, output)))
        .Enters("Predict(MatrixView, MatrixView)", policy => WithRows((input, output) => policy.Predict(input, output)))
        .Enters("Keep()", policy => policy.Keep())
        .Enters("Restore()", policy => policy.Restore())
        .Enters("AddTo(SafetensorsWriter, String)", policy => policy.AddTo(new SafetensorsWriter(), "policy"));

    private static Subject<TabularQLearning> Table() => new Subject<TabularQLearning>(
        _ => new TabularQLearning(2, 2, 1))
        .Reads("Q(Int32, Int32, Int32)", table => table.Q(0, 0, 0))
        .Reads("Value(Int32, Int32)", table => table.Value(0, 0))
        .Reads("GreedyAction(Int32, Int32)", table => table.GreedyAction(0, 0))
        .Enters("Fit(ReadOnlySpan, Single, Int32, Single)", table => table.Fit(s_steps));
}
