using HipiFast.Benchmarking.Cases;
using HipiFast.Benchmarking.Oracles;
using HipiFast.Benchmarking.Results;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.TaskSampling;
using HipiFast.Learning;
using HipiFast.Replay;

namespace HipiFast.Benchmarking.Work;

/// <summary>Checks entries of a benchmark's result against the oracles; a wrong one ends the benchmark.</summary>
/// <param name="benchmark">What is checked.</param>
/// <param name="backend">What computed it.</param>
internal class BenchmarkCheck(BenchmarkCase benchmark, KernelBackend backend)
{
    // The bounds of the conformance tests.
    private const double Fp32OfSpread = 1e-4, Bf16OfSpread = 1e-2;

    /// <summary>Nats by which a draw from a given matrix has to be ahead for rounding not to decide it.</summary>
    private const double DrawMargin = 1e-4;

    private const int Pairs = 64;

    /// <summary>Indices spread over [0, count), both ends among them.</summary>
    /// <param name="count">1 or more.</param>
    /// <param name="wanted">Most of them.</param>
    public static IEnumerable<int> Spread(int count, int wanted) => wanted == 1 || count == 1
        ? [count - 1]
        : Enumerable.Range(0, Math.Min(count, wanted)).Select(
            i => (int)((long)i * (count - 1) / (Math.Min(count, wanted) - 1))).Distinct();

    /// <summary>What some entries of Q~ should be.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="pairs">Transitions and candidates.</param>
    /// <returns>One value for each pair.</returns>
    public virtual double[] ExpectedSoftQ(in SoftQProblem problem, IReadOnlyList<(int Row, int Task)> pairs) =>
        SoftQOracle.Compute(problem, pairs);

    /// <summary>What some entries of Q~ of networks of any layers should be.</summary>
    /// <param name="agent">The networks.</param>
    /// <param name="problem">The problem.</param>
    /// <param name="pairs">Transitions and candidates.</param>
    /// <returns>One value for each pair.</returns>
    public virtual double[] ExpectedSoftQ(
        LayeredAgent agent, in SoftQProblem problem, IReadOnlyList<(int Row, int Task)> pairs) =>
        new LayeredOracle(agent).Compute(problem, pairs);

    /// <summary>What log sum exp should be.</summary>
    /// <param name="values">One or more, finite.</param>
    /// <returns>Nats.</returns>
    public virtual double ExpectedLogSumExp(double[] values) => LogPartitionOracle.LogSumExp(values);

    /// <summary>The task that a row should draw.</summary>
    /// <param name="posterior">The posterior, temperature above 0.</param>
    /// <param name="row">The row.</param>
    /// <returns>The task, and by how many nats the runner-up is behind.</returns>
    public virtual Choice ExpectedTask(in TaskPosterior posterior, int row) =>
        TaskSamplingOracle.SampleTask(posterior, row);

    /// <summary>The critics' loss that SAC's first update should report, before its step.</summary>
    /// <param name="agent">The networks before the update.</param>
    /// <param name="batch">The batch.</param>
    /// <param name="options">The learner's options.</param>
    /// <param name="seed">The learner's seed.</param>
    /// <returns>The loss.</returns>
    public virtual double ExpectedCriticLoss(AgentNetworks agent, TransitionBatch batch, SacOptions options, ulong seed)
    {
        SacOracle oracle = new(agent, batch, 0, batch.Count, seed, 0);
        return oracle.CriticLoss(oracle.Regressands(options.Gamma), options.CriticLossScale);
    }

    /// <summary>
    /// Error allowed to Q~ and logZ, which says something only where Q~ spreads over nats: the data is made so.
    /// </summary>
    /// <param name="softQ">Values of Q~.</param>
    public double Tolerance(IReadOnlyCollection<double> softQ) =>
        (backend.Precision == KernelPrecision.Fp32 ? Fp32OfSpread : Bf16OfSpread) * Math.Max(
            1, softQ.Max() - softQ.Min());

    /// <summary>Throws unless a value is close to what it should be; NaN never is.</summary>
    public void Close(string what, double expected, double found, double tolerance)
    {
        if (!(Math.Abs(found - expected) <= tolerance))
        {
            throw Wrong(
                FormattableString.Invariant($"{what} is {found:g9}, expected {expected:g9} within {tolerance:g3}"));
        }
    }

    /// <summary>Throws unless something holds.</summary>
    public void Holds(bool condition, string otherwise)
    {
        if (!condition)
        {
            throw Wrong(otherwise);
        }
    }

    /// <summary>Throws unless pairs all over the matrix agree with the oracle.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="softQ">What a kernel made of it.</param>
    /// <param name="agent">Networks of any layers, where those of the problem are not read.</param>
    public void SoftQ(in SoftQProblem problem, ReadOnlySpan<float> softQ, LayeredAgent? agent = null)
    {
        int rows = problem.Rows, candidates = problem.Candidates;
        (int Row, int Task)[] pairs = [.. Spread(
            rows * candidates, Pairs).Select(pair => (pair / candidates, pair % candidates))];
        double[] expected = agent is null
            ? ExpectedSoftQ(problem, pairs)
            : ExpectedSoftQ(agent, problem, pairs);
        double tolerance = Tolerance(expected);
        for (int i = 0; i < pairs.Length; i++)
        {
            Close(
                $"Q~[{pairs[i].Row}, {pairs[i].Task}]", expected[i], softQ[(pairs[i].Row * candidates) + pairs[i].Task],
                tolerance);
        }
    }

    /// <summary>Throws unless logZ of a task agrees with a column of Q~ in double.</summary>
    public void LogPartition(double[] column, int task, ReadOnlySpan<float> logPartition) =>
        Close(
            $"logZ[{task}]", ExpectedLogSumExp(column) - Math.Log(column.Length), logPartition[task],
            Tolerance(column));

    /// <summary>Throws unless a row drew the task that it should have, where the margin is clear.</summary>
    /// <param name="posterior">The posterior.</param>
    /// <param name="row">The row.</param>
    /// <param name="found">What was drawn.</param>
    /// <param name="error">How far Q~ itself may be off, in nats; 0 where it was given.</param>
    public void Draw(in TaskPosterior posterior, int row, int found, double error = 0)
    {
        (int expected, double margin) = ExpectedTask(posterior, row);
        Holds(
            found == expected || margin <= DrawMargin + (2 * error),
            $"row {row} draws task {found} instead of {expected}");
    }

    private InvalidOperationException Wrong(string what) =>
        new($"The benchmark {benchmark.Name} on {backend.Name} is wrong: {what}.");
}
