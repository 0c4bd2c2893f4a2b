using HipiFast.Testing;

namespace HipiFast.Hostile.Tests;

/// <summary>One holder of a run directory at a time.</summary>
public sealed class HolderTests : IDisposable
{
    // What a run says once its directory is its own.
    private const string LetIn = "gradient steps each";

    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [UnixFact]
    public void ASecondRunOfADirectoryIsRefusedAndTheFirstGoesOn()
    {
        using ChildProcess first = HostileProgram.StartProgram(_directory.Root, HostileProgram.Endless + " --out run");
        first.Await(() => HostileProgram.HasBegun(_directory["run"]));

        // A file that the first might be writing at this moment.
        string live = _directory["run/checkpoint/state.safetensors.0123456789ab.tmp"];
        File.WriteAllText(live, "half");
        using ChildProcess second = HostileProgram.StartProgram(_directory.Root, "train --resume run");

        // One that is let in says so, and then would not end.
        while (!second.HasEnded && !second.Output.Contains(LetIn, StringComparison.Ordinal))
        {
            Thread.Sleep(5);
        }

        Assert.DoesNotContain(LetIn, second.Output, StringComparison.Ordinal);
        ProcessResult refused = second.End();
        Assert.Equal((1, "hipifast: 'run' is in use by another run; wait until that has ended, or stop it.\n"), (
            refused.ExitCode, refused.Error));
        Assert.True(File.Exists(live));
        first.Signal("TERM");
        Assert.Equal(143, first.End().ExitCode);

        // The lock has ended with its process, and what it left behind is cleared away.
        using ChildProcess third = HostileProgram.StartProgram(_directory.Root, "train --resume run");
        third.Await(() => !File.Exists(live));
    }
}
