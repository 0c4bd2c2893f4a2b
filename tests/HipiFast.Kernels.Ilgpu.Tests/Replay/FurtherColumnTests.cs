using HipiFast.Replay;
using HipiFast.Storage;
using HipiFast.Testing;

namespace HipiFast.Kernels.Ilgpu.Tests.Replay;

/// <summary>
/// A transition of more columns than it has today: whoever lists columns by hand instead of walking the schema loses
/// them. The schema belongs to the process, so its longer version lives in one of its own.
/// </summary>
public sealed class FurtherColumnTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void WhateverWalksTheSchemaCarriesThem() => Run(FurtherColumns.CarryWhat);

    [Fact]
    public void FilesThatLackThemGiveTheirDefaults()
    {
        using TransitionBatch batch = FurtherColumns.Batch(1, FurtherColumns.Rows);
        TransitionFile.Save(_directory[FurtherColumns.FileName], batch);
        using (ReplayBuffer replay = new(FurtherColumns.Shape, FurtherColumns.Rows))
        {
            replay.AppendEpisode(batch);
            SafetensorsWriter writer = new();
            replay.SaveState(writer, "replay.");
            batch.SaveState(writer, "batch.");
            writer.Save(_directory[FurtherColumns.CheckpointName]);
        }

        Run(FurtherColumns.DefaultsWhat);
    }

    private void Run(string what)
    {
        using ChildProcess process = new(
            new(ChildProgram.Dotnet, [typeof(FurtherColumns).Assembly.Location, what, _directory.Root]));
        ProcessResult result = process.End();
        Assert.True(result.ExitCode == 0, result.Error);
    }
}
