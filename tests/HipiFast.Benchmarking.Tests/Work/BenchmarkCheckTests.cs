using HipiFast.Benchmarking.Cases;
using HipiFast.Benchmarking.Oracles;
using HipiFast.Benchmarking.Work;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.TaskSampling;
using HipiFast.Learning;
using HipiFast.Replay;

namespace HipiFast.Benchmarking.Tests.Work;

/// <summary>A benchmark whose result is wrong does not run.</summary>
public class BenchmarkCheckTests
{
    public static TheoryData<string> Kernels =>
        [.. BenchmarkCase.Kernels.Where(kernel => kernel != BenchmarkCase.ReplaySample)];

    [Theory]
    [MemberData(nameof(Kernels))]
    public void ARightResultPasses(string kernel) =>
        Verify(kernel, (benchmark, backend) => new BenchmarkCheck(benchmark, backend));

    [Theory]
    [MemberData(nameof(Kernels))]
    public void AWrongResultFailsLoudly(string kernel)
    {
        InvalidOperationException error = Assert.Throws<InvalidOperationException>(
            () => Verify(kernel, (benchmark, backend) => new SkewedCheck(benchmark, backend)));
        Assert.Contains(kernel, error.Message, StringComparison.Ordinal);
        Assert.Contains("is wrong", error.Message, StringComparison.Ordinal);
    }

    private static void Verify(string kernel, Func<BenchmarkCase, KernelBackend, BenchmarkCheck> check)
    {
        BenchmarkCase benchmark = new(
            kernel, BenchmarkCase.PeerShape, 13, kernel == BenchmarkCase.SacStep ? 0 : 21, 24, SoftQEstimator.Bellman);
        KernelBackend backend = KernelRegistry.Default.Resolve();
        using BenchmarkWork work = BenchmarkWork.Create(benchmark, backend, 1);
        work.Verify(check(benchmark, backend));
    }

    /// <summary>Expects everything a few percent off, and the next task drawn.</summary>
    private sealed class SkewedCheck(BenchmarkCase benchmark, KernelBackend backend)
        : BenchmarkCheck(benchmark, backend)
    {
        private const double Skew = 1.03;

        public override double[] ExpectedSoftQ(in SoftQProblem problem, IReadOnlyList<(int Row, int Task)> pairs) =>
            [.. base.ExpectedSoftQ(problem, pairs).Select(value => Skew * value)];

        public override double[] ExpectedSoftQ(
            LayeredAgent agent, in SoftQProblem problem, IReadOnlyList<(int Row, int Task)> pairs) =>
            [.. base.ExpectedSoftQ(agent, problem, pairs).Select(value => Skew * value)];

        public override double ExpectedLogSumExp(double[] values) => Skew * base.ExpectedLogSumExp(values);

        public override Choice ExpectedTask(in TaskPosterior posterior, int row)
        {
            Choice choice = base.ExpectedTask(posterior, row);
            return choice with { Index = (choice.Index + 1) % posterior.Candidates };
        }

        public override double ExpectedCriticLoss(
            AgentNetworks agent, TransitionBatch batch, SacOptions options, ulong seed) =>
            Skew * base.ExpectedCriticLoss(agent, batch, options, seed);
    }
}
