using HipiFast.Testing;
using HipiFast.Training;

namespace HipiFast.Cli.Tests;

/// <summary>
/// Where results go: directories that are there, links, pipes, and what processes that were killed have left.
/// </summary>
public sealed class OutputPathTests : IDisposable
{
    private static readonly string[] s_tiny =
        [
            "train", "gridworld", "--steps", "100", "--eval-every", "100", "--eval-episodes", "2", "--hidden", "8",
            "--batch", "8"
        ];

    private readonly TemporaryDirectory _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [UnixTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void AnEmptyDirectoryIsFilledInPlace(bool seeds)
    {
        // Behind a link, as a mount point is: what is there must stay what it is.
        Directory.CreateDirectory(_temporary["real"]);
        Directory.CreateSymbolicLink(_temporary["link"], "real");
        Require(Train(_temporary["link"], seeds ? ["--seeds", "1,2"] : []));
        Assert.Equal("real", new DirectoryInfo(_temporary["link"]).LinkTarget);
        Assert.All(RunDirectory.Find(_temporary["real"]), run => Assert.True(File.Exists(run.Checkpoint)));
        Assert.Equal(seeds ? 2 : 1, RunDirectory.Find(_temporary["real"]).Count);
        Assert.Equal(2, Directory.GetFileSystemEntries(_temporary.Root).Length);
        ProcessResult again = Train(_temporary["link"], []);
        Assert.Equal(2, again.ExitCode);
        Assert.Contains("is not empty", again.Error);
    }

    [UnixFact]
    public void ALinkThatLeadsNowhereIsRefused()
    {
        File.CreateSymbolicLink(_temporary["link"], "nowhere");
        Assert.Equal(2, Train(_temporary["link"], []).ExitCode);
        Assert.Equal(
            2, HipifastProgram.Run("clone", "gridworld", "--agent", "x", "--out", _temporary["link"]).ExitCode);
        Assert.Single(Directory.GetFileSystemEntries(_temporary.Root));
    }

    [Fact]
    public void WhatAKilledCreationLeftIsNoObstacle()
    {
        // Inside a directory that was there: killed between moving up the first seed and the second.
        string inside = _temporary["inside"];
        TrainingConfig config = new();
        foreach (
            string path
                in (string[])[Path.Combine(inside, "seed-1"), Path.Combine(inside, "new.0123456789ab.tmp", "seed-2")])
        {
            RunDirectory run = new(path);
            Directory.CreateDirectory(run.CheckpointFolder);
            run.WriteConfig(config);
        }

        Require(Train(inside, []));
        Assert.Equal(inside, Assert.Single(RunDirectory.Find(inside)).Path);
        Assert.Empty(Directory.GetDirectories(inside, "*.tmp"));

        // Beside one that was not: any leftover that no process holds, unless something else is in it.
        string beside = _temporary["beside"], foreign = beside + ".aaaaaaaaaaaa.tmp",
            left = beside + ".bbbbbbbbbbbb.tmp";
        Directory.CreateDirectory(Path.Combine(left, "checkpoint"));
        Directory.CreateDirectory(foreign);
        File.WriteAllText(Path.Combine(foreign, "thesis.txt"), "x");
        Require(Train(beside, []));
        Assert.False(Directory.Exists(left));
        Assert.True(File.Exists(Path.Combine(foreign, "thesis.txt")));
    }

    [Fact]
    public void ACloneThatWasKilledBetweenItsFilesIsRunAgain()
    {
        Require(Train(_temporary["run"], []));
        string clone = _temporary["clone"];
        string[] command =
        [
            "clone", "gridworld", "--agent", _temporary["run"], "--trajectories", "10", "--max-epochs", "1", "--hidden",
            "8", "--episodes", "2",
            "--out", clone,
        ];
        Require(HipifastProgram.Run(command));
        foreach (
            string file in (string[])["result.json", "epochs.csv", "policy.safetensors", "demonstrations.safetensors"])
        {
            // The result is the last to be written; what else is missing shows how far the killed one came.
            File.Delete(Path.Combine(clone, "result.json"));
            File.Delete(Path.Combine(clone, file));
            File.WriteAllText(Path.Combine(clone, file + ".0123456789ab.tmp"), "half");
            Require(HipifastProgram.Run(command));
            Assert.True(File.Exists(Path.Combine(clone, "demonstrations.safetensors")));
            Assert.Empty(Directory.GetFiles(clone, "*.tmp"));
        }

        Assert.Equal(2, HipifastProgram.Run(command).ExitCode);
        File.Delete(Path.Combine(clone, "result.json"));
        File.WriteAllText(Path.Combine(clone, "thesis.txt"), "x");
        Assert.Equal(2, HipifastProgram.Run(command).ExitCode);
    }

    [Fact]
    public void NamesThatAreTooLongAreRefusedBeforeTheWork()
    {
        string name = new('n', 250);
        foreach (string[] command in (string[][])
            [
                [.. s_tiny, "--out", _temporary[name]],
                ["relabel", "--transitions", "x", "--agent", "a", "--out", _temporary[name]],
                ["compare", "x", "--out", _temporary[name]],
                ["bench", "quick", "--out", _temporary[name]],
            ])
        {
            ProcessResult result = HipifastProgram.Run(command);
            Assert.Equal((2, string.Empty), (result.ExitCode, result.Output));
            Assert.Single(result.Error.TrimEnd().Split('\n'));
        }

        Assert.Empty(Directory.GetFileSystemEntries(_temporary.Root));
    }

    [UnixFact]
    public void AFigureFollowsLinksAndStreamsAreRefused()
    {
        Require(Train(_temporary["run"], []));
        File.CreateSymbolicLink(_temporary["link.svg"], "real.svg");
        Require(HipifastProgram.Run("compare", _temporary["run"], "--out", _temporary["link.svg"]));
        Assert.Equal("real.svg", new FileInfo(_temporary["link.svg"]).LinkTarget);
        Assert.Contains("<svg", File.ReadAllText(_temporary["real.svg"]), StringComparison.Ordinal);
        foreach (string path in (string[])[NamedPipe.Create(_temporary["pipe"]), "/dev/stdout"])
        {
            foreach (string[] command in (string[][])
                [["relabel", "--transitions", "x", "--agent", "a", "--out", path], ["compare", "x", "--out", path]])
            {
                ProcessResult result = HipifastProgram.Run(command);
                Assert.Equal(
                    (
                        2,
                        $"hipifast: '{path}' cannot be written: it is a pipe, a terminal or a stream of this process; "
                        + "expected a file.\n"),
                    (result.ExitCode, result.Error));
            }
        }
    }

    [Fact]
    public void ARunInUseIsAFailureOfTheMachineAndChangesNothing()
    {
        Require(Train(_temporary["runs"], ["--seeds", "1,2"]));
        RunDirectory second = RunDirectory.ForSeed(_temporary["runs"], 2);
        byte[] config = File.ReadAllBytes(second.Config);
        using (second.Hold())
        {
            ProcessResult result = HipifastProgram.Run("train", "--resume", _temporary["runs"], "--steps", "200");
            Assert.Equal(1, result.ExitCode);
            Assert.Equal(
                $"hipifast: '{second.Path}' is in use by another run; wait until that has ended, or stop it.\n",
                result.Error);
        }

        Assert.Equal(config, File.ReadAllBytes(second.Config));
        Require(HipifastProgram.Run("train", "--resume", _temporary["runs"], "--steps", "200"));
    }

    private static ProcessResult Train(string directory, string[] more) =>
        HipifastProgram.Run([.. s_tiny, .. more, "--out", directory]);

    private static void Require(ProcessResult result) =>
        Assert.Equal((0, string.Empty), (result.ExitCode, result.Error));
}
