using System.Globalization;
using System.Text;
using System.Text.Json;
using HipiFast.Storage;

namespace HipiFast.Benchmarking.Gate;

/// <summary>
/// A comparison for people (a table on a terminal, Markdown for a pull request) and for machines (JSON).
/// </summary>
/// <param name="comparison">What to show.</param>
/// <param name="all">Whether benchmarks that did not change are shown as well; JSON always holds all.</param>
public sealed class ComparisonReport(Comparison comparison, bool all = false)
{
    private static readonly string[] s_header = 
        ["", "benchmark", "of a call", "before", "after", "ratio [95% interval]", "p"];

    /// <summary>Aligned columns and a closing sentence.</summary>
    public string Table()
    {
        StringBuilder text = new();
        IReadOnlyList<string>[] rows = [s_header, .. Rows().Select(row => row.Select(DisplayText.Line).ToArray())];
        int[] widths = [.. s_header.Select((_, column) => rows.Max(row => row[column].Length))];
        foreach (IReadOnlyList<string> row in rows.Where(_ => rows.Length > 1))
        {
            text.Append(
                string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd()).Append('\n');
        }

        return text.Append(DisplayText.Line(Summary())).Append('\n').ToString();
    }

    /// <summary>The same as Markdown.</summary>
    public string Markdown()
    {
        StringBuilder text = new();
        IReadOnlyList<string>[] rows = [.. Rows()];
        if (rows.Length > 0)
        {
            string[] rule = [.. s_header.Select(_ => "---")];
            foreach (IReadOnlyList<string> row in (IReadOnlyList<string>[])[s_header, rule, .. rows])
            {
                text.Append("| ").Append(string.Join(" | ", row.Select(DisplayText.MarkdownCell))).Append(" |\n");
            }

            text.Append('\n');
        }

        return text.Append(DisplayText.MarkdownCell(Summary())).Append('\n').ToString();
    }

    /// <summary>Everything as one JSON document.</summary>
    public string Json() => JsonText.Write(writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("base", comparison.Base);
        writer.WriteString("new", comparison.New);
        writer.WriteString("method", comparison.Method);
        writer.WriteNumber("threshold", comparison.Rule.Threshold);
        writer.WriteNumber("tail_threshold", comparison.Rule.TailThreshold);
        writer.WriteNumber("noise_floor_s", comparison.Rule.NoiseFloorSeconds);
        writer.WriteNumber("significance", comparison.Rule.Significance);
        writer.WriteBoolean("regression", comparison.HasRegression);
        writer.WriteStartArray("benchmarks");
        foreach (ComparedBenchmark benchmark in comparison.Benchmarks)
        {
            writer.WriteStartObject();
            writer.WriteString("name", benchmark.Name);
            writer.WriteString("measure", Word(benchmark.Measure));
            writer.WriteString("verdict", Word(benchmark));
            string unit = benchmark.Measure == Measure.Allocated ? "bytes" : "s";
            writer.WriteNumber($"base_{unit}", benchmark.Before);
            writer.WriteNumber($"new_{unit}", benchmark.After);
            NumberText.Write(writer, "ratio", benchmark.Ratio);
            NumberText.Write(writer, "ratio_low", benchmark.RatioLow);
            NumberText.Write(writer, "ratio_high", benchmark.RatioHigh);
            writer.WriteNumber("probability", benchmark.Probability);
            if (benchmark.PeakRatio is double peak)
            {
                writer.WriteNumber("peak_ratio", peak);
            }

            writer.WriteStartArray("restart_ratios");
            foreach (double ratio in benchmark.RestartRatios)
            {
                writer.WriteNumberValue(ratio);
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        WriteNames(writer, "only_in_base", comparison.OnlyInBase);
        WriteNames(writer, "only_in_new", comparison.OnlyInNew);
        writer.WriteEndObject();
    });

    private static void WriteNames(Utf8JsonWriter writer, string property, IReadOnlyList<string> names)
    {
        writer.WriteStartArray(property);
        foreach (string name in names)
        {
            writer.WriteStringValue(name);
        }

        writer.WriteEndArray();
    }

    private static string Word(ComparedBenchmark benchmark) => (benchmark.Verdict, benchmark.Measure) switch
    {
        (Verdict.ConditionsDiffer, _) => "conditions differ",
        (Verdict.Slower, Measure.Allocated) => "allocates more",
        (Verdict.Faster, Measure.Allocated) => "allocates less",
        (Verdict verdict, _) => verdict.ToString().ToLowerInvariant(),
    };

    private static string Word(Measure measure) => measure switch
    {
        Measure.Tail => "p99",
        Measure.FirstCall => "first",
        _ => measure.ToString().ToLowerInvariant(),
    };

    private static string Amount(ComparedBenchmark benchmark, double value) =>
        benchmark.Measure == Measure.Allocated ? Show(value, "0.## 'B'") : Time(value);

    private static string Ratio(ComparedBenchmark benchmark) =>
        benchmark.Measure == Measure.Allocated ? Show(benchmark.After - benchmark.Before, "+0.## 'B';-0.## 'B';0 'B'")
        : double.IsFinite(benchmark.RatioHigh)
            ? $"{Show(benchmark.Ratio, "0.000")} [{Show(benchmark.RatioLow, "0.000")}, "
                + $"{Show(benchmark.RatioHigh, "0.000")}]"
            : Show(benchmark.Ratio, "0.000");

    private static string Time(double seconds) => seconds switch
    {
        < 1e-6 => Show(seconds * 1e9, "0.0 'ns'"),
        < 1e-3 => Show(seconds * 1e6, "0.00 'us'"),
        < 1 => Show(seconds * 1e3, "0.00 'ms'"),
        _ => Show(seconds, "0.00 's'"),
    };

    private static string Show(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    private IEnumerable<IReadOnlyList<string>> Rows() => comparison.Benchmarks
        .Where(benchmark => all || benchmark.Verdict != Verdict.Same)
        .OrderByDescending(benchmark => benchmark.Verdict == Verdict.Slower)
        .ThenByDescending(benchmark => benchmark.Verdict == Verdict.Faster)
        .ThenByDescending(benchmark => benchmark.Ratio)
        .Select(benchmark => (IReadOnlyList<string>)
        [
            Word(benchmark),
            benchmark.Name,
            Word(benchmark.Measure),
            Amount(benchmark, benchmark.Before),
            Amount(benchmark, benchmark.After),
            Ratio(benchmark),
            benchmark.Measure == Measure.Allocated ? "counted" : Show(benchmark.Probability, "0.0000"),
        ]);

    private string Summary()
    {
        int slower = Count(Verdict.Slower), faster = Count(Verdict.Faster), open = Count(Verdict.ConditionsDiffer);
        int compared = comparison.Benchmarks.Select(benchmark => benchmark.Name).Distinct().Count();
        string allocating = string.Concat(
            Allocating("more", Verdict.Slower), Allocating("less", Verdict.Faster));
        string tails = comparison.Benchmarks.Any(benchmark => benchmark.Measure is Measure.Tail or Measure.FirstCall)
            ? $" ({Show(100 * comparison.Rule.TailThreshold, "0.##")}% of p99 and first calls)"
            : string.Empty;
        string rule = $"{comparison.Method}; a change counts from {Show(100 * comparison.Rule.Threshold, "0.##")}%"
            + $"{tails} and "
            + $"{Show(comparison.Rule.NoiseFloorSeconds * 1e9, "0.##")} ns on, "
            + $"at significance {Show(comparison.Rule.Significance, "0.####")} over all";
        string conditions = open > 0
            ? $" Of {open} it cannot be told: the machine's peak has moved; measure both again, or with --paired."
            : string.Empty;
        string unmatched = string.Concat(
            Missing("before", comparison.OnlyInBase), Missing("after", comparison.OnlyInNew));
        return $"{compared} benchmarks compared, {slower} slower, {faster} faster{allocating} "
            + $"({rule}).{conditions}{unmatched}";

        int Count(Verdict verdict) => comparison.Benchmarks.Count(
            benchmark => benchmark.Verdict == verdict && benchmark.Measure != Measure.Allocated);

        string Allocating(string what, Verdict verdict) => comparison.Benchmarks.Count(
            benchmark => benchmark.Verdict == verdict && benchmark.Measure == Measure.Allocated) is > 0 and int count
                ? $", {count} allocating {what}"
                : string.Empty;

        static string Missing(string side, IReadOnlyList<string> names) =>
            names.Count == 0 ? string.Empty : $" Only {side}: {string.Join(", ", names)}.";
    }
}
