using HipiFast.Cli.Benchmarks;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.TaskSampling;
using HipiFast.Learning;
using HipiFast.Replay;

namespace HipiFast.Benchmarks.Tests;

/// <summary>A benchmark whose result is wrong does not run; both oracles say the same of a right one.</summary>
public class OracleTests
{
    public static TheoryData<string> Kernels => [.. BenchmarkCase.Kernels.Where(kernel => kernel != BenchmarkCase.ReplaySample)];

    [Theory]
    [MemberData(nameof(Kernels))]
    public void ARightResultPassesEitherOracle(string kernel)
    {
        Verify(kernel, TestOracle.Instance);
        Verify(kernel, PlainOracle.Instance);
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void AWrongResultFailsLoudly(string kernel)
    {
        InvalidOperationException error = Assert.Throws<InvalidOperationException>(() => Verify(kernel, new SkewedOracle()));
        Assert.Contains(kernel, error.Message, StringComparison.Ordinal);
        Assert.Contains("is wrong", error.Message, StringComparison.Ordinal);
    }

    private static void Verify(string kernel, IBenchmarkOracle oracle)
    {
        BenchmarkCase benchmark = new(kernel, BenchmarkCase.PeerShape, 13, kernel == BenchmarkCase.SacStep ? 0 : 21, 24, SoftQEstimator.Bellman);
        KernelBackend backend = KernelRegistry.Default.Resolve();
        using BenchmarkWork work = BenchmarkWork.Create(benchmark, backend, 1);
        work.Verify(new BenchmarkCheck(benchmark, backend, oracle));
    }

    /// <summary>Everything a few percent off, and the next task drawn.</summary>
    private sealed class SkewedOracle : IBenchmarkOracle
    {
        private const double Skew = 1.03;

        public double[] SoftQ(in SoftQProblem problem, IReadOnlyList<(int Row, int Task)> pairs) =>
            [.. TestOracle.Instance.SoftQ(problem, pairs).Select(value => Skew * value)];

        public double LogSumExp(double[] values) => Skew * TestOracle.Instance.LogSumExp(values);

        public (int Index, double Margin) SampleTask(in TaskPosterior posterior, int row)
        {
            (int index, double margin) = TestOracle.Instance.SampleTask(posterior, row);
            return ((index + 1) % posterior.Candidates, margin);
        }

        public double CriticLoss(AgentNetworks agent, TransitionBatch batch, SacOptions options, ulong seed) =>
            Skew * TestOracle.Instance.CriticLoss(agent, batch, options, seed);
    }
}
