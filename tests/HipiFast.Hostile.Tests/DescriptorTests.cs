using HipiFast.Testing;

namespace HipiFast.Hostile.Tests;

/// <summary>Limits on open files.</summary>
public sealed class DescriptorTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [UnixTheory]
    [InlineData(48, "info")]
    [InlineData(64, HostileProgram.Tiny)]
    [InlineData(100, "train --nonsense")]
    public void TooFewAreOneSentence(int limit, string command)
    {
        ProcessResult result = HostileProgram.Shell(_directory.Root, $"ulimit -n {limit}; exec $HIPIFAST {command}");
        Assert.Equal(1, result.ExitCode);
        Assert.StartsWith("hipifast: this process may open too few files", result.Error);
        Assert.Single(result.Error.TrimEnd().Split('\n'));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_directory.Root));
    }

    [UnixFact]
    public void WhatTheProgramAsksForIsEnoughForARun()
    {
        ProcessResult result = HostileProgram.Shell(
            _directory.Root, $"ulimit -n 136; exec $HIPIFAST {HostileProgram.Tiny} --out run");
        Assert.Equal((0, string.Empty), (result.ExitCode, result.Error));
    }
}
