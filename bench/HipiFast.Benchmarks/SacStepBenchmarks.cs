using BenchmarkDotNet.Attributes;
using HipiFast.Cli.Benchmarks;
using HipiFast.Kernels.Backends;
using HipiFast.Learning;
using HipiFast.Replay;

namespace HipiFast.Benchmarks;

/// <summary>One SAC gradient step: both critics, actor, temperature, targets.</summary>
[MemoryDiagnoser]
public class SacStepBenchmarks
{
    private ComputeSession _session = null!;
    private AgentNetworks _agent = null!;
    private SacLearner _learner = null!;
    private TransitionBatch _batch = null!;

    /// <summary>S + P, A, B, H: navigation, a pendulum, a small control task, a locomotion task.</summary>
    [Params("4,2,32,32", "3,1,100,64", "10,2,32,64", "20,6,256,256")]
    public string Case { get; set; } = string.Empty;

    /// <summary>Most threads of an update; a small one takes one in any case.</summary>
    [Params(1, 2)]
    public int Threads { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        int[] sizes = [.. Case.Split(',').Select(int.Parse)];
        TransitionShape shape = new(sizes[0] - 2, sizes[1], 2);
        _session = KernelRegistry.Default.Resolve().CreateSession(new SessionOptions());
        _agent = new AgentNetworks(shape, sizes[3]);
        _agent.Initialize(SyntheticData.Seed);
        _batch = SyntheticData.Batch(shape, sizes[2]);
        _learner = new SacLearner(_agent, new SacOptions(), _session, sizes[2], SyntheticData.Seed, Threads);
    }

    [Benchmark]
    public float Update() => _learner.Update(_batch, 0, _batch.Count).CriticLoss;

    [GlobalCleanup]
    public void Cleanup()
    {
        _learner.Dispose();
        _session.Dispose();
        _agent.Dispose();
        _batch.Dispose();
    }
}
