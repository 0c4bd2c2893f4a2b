using HipiFast.Kernels.Backends;
using HipiFast.Kernels.SoftQ;
using HipiFast.Learning;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Testing;

namespace HipiFast.Tests.Relabeling;

/// <summary>Calls that take long: told before, watched, and ended in the middle.</summary>
public sealed class LongCallTests
{
    private static readonly RelabelOptions s_options = new()
    {
        RelabelFraction = 1, Seed = 3, Compute = new() { Threads = 1 },
    };

    /// <summary>The options, and a number of rows that takes several parts.</summary>
    public static TheoryData<RelabelOptions, int> Options => new()
    {
        { s_options, 2000 },
        { s_options with { MemoryBudget = 500 * 2000 * 4 }, 2000 },
        { s_options with { GroupRows = 16 }, 100 },
        { s_options with { Assignment = Assignment.Task }, 100 },
    };

    [Theory]
    [MemberData(nameof(Options))]
    public void ProgressRisesToOneAndChangesNothing(RelabelOptions options, int rows)
    {
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape, 4);
        using Relabeler watched = new(RelabelData.GoalFamily, agent, options),
            plain = new(RelabelData.GoalFamily, agent, options);
        using TransitionBatch first = RelabelData.Batch(rows), second = RelabelData.Batch(rows);
        Reports reports = new(_ => { });
        watched.Progress = reports;
        watched.Relabel(first);
        plain.Relabel(second);

        Assert.InRange(reports.Shares.Count, 2, 100);
        Assert.Equal(reports.Shares.Order(), reports.Shares);
        Assert.InRange(reports.Shares[0], 0.01, 0.6);
        Assert.Equal(1, reports.Shares[^1]);
        Assert.Equal(RelabelData.Contents(second), RelabelData.Contents(first));
    }

    [Theory]
    [MemberData(nameof(Options))]
    public void ACancelledCallEndsInItsMiddleAndLeavesTheBatchAsItWas(RelabelOptions options, int rows)
    {
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape, 4);
        using Relabeler relabeler = new(RelabelData.GoalFamily, agent, options);
        using TransitionBatch batch = RelabelData.Batch(rows);
        using CancellationTokenSource source = new();
        float[] before = RelabelData.Contents(batch);
        Reports reports = new(_ => source.Cancel());
        relabeler.Progress = reports;
        relabeler.Cancellation = source.Token;

        Assert.Throws<OperationCanceledException>(() => relabeler.Relabel(batch));
        Assert.Single(reports.Shares);
        Assert.Equal(before, RelabelData.Contents(batch));
        Assert.Equal(0u, relabeler.Call);

        // Cancelled before it begins, it computes nothing; and the next one is as good as any.
        Assert.Throws<OperationCanceledException>(() => relabeler.Relabel(batch));
        Assert.Single(reports.Shares);
        relabeler.Cancellation = default;
        relabeler.Relabel(batch);
        RelabelData.AssertJudged(RelabelData.GoalFamily, batch);
    }

    [Fact]
    public void TrajectoriesAndGivenMatricesAreCancelledToo()
    {
        using Relabeler relabeler = new(RelabelData.GoalFamily, null, s_options)
        {
            Cancellation = new CancellationToken(canceled: true),
        };
        using TransitionBatch batch = RelabelData.Batch(4);
        Assert.Throws<OperationCanceledException>(() => relabeler.RelabelTrajectories(batch, [1, 1, 2, 2]));
        Assert.Throws<OperationCanceledException>(() => relabeler.RelabelBySoftQ(batch, new float[16]));
    }

    public static TheoryData<RelabelOptions, int, int> Forecasts => new()
    {
        { s_options, 50, 0 },
        { s_options, 50, 7 },
        { s_options with { Candidates = CandidateSource.Both }, 50, 0 },
        { s_options with { Candidates = CandidateSource.Fixed }, 50, 0 },
        { s_options with { GroupRows = 10 }, 50, 0 },
        { s_options with { GroupRows = 10, GroupCandidates = 4 }, 50, 0 },
        { s_options with { Assignment = Assignment.Task, RowPool = 20 }, 64, 0 },
        { s_options with { MemoryBudget = 10 * 50 * 4 }, 50, 0 },
        { s_options with { MemoryBudget = 10 * 50 * 4, Partition = PartitionMode.None }, 50, 0 },
        { s_options with { Strategy = RelabelStrategy.Random }, 50, 0 },
    };

    // All rows are relabeled, so that chance decides nothing: what is told is what is computed.
    [Theory]
    [MemberData(nameof(Forecasts))]
    public void TheForecastCountsWhatTheCallComputes(RelabelOptions options, int rows, int candidates)
    {
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using ComputeSession managed = options.Compute.OpenSession();
        Counting counting = new(managed.SoftQ);
        using ComputeSession session = managed.WithSoftQ(counting);
        using Relabeler relabeler = new(session, RelabelData.GoalFamily, agent, options);
        relabeler.SetFixedCandidates([0.5f, 0.5f, -0.5f, 0.25f]);
        using TransitionBatch batch = RelabelData.Batch(rows);
        RelabelForecast forecast = relabeler.Forecast(rows, candidates);
        Assert.Equal(0u, relabeler.Call);
        counting.Values = 0;
        if (candidates > 0)
        {
            relabeler.Relabel(batch, new float[candidates * 2]);
        }
        else
        {
            relabeler.Relabel(batch);
        }

        Assert.Equal(counting.Values, forecast.SoftQValues, 1e-6 * counting.Values);
        Assert.Equal(counting.Values > 0, forecast.Time > TimeSpan.Zero);
        Assert.InRange(forecast.MatrixBytes, counting.Values > 0 ? 1 : 0, options.MemoryBudget);
    }

    private sealed class Counting(ISoftQKernel inner) : ISoftQKernel
    {
        public double Values { get; set; }

        public void Compute(in SoftQProblem problem, Span<float> softQ)
        {
            Values += (double)problem.Rows * problem.Candidates;
            inner.Compute(problem, softQ);
        }
    }

    private sealed class Reports(Action<double> heard) : IProgress<double>
    {
        public List<double> Shares { get; } = [];

        public void Report(double value)
        {
            Shares.Add(value);
            heard(value);
        }
    }
}
