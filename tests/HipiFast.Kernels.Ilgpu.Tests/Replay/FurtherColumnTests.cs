using System.Diagnostics;
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
    public Task WhateverWalksTheSchemaCarriesThem() => Run(FurtherColumns.CarryWhat);

    [Fact]
    public Task FilesThatLackThemGiveTheirDefaults()
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

        return Run(FurtherColumns.DefaultsWhat);
    }

    private async Task Run(string what)
    {
        ProcessStartInfo start = new(
            ChildProgram.Dotnet,
            [typeof(FurtherColumns).Assembly.Location, what, _directory.Root])
        {
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        string error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, error);
    }
}
