using HipiFast.Benchmarking.Gate;

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
        int flagged = Enumerable.Range(0, 20).Count(seed => Run(seed, 1).Any());
        Assert.InRange(flagged, 0, 1);
    }

    [Fact]
    public void ASlowKernelIsFoundAndNothingElse()
    {
        int found = Enumerable.Range(100, 20).Count(seed => Run(seed, 1.1).SequenceEqual(["d"]));
        Assert.InRange(found, 19, 20);
    }

    [Fact]
    public void BenchmarksAreMatchedByName()
    {
        // The new build lists them in another order, has lost one and gained one.
        Machine machine = new(7);
        Comparison comparison = PairedRun.Compare(
            "base",
            "new",
            _ => (new Program(machine, ["x", "y", "z"], "y", 1), new Program(machine, ["w", "z", "y"], "y", 2)),
            new PairedPlan(),
            new GateRule());
        Assert.Equal(["y", "z"], comparison.Benchmarks.Select(benchmark => benchmark.Name));
        Assert.Equal(
            (Verdict.Slower, Verdict.Same), (comparison.Benchmarks[0].Verdict, comparison.Benchmarks[1].Verdict));
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

    private static IEnumerable<string> Run(int seed, double factor)
    {
        Machine machine = new(seed);
        Comparison comparison = PairedRun.Compare(
            "base",
            "new",
            _ => (new Program(machine, s_names, "d", 1), new Program(machine, s_names, "d", factor)),
            new PairedPlan(Seed: seed),
            new GateRule());
        return comparison.Benchmarks.Where(
            benchmark => benchmark.Verdict == Verdict.Slower).Select(benchmark => benchmark.Name);
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

        private readonly Machine _machine;
        private readonly double[] _seconds;
        private int _core;

        public Program(Machine machine, IReadOnlyList<string> names, string changed, double factor)
        {
            (_machine, Benchmarks, _core) = (machine, names, machine.Cores.Next(2));

            // A process keeps its luck: 2% to either side, for each benchmark by itself.
            _seconds = [.. names.Select(
                name => 1e-3 * (name == changed ? factor : 1) * Math.Exp(0.02 * machine.Normal()))];
        }

        public IReadOnlyList<string> Benchmarks { get; }

        public void Pin(int core) => _core = core % 2;

        public double Measure(int benchmark, double seconds)
        {
            double interruption = _machine.Random.NextDouble() < 0.1 ? 1 + _machine.Random.NextDouble() : 1;
            return _seconds[benchmark] * (_core == 1 ? BusyCore : 1) * interruption * Math.Exp(
                0.01 * _machine.Normal()) / _machine.Speed();
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

        public double Measure(int benchmark, double seconds)
        {
            order.Add(number);
            return 1;
        }

        public void Dispose()
        {
        }
    }
}
