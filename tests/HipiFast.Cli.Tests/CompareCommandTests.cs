using System.Text.Json;
using HipiFast.Storage;
using HipiFast.Testing;
using HipiFast.Training;

namespace HipiFast.Cli.Tests;

public class CompareCommandTests
{
    [Fact]
    public void SuccessIsComparedWhereOneRunHasAny()
    {
        using TemporaryDirectory temporary = new();
        Write(temporary["a"], [0, 0], [-50, -50]);
        Write(temporary["b"], [0, 0.5], [-50, -30]);

        JsonElement[] rows = Compare(temporary["a"], temporary["b"]);

        Assert.All(rows, row => Assert.Equal("success_rate", row.GetProperty("metric").GetString()));
        Assert.Equal([0, 0.25], rows.Select(row => row.GetProperty("area_mean").GetDouble()));
        Assert.Equal(-0.25, rows[1].GetProperty("first_minus_this_mean").GetDouble());
    }

    [Fact]
    public void ReturnsAreComparedWhereNoRunHasASuccess()
    {
        using TemporaryDirectory temporary = new();
        Write(temporary["a"], [0, 0], [-10, 30]);
        Write(temporary["b"], [0, 0], [-20, 10]);

        JsonElement[] rows = Compare(temporary["a"], temporary["b"]);

        Assert.All(rows, row => Assert.Equal("episode_return", row.GetProperty("metric").GetString()));
        Assert.Equal([10, -5], rows.Select(row => row.GetProperty("area_mean").GetDouble()));
        Assert.Equal(15, rows[1].GetProperty("first_minus_this_mean").GetDouble());
        string picture = temporary["curves.svg"];
        ProcessResult drawn = HipifastProgram.Run("compare", temporary["a"], temporary["b"], "--out", picture);
        Assert.Equal((0, string.Empty), (drawn.ExitCode, drawn.Error));
        Assert.Contains("area under return curve", drawn.Output);
        Assert.Contains(">return<", File.ReadAllText(picture));
    }

    [Fact]
    public void ADifferenceThatRoundsToNothingHasNoSign()
    {
        using TemporaryDirectory temporary = new();
        Write(temporary["a"], [0.5, 0.5], [0, 0]);
        Write(temporary["b"], [0.5, 0.5004], [0, 0]);
        Assert.Contains(
            " 0.000 (0.000; 0 of 1)", HipifastProgram.Run("compare", temporary["a"], temporary["b"]).Output);
    }

    [Theory]
    [InlineData(0, ">return<")]
    [InlineData(0.5, ">success rate<")]
    public void TheCurveOfARunShowsWhatTellsSomething(double success, string label)
    {
        using TemporaryDirectory temporary = new();
        string picture = temporary["curve.svg"];
        MetricsLog metrics = new([.. Enum.GetValues<MetricColumn>().Select(RunLogs.NameOf)]);
        double[] row = new double[metrics.Columns.Count];
        row[(int)MetricColumn.EnvSteps] = 1000;
        row[(int)MetricColumn.MeanActionSuccessRate] = success;
        metrics.Add(row);

        RunLogs.WriteCurve(picture, "a run", [metrics]);

        Assert.Contains(label, File.ReadAllText(picture));
    }

    [Fact]
    public void WhatIsWrongWithARunIsSaidOfItsFile()
    {
        using TemporaryDirectory temporary = new();
        Write(temporary["a"], [0, 0.5], [0, 0]);
        string metrics = RunDirectory.ForSeed(temporary["a"], 1).Metrics;
        string text = File.ReadAllText(metrics);
        foreach ((string from, string to, string sentence) in ((string, string, string)[])
            [
                ("2000,", "nan,", $"Line 3 of '{metrics}' has env_steps = NaN; expected finite, increasing numbers."),
                ("2000,", "1000,", $"Line 3 of '{metrics}' has env_steps = 1000; expected finite, increasing numbers."),
                (
                    "success_rate", "succes",
                    $"'{metrics}' is not the metrics of a run. There is no column 'success_rate'; expected one of"),
            ])
        {
            File.WriteAllText(metrics, text.Replace(from, to, StringComparison.Ordinal));
            RequireError(sentence, "compare", temporary["a"]);
        }

        // Two folders with runs of one seed.
        File.WriteAllText(metrics, text);
        RunDirectory second = RunDirectory.ForSeed(temporary["a"], 2);
        Directory.CreateDirectory(second.Path);
        File.Copy(metrics, second.Metrics);
        File.Copy(RunDirectory.ForSeed(temporary["a"], 1).Config, second.Config);
        RequireError(
            $"Two runs in '{temporary["a"]}' have seed 1, one of them '{second.Path}'; expected runs of different "
            + "seeds.",
            "compare", temporary["a"]);
    }

    private static void RequireError(string sentence, params string[] args)
    {
        ProcessResult result = HipifastProgram.Run(args);
        Assert.Equal((2, string.Empty), (result.ExitCode, result.Output));
        Assert.StartsWith("hipifast: " + sentence, result.Error);
        Assert.Single(result.Error.TrimEnd().Split('\n'));
    }

    private static JsonElement[] Compare(params string[] runs)
    {
        ProcessResult result = HipifastProgram.Run(["compare", .. runs, "--json"]);
        Assert.Equal((0, string.Empty), (result.ExitCode, result.Error));
        using JsonDocument document = JsonDocument.Parse(result.Output);
        return [.. document.RootElement.EnumerateArray().Select(row => row.Clone())];
    }

    private static void Write(string path, double[] success, double[] returns)
    {
        RunDirectory run = RunDirectory.ForSeed(path, 1);
        Directory.CreateDirectory(run.Path);
        run.WriteConfig(new TrainingConfig { Run = new() { Seed = 1 } });
        MetricsLog metrics = new("env_steps", "episode_return", "success_rate");
        for (int i = 0; i < success.Length; i++)
        {
            metrics.Add(1000 * (i + 1), returns[i], success[i]);
        }

        metrics.Save(run.Metrics);
    }
}
