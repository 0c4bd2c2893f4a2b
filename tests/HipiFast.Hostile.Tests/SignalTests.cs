using HipiFast.Testing;

namespace HipiFast.Hostile.Tests;

/// <summary>Signals that ask a process to end: it saves, and its exit code is 128 and the signal's number.</summary>
public sealed class SignalTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [UnixTheory]
    [InlineData("HUP", 129)]
    [InlineData("INT", 130)]
    [InlineData("QUIT", 131)]
    [InlineData("TERM", 143)]
    public void ARunThatIsAskedToEndSavesAndSaysHowToGoOn(string signal, int exitCode)
    {
        using ChildProcess process = HostileProgram.StartProgram(
            _directory.Root, HostileProgram.Endless + " --out run");
        process.Await(() => HostileProgram.HasBegun(_directory["run"]));
        Assert.False(File.Exists(_directory["run/checkpoint/state.safetensors"]));
        process.Signal(signal);
        ProcessResult result = process.End();
        Assert.Equal((exitCode, string.Empty), (result.ExitCode, result.Error));
        Assert.Contains("hipifast train --resume run", result.Output);
        Assert.True(File.Exists(_directory["run/checkpoint/state.safetensors"]));
    }

    [UnixFact]
    public void ATerminalThatClosesHangsUpTwiceAndTheRunStillSaves()
    {
        using ChildProcess process = HostileProgram.StartProgram(
            _directory.Root, HostileProgram.Endless + " --out run >/dev/full 2>&1");
        process.Await(() => HostileProgram.HasBegun(_directory["run"]));
        process.Signal("HUP");
        process.Signal("HUP");
        Assert.Equal(129, process.End().ExitCode);
        Assert.True(File.Exists(_directory["run/checkpoint/state.safetensors"]));
    }
}
