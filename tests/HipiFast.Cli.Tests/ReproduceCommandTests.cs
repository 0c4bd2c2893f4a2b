using System.Text.Json;
using HipiFast.Replay;
using HipiFast.Testing;

namespace HipiFast.Cli.Tests;

public sealed class ReproduceCommandTests(ReproduceCommandTests.Figure figure)
    : IClassFixture<ReproduceCommandTests.Figure>
{
    [Fact]
    public void ReproduceWritesAReportAndAgainTheSameBytes()
    {
        string directory = figure.Path, report = Path.Combine(directory, "report.html");
        Assert.Equal((0, string.Empty), (figure.Result.ExitCode, figure.Result.Error));
        Assert.Contains("bears the paper out", figure.Result.Output);
        byte[] first = File.ReadAllBytes(report);
        ProcessResult again = HipifastProgram.Run(
            "reproduce", "fig4", "--quick", "--seeds", "3", "--out", directory, "--json");
        Assert.Equal(first, File.ReadAllBytes(report));
        using JsonDocument document = JsonDocument.Parse(again.Output);
        Assert.Equal("fig4", document.RootElement.GetProperty("figure").GetString());
        Assert.Equal(2, document.RootElement.GetProperty("panels").GetArrayLength());
        Assert.All(
            document.RootElement.GetProperty("panels").EnumerateArray(),
            panel => Assert.Equal("born-out", panel.GetProperty("verdict").GetString()));
    }

    [Theory]
    [InlineData("Unknown figure 'fig1'; expected fig4, fig5, fig6, fig7, fig8.", "reproduce", "fig1")]
    [InlineData("fig5 has no panel 'moon'", "reproduce", "fig5", "--panels", "nav2d,moon")]
    [InlineData("--seeds is '1,1'", "reproduce", "fig4", "--seeds", "1,1")]
    [InlineData("clone needs either", "clone", "nav2d")]
    [InlineData(
        "--labels is 'x'; expected inverse-rl, no-partition, commanded, none, random.", "clone", "nav2d", "--labels",
        "x")]
    [InlineData("Unknown environment 'moon'", "clone", "moon", "--demonstrations", "x.safetensors")]
    [InlineData(
        "The cloning option TorchDevice is tpu", "clone", "gridworld", "--demonstrations", "x.safetensors",
        "--torch-device", "tpu")]
    public void BadUsageIsOneSentence(string expected, params string[] args)
    {
        ProcessResult result = HipifastProgram.Run(args);
        Assert.Equal(2, result.ExitCode);
        Assert.StartsWith("hipifast: " + expected, result.Error);
        Assert.Single(result.Error.TrimEnd().Split('\n'));
    }

    [Fact]
    public void CloneFromAnAgentThenFromTheFileItWrote()
    {
        using TemporaryDirectory temporary = new();
        Assert.Equal(0, HipifastProgram.Run(
            "train", "gridworld", "--steps", "200", "--eval-episodes", "2", "--out", temporary["run"]).ExitCode);
        ProcessResult first = HipifastProgram.Run(
            "clone", "gridworld", "--agent", temporary["run"], "--trajectories", "20", "--max-epochs", "2", "--hidden",
            "8", "--episodes", "5",
            "--out", temporary["a"]);
        Assert.Equal((0, string.Empty), (first.ExitCode, first.Error));
        string file = Path.Combine(temporary["a"], "demonstrations.safetensors");
        ProcessResult second = HipifastProgram.Run(
            "clone", "gridworld", "--demonstrations", file, "--max-epochs", "2", "--hidden", "8", "--episodes", "5",
            "--out", temporary["b"], "--json");
        Assert.Equal((0, string.Empty), (second.ExitCode, second.Error));
        Assert.Equal(20, JsonDocument.Parse(second.Output).RootElement.GetProperty("trajectories").GetInt32());
        Assert.Equal(
            File.ReadAllBytes(Path.Combine(temporary["a"], "policy.safetensors")),
            File.ReadAllBytes(Path.Combine(temporary["b"], "policy.safetensors")));
        ProcessResult nowhere = HipifastProgram.Run(
            "clone", "gridworld", "--demonstrations", file, "--out", Path.Combine(file, "x"));
        Assert.Equal(2, nowhere.ExitCode);
        Assert.Contains("is a file; expected a directory", nowhere.Error);
        ProcessResult full = HipifastProgram.Run(
            "clone", "gridworld", "--demonstrations", file, "--out", temporary["b"]);
        Assert.Equal(2, full.ExitCode);
        Assert.Contains("not empty", full.Error);
    }

    [Fact]
    public void CloneOfSeveralRunsAsksForOne()
    {
        using TemporaryDirectory temporary = new();
        Assert.Equal(
            0, HipifastProgram.Run(
                "train", "gridworld", "--steps", "100", "--seeds", "1,2", "--eval-episodes", "2", "--out",
                temporary["runs"]).ExitCode);
        ProcessResult result = HipifastProgram.Run(
            "clone", "gridworld", "--agent", temporary["runs"], "--out", temporary["clone"]);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("holds 2 runs; expected one, such as", result.Error);
        Assert.False(Directory.Exists(temporary["clone"]));
    }

    [Fact]
    public void ClonePlaysTheDemonstrationsInTheEnvironmentThatJudgesThem()
    {
        using TemporaryDirectory temporary = new();
        Assert.Equal(
            0,
            HipifastProgram.Run(
                "train", "gridworld", "--episode-limit", "5", "--steps", "100", "--eval-episodes", "2", "--out",
                temporary["run"]).ExitCode);
        ProcessResult result = HipifastProgram.Run(
            "clone", "gridworld", "--agent", temporary["run"], "--trajectories", "20", "--max-epochs", "1", "--hidden",
            "8", "--episodes", "2",
            "--out", temporary["clone"]);
        Assert.Equal((0, string.Empty), (result.ExitCode, result.Error));
        using TransitionFile file = TransitionFile.Open(Path.Combine(temporary["clone"], "demonstrations.safetensors"));
        long[] episode = new long[file.Count];
        file.ReadEpisodes(episode);
        Assert.True(episode.GroupBy(number => number).Max(steps => steps.Count()) > 5);
    }

    [Fact]
    public void ReproduceOfAnotherFigureLeavesTheDirectoryAlone()
    {
        byte[] report = File.ReadAllBytes(Path.Combine(figure.Path, "report.html"));
        ProcessResult other = HipifastProgram.Run("reproduce", "fig5", "--quick", "--out", figure.Path);
        Assert.Equal(2, other.ExitCode);
        Assert.Contains("holds fig4 --quick; fig5 --quick needs a directory of its own", other.Error);
        Assert.Equal(report, File.ReadAllBytes(Path.Combine(figure.Path, "report.html")));
    }

    /// <summary>A figure that was reproduced, for the tests that look at it or come back to it.</summary>
    public sealed class Figure : IDisposable
    {
        private readonly TemporaryDirectory _directory = new();

        public Figure() =>
            Result = HipifastProgram.Run("reproduce", "fig4", "--quick", "--seeds", "3", "--out", Path);

        /// <summary>Where it is.</summary>
        public string Path => _directory["fig4"];

        /// <summary>What the program said.</summary>
        internal ProcessResult Result { get; }

        public void Dispose() => _directory.Dispose();
    }
}
