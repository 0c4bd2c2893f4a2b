using BenchmarkDotNet.Attributes;
using HipiFast.Benchmarking.Cases;
using BenchmarkCase = HipiFast.Benchmarking.Cases.BenchmarkCase;

namespace HipiFast.Benchmarks;

/// <summary>A whole call by a soft-Q matrix that was computed elsewhere, as many tasks as transitions.</summary>
public class RelabelBySoftQBenchmarks : KernelBenchmark
{
    public static IEnumerable<string> Backends => BackendNames.Fp32;

    [ParamsSource(nameof(Backends))]
    public string Backend { get; set; } = string.Empty;

    /// <summary>B and K.</summary>
    [Params(32, 256, 1024)]
    public int Size { get; set; }

    [GlobalSetup]
    public void Setup() =>
        Prepare(new BenchmarkCase(BenchmarkCase.RelabelBySoftQ, BenchmarkCase.PeerShape, Size, Size), Backend);

    [Benchmark]
    public void RelabelBySoftQ() => Work.Call();

    [GlobalCleanup]
    public void Cleanup() => Finish();
}
