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
        Assert.Equal(1e-3, slow.BaseSeconds, 2e-5);
        Assert.Equal(1.1e-3, slow.NewSeconds, 2e-5);
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
        Assert.Equal(1 / 6.0, comparison.Benchmarks[0].Probability, 1e-9);
    }

    [Fact]
    public void BenchmarksOfOneSideAreListed()
    {
        _files.WriteResults("a.json", ("both", [1.0]), ("gone", [1.0]));
        _files.WriteResults("b.json", ("both", [1.0]), ("new", [1.0]));
        Comparison comparison = Comparison.OfResults(_files["a.json"], _files["b.json"], new GateRule());
        Assert.Equal(["gone"], comparison.OnlyInBase);
        Assert.Equal(["new"], comparison.OnlyInNew);
        Assert.Contains("Only before: gone. Only after: new.", new ComparisonReport(comparison).Table(), StringComparison.Ordinal);
    }

    [Fact]
    public void SetsWithoutACommonBenchmarkAreRefused()
    {
        _files.WriteResults("a.json", ("x", [1.0]));
        _files.WriteResults("b.json", ("y", [1.0]));
        InvalidDataException error = Assert.Throws<InvalidDataException>(
            () => Comparison.OfResults(_files["a.json"], _files["b.json"], new GateRule()));
        Assert.Contains("no benchmark in common; the first has 'x', the second 'y'", error.Message, StringComparison.Ordinal);
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

    [Theory]
    [InlineData(-0.1, 0, 0.05)]
    [InlineData(double.NaN, 0, 0.05)]
    [InlineData(0.05, -1, 0.05)]
    [InlineData(0.05, 0, 0)]
    [InlineData(0.05, 0, 1)]
    public void ARuleOutOfRangeIsRefused(double threshold, double floor, double significance) =>
        Assert.Throws<ArgumentException>(() => Comparison.OfResults("a", "b", new GateRule(threshold, floor, significance)));

    public void Dispose() => _files.Dispose();

    // A millisecond with noise of 1%, before and after a change by a factor.
    private Comparison Compare(GateRule rule, params (string Name, double Factor)[] benchmarks)
    {
        Random random = new(3);
        _files.WriteResults("a.json", [.. benchmarks.Select(benchmark => (benchmark.Name, Draw(1)))]);
        _files.WriteResults("b.json", [.. benchmarks.Select(benchmark => (benchmark.Name, Draw(benchmark.Factor)))]);
        return Comparison.OfResults(_files["a.json"], _files["b.json"], rule);

        double[] Draw(double factor) => [.. Enumerable.Range(0, 15).Select(_ => 1e-3 * factor * (1 + (0.02 * (random.NextDouble() - 0.5))))];
    }
}
