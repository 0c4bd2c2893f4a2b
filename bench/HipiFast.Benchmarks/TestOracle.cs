using HipiFast.Cli.Benchmarks;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tests.Oracles;
using HipiFast.Kernels.TaskSampling;
using HipiFast.Learning;
using HipiFast.Replay;
using HipiFast.Tests.Oracles;

namespace HipiFast.Benchmarks;

/// <summary>The oracles of the tests, which share no code with any kernel.</summary>
internal sealed class TestOracle : IBenchmarkOracle
{
    public static TestOracle Instance { get; } = new();

    public double[] SoftQ(in SoftQProblem problem, IReadOnlyList<(int Row, int Task)> pairs) => SoftQOracle.Compute(problem, pairs);

    public double LogSumExp(double[] values) => LogPartitionOracle.LogSumExp(values);

    public (int Index, double Margin) SampleTask(in TaskPosterior posterior, int row)
    {
        Choice choice = TaskSamplingOracle.SampleTask(posterior, row);
        return (choice.Index, choice.Margin);
    }

    public double CriticLoss(AgentNetworks agent, TransitionBatch batch, SacOptions options, ulong seed)
    {
        SacOracle oracle = new(agent, batch, 0, batch.Count, seed, 0);
        return oracle.CriticLoss(oracle.Regressands(options.Gamma), options.CriticLossScale);
    }
}
