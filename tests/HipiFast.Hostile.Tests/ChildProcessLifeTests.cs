using System.Diagnostics;
using HipiFast.Testing;

namespace HipiFast.Hostile.Tests;

/// <summary>The processes that the tests start do not outlive them, nor wait for ever.</summary>
public sealed class ChildProcessLifeTests
{
    [UnixFact]
    public void OneThatHangsIsKilledAndSaysSo()
    {
        using ChildProcess process = new(Endless(), TimeSpan.Zero);
        ProcessResult result = process.End();
        Assert.Equal((137, string.Empty), (result.ExitCode, result.Output));
        Assert.Contains("did not end by itself", process.Error);
    }

    [UnixFact]
    public void OneThatIsLeftIsKilled()
    {
        ChildProcess process = new(Endless());
        Assert.False(process.HasEnded);
        process.Dispose();
        Assert.NotEqual(0, HostileProgram.Shell("/", $"kill -0 {process.Id}").ExitCode);
    }

    [UnixFact]
    public void WaitingForTheDeedOfOneThatHasEndedFails()
    {
        using ChildProcess process = new(new ProcessStartInfo("/bin/sh", ["-c", "echo gone >&2"]));
        process.End();
        Assert.Contains("gone", Assert.ThrowsAny<Exception>(() => process.Await(() => false)).Message);
    }

    private static ProcessStartInfo Endless() => new("/bin/sh", ["-c", "exec sleep 100000"]);
}
