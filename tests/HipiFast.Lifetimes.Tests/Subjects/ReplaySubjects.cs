using HipiFast.Kernels.Backends;
using HipiFast.Learning;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Testing;
using static HipiFast.Lifetimes.Tests.Subjects.AllSubjects;

namespace HipiFast.Lifetimes.Tests.Subjects;

/// <summary>Batches, the replay buffer and the relabeler.</summary>
internal static unsafe class ReplaySubjects
{
    private static readonly float[] s_tasks = [0.1f, 0.2f];

    public static IReadOnlyList<Subject> All { get; } = [Batch(), Buffer(), Relabeler(), Sampler()];

    private static Subject<TransitionBatch> Batch() => new Subject<TransitionBatch>(_ => RelabelData.Batch(2))
        .Reads("Count=", batch => batch.Count = 1)
        .Reads("Observation", batch => _ = batch.Observation)
        .Reads("Action", batch => _ = batch.Action)
        .Reads("NextObservation", batch => _ = batch.NextObservation)
        .Reads("Task", batch => _ = batch.Task)
        .Reads("Reward", batch => _ = batch.Reward)
        .Reads("Terminated", batch => _ = batch.Terminated)
        .Reads("ReplayIndex", batch => _ = batch.ReplayIndex)
        .Reads("Transitions", batch => _ = batch.Transitions)
        .Reads("CopyTo(TransitionColumn, Byte*)", batch =>
        {
            byte* rows = stackalloc byte[64];
            batch.CopyTo(TransitionBatch.Schema[0], rows);
        })
        .Reads("Copy()", batch => batch.Copy().Dispose())
        .Reads("SaveState(SafetensorsWriter, String)", batch => batch.SaveState(new(), string.Empty))
        .Enters("LoadState(SafetensorsFile, String, Int32)", batch => StorageSubjects.WithFile(
            file => batch.LoadState(file, string.Empty, 1)))
        .Reads("ToHost()", batch => batch.ToHost())
        .Keeps(Fact, "Shape", "Capacity")
        .Keeps("0, which says that there is nothing left", "Count");

    private static Subject<ReplayBuffer> Buffer() => new Subject<ReplayBuffer>(_ =>
    {
        ReplayBuffer buffer = new(RelabelData.Shape, 8);
        using TransitionBatch step = RelabelData.Batch(1);
        buffer.Append(step, [(byte)0]);
        return buffer;
    })
        .Enters("Append(TransitionBatch, ReadOnlySpan)", buffer =>
        {
            using TransitionBatch step = RelabelData.Batch(1);
            buffer.Append(step, [(byte)0]);
        })
        .Enters("AppendEpisode(TransitionBatch, Boolean)", buffer =>
        {
            using TransitionBatch episode = RelabelData.Batch(2);
            buffer.AppendEpisode(episode);
        })
        .Enters("Sample(ITransitionBatch, Int32, UInt64, UInt32)", buffer =>
        {
            using TransitionBatch batch = RelabelData.Batch(2);
            buffer.Sample(batch, 2, 1, 1);
        })
        .Reads("Count", buffer => _ = buffer.Count)
        .Reads("TotalCount", buffer => _ = buffer.TotalCount)
        .Reads("EpisodeEnd(Int64)", buffer => buffer.EpisodeEnd(0))
        .Reads("NextObservation(Int64)", buffer => buffer.NextObservation(0))
        .Reads("IsLive(Int64)", buffer => buffer.IsLive(0))
        .Enters("SaveState(SafetensorsWriter, String)", buffer => buffer.SaveState(new(), string.Empty))
        .Enters("LoadState(SafetensorsFile, String)", buffer => StorageSubjects.WithFile(
            file => buffer.LoadState(file, string.Empty)))
        .Reads("IReplay.CreateBatch(Int32)", buffer => ((IReplay)buffer).CreateBatch(1))
        .Keeps(Fact, "Shape", "Capacity", "EnvironmentCount")
        .Keeps("the buffer itself", "IReplay.Host");

    private static Subject<Relabeler> Relabeler() => new Subject<Relabeler>(needs =>
    {
        AgentNetworks agent = needs.Add(RelabelData.Agent(RelabelData.Shape));
        return new Relabeler(
            RelabelData.GoalFamily, agent,
            new RelabelOptions { Candidates = CandidateSource.Commanded, Compute = new() { Threads = 1 } });
    })
        .Enters("SetFixedCandidates(ReadOnlySpan, ReadOnlySpan)", relabeler => relabeler.SetFixedCandidates(s_tasks))
        .Enters("Prepare(Int32, Int32, Nullable)", relabeler => relabeler.Prepare(4))
        .Enters("Relabel(ITransitionBatch, IReplay)", relabeler =>
        {
            using TransitionBatch batch = RelabelData.Batch(4);
            relabeler.Relabel(batch);
        })
        .Enters("Relabel(ITransitionBatch, ReadOnlySpan, IReplay, ReadOnlySpan)", relabeler =>
        {
            using TransitionBatch batch = RelabelData.Batch(4);
            relabeler.Relabel(batch, s_tasks);
        })
        .Enters(
            "PrepareBySoftQ(TransitionShape, Int32, Int32)",
            relabeler => relabeler.PrepareBySoftQ(RelabelData.Shape, 4))
        .Enters("RelabelBySoftQ(TransitionBatch, ReadOnlySpan, ReadOnlySpan, ReadOnlySpan, IReplay)", relabeler =>
        {
            using TransitionBatch batch = RelabelData.Batch(4);
            relabeler.RelabelBySoftQ(batch, new float[16]);
        })
        .Enters("RelabelTrajectories(TransitionBatch, ReadOnlySpan)", relabeler =>
        {
            using TransitionBatch batch = RelabelData.Batch(4);
            relabeler.RelabelTrajectories(batch, [1, 1, 2, 2]);
        })
        .Enters("RelabelTrajectories(TransitionBatch, ReadOnlySpan, ReadOnlySpan, ReadOnlySpan)", relabeler =>
        {
            using TransitionBatch batch = RelabelData.Batch(4);
            relabeler.RelabelTrajectories(batch, [1, 1, 2, 2], s_tasks);
        })
        .Enters("Forecast(Int32, Int32, Nullable)", relabeler => relabeler.Forecast(4))
        .Keeps(
            Fact, "Options", "Backend", "Call", "Call=", "Observer", "Observer=", "Cancellation", "Cancellation=",
            "Progress", "Progress=");

    private static Subject<SoftQSampler> Sampler() => new Subject<SoftQSampler>(
        _ => new SoftQSampler(new RelabelOptions { Compute = new() { Threads = 1 } }))
        .Enters(
            "Sample(ReadOnlySpan, Int32, Int32, ReadOnlySpan, Span)", sampler => sampler.Sample(new float[6], 2, 3))
        .Keeps(Fact, "Options", "Call", "Call=");
}
