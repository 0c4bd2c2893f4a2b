using System.Diagnostics;
using HipiFast.Testing;

namespace HipiFast.Hostile.Tests;

/// <summary>Signals that ask a process to end: it saves, and its exit code is 128 and the signal's number.</summary>
public sealed class SignalTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [HostileTheory]
    [InlineData("HUP", 129)]
    [InlineData("INT", 130)]
    [InlineData("QUIT", 131)]
    [InlineData("TERM", 143)]
    public void ARunThatIsAskedToEndSavesAndSaysHowToGoOn(string signal, int exitCode)
    {
        using Process process = HostileProgram.StartProgram(_directory.Root, HostileProgram.Endless + " --out run");
        HostileProgram.Await(process, () => Directory.Exists(_directory["run"]) && Directory.EnumerateFiles(
            _directory["run"], "*.csv").Any());
        Assert.False(File.Exists(_directory["run/checkpoint/state.safetensors"]));
        HostileProgram.Signal(process, signal);
        ProcessResult result = HostileProgram.End(process);
        Assert.Equal((exitCode, string.Empty), (result.ExitCode, result.Error));
        Assert.Contains("hipifast train --resume run", result.Output);
        Assert.True(File.Exists(_directory["run/checkpoint/state.safetensors"]));
    }

    [HostileFact]
    public void ATerminalThatClosesHangsUpTwiceAndTheRunStillSaves()
    {
        using Process process = HostileProgram.StartProgram(
            _directory.Root, HostileProgram.Endless + " --out run >/dev/full 2>&1");
        HostileProgram.Await(process, () => Directory.Exists(_directory["run"]) && Directory.EnumerateFiles(
            _directory["run"], "*.csv").Any());
        HostileProgram.Signal(process, "HUP");
        HostileProgram.Signal(process, "HUP");
        Assert.Equal(129, HostileProgram.End(process).ExitCode);
        Assert.True(File.Exists(_directory["run/checkpoint/state.safetensors"]));
    }
}
