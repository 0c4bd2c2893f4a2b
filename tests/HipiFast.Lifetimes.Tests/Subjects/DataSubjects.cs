using HipiFast.Data;
using HipiFast.Replay;
using HipiFast.Storage;
using HipiFast.Testing;
using static HipiFast.Lifetimes.Tests.Subjects.AllSubjects;

namespace HipiFast.Lifetimes.Tests.Subjects;

/// <summary>Files of any format.</summary>
internal static class DataSubjects
{
    public static IReadOnlyList<Subject> All { get; } = [File(), Transitions(), Window(), Tasks(), SoftQ()];

    private static string NewFile(Needs needs)
    {
        string path = needs.Add(new TemporaryDirectory())["transitions.npz"];
        DataArrays.Write(
            path, DataArrays.Of("observation", new float[6], 2, 3), DataArrays.Of("action", new float[4], 2, 2),
            DataArrays.Of("next_observation", new float[6], 2, 3), DataArrays.Of("task", new float[4], 2, 2),
            DataArrays.Of("episode", new long[2]));
        return path;
    }

    private static Subject<DataFile> File() => new Subject<DataFile>(needs => DataFormats.Open(NewFile(needs)))
        .Reads("ReadRows(DataColumn, Int64, Span)", file => file.ReadRows(file.Columns[0], 0, new byte[12]))
        .Keeps(
            "what the header says, which was read when the file was opened",
            "Path", "Format", "Columns", "Unread", "Remarks", "Metadata", "EpisodeSteps", "Find(String)");

    private static Subject<TransitionReader> Transitions() => new Subject<TransitionReader>(
        needs => TransitionReader.Open(NewFile(needs)))
        .Reads("Read(TransitionBatch, Int64, Int32, Span)", reader =>
        {
            using TransitionBatch batch = RelabelData.Batch(2);
            reader.Read(batch, 0, 2);
        })
        .Reads("ReadEpisodes(Span, Int64)", reader => reader.ReadEpisodes(new long[2]))
        .Reads("EpisodeEnd(Int64)", reader => reader.EpisodeEnd(0))
        .Reads("Count", reader => _ = reader.Count)
        .Reads("EpisodeCount", reader => _ = reader.EpisodeCount)
        .Keeps(
            "what the header says, which was read when the file was opened",
            "Path", "Format", "ObservationDimension", "ActionDimension", "TaskDimension", "Rows", "HasReward",
            "HasTerminated", "HasEpisodes", "DerivesNextStates", "Metadata", "Conversions", "Shape(Int32)");

    private static Subject<EpisodeWindow> Window() => new Subject<EpisodeWindow>(
        needs => new EpisodeWindow(needs.Add(TransitionReader.Open(NewFile(needs))), RelabelData.Shape))
        .Reads("MoveTo(TransitionBatch, ReadOnlySpan, Int32)", window =>
        {
            using TransitionBatch batch = RelabelData.Batch(2);
            window.MoveTo(batch, [0, 1]);
        });

    private static Subject<SoftQTable> SoftQ() => new Subject<SoftQTable>(needs =>
    {
        string path = NewFile(needs);
        SafetensorsWriter writer = new();
        writer.Add<float>(SoftQTable.ColumnName, new float[6], 2, 3);
        writer.Save(path);
        return SoftQTable.Open(path, 2);
    })
        .Reads("Read(ReadOnlySpan, Span)", table => table.Read([1, 0], new float[6]))
        .Keeps(Fact, "Path", "Rows", "Candidates");

    private static Subject<TaskTable> Tasks() => new Subject<TaskTable>(needs => TaskTable.Read(NewFile(needs)))
        .Reads("Tasks", tasks => _ = tasks.Tasks)
        .Reads("LogPrior", tasks => _ = tasks.LogPrior)
        .Keeps(Fact, "TaskDimension");
}
