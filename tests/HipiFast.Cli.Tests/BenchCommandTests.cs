using System.Text.Json;
using HipiFast.Benchmarking.Results;
using HipiFast.Kernels.Backends;
using HipiFast.Testing;

namespace HipiFast.Cli.Tests;

/// <summary>What the benchmarks report, on sizes and times too small to mean anything.</summary>
public class BenchCommandTests
{
    [Fact]
    public void RooflineReportsEveryKernelOnTheVariantsThatRun()
    {
        string[] size = ["--size", "3,17", "--hidden", "5", "--rounds", "3", "--seconds", "0"];
        JsonElement[] rows = Rows(["bench", "roofline", "--json", .. size]);
        string[] variants =
            [.. KernelRegistry.Default.Backends.Where(IsOfProcessor).Select(backend => backend.Name).Order()];
        JsonElement[] matrix = [.. rows.Where(row => Text(row, "kernel") == "soft-q")];
        Assert.Equal(variants, matrix.Select(row => Text(row, "variant")).Distinct().Order());
        Assert.Equal(variants.Length * 3 * 2, matrix.Length);
        foreach (JsonElement row in rows.Where(row => Text(row, "kernel") is "soft-q" or "relabel"))
        {
            // Second layers of two critics, of two critics and the actor, and of the actor twice.
            double perPair = Text(row, "estimator") switch { "critic" => 4, "soft-critic" => 6, _ => 8 } * 5 * 5,
                median = Number(row, "median_s");
            Assert.Equal(
                Number(row, "batch") * Number(row, "candidates") / median, Number(row, "pairs_per_s"),
                1e-6 * Number(row, "pairs_per_s"));
            Assert.Equal(
                Number(row, "pairs_per_s") * perPair * 1e-9, Number(row, "gflops"), 1e-6 * Number(row, "gflops"));
            Assert.InRange(Number(row, "fraction_of_peak"), Number(
                row, "fraction_of_peak_min"), Number(row, "fraction_of_peak_max"));
            Assert.True(Number(row, "peak_gflops") > Number(row, "gflops"), "Tiny problems do not reach the peak.");
        }

        string[] others =
        [
            "log-partition", "task-sampling", "replay-sample", "sac-step", "multiply-add", "memory-read",
            "memory-update"
        ];
        Assert.All(others, kernel => Assert.Contains(rows, row => Text(row, "kernel") == kernel));
        Assert.Equal(
            [(3, 1, 100, 64), (10, 2, 32, 64), (20, 6, 256, 256)],
            rows.Where(row => Text(row, "kernel") == "sac-step")
                .Select(
                    row =>
                        ((int)Number(row, "obs"), (int)Number(row, "act"), (int)Number(row, "batch"),
                        (int)Number(row, "hidden"))));

        // 15 products of the second layer; first and last layers counted by hand, pass by pass.
        double[] flops =
        [
            2.0 * 100 * 64 * (42 + (15 * 64) + 19), 2.0 * 32 * 64 * (128 + (15 * 64) + 27),
            2.0 * 256 * 256 * (274 + (15 * 256) + 59)
        ];
        foreach ((JsonElement row, double expected) in rows.Where(row => Text(row, "kernel") == "sac-step").Zip(flops))
        {
            Assert.Equal(expected * 1e-9, Number(row, "gflops") * Number(row, "median_s"), 1e-6 * expected * 1e-9);
            Assert.InRange(Number(row, "fraction_of_peak"), Number(
                row, "fraction_of_peak_min"), Number(row, "fraction_of_peak_max"));
        }

        JsonElement replay = rows.Single(row => Text(row, "kernel") == "replay-sample");
        Assert.Equal("random reads", Text(replay, "limit"));
        Assert.InRange(Number(replay, "fraction_of_limit"), Number(
            replay, "fraction_of_limit_min"), Number(replay, "fraction_of_limit_max"));
    }

    [Fact]
    public void OptionsChooseWhatIsMeasured()
    {
        string[] options =
            ["--backend", "managed-portable", "--size", "4", "--hidden", "3", "--threads", "1", "--seconds", "0"];
        JsonElement[] rows = Rows(
            ["bench", "roofline", "--json", "--kernel", "relabel", "--estimator", "bellman", .. options]);
        JsonElement row = rows.Single(row => Text(row, "kernel") == "relabel");
        Assert.Equal(("bellman", "managed-portable", 1), (
            Text(row, "estimator"), Text(row, "variant"), (int)Number(row, "threads")));
        Assert.Equal(
            ["relabel", "multiply-add", "memory-read", "memory-update"], rows.Select(other => Text(other, "kernel")));
    }

    [Fact]
    public void QuickWritesAFileThatTheGateReads()
    {
        using TemporaryDirectory directory = new();
        string file = directory["quick.json"];
        string[] names =
            [.. Rows(
                ["bench", "quick", "--json", "--seconds", "0", "--backend", "managed", "--filter", "h64", "--out", file])
                .Select(row => Text(row, "kernel"))];
        Assert.Equal(["relabel", "sac-step", "soft-q"], names.Distinct().Order());
        ResultSet set = ResultSet.Load(file);
        Assert.Equal(names.Length, set.Benchmarks.Count);
        Assert.All(set.Benchmarks.Values, benchmark => Assert.Equal(5, benchmark.Seconds.Count));
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(file));
        Assert.All(
            (string[])["format", "version", "measured", "commit", "machine", "benchmarks", "peaks"],
            property => Assert.True(document.RootElement.TryGetProperty(property, out _), property));

        // Against itself nothing has changed.
        ProcessResult same = HipifastProgram.Run("bench", "compare", file, file);
        Assert.Equal((0, string.Empty), (same.ExitCode, same.Error));
        Assert.Contains(
            $"{names.Length} benchmarks compared, 0 slower, 0 faster", same.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void QuickOfNoCaseIsRefused()
    {
        ProcessResult result = HipifastProgram.Run("bench", "quick", "--filter", "h65");
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("No benchmark's name contains 'h65' (--filter); expected part of one of soft-q/", result.Error);
    }

    [Fact]
    public void TwoBuildsAreComparedInTurns()
    {
        string build = Path.GetDirectoryName(typeof(CommandLineProgram).Assembly.Location)!;
        string[] plan = ["--restarts", "2", "--turns", "1", "--turn-ms", "0.1", "--filter", "log-partition"];
        ProcessResult result = HipifastProgram.Run(["bench", "compare", "--paired", build, build, "--json", .. plan]);

        // Two restarts cannot tell anything from luck.
        Assert.Equal((0, string.Empty), (result.ExitCode, result.Error));
        using JsonDocument document = JsonDocument.Parse(result.Output);
        JsonElement[] rows = [.. document.RootElement.GetProperty("benchmarks").EnumerateArray()];
        Assert.All(rows, row => Assert.StartsWith("log-partition/", Text(row, "name"), StringComparison.Ordinal));
        Assert.All(rows, row => Assert.InRange(Number(row, "ratio"), 0.01, 100));
        Assert.Equal(
            [("median", "same"), ("first", "same"), ("allocated", "same")],
            rows.Select(row => (Text(row, "measure"), Text(row, "verdict"))));
        Assert.Equal((0, 0), (Number(rows[2], "base_bytes"), Number(rows[2], "new_bytes")));
    }

    [Fact]
    public void APairedRunOfNoBenchmarkIsRefused()
    {
        string build = Path.GetDirectoryName(typeof(CommandLineProgram).Assembly.Location)!;
        ProcessResult result = HipifastProgram.Run(
            "bench", "compare", "--paired", build, build, "--filter", "no such benchmark");
        Assert.Equal((2, string.Empty), (result.ExitCode, result.Output));
        Assert.Contains("no benchmark's name contains that", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("neither a file nor a folder", "bench", "compare", "/no/such/folder", "/no/such/folder")]
    [InlineData("There is no folder", "bench", "compare", "--paired", "/no/such/folder", "/no/such/folder")]
    public void TheGateRefusesWhatIsMissing(string expected, params string[] args)
    {
        ProcessResult result = HipifastProgram.Run(args);
        Assert.Equal((2, string.Empty), (result.ExitCode, result.Output));
        Assert.Contains(expected, result.Error, StringComparison.Ordinal);
        Assert.Single(result.Error.TrimEnd().Split('\n'));
    }

    [Fact]
    public void ScalingFindsWhereTheTwoPassFormTakesOver()
    {
        // Sizes 64, 91, 128 and so on: 128 x 128 entries fit into 64 KiB, 181 x 181 do not.
        ProcessResult result = HipifastProgram.Run(
            "bench", "scaling", "--json", "--hidden", "3", "--memory-budget", "0.0625");
        Assert.Equal((0, string.Empty), (result.ExitCode, result.Error));
        using JsonDocument document = JsonDocument.Parse(result.Output);
        Assert.Equal(
            [64, 91, 128, 181, 256, 362, 512],
            document.RootElement.GetProperty("rows").EnumerateArray().Select(row => (int)Number(row, "batch")));
        JsonElement fit = document.RootElement.GetProperty("fits").EnumerateArray().Single();
        Assert.Equal((2, 256), ((int)Number(fit, "passes"), (int)Number(fit, "smallest")));
    }

    [Fact]
    public void AGpuThatIsNotThereIsASentence()
    {
        bool hasGpu = KernelRegistry.Default.Backends.Any(
            backend => backend.IsSupported(out _) && backend.Devices.Any(device => device.Id != "cpu"));
        ProcessResult result = hasGpu
            ? HipifastProgram.Run("bench", "gpu", "--device", "cuda:99")
            : HipifastProgram.Run("bench", "gpu");
        Assert.Equal((1, string.Empty), (result.ExitCode, result.Output));
        Assert.StartsWith("hipifast: There is no GPU to measure here: ", result.Error);
        Assert.Single(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    private static bool IsOfProcessor(KernelBackend backend) =>
        backend.IsSupported(out _) && backend.Devices.Count == 0;


    [Fact]
    public void EnvironmentsReportTheirSteps()
    {
        JsonElement[] rows = Rows(
            [
                "bench", "environments", "--json", "--environment", "gridworld,nav2d", "--copies", "3", "--threads",
                "1", "--seconds", "0.01"
            ]);
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
        ProcessResult result = HipifastProgram.Run(
            "bench", "environments", "--json", "--environment", "reacher", "--seconds", "0.01");
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
        ProcessResult result = HipifastProgram.Run("bench", "environments", "--environment", "nav3d");
        Assert.Equal((2, string.Empty), (result.ExitCode, result.Output));
        Assert.StartsWith("hipifast: --environment names 'nav3d'", result.Error, StringComparison.Ordinal);
        Assert.Equal(2, HipifastProgram.Run("bench", "environments", "--copies", "0").ExitCode);
    }

    private static JsonElement[] Rows(string[] arguments)
    {
        ProcessResult result = HipifastProgram.Run(arguments);
        Assert.Equal((0, string.Empty), (result.ExitCode, result.Error));
        using JsonDocument document = JsonDocument.Parse(result.Output);
        return [.. document.RootElement.Clone().EnumerateArray()];
    }

    private static string Text(JsonElement row, string name) => row.GetProperty(name).GetString()!;

    private static double Number(JsonElement row, string name) => row.GetProperty(name).GetDouble();
}
