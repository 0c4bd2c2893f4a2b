using System.Text.Json;
using HipiFast.Benchmarking.Cases;
using HipiFast.Benchmarking.Timing;
using HipiFast.Kernels.Backends;
using HipiFast.Storage;

namespace HipiFast.Benchmarking.Results;

/// <summary>Something measured in rounds: its median, and its extremes.</summary>
internal readonly record struct Spread(double Median, double Low, double High)
{
    /// <summary>Of the values of all rounds; sorts them.</summary>
    public static Spread Of(Span<double> rounds)
    {
        rounds.Sort();
        return new Spread(Medians.OfSorted(rounds), rounds[0], rounds[^1]);
    }
}

/// <summary>What <see cref="BenchmarkTimer"/> found.</summary>
/// <param name="Case">What was measured.</param>
/// <param name="Backend">What computed.</param>
/// <param name="Threads">Most threads of a call.</param>
/// <param name="Rounds">Rounds of peak, calls, peak.</param>
/// <param name="MedianSeconds">Median time of one call, over all rounds.</param>
/// <param name="TailSeconds">99th percentile of the time of one call; NaN with too few calls to tell.</param>
/// <param name="Peak">
/// Peak rates beside the calls: GFLOP/s of networks, entries per second of a streamed matrix, rows per second of a
/// replay buffer; NaN where the peak is not known.
/// </param>
/// <param name="Fraction">The calls' rate as a fraction of the peak of the same round.</param>
internal sealed record BenchmarkResult(
    BenchmarkCase Case, KernelBackend Backend, int Threads, int Rounds, double MedianSeconds, double TailSeconds,
    Spread Peak, Spread Fraction)
{
    /// <summary>Median time of a call in each round, in their order, in seconds.</summary>
    public required IReadOnlyList<double> RoundSeconds { get; init; }

    /// <summary>Bytes that a call allocates on the managed heap, over all threads.</summary>
    public required double AllocatedBytes { get; init; }

    /// <summary>What the peak is a rate of.</summary>
    public required string Limit { get; init; }

    /// <summary>Pairs per second.</summary>
    public double PairsPerSecond => (double)Case.Batch * Case.Candidates / MedianSeconds;

    /// <summary>See <see cref="BenchmarkCase.Flops"/>.</summary>
    public double Gflops => Case.Flops / MedianSeconds * 1e-9;

    /// <summary>Nanoseconds per entry of the soft-Q matrix, or per row of a batch that is sampled.</summary>
    public double NanosecondsPerEntry => MedianSeconds * 1e9 / ((double)Case.Batch * Math.Max(1, Case.Candidates));

    /// <summary>One row of <c>--json</c>.</summary>
    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        WriteProperties(writer);
        writer.WriteEndObject();
    }

    /// <summary>One benchmark of a result file: identifier, properties and raw measurements.</summary>
    public void WriteWithSamples(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("name", $"{Case.Name}/{Backend.Name}/t{Threads}");
        WriteProperties(writer);
        writer.WriteStartArray(ResultFile.Samples);
        foreach (double seconds in RoundSeconds)
        {
            writer.WriteNumberValue(seconds);
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private void WriteProperties(Utf8JsonWriter writer)
    {
        writer.WriteString("kernel", Case.Kernel);
        writer.WriteString("variant", Backend.Name);
        writer.WriteString("precision", Backend.Precision.ToString().ToLowerInvariant());
        if (Case.HasPairs)
        {
            writer.WriteString("estimator", Case.EstimatorName);
        }
        else if (Case.Kernel is BenchmarkCase.SacStep or BenchmarkCase.ReplaySample)
        {
            // A network sees the task beside the state; a replay buffer keeps them apart.
            bool joined = Case.Kernel == BenchmarkCase.SacStep;
            writer.WriteNumber("obs", Case.Shape.ObservationDimension + (joined ? Case.Shape.TaskDimension : 0));
            writer.WriteNumber("act", Case.Shape.ActionDimension);
        }

        writer.WriteNumber("batch", Case.Batch);
        WriteIfAny("candidates", Case.Candidates);
        WriteIfAny("hidden", Case.Hidden);
        WriteIfAny("layers", Case.Layers);
        writer.WriteNumber("threads", Threads);
        writer.WriteNumber("rounds", Rounds);
        writer.WriteNumber("median_s", MedianSeconds);
        if (double.IsFinite(TailSeconds))
        {
            writer.WriteNumber("p99_s", TailSeconds);
        }

        writer.WriteNumber(ResultFile.Allocated, AllocatedBytes);

        if (Case.HasPairs)
        {
            writer.WriteNumber("pairs_per_s", PairsPerSecond);
            writer.WriteNumber("gflops", Gflops);
            WriteFraction("peak_gflops", "fraction_of_peak");
        }
        else if (Case.Kernel == BenchmarkCase.SacStep)
        {
            writer.WriteNumber("updates_per_s", 1 / MedianSeconds);
            writer.WriteNumber("gflops", Gflops);
            WriteFraction("peak_gflops", "fraction_of_peak");
        }
        else
        {
            writer.WriteNumber("ns_per_entry", NanosecondsPerEntry);
            if (Case.StreamedBytes > 0)
            {
                writer.WriteNumber("bytes_per_s", Case.StreamedBytes / MedianSeconds);
            }

            writer.WriteString("limit", Limit);
            WriteFraction("limit_entries_per_s", "fraction_of_limit");
        }

        void WriteIfAny(string name, int value)
        {
            if (value > 0)
            {
                writer.WriteNumber(name, value);
            }
        }

        void WriteFraction(string peak, string fraction)
        {
            NumberText.Write(writer, peak, Peak.Median);
            NumberText.Write(writer, fraction, Fraction.Median);
            NumberText.Write(writer, fraction + "_min", Fraction.Low);
            NumberText.Write(writer, fraction + "_max", Fraction.High);
        }
    }

    /// <summary>The row's cells under <see cref="Header"/>.</summary>
    public IReadOnlyList<string> Cells()
    {
        string size = Case.Candidates > 0
            ? $"{NumberText.Count(Case.Batch)} x {NumberText.Count(Case.Candidates)}"
            : $"{Case.Batch}";
        string rate = Case.Kernel switch
        {
            BenchmarkCase.SoftQTile or BenchmarkCase.SoftQ or BenchmarkCase.SoftQLayers or BenchmarkCase.Relabel =>
                NumberText.Rate(PairsPerSecond) + "pairs/s",
            BenchmarkCase.SacStep => NumberText.Rate(1 / MedianSeconds) + "updates/s",
            BenchmarkCase.ReplaySample => NumberText.Fixed(NanosecondsPerEntry, 2) + " ns/row",
            _ => NumberText.Fixed(NanosecondsPerEntry, 2) + " ns/entry",
        };
        string arithmetic = Case.Flops > 0 ? NumberText.Fixed(Gflops, 0) + " GFLOP/s"
            : Case.StreamedBytes > 0
                ? NumberText.Fixed(Case.StreamedBytes / MedianSeconds * 1e-9, 1) + " GB/s"
                : string.Empty;
        string kernel = Case.Layers > 0 ? $"{Case.Kernel} {Case.Layers}{(Case.HasNorm ? " norm" : string.Empty)}"
            : Case.HasPairs ? $"{Case.Kernel} {Case.EstimatorName}"
            : Case.Kernel == BenchmarkCase.SacStep
                ? $"{Case.Kernel} obs {Case.Shape.ObservationDimension + Case.Shape.TaskDimension} act "
                    + $"{Case.Shape.ActionDimension}"
                : Case.Kernel;
        return
        [
            kernel,
            Backend.Name,
            size,
            Case.Hidden > 0 ? $"{Case.Hidden}" : string.Empty,
            $"{Threads}",
            Time(MedianSeconds),
            double.IsFinite(TailSeconds) ? Time(TailSeconds) : string.Empty,
            rate,
            arithmetic,
            double.IsFinite(Fraction.Median)
                ? $"{Percent(Fraction.Median)}% "
                    + $"({Percent(Fraction.Low)}-{Percent(Fraction.High)})"
                    + (Case.Flops > 0 ? string.Empty : " of " + Limit)
                : string.Empty,
        ];

        static string Time(double seconds) =>
            seconds < 1e-2 ? NumberText.Fixed(seconds * 1e6, 1) + " us" : NumberText.Fixed(seconds * 1e3, 1) + " ms";

        static string Percent(double fraction) => NumberText.Fixed(100 * fraction, 0);
    }

    /// <summary>Titles of the columns of a table of results.</summary>
    public static IReadOnlyList<string> Header { get; } =
        [
            "work", "variant", "batch x tasks", "H", "threads", "median", "p99", "rate", "arithmetic",
            "of peak (min-max)"
        ];
}
