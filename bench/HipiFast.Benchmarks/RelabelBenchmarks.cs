using BenchmarkDotNet.Attributes;
using HipiFast.Cli.Benchmarks;
using HipiFast.Learning;
using HipiFast.Relabeling;
using HipiFast.Replay;

namespace HipiFast.Benchmarks;

/// <summary>A whole relabel call through the public API: soft-Q matrix, partition, sampling, rewards, diagnostics.</summary>
[MemoryDiagnoser]
public class RelabelBenchmarks
{
    private Relabeler _relabeler = null!;
    private AgentNetworks _agent = null!;
    private TransitionBatch _batch = null!;

    /// <summary>B = K.</summary>
    [Params(32, 256)]
    public int Size { get; set; }

    /// <summary>H of the paper's navigation, reacher and quadruped networks.</summary>
    [Params(32, 64, 256)]
    public int Hidden { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        TransitionShape shape = new(ObservationDimension: 17, ActionDimension: 6, TaskDimension: 3);
        _agent = new AgentNetworks(shape, Hidden);
        _agent.Initialize(SyntheticData.Seed);
        _batch = SyntheticData.Batch(shape, Size);
        _relabeler = new Relabeler(
            SyntheticData.GoalFamily(shape), _agent, new RelabelOptions { Candidates = CandidateSource.Fixed, RelabelFraction = 1 });
        _relabeler.SetFixedCandidates(SyntheticData.Tasks(shape, Size));
    }

    [Benchmark]
    public int RelabelBatch() => _relabeler.Relabel(_batch).TaskIndex[0];

    [GlobalCleanup]
    public void Cleanup()
    {
        _relabeler.Dispose();
        _agent.Dispose();
        _batch.Dispose();
    }
}
