using BenchmarkDotNet.Attributes;
using HipiFast.Benchmarking.Cases;
using HipiFast.Kernels.SoftQ;
using HipiFast.Replay;
using BenchmarkCase = HipiFast.Benchmarking.Cases.BenchmarkCase;

namespace HipiFast.Benchmarks;

/// <summary>
/// A whole relabel call through the public API: soft-Q matrix, partition, sampling, rewards, diagnostics.
/// </summary>
public class RelabelBenchmarks : KernelBenchmark
{
    public static IEnumerable<string> Backends => BackendNames.All;

    [ParamsSource(nameof(Backends))]
    public string Backend { get; set; } = string.Empty;

    /// <summary>B = K: the paper's batch, and what throughput needs.</summary>
    [Params(32, 256, 1024)]
    public int Size { get; set; }

    /// <summary>H of the paper's reacher and quadruped networks.</summary>
    [Params(64, 256)]
    public int Hidden { get; set; }

    [GlobalSetup]
    public void Setup() =>
        Prepare(new BenchmarkCase(
            BenchmarkCase.Relabel, BenchmarkCase.PeerShape, Size, Size, Hidden, SoftQEstimator.Critic), Backend);

    [Benchmark]
    public void RelabelBatch() => Work.Call();

    [GlobalCleanup]
    public void Cleanup() => Finish();
}
