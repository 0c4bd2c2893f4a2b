using BenchmarkDotNet.Attributes;
using HipiFast.Benchmarking.Cases;
using HipiFast.Replay;
using BenchmarkCase = HipiFast.Benchmarking.Cases.BenchmarkCase;

namespace HipiFast.Benchmarks;

/// <summary>A batch from a replay buffer of 100,000 transitions.</summary>
public class ReplayBenchmarks : KernelBenchmark
{
    /// <summary>Transitions drawn: the paper's batch, and a pool of minibatches.</summary>
    [Params(32, 1024)]
    public int Batch { get; set; }

    /// <summary>S, A, P: navigation, locomotion.</summary>
    [Params("4,2,2", "17,6,3")]
    public string Shape { get; set; } = string.Empty;

    [GlobalSetup]
    public void Setup()
    {
        int[] sizes = [.. Shape.Split(',').Select(int.Parse)];
        Prepare(new BenchmarkCase(
            BenchmarkCase.ReplaySample, new TransitionShape(sizes[0], sizes[1], sizes[2]), Batch), "managed");
    }

    [Benchmark]
    public void Sample() => Work.Call();

    [GlobalCleanup]
    public void Cleanup() => Finish(("steps", Batch));
}
