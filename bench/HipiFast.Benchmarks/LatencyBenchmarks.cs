using System.Diagnostics;
using BenchmarkDotNet.Attributes;
using HipiFast.Benchmarking.Cases;
using HipiFast.Benchmarking.Timing;
using HipiFast.Replay;
using BenchmarkCase = HipiFast.Benchmarking.Cases.BenchmarkCase;

namespace HipiFast.Benchmarks;

/// <summary>
/// What a training loop waits for, call by call: the columns p50, p95 and p99 are of single calls, the mean is of many.
/// </summary>
public class LatencyBenchmarks : KernelBenchmark
{
    // Calls before these were made while code was still being compiled.
    private const int WarmUpCalls = 300;

    private readonly LatencyHistogram _histogram = new();
    private int _calls;

    public static IEnumerable<string> Backends => BackendNames.All;

    [ParamsSource(nameof(Backends))]
    public string Backend { get; set; } = string.Empty;

    /// <summary>Relabeling in the paper's setting, and SAC steps of the sizes of small tasks.</summary>
    [Params("relabel", "sac-step", "sac-step-pendulum")]
    public string Call { get; set; } = string.Empty;

    [GlobalSetup]
    public void Setup() => Prepare(
        Call switch
        {
            "relabel" => new BenchmarkCase(BenchmarkCase.Relabel, BenchmarkCase.PeerShape, 32, 32, 64),
            "sac-step" => new BenchmarkCase(BenchmarkCase.SacStep, new TransitionShape(8, 2, 2), 32, Hidden: 64),
            _ => new BenchmarkCase(BenchmarkCase.SacStep, new TransitionShape(2, 1, 1), 100, Hidden: 64, Threads: 1),
        },
        Backend);

    [Benchmark]
    public void SingleCall()
    {
        long start = Stopwatch.GetTimestamp();
        Work.Call();
        if (_calls++ >= WarmUpCalls)
        {
            _histogram.Record((long)Stopwatch.GetElapsedTime(start).TotalNanoseconds);
        }
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        (string Name, double Share)[] percentiles = [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)];
        Finish(percentiles.Where(
            _ => _histogram.Count > 0).Select(entry => (entry.Name, _histogram.Percentile(entry.Share))));
    }
}
