using HipiFast.Kernels.Backends;
using HipiFast.Kernels.SoftQ;
using HipiFast.Replay;

namespace HipiFast.Benchmarking.Cases;

/// <summary>
/// What the regression gate runs in turns: every kernel family and whole calls, each of at most a few milliseconds, so
/// that many turns fit into a run.
/// </summary>
internal static class GateBenchmark
{
    /// <summary>The benchmarks; fp32 on what <c>auto</c> takes.</summary>
    public static IReadOnlyList<BenchmarkCase> Cases { get; } =
    [
        new(BenchmarkCase.SoftQ, BenchmarkCase.PeerShape, 64, 64, 64),
        new(BenchmarkCase.SoftQ, BenchmarkCase.PeerShape, 32, 64, 256),
        new(BenchmarkCase.SoftQ, BenchmarkCase.PeerShape, 64, 64, 64, SoftQEstimator.Bellman),

        // Fits into a core's own cache several times, so that it matters little where its pages happen to lie. A
        // multiple of 8 rows that are taken at once.
        new(BenchmarkCase.LogPartition, BenchmarkCase.PeerShape, 160, 512),

        // One segment of tasks per row, and many.
        new(BenchmarkCase.TaskSampling, BenchmarkCase.PeerShape, 256, 512),
        new(BenchmarkCase.TaskSampling, BenchmarkCase.PeerShape, 4, 65_536),

        // A question of latency, and one of throughput.
        new(BenchmarkCase.Relabel, BenchmarkCase.PeerShape, 32, 32, 64),
        new(BenchmarkCase.Relabel, BenchmarkCase.PeerShape, 128, 128, 64),
        new(BenchmarkCase.RelabelBySoftQ, BenchmarkCase.PeerShape, 256, 256),
        new(BenchmarkCase.ReplaySample, new TransitionShape(4, 2, 2), 1024),
        .. BenchmarkCase.SacSteps,
    ];

    /// <summary>The soft-Q matrix where a backend computes in bf16.</summary>
    public static BenchmarkCase Bf16 { get; } = new(BenchmarkCase.SoftQ, BenchmarkCase.PeerShape, 128, 128, 256);

    /// <summary>The benchmarks that can run here, with names and backends.</summary>
    /// <param name="backend">Backend of the fp32 ones.</param>
    public static IEnumerable<(string Name, BenchmarkCase Case, KernelBackend Backend)> All(KernelBackend backend)
    {
        foreach (BenchmarkCase benchmark in Cases)
        {
            yield return (benchmark.Name, benchmark, backend);
        }

        KernelBackend? bf16 = KernelRegistry.Default.Backends.FirstOrDefault(
            candidate => candidate.Precision == KernelPrecision.Bf16 && candidate.IsSupported(out _));
        if (bf16 is not null)
        {
            yield return ($"{Bf16.Name}/bf16", Bf16, bf16);
        }
    }
}
