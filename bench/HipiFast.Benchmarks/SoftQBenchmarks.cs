using BenchmarkDotNet.Attributes;
using HipiFast.Benchmarking.Cases;
using HipiFast.Kernels.SoftQ;
using HipiFast.Replay;
using BenchmarkCase = HipiFast.Benchmarking.Cases.BenchmarkCase;

namespace HipiFast.Benchmarks;

/// <summary>The soft-Q matrix alone, twin critics.</summary>
public class SoftQBenchmarks : KernelBenchmark
{
    public static IEnumerable<string> Backends => BackendNames.All;

    [ParamsSource(nameof(Backends))]
    public string Backend { get; set; } = string.Empty;

    [Params(SoftQEstimator.Critic, SoftQEstimator.SoftCritic, SoftQEstimator.Bellman)]
    public SoftQEstimator Estimator { get; set; }

    /// <summary>B = K: the paper's batch, larger ones, and one off every tile boundary.</summary>
    [Params(32, 256, 331, 1024, 4096)]
    public int Size { get; set; }

    /// <summary>H of the paper's reacher and quadruped networks.</summary>
    [Params(64, 256)]
    public int Hidden { get; set; }

    [GlobalSetup]
    public void Setup() => Prepare(
        new BenchmarkCase(BenchmarkCase.SoftQ, BenchmarkCase.PeerShape, Size, Size, Hidden, Estimator), Backend);

    [Benchmark]
    public void SoftQMatrix() => Work.Call();

    [GlobalCleanup]
    public void Cleanup() => Finish();
}
