using HipiFast.Benchmarking.Cases;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tasks;
using HipiFast.Learning;
using HipiFast.Replay;

namespace HipiFast.Benchmarking.Work;

/// <summary>The soft-Q matrix alone.</summary>
internal sealed class SoftQWork(BenchmarkCase benchmark, KernelBackend backend, int threads) : BenchmarkWork
{
    private readonly ComputeSession _session = backend.CreateSession(new SessionOptions(threads));
    private readonly AgentNetworks _agent = BenchmarkData.Agent(benchmark.Shape, benchmark.Hidden);
    private readonly TransitionBatch _batch = BenchmarkData.Batch(benchmark.Shape, benchmark.Batch);
    private readonly float[] _tasks = BenchmarkData.Tasks(benchmark.Shape, benchmark.Candidates);
    private readonly float[] _softQ = new float[benchmark.Batch * benchmark.Candidates];
    private readonly TaskFamily? _family = benchmark.Estimator == SoftQEstimator.Bellman
        ? BenchmarkData.GoalFamily(benchmark.Shape)
        : null;

    private SoftQProblem Problem => BenchmarkData.Problem(benchmark.Estimator, _agent, _batch, _tasks, _family);

    public override void Call() => _session.SoftQ.Compute(Problem, _softQ);

    public override void Verify(BenchmarkCheck check)
    {
        Call();
        check.SoftQ(Problem, _softQ);
    }

    public override void Dispose()
    {
        _session.Dispose();
        _agent.Dispose();
        _batch.Dispose();
    }
}
