using System.CommandLine;
using System.Text.Json;
using HipiFast.Benchmarking.Cases;
using HipiFast.Benchmarking.Results;
using HipiFast.Benchmarking.Timing;
using HipiFast.Kernels.Backends;
using HipiFast.Storage;

namespace HipiFast.Cli;

/// <summary>
/// <c>hipifast bench scaling</c>: whole relabel calls with more and more transitions and tasks until memory binds and beyond, the exponent with which
/// their cost grows, and where the form that computes Q~ twice, in blocks of rows, takes over.
/// </summary>
internal static class ScalingCommand
{
    // Below, a call's fixed costs show, which are not what grows.
    private const int SmallestFitted = 256;
    private const int Largest = 65_536;
    private const int FewestRounds = 5;
    private const int FewestTwoPass = 3;

    public static Command Create(Option<bool> json)
    {
        Option<string> backend = new("--backend")
        {
            Description = "Backend to measure.",
            HelpName = "NAME",
            DefaultValueFactory = _ => KernelRegistry.Auto,
        };
        Option<int> hidden = new("--hidden") { Description = "Width of the networks, 1 to 8192.", HelpName = "H", DefaultValueFactory = _ => 64 };
        Option<int> threads = new("--threads") { Description = "Threads; 0 for one per core.", HelpName = "N" };
        Option<double> budget = new("--memory-budget")
        {
            Description = "Memory for Q~ in MiB, beyond which it is computed twice. Small, for that to come soon; the library's default is 1024.",
            HelpName = "MIB",
            DefaultValueFactory = _ => 4,
        };
        Option<double> longest = new("--longest")
        {
            Description = "Stop once a call takes so many seconds.",
            HelpName = "F",
            DefaultValueFactory = _ => 1.5,
        };
        Command command = new(
            "scaling", "Relabel calls of growing size: cost per pair, the exponent of its growth, and where the two-pass form takes over.")
        {
            backend, hidden, threads, budget, longest,
        };
        command.SetAction(parsed =>
        {
            double mebibytes = parsed.GetValue(budget), seconds = parsed.GetValue(longest);
            int width = parsed.GetValue(hidden), most = parsed.GetValue(threads);
            if (!(mebibytes > 0 && mebibytes <= 1 << 20) || !(seconds > 0 && seconds <= 3600) || width is < 1 or > 8192 || most < 0)
            {
                throw new ArgumentException(
                    "--memory-budget is above 0, at most 1048576; --longest above 0, at most 3600; --hidden 1 to 8192; --threads 0 or more.");
            }

            KernelBackend chosen = OptionalComponents.RequireBackend(parsed.GetRequiredValue(backend), PrecisionMode.Auto);
            return Run(new ConsoleOutput(parsed.GetValue(json)), chosen, width, most, (long)(mebibytes * (1 << 20)), seconds);
        });
        return command;
    }

    private static int Run(ConsoleOutput output, KernelBackend backend, int hidden, int threads, long budget, double longest)
    {
        List<BenchmarkResult> results = [];
        using BenchmarkTimer timer = new(FewestRounds, 0);
        int twoPass = 0;
        foreach (int size in Sizes())
        {
            BenchmarkCase benchmark = new(BenchmarkCase.Relabel, BenchmarkCase.PeerShape, size, size, hidden, MemoryBudget: budget);
            results.Add(timer.Run(benchmark, backend, threads));
            twoPass += Passes(benchmark) - 1;
            if (results[^1].MedianSeconds > longest || (twoPass >= FewestTwoPass && twoPass > results.Count - twoPass))
            {
                break;
            }
        }

        output.Table(
            ["batch x tasks", "Q~", "passes", "median", "time per pair", "of peak (min-max)"],
            results.Select(result => (IReadOnlyList<string>)
            [
                $"{NumberText.Count(result.Case.Batch)} x {NumberText.Count(result.Case.Candidates)}",
                NumberText.Fixed(MatrixBytes(result.Case) / (double)(1 << 20), 2) + " MiB",
                $"{Passes(result.Case)}",
                NumberText.Fixed(result.MedianSeconds * 1e3, 3) + " ms",
                NumberText.Fixed(1e9 / result.PairsPerSecond, 2) + " ns",
                result.Cells()[^1],
            ]));
        ScalingPart[] parts = [.. ((int[])[1, 2]).Select(passes => ScalingPart.Of(results, passes)).OfType<ScalingPart>()];
        foreach (ScalingPart part in parts)
        {
            string passes = part.Passes == 1 ? "1 pass" : $"{part.Passes} passes";
            output.Line($"{passes}: time grows as pairs to the power {part.Law}, from {part.Smallest} x {part.Smallest} on.");
        }

        double? ratio = parts is [{ } one, { } two] ? two.SecondsPerPair / one.SecondsPerPair : null;
        if (ratio is double factor)
        {
            output.Line(
                $"Q~ is computed twice from {parts[1].Smallest} x {parts[1].Smallest} on "
                + $"(budget {NumberText.Fixed(budget / (double)(1 << 20), 2)} MiB): {NumberText.Fixed(factor, 2)} times the time per pair.");
        }

        output.Document(writer => Write(writer, results, parts, budget, ratio));
        return CommandLineProgram.Good;
    }

    /// <summary>Steps of a factor of about the square root of 2: the number of pairs doubles.</summary>
    private static IEnumerable<int> Sizes()
    {
        for (double size = 64; size <= Largest; size *= Math.Sqrt(2))
        {
            yield return (int)Math.Round(size);
        }
    }

    private static long MatrixBytes(BenchmarkCase benchmark) => (long)benchmark.Batch * benchmark.Candidates * sizeof(float);

    private static int Passes(BenchmarkCase benchmark) => MatrixBytes(benchmark) > benchmark.MemoryBudget ? 2 : 1;

    private static void Write(Utf8JsonWriter writer, List<BenchmarkResult> results, ScalingPart[] parts, long budget, double? ratio)
    {
        writer.WriteStartObject();
        writer.WriteNumber("memory_budget_bytes", budget);
        writer.WriteStartArray("rows");
        results.ForEach(result => result.Write(writer));
        writer.WriteEndArray();
        writer.WriteStartArray("fits");
        foreach (ScalingPart part in parts)
        {
            writer.WriteStartObject();
            writer.WriteNumber("passes", part.Passes);
            writer.WriteNumber("smallest", part.Smallest);
            writer.WriteNumber("exponent", part.Law.Exponent);
            NumberText.Write(writer, "exponent_low", part.Law.Low);
            NumberText.Write(writer, "exponent_high", part.Law.High);
            writer.WriteNumber("seconds_per_pair", part.SecondsPerPair);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        NumberText.Write(writer, "two_pass_over_one_pass", ratio ?? double.NaN);
        writer.WriteEndObject();
    }

    /// <summary>The sizes that take one pass, or two.</summary>
    /// <param name="Passes">1 or 2.</param>
    /// <param name="Smallest">B = K of the smallest fitted.</param>
    /// <param name="Law">How time grows with pairs.</param>
    /// <param name="SecondsPerPair">At the size next to the other part.</param>
    private sealed record ScalingPart(int Passes, int Smallest, PowerLaw Law, double SecondsPerPair)
    {
        /// <summary>Null where fewer than two sizes are there to fit.</summary>
        public static ScalingPart? Of(IEnumerable<BenchmarkResult> results, int passes)
        {
            BenchmarkResult[] part =
                [.. results.Where(result => ScalingCommand.Passes(result.Case) == passes && result.Case.Batch >= SmallestFitted)];
            return part.Length < 2 ? null : new ScalingPart(
                passes,
                part[0].Case.Batch,
                PowerLaw.Fit([.. part.Select(result => ((double)result.Case.Batch * result.Case.Candidates, result.MedianSeconds))]),
                1 / part[passes == 1 ? part.Length - 1 : 0].PairsPerSecond);
        }
    }
}
