using HipiFast.Testing;

namespace HipiFast.Hostile.Tests;

/// <summary>Containers, in which every process has the number 1, on one file system.</summary>
public sealed class NamespaceTests : IDisposable
{
    private const string InNamespace = "unshare --pid --fork --mount-proc";

    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [HostileFact]
    public void WhatAKilledContainerLeftIsNoObstacleToTheNext()
    {
        if (HostileProgram.Shell(_directory.Root, $"{InNamespace} true").ExitCode != 0)
        {
            // Not allowed on this machine; names and locks are tested without namespaces, too.
            return;
        }

        // Leftovers of the program's own naming, from a process with the number that the next one has as well.
        Directory.CreateDirectory(_directory["run.0123456789ab.tmp/checkpoint"]);
        File.WriteAllText(_directory["run.0123456789ab.tmp/config.json"], "{");
        string script =
            $"{InNamespace} $HIPIFAST {HostileProgram.Tiny} --checkpoint-every 10 --out run & sleep 0.1; wait; "
            + $"{InNamespace} timeout -s KILL 20 $HIPIFAST train --resume run --steps 400";
        ProcessResult result = HostileProgram.Shell(_directory.Root, script);
        Assert.Equal((0, string.Empty), (result.ExitCode, result.Error));
        Assert.StartsWith("400,", File.ReadLines(_directory["run/metrics.csv"]).Last());
        Assert.Empty(Directory.EnumerateFileSystemEntries(_directory.Root, "*.tmp", SearchOption.AllDirectories));
    }
}
