using System.Globalization;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using HipiFast.Storage;

namespace HipiFast.Benchmarks;

/// <summary>
/// Numbers that a benchmark's process knows and the table wants: printed as one line when the benchmark ends, read from
/// its output for the columns.
/// </summary>
internal static class BenchmarkMetrics
{
    private const string Marker = "hipifast-metrics";

    /// <summary>Prints the line.</summary>
    /// <param name="values">Names without blanks, and finite numbers.</param>
    public static void Print(IEnumerable<(string Name, double Value)> values)
    {
        IEnumerable<string> pairs = values.Select(
            value => string.Create(CultureInfo.InvariantCulture, $"{value.Name}={value.Value:R}"));
        Console.WriteLine($"{Marker} {string.Join(' ', pairs)}");
    }

    /// <summary>Finds a number in a benchmark's output; NaN without it.</summary>
    public static double Find(BenchmarkReport? report, string name)
    {
        // Benchmarks that run in the host's own process have no output of theirs.
        string? line = report?.ExecuteResults.SelectMany(result => result.StandardOutput ?? [])
            .LastOrDefault(line => line.StartsWith(Marker, StringComparison.Ordinal));
        string? value = line?.Split(' ').FirstOrDefault(
            part => part.StartsWith(name + "=", StringComparison.Ordinal))?[(name.Length + 1)..];
        return double.TryParse(value, CultureInfo.InvariantCulture, out double number) ? number : double.NaN;
    }
}

/// <summary>A column that the benchmarks' own numbers and the median make.</summary>
/// <param name="name">Title.</param>
/// <param name="legend">What it means.</param>
/// <param name="value">The cell from a lookup of numbers and the median in seconds; NaN where there is none.</param>
/// <param name="format">How the number is shown.</param>
internal sealed class MetricColumn(
    string name, string legend, Func<Func<string, double>, double, double> value, Func<double, string> format) : IColumn
{
    /// <summary>Pairs/s, GFLOP/s, fraction of the peak; steps/s; percentiles of the latency.</summary>
    public static IColumn[] All { get; } =
    [
        new MetricColumn(
            "Pairs/s", "(transition, task) pairs per second, of the median", (of, median) => of("pairs") / median,
            NumberText.Rate),
        new MetricColumn(
            "GFLOP/s", "multiply-adds of the second layers, of the median", (of, median) => of("gflop") / median,
            v => Fixed(v, 0)),
        new MetricColumn(
            "Of peak",
            "GFLOP/s as a share of the multiply-add peak, measured in the same process before and after",
            (of, median) => 100 * of("gflop") / median / of("peak_gflops"),
            v => Fixed(v, 0) + "%"),
        new MetricColumn(
            "Steps/s", "updates or environment steps per second, of the median", (of, median) => of("steps") / median,
            NumberText.Rate),
        .. Percentiles(),
    ];

    public string Id => $"{nameof(MetricColumn)}.{name}";

    public string ColumnName => name;

    public string Legend => legend;

    public bool AlwaysShow => false;

    public ColumnCategory Category => ColumnCategory.Custom;

    public int PriorityInCategory => 0;

    public bool IsNumeric => true;

    public UnitType UnitType => UnitType.Dimensionless;

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase)
    {
        BenchmarkReport? report = summary[benchmarkCase];
        double cell = value(
            wanted => BenchmarkMetrics.Find(report, wanted), (report?.ResultStatistics?.Median ?? double.NaN) * 1e-9);
        return double.IsFinite(cell) ? format(cell) : "-";
    }

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style) =>
        GetValue(summary, benchmarkCase);

    public bool IsAvailable(Summary summary) =>
        summary.BenchmarksCases.Any(benchmark => GetValue(summary, benchmark) != "-");

    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;

    private static IEnumerable<IColumn> Percentiles() =>
        new[] { "p50", "p95", "p99" }.Select(percentile => new MetricColumn(
        percentile, $"latency of single calls, {percentile}", (of, _) => of(percentile) * 1e6,
        v => Fixed(v, 1) + " us"));

    private static string Fixed(double number, int decimals) => NumberText.Fixed(number, decimals);
}
