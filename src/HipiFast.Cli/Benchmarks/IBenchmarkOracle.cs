using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.TaskSampling;
using HipiFast.Learning;
using HipiFast.Replay;

namespace HipiFast.Cli.Benchmarks;

/// <summary>
/// What a benchmark's result is checked against, once, before it is timed: single entries in double precision. The program brings
/// <see cref="PlainOracle"/> along; the suites of bench/HipiFast.Benchmarks use the oracles of the tests.
/// </summary>
internal interface IBenchmarkOracle
{
    /// <summary>Q~ of some pairs.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="pairs">Transitions and candidates.</param>
    /// <returns>One value for each pair.</returns>
    double[] SoftQ(in SoftQProblem problem, IReadOnlyList<(int Row, int Task)> pairs);

    /// <summary>log sum exp.</summary>
    /// <param name="values">One or more, finite.</param>
    /// <returns>Nats.</returns>
    double LogSumExp(double[] values);

    /// <summary>The task that a row draws.</summary>
    /// <param name="posterior">The posterior, temperature above 0.</param>
    /// <param name="row">The row.</param>
    /// <returns>The task, and by how many nats the runner-up is behind.</returns>
    (int Index, double Margin) SampleTask(in TaskPosterior posterior, int row);

    /// <summary>The critics' loss that SAC's first update reports, before its step.</summary>
    /// <param name="agent">The networks before the update, twin critics.</param>
    /// <param name="batch">The batch.</param>
    /// <param name="options">The learner's options.</param>
    /// <param name="seed">The learner's seed.</param>
    /// <returns>The loss.</returns>
    double CriticLoss(AgentNetworks agent, TransitionBatch batch, SacOptions options, ulong seed);
}
