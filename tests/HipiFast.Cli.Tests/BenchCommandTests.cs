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
        string[] variants = [.. KernelRegistry.Default.Backends.Where(IsOfProcessor).Select(backend => backend.Name).Order()];
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
    public void AGpuThatIsNotThereIsASentence()
    {
        bool hasGpu = KernelRegistry.Default.Backends.Any(backend => backend.IsSupported(out _) && backend.Devices.Any(device => device.Id != "cpu"));
        ProgramResult result = hasGpu ? HipifastProgram.Run("bench", "gpu", "--device", "cuda:99") : HipifastProgram.Run("bench", "gpu");
        Assert.Equal((1, string.Empty), (result.ExitCode, result.Output));
        Assert.StartsWith("hipifast: There is no GPU to measure here: ", result.Error);
        Assert.Single(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    private static bool IsOfProcessor(KernelBackend backend) => backend.IsSupported(out _) && backend.Devices.Count == 0;

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
