using System.CommandLine;
using System.CommandLine.Parsing;
using HipiFast.Cli.Benchmarks;
using HipiFast.Kernels.Backends;
using HipiFast.Training;

namespace HipiFast.Cli;

/// <summary><c>hipifast bench quick</c>: how fast the engine is on this machine.</summary>
internal static class BenchCommand
{
    public static Command Create(Option<bool> json)
    {
        Option<string> backend = new("--backend") { Description = "Backend to measure.", DefaultValueFactory = _ => KernelRegistry.Auto };
        Option<string> precision = new("--precision")
        {
            Description = "Arithmetic of the soft Q-values; auto is fp32 unless the backend is one of bf16.",
            HelpName = "auto|fp32|bf16",
            DefaultValueFactory = _ => "auto",
        };
        Option<int> threads = new("--threads") { Description = "Threads; 0 for one per core." };
        Option<double> seconds = new("--seconds") { Description = "Time spent on each case, in seconds.", DefaultValueFactory = _ => 1 };
        seconds.Validators.Add(AtLeastZero);
        threads.Validators.Add(AtLeastZero);
        Command quick = new("quick", "Soft-Q matrix, whole relabel calls, SAC steps: medians, and fractions of the multiply-add peak measured beside them.")
        {
            backend,
            precision,
            threads,
            seconds,
        };
        quick.SetAction(parsed =>
        {
            PrecisionMode mode = (PrecisionMode)ConfigKey.Find("precision", string.Empty).Parse(parsed.GetRequiredValue(precision))!;
            KernelBackend chosen = OptionalComponents.RequireBackend(parsed.GetRequiredValue(backend), mode);
            return Run(new ConsoleOutput(parsed.GetValue(json)), new QuickBenchmark(chosen, parsed.GetValue(threads), parsed.GetValue(seconds)));
        });
        return new Command("bench", "Measure the engine on this machine.") { quick };

        static void AtLeastZero(OptionResult result)
        {
            if (result.Tokens.Count == 1 && double.TryParse(result.Tokens[0].Value, out double value) && !(value >= 0 && double.IsFinite(value)))
            {
                result.AddError($"{result.Option.Name} is '{result.Tokens[0].Value}'; expected a finite number, 0 or more.");
            }
        }
    }

    private static int Run(ConsoleOutput output, QuickBenchmark benchmark)
    {
        List<QuickResult> results = [];
        foreach (QuickCase one in QuickBenchmark.Cases)
        {
            results.Add(benchmark.Run(one));
        }

        output.Line($"backend {results[0].Variant}, {results[0].Threads} threads, fp32; medians; peak = multiply-adds measured beside each case");
        output.Table(
            ["work", "batch x tasks", "H", "time", "rate", "of peak"],
            results.Select(result => (IReadOnlyList<string>)
            [
                result.Case.Kernel == QuickBenchmark.SacStep
                    ? $"SAC step (A = {result.Case.Shape.ActionDimension})"
                    : $"{result.Case.Kernel} {result.EstimatorName}",
                result.Case.Candidates == 0 ? $"{result.Case.Batch}" : $"{result.Case.Batch} x {result.Case.Candidates}",
                $"{result.Case.Hidden}",
                $"{ConsoleOutput.Fixed(result.MedianSeconds * 1e6, 1)} us",
                result.Case.Candidates == 0
                    ? $"{ConsoleOutput.Rate(1 / result.MedianSeconds)}updates/s"
                    : $"{ConsoleOutput.Rate(result.PairsPerSecond)}pairs/s",
                result.Case.Candidates == 0 ? string.Empty : ConsoleOutput.Fixed(100 * result.Gflops / result.PeakGflops, 0) + "%",
            ]));
        output.Document(writer =>
        {
            writer.WriteStartArray();
            results.ForEach(result => result.Write(writer));
            writer.WriteEndArray();
        });
        return CommandLineProgram.Good;
    }
}
