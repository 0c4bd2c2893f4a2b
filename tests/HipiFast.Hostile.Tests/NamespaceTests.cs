using HipiFast.Testing;

namespace HipiFast.Hostile.Tests;

/// <summary>Containers, in which every process has the number 1, on one file system.</summary>
public sealed class NamespaceTests : IDisposable
{
    private const string InNamespace = "unshare --pid --fork --mount-proc";

    // The kernel tells a process's children, so that the one in the container is found from outside.
    private const string Probe = InNamespace + " true && test -e /proc/$$/task/$$/children";

    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    // Names and locks are tested without namespaces, too.
    [ProbedFact(Probe, "Containers cannot be made here, or not looked into.")]
    public void WhatAKilledContainerLeftIsNoObstacleToTheNext()
    {
        // Leftovers of the program's own naming, from a process with the number that the next one has as well.
        Directory.CreateDirectory(_directory["run.0123456789ab.tmp/checkpoint"]);
        File.WriteAllText(_directory["run.0123456789ab.tmp/config.json"], "{");
        using (ChildProcess first = StartContainer(HostileProgram.Endless + " --checkpoint-every 50 --out run"))
        {
            first.Await(() => File.Exists(_directory["run/checkpoint/state.safetensors"]));
            Signal(first, "KILL");
            ProcessResult killed = first.End();

            // Neither a sentence nor an end of its own; what has made the container has a code for it that depends.
            Assert.NotEqual(0, killed.ExitCode);
            Assert.DoesNotContain("--resume", killed.Output);
            Assert.DoesNotContain("hipifast:", killed.Error);
        }

        string live = _directory["run/checkpoint/state.safetensors.0123456789ab.tmp"];
        File.WriteAllText(live, "half");
        long rows = Length("run/metrics.csv");
        byte[] checkpoint = File.ReadAllBytes(_directory["run/checkpoint/state.safetensors"]);
        using ChildProcess second = StartContainer("train --resume run");
        second.Await(() => !File.Exists(live) && Length("run/metrics.csv") > rows);
        Signal(second, "TERM");
        ProcessResult result = second.End();
        Assert.Equal((143, string.Empty), (result.ExitCode, result.Error));
        Assert.NotEqual(checkpoint, File.ReadAllBytes(_directory["run/checkpoint/state.safetensors"]));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_directory.Root, "*.tmp", SearchOption.AllDirectories));
    }

    private long Length(string name) => File.Exists(_directory[name]) ? new FileInfo(_directory[name]).Length : 0;

    private ChildProcess StartContainer(string arguments) =>
        HostileProgram.StartShell(_directory.Root, $"exec {InNamespace} $HIPIFAST {arguments}");

    // To the program in the container; what made the container ends with it.
    private void Signal(ChildProcess container, string name) => Assert.Equal(0, HostileProgram.Shell(
        _directory.Root, $"kill -{name} $(cat /proc/{container.Id}/task/{container.Id}/children)").ExitCode);
}
