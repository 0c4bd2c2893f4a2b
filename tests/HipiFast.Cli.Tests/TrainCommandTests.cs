using System.Text.Json;
using HipiFast.Learning;
using HipiFast.Storage;
using HipiFast.Testing;
using HipiFast.Training;

namespace HipiFast.Cli.Tests;

public class TrainCommandTests
{
    // The exit code of a process that was killed, on Unix and on Windows.
    private static int Killed => OperatingSystem.IsWindows() ? -1 : 137;

    private static readonly string[] s_tiny =
    [
        "--steps", "300", "--initial-random-steps", "50", "--eval-every", "100", "--eval-episodes", "4",
        "--episode-limit", "20",
        "--hidden", "8", "--batch", "8",
    ];

    [Fact]
    public void TrainsEvaluatesAndResumes()
    {
        using TemporaryDirectory temporary = new();
        string run = temporary["run"];
        ProcessResult trained = HipifastProgram.Run(["train", "nav2d", "--out", run, .. s_tiny]);
        Assert.Equal((0, string.Empty), (trained.ExitCode, trained.Error));
        Assert.Contains("env steps 300/300", trained.Output);
        Assert.Contains(Path.Combine(run, "metrics.csv"), trained.Output);

        ProcessResult evaluated = HipifastProgram.Run("eval", run, "--episodes", "5", "--json");
        Assert.Equal((0, string.Empty), (evaluated.ExitCode, evaluated.Error));
        using JsonDocument document = JsonDocument.Parse(evaluated.Output);
        JsonElement result = Assert.Single(document.RootElement.EnumerateArray());
        Assert.Equal(5, result.GetProperty("episodes").GetInt32());
        Assert.InRange(result.GetProperty("success_rate").GetDouble(), 0, 1);

        ProcessResult finished = HipifastProgram.Run("train", "--resume", run);
        Assert.Equal(0, finished.ExitCode);
        Assert.Contains("was finished already", finished.Output);

        ProcessResult changed = HipifastProgram.Run("train", "--resume", run, "--gamma", "0.5");
        Assert.Equal(2, changed.ExitCode);
        Assert.StartsWith("hipifast: --gamma is '0.5', but the run in", changed.Error);

        byte[] config = File.ReadAllBytes(new RunDirectory(run).Config);
        ProcessResult fewer = HipifastProgram.Run("train", "--resume", run, "--steps", "200");
        Assert.Equal((
            2,
            $"hipifast: --steps is 200, but the run in {run} has done 300 already; expected 300 or "
            + $"more.{Environment.NewLine}"),
            (fewer.ExitCode, fewer.Error));
        Assert.Equal(config, File.ReadAllBytes(new RunDirectory(run).Config));

        ProcessResult again = HipifastProgram.Run(["train", "nav2d", "--out", run, .. s_tiny]);
        Assert.Equal(2, again.ExitCode);
        Assert.Contains("is not empty", again.Error);
    }

    [Fact]
    public void AnAgentThatDoesNotBelongToItsRunIsRefused()
    {
        using TemporaryDirectory temporary = new();
        RunDirectory run = new(temporary["run"]);
        Assert.Equal(0, HipifastProgram.Run(["train", "nav2d", "--out", run.Path, .. s_tiny]).ExitCode);
        string config = File.ReadAllText(run.Config);

        // What vouches for the configuration would have it refused before the agent is looked at.
        File.Delete(run.Checkpoint);
        File.Delete(run.ConfigSeal);
        File.WriteAllText(run.Config, config.Replace("\"hidden\": 8", "\"hidden\": 64", StringComparison.Ordinal));
        RequireError(
            $"{run.Agent} has 8 hidden units, but {run.Config} says hidden = 64; expected them equal.", "eval",
            run.Path);

        File.WriteAllText(run.Config, config);
        using (AgentNetworks agent = AgentFile.Load(run.Agent))
        {
            // Finite weights whose sums overflow: infinity of both signs in the last layer.
            agent.Actor.Bias(0).Fill(float.MaxValue);
            for (int unit = 0; unit < agent.Hidden; unit++)
            {
                agent.Actor.WeightRow(1, unit).Fill(1f);
            }

            AgentFile.Save(agent, run.Agent);
        }

        string refusal = $"The agent {run.Agent} cannot be played: Entry 0 of the action of copy 0 is NaN.";
        RequireError(refusal, "eval", run.Path);
        RequireError(refusal, "clone", "nav2d", "--agent", run.Path, "--out", temporary["clone"]);
    }

    [Fact]
    public void AnAgentIsPlayedOnTheDeviceOfItsRun()
    {
        using TemporaryDirectory temporary = new();
        RunDirectory run = new(temporary["run"]);
        Assert.Equal(0, HipifastProgram.Run(["train", "nav2d", "--out", run.Path, .. s_tiny]).ExitCode);
        string config = File.ReadAllText(run.Config);
        File.Delete(run.Checkpoint);
        File.Delete(run.ConfigSeal);
        File.WriteAllText(
            run.Config, config.Replace("\"device\": \"auto\"", "\"device\": \"opencl:99\"", StringComparison.Ordinal));
        ProcessResult evaluated = HipifastProgram.Run("eval", run.Path);
        ProcessResult cloned = HipifastProgram.Run(
            "clone", "nav2d", "--agent", run.Path, "--out", temporary["clone"]);
        Assert.Equal(2, evaluated.ExitCode);
        Assert.Contains("device 'opencl:99'", evaluated.Error, StringComparison.Ordinal);
        Assert.Equal((evaluated.ExitCode, evaluated.Error), (cloned.ExitCode, cloned.Error));
    }

    [Fact]
    public void WithoutACheckpointResumeSaysThatItStartsAnew()
    {
        using TemporaryDirectory temporary = new();
        RunDirectory run = new(temporary["run"]);
        Assert.Equal(0, HipifastProgram.Run(["train", "nav2d", "--out", run.Path, .. s_tiny]).ExitCode);
        byte[] metrics = File.ReadAllBytes(run.Metrics);
        File.Delete(run.Checkpoint);
        ProcessResult result = HipifastProgram.Run("train", "--resume", run.Path);
        Assert.Equal(0, result.ExitCode);
        Assert.Contains(
            $"No checkpoint was found in {run.CheckpointFolder}; the run starts from its beginning.", result.Output);
        Assert.Equal(metrics, File.ReadAllBytes(run.Metrics));
    }

    [Fact]
    public void WhatIsNoRegularFileOrDirectoryIsNamed()
    {
        using TemporaryDirectory temporary = new();
        string file = temporary["file"], folder = temporary.Root;
        File.WriteAllText(file, "x");
        RequireError($"'{folder}' is a directory; expected a configuration file (JSON).", "train", "--config", folder);
        RequireError(
            $"Cannot resume '{file}': it is a file; expected the directory of a run.", "train", "--resume", file);
        RequireError($"'{file}' is a file; expected the directory of a run.", "eval", file);
        RequireError($"'{folder}' cannot be written: it is a directory.", "compare", "run", "--out", folder);
        if (!OperatingSystem.IsWindows())
        {
            RequireError(
                "'/dev/zero' is empty or not a regular file; expected a configuration file (JSON).", "train",
                "--config", "/dev/zero");
        }
    }

    [Fact]
    public void ConfigJsonRepeatsTheRun()
    {
        using TemporaryDirectory temporary = new();
        RunDirectory one = new(temporary["one"]), two = new(temporary["two"]);
        Assert.Equal(0, HipifastProgram.Run(
            ["train", "nav2d", "--out", one.Path, "--preset", "paper", "--gradient-steps", "1", .. s_tiny]).ExitCode);
        Assert.Equal(0, HipifastProgram.Run("train", "--config", one.Config, "--out", two.Path).ExitCode);
        Assert.Equal(File.ReadAllBytes(one.Metrics), File.ReadAllBytes(two.Metrics));
    }

    [Fact]
    public void SeveralSeedsRunAsTheyWouldAlone()
    {
        using TemporaryDirectory temporary = new();
        ProcessResult result = HipifastProgram.Run(
            ["train", "nav2d", "--seeds", "3,4,5", "--json", "--out", temporary["all"], .. s_tiny]);
        Assert.Equal((0, string.Empty), (result.ExitCode, result.Error));
        using JsonDocument document = JsonDocument.Parse(result.Output);
        Assert.Equal([3, 4, 5], document.RootElement.GetProperty("runs").EnumerateArray().Select(
            run => run.GetProperty("seed").GetInt32()));
        Assert.True(File.Exists(Path.Combine(temporary["all"], "curve.svg")));
        foreach (ulong seed in (ulong[])[3, 5])
        {
            RunDirectory alone = new(temporary[$"alone-{seed}"]);
            Assert.Equal(0, HipifastProgram.Run(
                ["train", "nav2d", "--seed", $"{seed}", "--out", alone.Path, .. s_tiny]).ExitCode);
            Assert.Equal(File.ReadAllBytes(alone.Metrics), File.ReadAllBytes(
                RunDirectory.ForSeed(temporary["all"], seed).Metrics));
        }

        Assert.Equal(0, HipifastProgram.Run("train", "--resume", temporary["all"], "--steps", "400").ExitCode);
        Assert.Equal(
            400, MetricsLog.Load(Path.Combine(temporary["all"], "seed-4", "metrics.csv")).Column("env_steps")[^1]);
    }

    [Fact]
    public void NothingIsMadeWhenTheConfigurationIsWrong()
    {
        using TemporaryDirectory temporary = new();
        Assert.Equal(
            2, HipifastProgram.Run("train", "nav2d", "--out", temporary["run"], "--learner", "nobody").ExitCode);
        Assert.Equal(2, HipifastProgram.Run("train", "nav2d", "--out", temporary["run"], "--critic-low", "1").ExitCode);
        Assert.Empty(Directory.EnumerateFileSystemEntries(temporary.Root));
    }

    [Fact]
    public void AnOutputThatCannotBeMadeIsNamed()
    {
        using TemporaryDirectory temporary = new();
        File.WriteAllText(temporary["file"], "x");
        foreach (string path in (string[])[temporary["file"], Path.Combine(temporary["file"], "run")])
        {
            ProcessResult result = HipifastProgram.Run(["train", "nav2d", "--out", path, .. s_tiny]);
            Assert.Equal(2, result.ExitCode);
            Assert.Contains(path, result.Error);
            Assert.Single(result.Error.TrimEnd().Split('\n'));
        }
    }

    [Fact]
    public void EvalOfADirectoryWithoutARunIsNamed()
    {
        using TemporaryDirectory temporary = new();
        ProcessResult result = HipifastProgram.Run("eval", temporary.Root);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("holds no run", result.Error);
    }

    [Fact]
    public void KilledAtAnyMomentARunResumesToTheSameMetrics()
    {
        using TemporaryDirectory temporary = new();
        string[] options =
            ["--steps", "1500", .. s_tiny[2..], "--pool", "3", "--checkpoint-every", "7", "--threads", "1"];
        Assert.Equal(0, HipifastProgram.Run(["train", "nav2d", "--out", temporary["whole"], .. options]).ExitCode);
        RunDirectory run = new(temporary["killed"]);
        int kills = 0;
        for (int attempt = 0; attempt < 5; attempt++)
        {
            // Each attempt is let reach a checkpoint, so that the run gets on, or a few. The moment after it differs
            // from machine to machine: between checkpoints and within one.
            using ChildProcess process = Begin();
            (DateTime, long) seen = Stamp(run.Checkpoint);
            for (int changes = 1 + (attempt * 3 % 4); changes > 0 && !process.HasEnded;)
            {
                (DateTime, long) now = Stamp(run.Checkpoint);
                changes -= now == seen ? 0 : 1;
                seen = now;
                Thread.Sleep(1);
            }

            process.Kill();
            int exitCode = process.End().ExitCode;
            kills += exitCode == 0 ? 0 : 1;
            Assert.Equal(exitCode == 0 ? 0 : Killed, exitCode);
            if (File.Exists(run.Checkpoint))
            {
                using SafetensorsFile checkpoint = SafetensorsFile.Open(run.Checkpoint);
                Assert.NotEmpty(checkpoint.Tensors);
            }

            if (File.Exists(run.Agent))
            {
                AgentFile.Load(run.Agent).Dispose();
            }
        }

        using (ChildProcess last = Begin())
        {
            Assert.Equal(0, last.End().ExitCode);
        }

        Assert.InRange(kills, 1, 5);
        Assert.Equal(File.ReadAllText(Path.Combine(temporary["whole"], "metrics.csv")), File.ReadAllText(run.Metrics));
        Assert.Empty(Directory.EnumerateFiles(run.CheckpointFolder, "*.tmp"));

        ChildProcess Begin() => File.Exists(run.Config)
            ? HipifastProgram.Start("train", "--resume", run.Path)
            : HipifastProgram.Start(["train", "nav2d", "--out", run.Path, .. options]);
    }

    [UnixFact]
    public void AnInterruptSavesAndSaysHowToResume()
    {
        using TemporaryDirectory temporary = new();
        RunDirectory run = new(temporary["run"]);
        string[] endless = ["--steps", "1000000", "--hidden", "8", "--eval-episodes", "4", "--checkpoint-seconds", "0"];
        using ChildProcess process = HipifastProgram.Start(["train", "nav2d", "--out", run.Path, .. endless]);
        process.Await(() => process.Output.Contains("seed 1:", StringComparison.Ordinal));
        process.Signal("INT");
        ProcessResult result = process.End();
        Assert.Equal(130, result.ExitCode);
        Assert.Contains($"hipifast train --resume {run.Path}", result.Output);
        Assert.True(File.Exists(run.Checkpoint));
    }

    private static void RequireError(string sentence, params string[] args)
    {
        ProcessResult result = HipifastProgram.Run(args);
        Assert.Equal((2, $"hipifast: {sentence}{Environment.NewLine}", string.Empty), (
            result.ExitCode, result.Error, result.Output));
    }

    // What tells one state of a file from another.
    private static (DateTime Written, long Length) Stamp(string path)
    {
        FileInfo file = new(path);
        return file.Exists ? (file.LastWriteTimeUtc, file.Length) : default;
    }
}
