using System.Text.Json;
using HipiFast.Kernels.Backends;

namespace HipiFast.Cli.Tests;

/// <summary>What the benchmarks report, on sizes and times too small to mean anything.</summary>
public class BenchCommandTests
{
    [Fact]
    public void RooflineReportsEveryKernelOnTheVariantsThatRun()
    {
        string[] size = ["--size", "3,17", "--hidden", "5", "--rounds", "3", "--seconds", "0"];
        JsonElement[] rows = Rows(["bench", "roofline", "--json", .. size]);
        string[] variants = [.. KernelRegistry.Default.Backends.Where(backend => backend.IsSupported(out _)).Select(backend => backend.Name).Order()];
        JsonElement[] matrix = [.. rows.Where(row => Text(row, "kernel") == "soft-q")];
        Assert.Equal(variants, matrix.Select(row => Text(row, "variant")).Distinct().Order());
        Assert.Equal(variants.Length * 3 * 2, matrix.Length);
        foreach (JsonElement row in rows.Where(row => Text(row, "kernel") is "soft-q" or "relabel"))
        {
            // Second layers of two critics, of two critics and the actor, and of the actor twice.
            double perPair = Text(row, "estimator") switch { "critic" => 4, "soft-critic" => 6, _ => 8 } * 5 * 5, median = Number(row, "median_s");
            Assert.Equal(Number(row, "batch") * Number(row, "candidates") / median, Number(row, "pairs_per_s"), 1e-6 * Number(row, "pairs_per_s"));
            Assert.Equal(Number(row, "pairs_per_s") * perPair * 1e-9, Number(row, "gflops"), 1e-6 * Number(row, "gflops"));
            Assert.InRange(Number(row, "fraction_of_peak"), Number(row, "fraction_of_peak_min"), Number(row, "fraction_of_peak_max"));
            Assert.True(Number(row, "peak_gflops") > Number(row, "gflops"), "Tiny problems do not reach the peak.");
        }

        string[] others = ["log-partition", "task-sampling", "replay-sample", "sac-step", "multiply-add", "memory-read", "memory-update"];
        Assert.All(others, kernel => Assert.Contains(rows, row => Text(row, "kernel") == kernel));
        Assert.Equal(
            [(3, 1, 100, 64), (10, 2, 32, 64), (20, 6, 256, 256)],
            rows.Where(row => Text(row, "kernel") == "sac-step")
                .Select(row => ((int)Number(row, "obs"), (int)Number(row, "act"), (int)Number(row, "batch"), (int)Number(row, "hidden"))));
    }

    [Fact]
    public void OptionsChooseWhatIsMeasured()
    {
        string[] options = ["--backend", "managed-portable", "--size", "4", "--hidden", "3", "--threads", "1", "--seconds", "0"];
        JsonElement[] rows = Rows(["bench", "roofline", "--json", "--kernel", "relabel", "--estimator", "bellman", .. options]);
        JsonElement row = rows.Single(row => Text(row, "kernel") == "relabel");
        Assert.Equal(("bellman", "managed-portable", 1), (Text(row, "estimator"), Text(row, "variant"), (int)Number(row, "threads")));
        Assert.Equal(["relabel", "multiply-add", "memory-read", "memory-update"], rows.Select(other => Text(other, "kernel")));
    }

    [Fact]
    public void EnvironmentsReportTheirSteps()
    {
        JsonElement[] rows = Rows(
            ["bench", "environments", "--json", "--environment", "gridworld,nav2d", "--copies", "3", "--threads", "1", "--seconds", "0.01"]);
        Assert.Equal(["gridworld", "nav2d"], rows.Select(row => Text(row, "environment")));
        foreach (JsonElement row in rows)
        {
            Assert.Equal((3, 1), ((int)Number(row, "copies"), (int)Number(row, "threads")));
            Assert.True(Number(row, "slowest") > 0);
            Assert.InRange(Number(row, "steps_per_s"), Number(row, "slowest"), Number(row, "fastest"));
        }
    }

    [Fact]
    public void PhysicsRunsOrSaysWhatToInstall()
    {
        ProgramResult result = HipifastProgram.Run("bench", "environments", "--json", "--environment", "reacher", "--seconds", "0.01");
        string status = OptionalComponents.All.Single(part => part.Assembly == "HipiFast.Mujoco").Status;
        if (status == "installed")
        {
            Assert.Equal((0, string.Empty), (result.ExitCode, result.Error));
            Assert.Contains("\"reacher\"", result.Output, StringComparison.Ordinal);
        }
        else
        {
            Assert.Equal((1, string.Empty), (result.ExitCode, result.Output));
            Assert.Contains("apt-get install libmujoco-dev", result.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void AnUnknownEnvironmentIsAnError()
    {
        ProgramResult result = HipifastProgram.Run("bench", "environments", "--environment", "nav3d");
        Assert.Equal((2, string.Empty), (result.ExitCode, result.Output));
        Assert.StartsWith("hipifast: --environment names 'nav3d'", result.Error, StringComparison.Ordinal);
        Assert.Equal(2, HipifastProgram.Run("bench", "environments", "--copies", "0").ExitCode);
    }

    private static JsonElement[] Rows(string[] arguments)
    {
        ProgramResult result = HipifastProgram.Run(arguments);
        Assert.Equal((0, string.Empty), (result.ExitCode, result.Error));
        using JsonDocument document = JsonDocument.Parse(result.Output);
        return [.. document.RootElement.Clone().EnumerateArray()];
    }

    private static string Text(JsonElement row, string name) => row.GetProperty(name).GetString()!;

    private static double Number(JsonElement row, string name) => row.GetProperty(name).GetDouble();
}
