using HipiFast.Testing;

namespace HipiFast.Hostile.Tests;

/// <summary>A working directory that somebody has deleted.</summary>
public sealed class WorkingDirectoryTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [UnixTheory]
    [InlineData("info")]
    [InlineData(HostileProgram.Tiny + " --out run")]
    public void ADeletedOneIsOneSentence(string command)
    {
        ProcessResult result = HostileProgram.Shell(
            _directory.Root, $"mkdir gone && cd gone && rmdir ../gone && exec $HIPIFAST {command}");
        Assert.Equal(
            (1, "hipifast: The working directory does not exist any more; change to another one.\n"),
            (result.ExitCode, result.Error));
    }
}
