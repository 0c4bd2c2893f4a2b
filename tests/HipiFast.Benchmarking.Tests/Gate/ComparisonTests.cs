using System.Globalization;
using System.Text.Json;
using HipiFast.Benchmarking.Gate;
using HipiFast.Testing;

namespace HipiFast.Benchmarking.Tests.Gate;

/// <summary>What counts as a change between two result sets, and how it is shown.</summary>
public sealed class ComparisonTests : IDisposable
{
    private readonly TemporaryResults _files = new();

    [Fact]
    public void OnlyWhatChangedByEnoughIsNamed()
    {
        Comparison comparison = Compare(new GateRule(), ("slow", 1.1), ("fast", 0.8), ("little", 1.03), ("same", 1));
        Assert.Equal(
            [("fast", Verdict.Faster), ("little", Verdict.Same), ("same", Verdict.Same), ("slow", Verdict.Slower)],
            comparison.Benchmarks.Select(benchmark => (benchmark.Name, benchmark.Verdict)));
        Assert.True(comparison.HasRegression);
        ComparedBenchmark slow = comparison.Benchmarks[3];
        Assert.Equal(1.1, slow.Ratio, 0.005);
        Assert.InRange(slow.Ratio, slow.RatioLow, slow.RatioHigh);
        Assert.Equal(1e-3, slow.Before, 2e-5);
        Assert.Equal(1.1e-3, slow.After, 2e-5);
    }

    [Fact]
    public void TheThresholdDecides()
    {
        Assert.True(Compare(new GateRule(Threshold: 0.02), ("little", 1.03)).HasRegression);
        Assert.False(Compare(new GateRule(Threshold: 0.15), ("slow", 1.1)).HasRegression);
    }

    [Fact]
    public void TheNoiseFloorDecides()
    {
        // A tenth of a millisecond.
        Assert.True(Compare(new GateRule(NoiseFloorSeconds: 90e-6), ("slow", 1.1)).HasRegression);
        Assert.False(Compare(new GateRule(NoiseFloorSeconds: 110e-6), ("slow", 1.1)).HasRegression);
    }

    [Fact]
    public void ADifferenceThatLuckExplainsIsNone()
    {
        _files.WriteResults("a.json", ("few", [1.0, 1.2]));
        _files.WriteResults("b.json", ("few", [1.3, 1.4]));
        Comparison comparison = Comparison.OfResults(_files["a.json"], _files["b.json"], new GateRule());
        Assert.False(comparison.HasRegression);

        // Of the six ways to deal four values, two are as clear a change in either direction.
        Assert.Equal(2 / 6.0, comparison.Benchmarks[0].Probability, 1e-9);
    }

    [Theory]
    [InlineData(2, 0.5, Verdict.Same)]               // Twice the time at half the peak: the machine.
    [InlineData(2.4, 0.5, Verdict.Slower)]           // More than the peak explains.
    [InlineData(1, 2, Verdict.ConditionsDiffer)]     // The peak doubled, and the program did not follow.
    [InlineData(1.2, 1, Verdict.Slower)]
    [InlineData(0.8, 1.02, Verdict.Faster)]
    public void WhereThePeakIsKnownItsFractionsAreCompared(double time, double peak, Verdict expected)
    {
        Comparison comparison = OfPeaks(time, 100, 100 * peak);
        Assert.Equal(expected, comparison.Benchmarks[0].Verdict);
        Assert.Equal(peak, comparison.Benchmarks[0].PeakRatio!.Value, 1e-9);
        Assert.Equal(time * peak, comparison.Benchmarks[0].Ratio, 0.01 * time * peak);
        Assert.Equal(expected == Verdict.Slower, comparison.HasRegression);
    }

    [Fact]
    public void AChangeWithoutAPeakWhereTheMachineHasMovedIsLeftOpen()
    {
        Comparison moved = OfPeaks(2, 100, 50, withoutPeak: 2), still = OfPeaks(1, 100, 101, withoutPeak: 2);
        Assert.Equal([Verdict.Same, Verdict.ConditionsDiffer], moved.Benchmarks.Select(benchmark => benchmark.Verdict));
        Assert.Equal([Verdict.Same, Verdict.Slower], still.Benchmarks.Select(benchmark => benchmark.Verdict));
        string table = new ComparisonReport(moved).Table();
        Assert.Contains("conditions differ  without", table, StringComparison.Ordinal);
        Assert.Contains(
            "Of 1 it cannot be told: the machine's peak has moved; measure both again, or with --paired.", table,
            StringComparison.Ordinal);
        using JsonDocument json = JsonDocument.Parse(new ComparisonReport(moved).Json());
        Assert.Equal(0.5, json.RootElement.GetProperty("benchmarks")[0].GetProperty("peak_ratio").GetDouble(), 1e-9);
    }

    [Fact]
    public void AllocationsOfResultSetsAreComparedByTheByte()
    {
        _files.Write("a.json", Set(0));
        _files.Write("b.json", Set(24));
        Comparison comparison = Comparison.OfResults(_files["a.json"], _files["b.json"], new GateRule());
        Assert.Equal(
            [(Measure.Median, Verdict.Same), (Measure.Allocated, Verdict.Slower)],
            comparison.Benchmarks.Select(benchmark => (benchmark.Measure, benchmark.Verdict)));
        Assert.True(comparison.HasRegression);
        Assert.Contains("0 slower, 0 faster, 1 allocating more", new ComparisonReport(comparison).Table());
        using JsonDocument json = JsonDocument.Parse(new ComparisonReport(comparison).Json());
        Assert.Equal(
            JsonValueKind.Null, json.RootElement.GetProperty("benchmarks")[1].GetProperty("ratio").ValueKind);

        // Where one does not tell, there is nothing to compare.
        _files.WriteResults("c.json", ("a", [1e-3]));
        Assert.Single(Comparison.OfResults(_files["a.json"], _files["c.json"], new GateRule()).Benchmarks);

        static string Set(int bytes) =>
            $$"""
            {"format": "hipifast-benchmarks", "version": 1,
             "benchmarks": [{"name": "a", "allocated_bytes": {{bytes}}, "samples_s": [0.001]}]}
            """;
    }

    [Fact]
    public void TheProbabilityAndTheIntervalAgree()
    {
        // 0 lies outside of the 95% interval exactly where the two-sided test of one benchmark by itself is below 5%.
        for (int seed = 0; seed < 200; seed++)
        {
            Random random = new(seed);
            double[] before = [.. Enumerable.Range(0, 30).Select(_ => random.NextDouble())];
            double[] after = [.. Enumerable.Range(0, 30).Select(_ => random.NextDouble() + 0.15)];
            LocationShift shift = LocationTests.MannWhitney(before, after);
            if (Math.Abs(shift.Probability - 0.05) > 0.01)
            {
                Assert.Equal(shift.Probability < 0.05, shift.Low > 0 || shift.High < 0);
            }
        }
    }

    [Fact]
    public void BenchmarksOfOneSideAreListed()
    {
        _files.WriteResults("a.json", ("both", [1.0]), ("gone", [1.0]));
        _files.WriteResults("b.json", ("both", [1.0]), ("new", [1.0]));
        Comparison comparison = Comparison.OfResults(_files["a.json"], _files["b.json"], new GateRule());
        Assert.Equal(["gone"], comparison.OnlyInBase);
        Assert.Equal(["new"], comparison.OnlyInNew);
        Assert.Contains(
            "Only before: gone. Only after: new.", new ComparisonReport(comparison).Table(), StringComparison.Ordinal);
    }

    [Fact]
    public void SetsWithoutACommonBenchmarkAreRefused()
    {
        _files.WriteResults("a.json", ("x", [1.0]));
        _files.WriteResults("b.json", ("y", [1.0]));
        InvalidDataException error = Assert.Throws<InvalidDataException>(
            () => Comparison.OfResults(_files["a.json"], _files["b.json"], new GateRule()));
        Assert.Contains(
            "no benchmark in common; the first has 'x', the second 'y'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ReportsShowWhatChanged()
    {
        Comparison comparison = Compare(new GateRule(), ("slow|er", 1.1), ("same", 1));
        string table = new ComparisonReport(comparison).Table(), markdown = new ComparisonReport(comparison).Markdown();
        Assert.Contains("slower  slow|er", table, StringComparison.Ordinal);
        Assert.DoesNotContain("same  ", table, StringComparison.Ordinal);
        Assert.Contains("2 benchmarks compared, 1 slower, 0 faster", table, StringComparison.Ordinal);
        Assert.Contains("| slower | slow\\|er | ", markdown, StringComparison.Ordinal);
        Assert.Contains("same    same", new ComparisonReport(comparison, all: true).Table(), StringComparison.Ordinal);
        using JsonDocument json = JsonDocument.Parse(new ComparisonReport(comparison).Json());
        Assert.True(json.RootElement.GetProperty("regression").GetBoolean());
        JsonElement[] rows = [.. json.RootElement.GetProperty("benchmarks").EnumerateArray()];
        Assert.Equal(["same", "slower"], rows.Select(row => row.GetProperty("verdict").GetString()));
        Assert.Equal(1.1, rows[1].GetProperty("ratio").GetDouble(), 0.005);
    }

    [Fact]
    public void NamesOfBenchmarksStayInTheirCellsAndOffTheTerminal()
    {
        // Written into the file as it stands, where JSON reads the escapes.
        string name = @"two\nlines \u001b[31m <img> " + new string('x', 800_000);
        Comparison comparison = Compare(new GateRule(), (name, 1.1), ("same", 1));
        string table = new ComparisonReport(comparison).Table(), markdown = new ComparisonReport(comparison).Markdown();
        Assert.Contains(@"two\nlines \u001b[31m <img> xxx", table, StringComparison.Ordinal);
        Assert.Contains(@"| slower | two\\nlines \\u001b[31m &lt;img> xxx", markdown, StringComparison.Ordinal);
        Assert.All((string[])[table, markdown], text => Assert.InRange(text.Length, 100, 2000));
        Assert.All((string[])[table, markdown], text => Assert.DoesNotContain('\u001b', text));
    }

    [Theory]
    [InlineData(-0.1, 0, 0.05)]
    [InlineData(double.NaN, 0, 0.05)]
    [InlineData(0.05, -1, 0.05)]
    [InlineData(0.05, 0, 0)]
    [InlineData(0.05, 0, 1)]
    [InlineData(0.05, 0, 0.05, -1)]
    public void ARuleOutOfRangeIsRefused(
        double threshold, double floor, double significance, double tailThreshold = 0.25) =>
        Assert.Throws<ArgumentException>(
            () => Comparison.OfResults("a", "b", new GateRule(threshold, floor, significance, tailThreshold)));

    public void Dispose() => _files.Dispose();

    // A millisecond with noise of 1%, before and after a change by a factor.
    private Comparison OfPeaks(double time, double peakBefore, double peakAfter, double? withoutPeak = null)
    {
        _files.Write("a.json", Set(1, peakBefore, withoutPeak is null ? null : 1));
        _files.Write("b.json", Set(time, peakAfter, withoutPeak));
        return Comparison.OfResults(_files["a.json"], _files["b.json"], new GateRule());

        static string Set(double time, double peak, double? without)
        {
            Random random = new((int)(1000 * time));
            string other = without is double factor
                ? FormattableString.Invariant($$""", {"name": "without", "samples_s": [{{Samples(factor)}}]}""")
                : "";
            return FormattableString.Invariant(
                $$"""
                {"format": "hipifast-benchmarks", "version": 1, "benchmarks": [
                  {"name": "with", "peak_gflops": {{peak}}, "samples_s": [{{Samples(time)}}]}{{other}}]}
                """);

            string Samples(double factor) => string.Join(
                ", ",
                Enumerable.Range(0, 30).Select(
                    _ => (factor * (1e-3 + (1e-5 * random.NextDouble()))).ToString(CultureInfo.InvariantCulture)));
        }
    }

    private Comparison Compare(GateRule rule, params (string Name, double Factor)[] benchmarks)
    {
        Random random = new(3);
        _files.WriteResults("a.json", [.. benchmarks.Select(benchmark => (benchmark.Name, Draw(1)))]);
        _files.WriteResults("b.json", [.. benchmarks.Select(benchmark => (benchmark.Name, Draw(benchmark.Factor)))]);
        return Comparison.OfResults(_files["a.json"], _files["b.json"], rule);

        double[] Draw(double factor) =>
            [.. Enumerable.Range(0, 15).Select(_ => 1e-3 * factor * (1 + (0.02 * (random.NextDouble() - 0.5))))];
    }
}
