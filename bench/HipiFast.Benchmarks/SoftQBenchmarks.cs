using BenchmarkDotNet.Attributes;
using HipiFast.Cli.Benchmarks;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tasks;
using HipiFast.Learning;
using HipiFast.Replay;

namespace HipiFast.Benchmarks;

/// <summary>The soft-Q matrix alone, twin critics.</summary>
[MemoryDiagnoser]
public class SoftQBenchmarks
{
    private static readonly TransitionShape s_shape = new(ObservationDimension: 17, ActionDimension: 6, TaskDimension: 3);

    private ComputeSession _session = null!;
    private AgentNetworks _agent = null!;
    private TransitionBatch _batch = null!;
    private TaskFamily _family = null!;
    private float[] _tasks = [];
    private float[] _softQ = [];

    /// <summary>B = K: the paper's batch, a large batch, and one off every tile boundary.</summary>
    [Params(32, 256, 331)]
    public int Size { get; set; }

    /// <summary>H of the paper's reacher and quadruped networks.</summary>
    [Params(64, 256)]
    public int Hidden { get; set; }

    /// <summary>Which estimate.</summary>
    [Params(SoftQEstimator.Critic, SoftQEstimator.Bellman)]
    public SoftQEstimator Estimator { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _session = KernelRegistry.Default.Resolve().CreateSession(new SessionOptions());
        _agent = new AgentNetworks(s_shape, Hidden);
        _agent.Initialize(SyntheticData.Seed);
        _batch = SyntheticData.Batch(s_shape, Size);
        _family = SyntheticData.GoalFamily(s_shape);
        _tasks = SyntheticData.Tasks(s_shape, Size);
        _softQ = new float[Size * Size];
    }

    [Benchmark]
    public float SoftQMatrix()
    {
        _session.SoftQ.Compute(
            new SoftQProblem
            {
                Observation = _batch.Observation,
                Action = _batch.Action,
                NextObservation = _batch.NextObservation,
                Task = _tasks,
                Rows = Size,
                Candidates = Size,
                ObservationDimension = s_shape.ObservationDimension,
                ActionDimension = s_shape.ActionDimension,
                TaskDimension = s_shape.TaskDimension,
                Estimator = Estimator,
                Critic1 = _agent.Critic1,
                Critic2 = _agent.Critic2,
                Actor = _agent.Actor,
                Alpha = 1,
                Gamma = 0.99f,
                Family = Estimator == SoftQEstimator.Bellman ? _family : null,
                Seed = SyntheticData.Seed,
            },
            _softQ);
        return _softQ[^1];
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _session.Dispose();
        _agent.Dispose();
        _batch.Dispose();
    }
}
