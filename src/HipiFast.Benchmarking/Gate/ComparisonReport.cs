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
    private static readonly string[] s_header = ["", "benchmark", "before", "after", "ratio [95% interval]", "p"];

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
    public string Json()
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter writer = new(stream, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            writer.WriteStartObject();
            writer.WriteString("base", comparison.Base);
            writer.WriteString("new", comparison.New);
            writer.WriteString("method", comparison.Method);
            writer.WriteNumber("threshold", comparison.Rule.Threshold);
            writer.WriteNumber("noise_floor_s", comparison.Rule.NoiseFloorSeconds);
            writer.WriteNumber("significance", comparison.Rule.Significance);
            writer.WriteBoolean("regression", comparison.HasRegression);
            writer.WriteStartArray("benchmarks");
            foreach (ComparedBenchmark benchmark in comparison.Benchmarks)
            {
                writer.WriteStartObject();
                writer.WriteString("name", benchmark.Name);
                writer.WriteString("verdict", Word(benchmark.Verdict));
                writer.WriteNumber("base_s", benchmark.BaseSeconds);
                writer.WriteNumber("new_s", benchmark.NewSeconds);
                writer.WriteNumber("ratio", benchmark.Ratio);
                writer.WriteNumber("ratio_low", benchmark.RatioLow);
                writer.WritePropertyName("ratio_high");
                WriteFinite(writer, benchmark.RatioHigh);
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
        }

        return Encoding.UTF8.GetString(stream.ToArray()) + "\n";
    }

    private static void WriteFinite(Utf8JsonWriter writer, double value)
    {
        if (double.IsFinite(value))
        {
            writer.WriteNumberValue(value);
        }
        else
        {
            writer.WriteNullValue();
        }
    }

    private static void WriteNames(Utf8JsonWriter writer, string property, IReadOnlyList<string> names)
    {
        writer.WriteStartArray(property);
        foreach (string name in names)
        {
            writer.WriteStringValue(name);
        }

        writer.WriteEndArray();
    }

    private static string Word(Verdict verdict) =>
        verdict == Verdict.ConditionsDiffer ? "conditions differ" : verdict.ToString().ToLowerInvariant();

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
            Word(benchmark.Verdict),
            benchmark.Name,
            Time(benchmark.BaseSeconds),
            Time(benchmark.NewSeconds),
            double.IsFinite(benchmark.RatioHigh)
                ? $"{Show(benchmark.Ratio, "0.000")} [{Show(benchmark.RatioLow, "0.000")}, "
                    + $"{Show(benchmark.RatioHigh, "0.000")}]"
                : Show(benchmark.Ratio, "0.000"),
            Show(benchmark.Probability, "0.0000"),
        ]);

    private string Summary()
    {
        int slower = Count(Verdict.Slower), faster = Count(Verdict.Faster), open = Count(Verdict.ConditionsDiffer);
        string rule = $"{comparison.Method}; a change counts from {Show(100 * comparison.Rule.Threshold, "0.##")}% and "
            + $"{Show(comparison.Rule.NoiseFloorSeconds * 1e9, "0.##")} ns on, "
            + $"at significance {Show(comparison.Rule.Significance, "0.####")} over all";
        string conditions = open > 0
            ? $" Of {open} it cannot be told: the machine's peak has moved; measure both again, or with --paired."
            : string.Empty;
        string unmatched = string.Concat(
            Missing("before", comparison.OnlyInBase), Missing("after", comparison.OnlyInNew));
        return $"{comparison.Benchmarks.Count} benchmarks compared, {slower} slower, {faster} faster "
            + $"({rule}).{conditions}{unmatched}";

        int Count(Verdict verdict) => comparison.Benchmarks.Count(benchmark => benchmark.Verdict == verdict);

        static string Missing(string side, IReadOnlyList<string> names) =>
            names.Count == 0 ? string.Empty : $" Only {side}: {string.Join(", ", names)}.";
    }
}
