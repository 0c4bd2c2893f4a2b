using HipiFast.Testing;

namespace HipiFast.Hostile.Tests;

/// <summary>Programs that the program starts are never those that happen to lie in the current directory.</summary>
public sealed class ChildProcessTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [HostileFact]
    public void ADotnetInTheCurrentDirectoryIsNotRun()
    {
        string planted = _directory["dotnet"];
        File.WriteAllText(planted, "#!/bin/sh\ntouch was-run\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(planted, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        // No benchmark has the name, so that it ends soon.
        string folder = AppContext.BaseDirectory;
        ProcessResult result = HostileProgram.Shell(
            _directory.Root,
            "DOTNET_HOST_PATH=./dotnet PATH=.:$PATH $HIPIFAST "
            + $"bench compare --paired {folder} {folder} --filter no-such-benchmark");
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("no benchmark's name contains that", result.Error);
        Assert.False(File.Exists(_directory["was-run"]));
    }
}
