using HipiFast.Benchmarking.Timing;
using HipiFast.Kernels.SoftQ;
using HipiFast.Replay;

namespace HipiFast.Benchmarking.Cases;

/// <summary>
/// The cases of <c>hipifast bench quick</c>: a first impression of the engine on this machine in under a minute.
/// </summary>
internal static class QuickBenchmark
{
    /// <summary>Seconds that the cases take together on any machine; the program's start comes on top.</summary>
    public const double Seconds = 50;

    /// <summary>The sizes of the PyTorch peers in bench/peers, and the paper's training-loop size.</summary>
    public static IReadOnlyList<BenchmarkCase> Cases { get; } =
    [
        new BenchmarkCase(BenchmarkCase.SoftQ, BenchmarkCase.PeerShape, 32, 32, 64),
        new BenchmarkCase(BenchmarkCase.Relabel, BenchmarkCase.PeerShape, 32, 32, 64),
        new BenchmarkCase(BenchmarkCase.Relabel, new TransitionShape(2, 2, 2), 32, 32, 64),
        .. Pair(SoftQEstimator.Critic, 32),
        .. Pair(SoftQEstimator.Critic, 256),
        .. Pair(SoftQEstimator.Bellman, 32),
        .. Pair(SoftQEstimator.Bellman, 256),
        .. BenchmarkCase.SacSteps,
        .. Pair(SoftQEstimator.Critic, 1024),
    ];

    /// <summary>Finds the cases that are meant.</summary>
    /// <param name="filter">What a name contains; empty for all.</param>
    /// <returns>The cases, in their order.</returns>
    /// <exception cref="ArgumentException">There is none; the message lists the names.</exception>
    public static IReadOnlyList<BenchmarkCase> Matching(string filter)
    {
        BenchmarkCase[] found =
            [.. Cases.Where(benchmark => benchmark.Name.Contains(filter, StringComparison.Ordinal))];
        return found.Length > 0 ? found : throw new ArgumentException(
            $"No benchmark's name contains '{filter}' (--filter); expected part of one of "
            + $"{string.Join(", ", Cases.Select(benchmark => benchmark.Name))}.");
    }

    /// <summary>
    /// Measures the cases within <see cref="Seconds"/>: each may take its share of what is left, and one whose few
    /// calls would take more, by the rate of the case of its kind before, is left out.
    /// </summary>
    /// <typeparam name="T">What is found of a case.</typeparam>
    /// <param name="cases">All cases, or some (<see cref="Matching"/>).</param>
    /// <param name="clock">Seconds since the run began.</param>
    /// <param name="measure">
    /// Measures a case within a number of seconds, and tells those of a call beside what it found.
    /// </param>
    /// <returns>What was found, and the cases that were left out.</returns>
    public static (IReadOnlyList<T> Found, IReadOnlyList<BenchmarkCase> LeftOut) Run<T>(
        IReadOnlyList<BenchmarkCase> cases, Func<double> clock,
        Func<BenchmarkCase, double, (T Found, double CallSeconds)> measure)
    {
        List<T> all = [];
        List<BenchmarkCase> leftOut = [];
        Dictionary<string, double> secondsPerFlop = [];
        double shares = cases.Sum(ShareOf);
        foreach (BenchmarkCase benchmark in cases)
        {
            double limit = (Seconds - clock()) * ShareOf(benchmark) / shares;
            shares -= ShareOf(benchmark);
            double expected = secondsPerFlop.GetValueOrDefault(benchmark.Kernel) * benchmark.Flops;
            if (BenchmarkTimer.FewestSeconds(expected) > limit)
            {
                leftOut.Add(benchmark);
                continue;
            }

            (T found, double callSeconds) = measure(benchmark, limit);
            all.Add(found);
            secondsPerFlop[benchmark.Kernel] = callSeconds / benchmark.Flops;
        }

        return (all, leftOut);
    }

    // On two cores a call takes milliseconds, tenths of a second, or seconds.
    private static double ShareOf(BenchmarkCase benchmark) => benchmark.Flops switch
    {
        < 1e10 => 1,
        < 1e11 => 2,
        _ => 10,
    };

    private static BenchmarkCase[] Pair(SoftQEstimator estimator, int size) =>
    [
        new(BenchmarkCase.SoftQ, BenchmarkCase.PeerShape, size, size, 256, estimator),
        new(BenchmarkCase.Relabel, BenchmarkCase.PeerShape, size, size, 256, estimator),
    ];
}
