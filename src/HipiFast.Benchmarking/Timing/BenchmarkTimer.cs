using System.Diagnostics;
using System.Runtime.CompilerServices;
using HipiFast.Benchmarking.Cases;
using HipiFast.Benchmarking.Machine;
using HipiFast.Benchmarking.Results;
using HipiFast.Benchmarking.Work;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Numerics;

namespace HipiFast.Benchmarking.Timing;

/// <summary>
/// Times calls in rounds, with a burst of the peak (multiply-adds, or reads from memory) right before and after each:
/// the clock and the neighbours of a shared machine then weigh on both alike, and the fraction holds where neither rate
/// would.
/// </summary>
/// <param name="rounds">Most rounds of one case, 1 or more.</param>
/// <param name="seconds">
/// Time to spend on one case where a call takes long; <see cref="FewestRounds"/> are made whatever they take. A shorter
/// time than that of the warm-up shortens that too.
/// </param>
internal sealed class BenchmarkTimer(int rounds, double seconds) : IDisposable
{
    // Short enough for the clock to stay as it is between two bursts; a longer call is a round of its own.
    private const double RoundSeconds = 12e-3;
    private const int FewestRounds = 5;

    // Neighbours on a shared machine come and go within milliseconds: the peak of a long call has to be looked at for
    // longer, too.
    public const double ShortestBurst = 3e-3;
    private const double LongestBurst = 60e-3, BurstShare = 0.2;
    private const int MostCalls = 1 << 18;
    private const int FewestCallsForTail = 300;

    // Set-up, oracle and first bursts of a case, beside its calls.
    private const double SetUpSeconds = 0.5;

    // Tiered compilation replaces a method's first code after 100 ms or more.
    private const double WarmUpSeconds = 0.4;

    private readonly Dictionary<(object Loop, int Threads), RegisterPeak> _peaks = [];
    private readonly Dictionary<int, MemoryBandwidth> _memories = [];
    private readonly double[] _calls = new double[MostCalls];
    private RandomReads? _records;

    /// <summary>Measures a case.</summary>
    /// <param name="benchmark">The case; threads of its own win over <paramref name="threads"/>.</param>
    /// <param name="backend">What computes.</param>
    /// <param name="threads">Threads, 0 for one per core.</param>
    /// <param name="limit">
    /// Seconds after which the case must be done, its set-up and check included, as far as one round allows; infinite
    /// for none.
    /// </param>
    /// <returns>What was found.</returns>
    public BenchmarkResult Run(
        BenchmarkCase benchmark, KernelBackend backend, int threads, double limit = double.PositiveInfinity)
    {
        long begun = Stopwatch.GetTimestamp();
        int used = benchmark.Threads > 0 ? benchmark.Threads : threads > 0 ? threads : Environment.ProcessorCount;
        using BenchmarkWork work = BenchmarkWork.Create(benchmark, backend, used);
        work.Verify(new BenchmarkCheck(benchmark, backend));
        double callSeconds = WarmUp(work);
        double burstSeconds = Math.Clamp(BurstShare * callSeconds, ShortestBurst, LongestBurst);
        StrongBox<int> arithmeticBinds = new();
        Func<double>? peak = benchmark switch
        {
            { Flops: > 0 } => backend.MultiplyAddLoop is IMultiplyAddLoop loop
                ? () => PeakOf(loop, used).Burst(burstSeconds)
                : null,
            { StreamedBytes: > 0 } => EntryLimit(benchmark, backend, used, arithmeticBinds),
            _ => (_records ??= new RandomReads(ReplaySampleWork.ReplayCount)).Burst,
        };
        int wanted = double.IsFinite(limit)
            ? RoundsWithin(limit - Stopwatch.GetElapsedTime(begun).TotalSeconds, callSeconds, rounds)
            : Math.Clamp(
                (int)(seconds / Math.Max(callSeconds, RoundSeconds)), FewestRounds, Math.Max(FewestRounds, rounds));
        int callsPerRound = Math.Clamp((int)(RoundSeconds / callSeconds), 1, MostCalls / wanted);
        double[] peaks = new double[wanted], fractions = new double[wanted], medians = new double[wanted];
        double[] bytes = new double[wanted];
        double amount = benchmark switch
        {
            { Flops: > 0 } => benchmark.Flops * 1e-9,
            { StreamedBytes: > 0 } => benchmark.StreamedBytes / sizeof(float),
            _ => benchmark.Batch,
        };
        double before = Burst();
        for (int round = 0; round < wanted; round++)
        {
            if (round > 0 && Stopwatch.GetElapsedTime(begun).TotalSeconds + callSeconds > limit)
            {
                // The machine has become slower meanwhile.
                wanted = round;
                break;
            }

            if (callsPerRound > 1)
            {
                // A burst of reads has left nothing of the work in the caches.
                work.Call();
            }

            Span<double> calls = _calls.AsSpan(round * callsPerRound, callsPerRound);
            long allocated = GC.GetTotalAllocatedBytes(precise: true);
            long begin = Stopwatch.GetTimestamp();
            for (int call = 0; call < calls.Length; call++)
            {
                work.Call();
                long end = Stopwatch.GetTimestamp();
                calls[call] = (end - begin) / (double)Stopwatch.Frequency;
                begin = end;
            }

            bytes[round] = (GC.GetTotalAllocatedBytes(precise: true) - allocated) / (double)calls.Length;
            double after = Burst();
            calls.Sort();
            peaks[round] = (before + after) / 2;
            medians[round] = Medians.OfSorted(calls);
            fractions[round] = amount / medians[round] / peaks[round];
            before = after;
        }

        (peaks, fractions, medians) = (peaks[..wanted], fractions[..wanted], medians[..wanted]);
        Span<double> all = _calls.AsSpan(0, wanted * callsPerRound);
        all.Sort();
        double tail = all.Length >= FewestCallsForTail ? all[(int)(all.Length * 0.99)] : double.NaN;
        return new BenchmarkResult(
            benchmark, backend, used, wanted, Medians.OfSorted(all), tail, Spread.Of(peaks), Spread.Of(fractions))
        {
            RoundSeconds = medians,

            // What the runtime allocates meanwhile falls into few rounds; less than a byte per call is its, too.
            AllocatedBytes = Math.Floor(Medians.Of(bytes.Take(wanted))),
            Limit = benchmark switch
            {
                { Flops: > 0 } => "multiply-adds",
                { StreamedBytes: > 0 } => arithmeticBinds.Value > 0 ? "arithmetic" : "memory",
                _ => "random reads",
            },
        };

        double Burst() => peak is null ? double.NaN : peak();
    }

    /// <summary>Seconds that a case takes at least: its check and the warm-up, of a call each, and one round.</summary>
    /// <param name="callSeconds">Seconds of a call.</param>
    public static double FewestSeconds(double callSeconds) => SetUpSeconds + (3 * callSeconds);

    /// <summary>Rounds that a case can make in the time that is left, 1 or more.</summary>
    /// <param name="seconds">The time.</param>
    /// <param name="callSeconds">Seconds of a call.</param>
    /// <param name="most">Most rounds.</param>
    public static int RoundsWithin(double seconds, double callSeconds, int most)
    {
        double burst = Math.Clamp(BurstShare * callSeconds, ShortestBurst, LongestBurst);
        return (int)Math.Clamp(seconds / (Math.Max(callSeconds, RoundSeconds) + burst), 1, Math.Max(1, most));
    }

    /// <summary>The multiply-add peak of a loop.</summary>
    public RegisterPeak PeakOf(IMultiplyAddLoop loop, int threads) => PeakOf(loop, loop.Run, threads);

    /// <summary>The memory; its buffer is taken the first time.</summary>
    public MemoryBandwidth MemoryOf(int threads) =>
        _memories.TryGetValue(threads, out MemoryBandwidth? memory)
            ? memory
            : _memories[threads] = new MemoryBandwidth(threads);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (MemoryBandwidth memory in _memories.Values)
        {
            memory.Dispose();
        }

        _records?.Dispose();
    }

    private RegisterPeak PeakOf(object key, Func<int, double> loop, int threads) =>
        _peaks.TryGetValue((key, threads), out RegisterPeak? peak)
            ? peak
            : _peaks[(key, threads)] = new RegisterPeak(loop, threads);

    /// <summary>
    /// The most entries per second that memory delivers and the arithmetic of a kernel takes, whichever is less.
    /// </summary>
    private Func<double> EntryLimit(
        BenchmarkCase benchmark, KernelBackend backend, int threads, StrongBox<int> arithmeticBinds)
    {
        ElementaryLoops loops = ElementaryLoops.Of(backend.Name);
        RegisterPeak arithmetic = benchmark.Kernel == BenchmarkCase.LogPartition
            ? PeakOf((backend.Name, benchmark.Kernel), loops.Exponentials, threads)
            : PeakOf((backend.Name, benchmark.Kernel), loops.Draws, threads);
        MemoryBandwidth memory = MemoryOf(threads);
        return () =>
        {
            double fed = memory.Read() / sizeof(float), computed = arithmetic.Burst(ShortestBurst) * 1e9;
            arithmeticBinds.Value += computed < fed ? 1 : -1;
            return Math.Min(fed, computed);
        };
    }

    /// <summary>Calls until the code is compiled for good; one long call is enough.</summary>
    /// <returns>Seconds of the fastest call.</returns>
    private double WarmUp(BenchmarkWork work)
    {
        double fastest = double.PositiveInfinity;
        long start = Stopwatch.GetTimestamp();
        do
        {
            long begin = Stopwatch.GetTimestamp();
            work.Call();
            fastest = Math.Min(fastest, Stopwatch.GetElapsedTime(begin).TotalSeconds);
        }
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < Math.Min(WarmUpSeconds, seconds));

        return Math.Max(fastest, 1e-8);
    }
}
