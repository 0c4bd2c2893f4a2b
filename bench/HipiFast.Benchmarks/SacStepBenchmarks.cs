using BenchmarkDotNet.Attributes;
using HipiFast.Benchmarking.Cases;
using HipiFast.Replay;
using BenchmarkCase = HipiFast.Benchmarking.Cases.BenchmarkCase;

namespace HipiFast.Benchmarks;

/// <summary>One SAC gradient step: both critics, actor, temperature, targets.</summary>
public class SacStepBenchmarks : KernelBenchmark
{
    public static IEnumerable<string> Backends => BackendNames.Fp32;

    [ParamsSource(nameof(Backends))]
    public string Backend { get; set; } = string.Empty;

    /// <summary>S + P, A, B, H: navigation, a pendulum, a small control task, a locomotion task.</summary>
    [Params("4,2,32,32", "3,1,100,64", "10,2,32,64", "20,6,256,256")]
    public string Case { get; set; } = string.Empty;

    /// <summary>Most threads of an update; a small one takes one in any case.</summary>
    [Params(1, 2)]
    public int Threads { get; set; }

    private protected override int MaxThreads => Threads;

    [GlobalSetup]
    public void Setup()
    {
        int[] sizes = [.. Case.Split(',').Select(int.Parse)];
        Prepare(new BenchmarkCase(
            BenchmarkCase.SacStep, new TransitionShape(sizes[0] - 2, sizes[1], 2), sizes[2],
            Hidden: sizes[3]), Backend);
    }

    [Benchmark]
    public void Update() => Work.Call();

    [GlobalCleanup]
    public void Cleanup() => Finish(("steps", 1));
}
