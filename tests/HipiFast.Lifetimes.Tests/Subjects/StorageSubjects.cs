using HipiFast.Replay;
using HipiFast.Storage;
using HipiFast.Testing;
using static HipiFast.Lifetimes.Tests.Subjects.AllSubjects;

namespace HipiFast.Lifetimes.Tests.Subjects;

/// <summary>Files.</summary>
internal static class StorageSubjects
{
    public static IReadOnlyList<Subject> All { get; } = [Tensors(), Transitions(), Events(), Lock()];

    /// <summary>Calls with a file of two transitions.</summary>
    public static void WithFile(Action<SafetensorsFile> call)
    {
        using Needs needs = new();
        using SafetensorsFile file = SafetensorsFile.Open(NewFile(needs));
        call(file);
    }

    private static string NewFile(Needs needs)
    {
        string path = needs.Add(new TemporaryDirectory())["transitions.safetensors"];
        using TransitionBatch batch = RelabelData.Batch(2);
        TransitionFile.Save(path, batch, [1, 1]);
        return path;
    }

    private static Subject<SafetensorsFile> Tensors() => new Subject<SafetensorsFile>(
        needs => SafetensorsFile.Open(NewFile(needs)))
        .Reads("Require(String, TensorType, ReadOnlySpan)", file => file.Require("reward", TensorType.Float32, 2))
        .Reads("Read(String, Span, Int64)", file => file.Read("reward", new float[2].AsSpan()))
        .Keeps("what the header says, which was read when the file was opened", "Path", "Tensors", "Metadata");

    private static Subject<TransitionFile> Transitions() => new Subject<TransitionFile>(
        needs => TransitionFile.Open(NewFile(needs)))
        .Reads("ReadAll()", file => file.ReadAll().Dispose())
        .Reads("Read(TransitionBatch, Int64, Int32)", file =>
        {
            using TransitionBatch batch = RelabelData.Batch(2);
            file.Read(batch, 0, 2);
        })
        .Reads("ReadEpisodes(Span, Int64)", file => file.ReadEpisodes(new long[2]))
        .Keeps(
            "what the header says, which was read when the file was opened",
            "Path", "Shape", "Count", "Metadata", "HasEpisodes");

    private static Subject<TensorBoardWriter> Events() => new Subject<TensorBoardWriter>(
        needs => new TensorBoardWriter(needs.Add(new TemporaryDirectory()).Root))
        .Reads("Scalar(String, Single, Int64)", writer => writer.Scalar("a/b", 1f, 1))
        .Reads("Flush()", writer => writer.Flush())
        .Keeps(Fact, "Path");

    private static Subject<DirectoryLock> Lock() => new Subject<DirectoryLock>(
        needs => DirectoryLock.Take(needs.Add(new TemporaryDirectory()).Root))
        .Keeps(Fact, "Directory");
}
