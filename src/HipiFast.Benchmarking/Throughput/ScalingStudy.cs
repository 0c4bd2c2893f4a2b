using System.Text.Json;
using HipiFast.Benchmarking.Cases;
using HipiFast.Benchmarking.Results;
using HipiFast.Benchmarking.Timing;
using HipiFast.Kernels.Backends;
using HipiFast.Storage;

namespace HipiFast.Benchmarking.Throughput;

/// <summary>
/// Whole relabel calls with more and more transitions and tasks until memory binds and beyond: the exponent with which
/// their cost grows, and where the form that computes Q~ twice, in blocks of rows, takes over.
/// </summary>
internal sealed class ScalingStudy
{
    private const int Largest = 65_536;
    private const int FewestRounds = 5;
    private const int FewestTwoPass = 3;
    private const double Mebibyte = 1 << 20;

    private readonly long _budget;
    private readonly IReadOnlyList<BenchmarkResult> _results;
    private readonly ScalingPart[] _parts;

    private ScalingStudy(long budget, IReadOnlyList<BenchmarkResult> results)
    {
        (_budget, _results) = (budget, results);
        _parts = [.. ((int[])[1, 2]).Select(passes => ScalingPart.Of(results, passes)).OfType<ScalingPart>()];
    }

    /// <summary>Titles of the columns of <see cref="Rows"/>.</summary>
    public static IReadOnlyList<string> Header { get; } =
        ["batch x tasks", "Q~", "passes", "median", "time per pair", "of peak (min-max)"];

    /// <summary>Time per pair in two passes over that in one; null unless both were fitted.</summary>
    private double? Ratio => _parts is [{ } one, { } two] ? two.SecondsPerPair / one.SecondsPerPair : null;

    /// <summary>Measures calls of growing size.</summary>
    /// <param name="backend">What computes.</param>
    /// <param name="hidden">H, 1 to 8192.</param>
    /// <param name="threads">Threads, 0 for one per core.</param>
    /// <param name="budget">Bytes of Q~ beyond which it is computed twice.</param>
    /// <param name="longest">Seconds of a call after which no larger one is measured.</param>
    /// <returns>What was found.</returns>
    public static ScalingStudy Run(KernelBackend backend, int hidden, int threads, long budget, double longest)
    {
        List<BenchmarkResult> results = [];
        using BenchmarkTimer timer = new(FewestRounds, 0);
        int twoPass = 0;
        foreach (int size in Sizes())
        {
            BenchmarkCase benchmark = new(
                BenchmarkCase.Relabel, BenchmarkCase.PeerShape, size, size, hidden, MemoryBudget: budget);
            results.Add(timer.Run(benchmark, backend, threads));
            twoPass += Passes(benchmark) - 1;
            if (results[^1].MedianSeconds > longest || (twoPass >= FewestTwoPass && twoPass > results.Count - twoPass))
            {
                break;
            }
        }

        return new ScalingStudy(budget, results);
    }

    /// <summary>How often a call computes Q~.</summary>
    /// <param name="benchmark">The call.</param>
    /// <returns>1, or 2 where Q~ exceeds the memory budget.</returns>
    public static int Passes(BenchmarkCase benchmark) => MatrixBytes(benchmark) > benchmark.MemoryBudget ? 2 : 1;

    /// <summary>A row of cells for each size, under <see cref="Header"/>.</summary>
    /// <returns>The rows, rising.</returns>
    public IEnumerable<IReadOnlyList<string>> Rows() => _results.Select(result => (IReadOnlyList<string>)
    [
        $"{NumberText.Count(result.Case.Batch)} x {NumberText.Count(result.Case.Candidates)}",
        NumberText.Fixed(MatrixBytes(result.Case) / Mebibyte, 2) + " MiB",
        $"{Passes(result.Case)}",
        NumberText.Fixed(result.MedianSeconds * 1e3, 3) + " ms",
        NumberText.Fixed(1e9 / result.PairsPerSecond, 2) + " ns",
        result.Cells()[^1],
    ]);

    /// <summary>The exponents, and what computing Q~ twice costs, in words.</summary>
    /// <returns>Sentences; none where too few sizes were measured.</returns>
    public IEnumerable<string> Findings()
    {
        foreach (ScalingPart part in _parts)
        {
            string passes = part.Passes == 1 ? "1 pass" : $"{part.Passes} passes";
            yield return $"{passes}: time grows as pairs to the power {part.Law}, from {part.Smallest} x "
                + $"{part.Smallest} on.";
        }

        if (Ratio is double factor)
        {
            yield return $"Q~ is computed twice from {_parts[1].Smallest} x {_parts[1].Smallest} on "
                + $"(budget {NumberText.Fixed(_budget / Mebibyte, 2)} MiB): "
                + $"{NumberText.Fixed(factor, 2)} times the time per pair.";
        }
    }

    /// <summary>Writes the results as one object.</summary>
    /// <param name="writer">Receives it.</param>
    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteNumber("memory_budget_bytes", _budget);
        writer.WriteStartArray("rows");
        foreach (BenchmarkResult result in _results)
        {
            result.Write(writer);
        }

        writer.WriteEndArray();
        writer.WriteStartArray("fits");
        foreach (ScalingPart part in _parts)
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
        NumberText.Write(writer, "two_pass_over_one_pass", Ratio ?? double.NaN);
        writer.WriteEndObject();
    }

    /// <summary>Steps of a factor of about the square root of 2: the number of pairs doubles.</summary>
    private static IEnumerable<int> Sizes()
    {
        for (double size = 64; size <= Largest; size *= Math.Sqrt(2))
        {
            yield return (int)Math.Round(size);
        }
    }

    private static long MatrixBytes(BenchmarkCase benchmark) =>
        (long)benchmark.Batch * benchmark.Candidates * sizeof(float);
}
