using BenchmarkDotNet.Attributes;
using HipiFast.Benchmarking.Cases;
using BenchmarkCase = HipiFast.Benchmarking.Cases.BenchmarkCase;

namespace HipiFast.Benchmarks;

/// <summary>A task for each transition of a given soft-Q matrix, with the most likely task and the entropy.</summary>
public class TaskSamplingBenchmarks : KernelBenchmark
{
    // Entries of the matrix, whatever K is, as far as K allows.
    private const int Entries = 1 << 20;

    public static IEnumerable<string> Backends => BackendNames.Fp32;

    [ParamsSource(nameof(Backends))]
    public string Backend { get; set; } = string.Empty;

    /// <summary>K: the paper's, larger ones, and a million.</summary>
    [Params(32, 1024, 32_768, 1_000_000)]
    public int Candidates { get; set; }

    [GlobalSetup]
    public void Setup() =>
        Prepare(new BenchmarkCase(
            BenchmarkCase.TaskSampling, BenchmarkCase.PeerShape, Math.Max(4, Entries / Candidates),
            Candidates), Backend);

    [Benchmark]
    public void SampleTasks() => Work.Call();

    [GlobalCleanup]
    public void Cleanup() => Finish();
}
