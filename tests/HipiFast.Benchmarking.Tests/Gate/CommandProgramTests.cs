using HipiFast.Benchmarking.Gate;
using HipiFast.Testing;

namespace HipiFast.Benchmarking.Tests.Gate;

/// <summary>Commands of a user's own take turns like builds.</summary>
public sealed class CommandProgramTests
{
    private static readonly PairedPlan s_plan = new(Restarts: 6, Turns: 1);

    [UnixFact]
    public void ACommandThatTakesLongerIsARegression()
    {
        Comparison comparison = PairedRun.CompareCommands("true", "sleep 0.2", s_plan, new GateRule());
        ComparedBenchmark command = Assert.Single(comparison.Benchmarks);
        Assert.Equal("command", command.Name);
        Assert.Equal(Verdict.Slower, command.Verdict);
        Assert.Equal(6, command.RestartRatios.Count);
        Assert.True(command.After >= 0.2, $"{command.After} s");
        Assert.True(comparison.HasRegression);
        Assert.Equal(
            Verdict.Faster,
            Assert.Single(PairedRun.CompareCommands("sleep 0.2", "true", s_plan, new GateRule()).Benchmarks).Verdict);
    }

    [UnixFact]
    public void ACommandThatFailsIsNoMeasurement()
    {
        const string Failing = "echo first >&2; echo out of wool >&2; exit 3";
        InvalidDataException error = Assert.Throws<InvalidDataException>(
            () => PairedRun.CompareCommands("true", Failing, s_plan, new GateRule()));
        Assert.Equal(
            $"The command '{Failing}' ended with the exit code 3 (out of wool); expected 0.", error.Message);
    }

    [UnixFact]
    public void WhatACommandPrintsDoesNotStopIt() => Assert.Single(
        PairedRun.CompareCommands(
            "yes | head -c 300000; cat", "yes | head -c 300000 >&2", new PairedPlan(2, 1), new GateRule()).Benchmarks);
}
