using HipiFast.Benchmarking.Cases;
using HipiFast.Kernels.Backends;
using HipiFast.Learning;
using HipiFast.Replay;

namespace HipiFast.Benchmarking.Work;

/// <summary>One gradient step of SAC.</summary>
internal sealed class SacStepWork : BenchmarkWork
{
    // Sums of squares in fp32 against double.
    private const double LossTolerance = 1e-4;

    private static readonly SacOptions s_options = new();

    private readonly ComputeSession _session;
    private readonly AgentNetworks _agent;
    private readonly TransitionBatch _batch;
    private readonly SacLearner _learner;

    public SacStepWork(BenchmarkCase benchmark, KernelBackend backend, int threads)
    {
        _session = backend.CreateSession(new SessionOptions(threads));
        _agent = new AgentNetworks(benchmark.Shape, benchmark.Hidden);
        _agent.Initialize(BenchmarkData.Seed);
        _batch = BenchmarkData.Batch(benchmark.Shape, benchmark.Batch);
        _learner = new SacLearner(_agent, s_options, _session, benchmark.Batch, BenchmarkData.Seed, threads);
    }

    public override void Call() => _learner.Update(_batch, 0, _batch.Count);

    public override void Verify(BenchmarkCheck check)
    {
        double expected = check.ExpectedCriticLoss(_agent, _batch, s_options, BenchmarkData.Seed);
        check.Close(
            "the critics' loss", expected, _learner.Update(_batch, 0, _batch.Count).CriticLoss,
            LossTolerance * expected);
    }

    public override void Dispose()
    {
        _learner.Dispose();
        _session.Dispose();
        _agent.Dispose();
        _batch.Dispose();
    }
}
