using BenchmarkDotNet.Attributes;
using HipiFast.Benchmarking.Cases;
using BenchmarkCase = HipiFast.Benchmarking.Cases.BenchmarkCase;

namespace HipiFast.Benchmarks;

/// <summary>The log partition of a given soft-Q matrix.</summary>
public class LogPartitionBenchmarks : KernelBenchmark
{
    public static IEnumerable<string> Backends => BackendNames.Fp32;

    [ParamsSource(nameof(Backends))]
    public string Backend { get; set; } = string.Empty;

    /// <summary>
    /// B x K: the paper's batch; a square one; long columns; long rows, which do not fit into a cache.
    /// </summary>
    [Params("32x32", "1024x1024", "65536x64", "64x65536")]
    public string Size { get; set; } = string.Empty;

    [GlobalSetup]
    public void Setup()
    {
        int[] sizes = [.. Size.Split('x').Select(int.Parse)];
        Prepare(new BenchmarkCase(BenchmarkCase.LogPartition, BenchmarkCase.PeerShape, sizes[0], sizes[1]), Backend);
    }

    [Benchmark]
    public void LogPartition() => Work.Call();

    [GlobalCleanup]
    public void Cleanup() => Finish();
}
