using System.Text.Json;
using HipiFast.Benchmarking.Gate;
using HipiFast.Benchmarking.Results;
using HipiFast.Benchmarking.Timing;

namespace HipiFast.Benchmarking.Tests.Gate;

/// <summary>
/// Paired runs of programs whose clocks are simulated: every process is fast or slow by luck, the machine's speed
/// wanders, turns are interrupted.
/// </summary>
public class PairedRunTests
{
    private static readonly string[] s_names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];

    [Fact]
    public void TheSameBuildIsHardlyEverFlagged()
    {
        int flagged = Enumerable.Range(0, 20).Count(seed => Run(seed, Change.None).Any());
        Assert.InRange(flagged, 0, 1);
    }

    [Fact]
    public void ASlowKernelIsFoundAndNothingElse() => AssertFound(100, new Change(Factor: 1.1), ("d", Measure.Median));

    [Fact]
    public void ALongTailIsFoundThoughTheMedianIsTheSame() =>
        AssertFound(200, new Change(TailShare: 0.1), ("d", Measure.Tail));

    [Fact]
    public void ASlowFirstCallIsFound() => AssertFound(300, new Change(FirstFactor: 1.5), ("d", Measure.FirstCall));

    [Fact]
    public void AllocationsAreCountedWhateverTheNoise()
    {
        foreach (int seed in (int[])[1, 2, 3])
        {
            Assert.Equal([("d", Measure.Allocated)], Run(seed, new Change(Bytes: 24)));
        }
    }

    [Fact]
    public void OfAProgramThatTellsMediansAloneTheMediansAreCompared()
    {
        Machine machine = new(5);
        Comparison comparison = PairedRun.Compare(
            "base",
            "new",
            _ => (
                new Program(machine, s_names, "d", Change.None, tellsCalls: false),
                new Program(machine, s_names, "d", new Change(Factor: 1.3, Bytes: 100))),
            new PairedPlan(),
            new GateRule());
        Assert.All(comparison.Benchmarks, benchmark => Assert.Equal(Measure.Median, benchmark.Measure));
        Assert.Equal(Verdict.Slower, comparison.Benchmarks.Single(benchmark => benchmark.Name == "d").Verdict);
    }

    [Fact]
    public void TheReportNamesEachMeasure()
    {
        Comparison comparison = Compare(11, new Change(Factor: 1.5, TailShare: 0.1, FirstFactor: 3, Bytes: 24));
        string table = new ComparisonReport(comparison).Table();
        Assert.Contains("12 benchmarks compared, 3 slower, 0 faster, 1 allocating more (paired, 20 restarts", table);
        Assert.Contains("from 5% (25% of p99 and first calls) and 100 ns on", table);
        Assert.Matches(@"slower +d +median +1\.\d\d ms", table);
        Assert.Matches(@"slower +d +p99 ", table);
        Assert.Matches(@"slower +d +first ", table);
        Assert.Matches(@"allocates more +d +allocated +0 B +24 B +\+24 B +counted", table);
        using JsonDocument json = JsonDocument.Parse(new ComparisonReport(comparison).Json());
        JsonElement row = json.RootElement.GetProperty("benchmarks").EnumerateArray().Single(
            row => row.GetProperty("verdict").GetString() == "allocates more");
        Assert.Equal((0, 24), (row.GetProperty("base_bytes").GetDouble(), row.GetProperty("new_bytes").GetDouble()));
        Assert.True(comparison.HasRegression);
    }

    [Fact]
    public void BenchmarksAreMatchedByName()
    {
        // The new build lists them in another order, has lost one and gained one.
        Machine machine = new(7);
        Comparison comparison = PairedRun.Compare(
            "base",
            "new",
            _ => (
                new Program(machine, ["x", "y", "z"], "y", Change.None),
                new Program(machine, ["w", "z", "y"], "y", new Change(Factor: 2))),
            new PairedPlan(),
            new GateRule());
        ComparedBenchmark[] medians = [.. comparison.Benchmarks.Where(row => row.Measure == Measure.Median)];
        Assert.Equal(
            [("y", Verdict.Slower), ("z", Verdict.Same)],
            medians.Select(benchmark => (benchmark.Name, benchmark.Verdict)));
        Assert.Equal(["x"], comparison.OnlyInBase);
        Assert.Equal(["w"], comparison.OnlyInNew);
    }

    [Fact]
    public void TheOrderWithinAPairFlips()
    {
        List<int> order = [];
        PairedRun.Compare(
            "base", "new", _ => (new Recorder(order, 0), new Recorder(order, 1)),
            new PairedPlan(Restarts: 2, Turns: 50), new GateRule());
        int[] firsts = [.. order.Chunk(2).Select(pair => pair[0])];
        Assert.All(order.Chunk(2), pair => Assert.Equal(1, pair.Sum()));
        Assert.InRange(firsts.Sum(), 25, 75);
    }

    [Theory]
    [InlineData(1, 9, 1e-3)]
    [InlineData(10, 0, 1e-3)]
    [InlineData(10, 9, 0)]
    [InlineData(10, 9, double.NaN)]
    public void APlanOutOfRangeIsRefused(int restarts, int turns, double seconds) =>
        Assert.Throws<ArgumentException>(
            () => PairedRun.Compare("a", "b", [], new PairedPlan(restarts, turns, seconds), new GateRule()));

    private static void AssertFound(int firstSeed, Change change, (string, Measure) expected)
    {
        int found = Enumerable.Range(firstSeed, 20).Count(seed => Run(seed, change).SequenceEqual([expected]));
        Assert.InRange(found, 19, 20);
    }

    private static IEnumerable<(string, Measure)> Run(int seed, Change change) => Compare(seed, change).Benchmarks
        .Where(benchmark => benchmark.Verdict == Verdict.Slower)
        .Select(benchmark => (benchmark.Name, benchmark.Measure));

    private static Comparison Compare(int seed, Change change)
    {
        Machine machine = new(seed);
        return PairedRun.Compare(
            "base",
            "new",
            _ => (
                new Program(machine, s_names, "d", Change.None), new Program(machine, s_names, "d", change)),
            new PairedPlan(Seed: seed),
            new GateRule());
    }

    /// <summary>How a program differs in one benchmark.</summary>
    /// <param name="Factor">Of every call's time.</param>
    /// <param name="TailShare">Of calls that take ten times as long.</param>
    /// <param name="FirstFactor">Of the first call's time.</param>
    /// <param name="Bytes">That a call allocates.</param>
    private sealed record Change(double Factor = 1, double TailShare = 0, double FirstFactor = 1, int Bytes = 0)
    {
        public static Change None { get; } = new();
    }

    /// <summary>Speed that wanders by a factor of about two, and the random numbers of everything else.</summary>
    private sealed class Machine(int seed)
    {
        private double _logSpeed;

        public Random Random { get; } = new(seed);

        /// <summary>Where the system starts programs.</summary>
        public Random Cores { get; } = new(seed);

        public double Normal() =>
            Math.Sqrt(-2 * Math.Log(1 - Random.NextDouble())) * Math.Cos(2 * Math.PI * Random.NextDouble());

        public double Speed()
        {
            _logSpeed = (0.995 * _logSpeed) + (0.03 * Normal());
            return Math.Exp(_logSpeed);
        }
    }

    private sealed class Program : IMeasuredProgram
    {
        // A stranger beside the second core makes it slower by so much.
        private const double BusyCore = 1.5;

        private const int CallsPerTurn = 10;

        private readonly Machine _machine;
        private readonly double[] _seconds;
        private readonly double[] _firstCalls;
        private readonly Change[] _changes;
        private readonly bool _tellsCalls;
        private int _core;

        public Program(
            Machine machine, IReadOnlyList<string> names, string changed, Change change, bool tellsCalls = true)
        {
            (_machine, Benchmarks, _core, _tellsCalls) = (machine, names, machine.Cores.Next(2), tellsCalls);
            _changes = [.. names.Select(name => name == changed ? change : Change.None)];

            // A process keeps its luck: 2% to either side, for each benchmark by itself. A first call has more of it.
            _seconds = [.. _changes.Select(change => 1e-3 * change.Factor * Math.Exp(0.02 * machine.Normal()))];
            _firstCalls = [.. _changes.Select(change => tellsCalls
                ? 5e-3 * change.FirstFactor * Math.Exp(0.2 * machine.Normal())
                : double.NaN)];
        }

        public IReadOnlyList<string> Benchmarks { get; }

        public double FirstCall(int benchmark) => _firstCalls[benchmark];

        public void Pin(int core) => _core = core % 2;

        public MeasuredTurn Measure(int benchmark, double seconds)
        {
            // Whatever interrupts a turn slows down all of it; single calls are hit beside that.
            double turn = _machine.Random.NextDouble() < 0.1 ? 1 + _machine.Random.NextDouble() : 1;
            turn *= _seconds[benchmark] * (_core == 1 ? BusyCore : 1) / _machine.Speed();
            LatencyHistogram calls = new();
            double[] all = new double[CallsPerTurn];
            foreach (ref double call in all.AsSpan())
            {
                bool isLong = _machine.Random.NextDouble() < 0.002
                    || _machine.Random.NextDouble() < _changes[benchmark].TailShare;
                call = turn * Math.Exp(0.01 * _machine.Normal()) * (isLong ? 10 : 1);
                calls.Record((long)(call * 1e9));
            }

            double median = Medians.Of(all);
            return _tellsCalls
                ? new MeasuredTurn(median, calls, CallsPerTurn * _changes[benchmark].Bytes)
                : new MeasuredTurn(median);
        }

        public void Dispose()
        {
        }
    }

    private sealed class Recorder(List<int> order, int number) : IMeasuredProgram
    {
        public IReadOnlyList<string> Benchmarks { get; } = ["only"];

        public void Pin(int core)
        {
        }

        public double FirstCall(int benchmark) => double.NaN;

        public MeasuredTurn Measure(int benchmark, double seconds)
        {
            order.Add(number);
            return new MeasuredTurn(1);
        }

        public void Dispose()
        {
        }
    }
}
