using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Networks;
using HipiFast.Learning;
using HipiFast.Replay;
using HipiFast.Storage;
using HipiFast.Testing;
using HipiFast.TorchSharp;
using static HipiFast.Lifetimes.Tests.Subjects.AllSubjects;

namespace HipiFast.Lifetimes.Tests.Subjects;

/// <summary>Learners on libtorch, where it loads.</summary>
internal static class TorchSubjects
{
    private static readonly string? s_whyNot =
        TorchRuntime.IsSupported(out string reason) ? null : $"libtorch does not load here: {reason}";

    public static IReadOnlyList<Subject> All { get; } = [Learner(), Policy()];

    private static Subject<TorchSacLearner> Learner() => new Subject<TorchSacLearner>(needs => new TorchSacLearner(
        needs.Add(RelabelData.Agent(RelabelData.Shape)), new SacOptions(), KernelSubjects.NewSession(needs), 4, 1))
    {
        WhyNot = s_whyNot,
    }
        .Enters("Update(ITransitionBatch, Int32, Int32)", learner =>
        {
            using TransitionBatch batch = RelabelData.Batch(4);
            learner.Update(batch, 0, 4);
        })
        .Enters(
            "Act(ReadOnlySpan, ReadOnlySpan, Int32, Boolean, UInt64, UInt32, Span)",
            learner => learner.Act(new float[3], new float[2], 1, true, 1, 1, new float[2]))
        .Enters("SaveState(SafetensorsWriter, String)", learner => learner.SaveState(new(), string.Empty))
        .Enters(
            "SaveAgent(String)",
            learner => learner.SaveAgent(Path.Combine(Path.GetTempPath(), Path.GetRandomFileName())))
        .Enters("LoadState(SafetensorsFile, String)", learner => StorageSubjects.WithFile(
            file => learner.LoadState(file, string.Empty)))
        .Enters("Networks", learner => _ = learner.Networks)
        .Keeps(
            "a session, which is disposed of with the learner and then throws itself, or the caller's",
            "RelabelingSession")
        .Keeps(Fact, "Memory", "UpdateCount", "HandOverSeconds");

    private static Subject<TorchCloningPolicy> Policy() => new Subject<TorchCloningPolicy>(_ => new TorchCloningPolicy(
        KernelRegistry.Default.Resolve("managed"), new MlpShape(3, 4, 2), 2, 1e-3f, 1))
    {
        WhyNot = s_whyNot,
    }
        .Enters("Step(MatrixView, MatrixView)", policy => LearningSubjects.WithRows(
            (input, output) => policy.Step(input, output)))
        .Enters("Predict(MatrixView, MatrixView)", policy => LearningSubjects.WithRows(
            (input, output) => policy.Predict(input, output)))
        .Enters("Keep()", policy => policy.Keep())
        .Enters("Restore()", policy => policy.Restore())
        .Enters("AddTo(SafetensorsWriter, String)", policy => policy.AddTo(new SafetensorsWriter(), "policy"));
}
