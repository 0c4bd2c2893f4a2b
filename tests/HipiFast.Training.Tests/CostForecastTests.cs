using HipiFast.Kernels.Backends;
using HipiFast.Kernels.SoftQ;
using HipiFast.Learning;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Testing;

namespace HipiFast.Training.Tests;

/// <summary>The forecast of what relabeling costs, against pairs that are counted while a relabeler works.</summary>
public sealed class CostForecastTests
{
    private const int Batch = 64;

    public static TheoryData<string, RelabelOptions> Options => new()
    {
        { "whole batch", new() { Candidates = CandidateSource.Both, RelabelFraction = 0.8f } },
        { "commanded", new() { Candidates = CandidateSource.Commanded } },
        { "fixed", new() { Candidates = CandidateSource.Fixed } },
        { "fixed, rows served alone", new() { Candidates = CandidateSource.Fixed, GroupRows = 4 } },
        { "groups", new() { Candidates = CandidateSource.Both, RelabelFraction = 0.4f, GroupRows = 16 } },
        { "one group", new() { Candidates = CandidateSource.Both, RelabelFraction = 0.4f, GroupRows = 1000 } },
        {
            "subsets of candidates",
            new() { Candidates = CandidateSource.Both, RelabelFraction = 0.8f, GroupRows = 16, GroupCandidates = 6 }
        },
        {
            "labels kept",
            new() { Candidates = CandidateSource.Both, GroupRows = 8, LabelDraws = 4, RelabelFraction = 1 }
        },
        { "by task", new() { Assignment = Assignment.Task, RowPool = 20 } },
        { "no inference", new() { Strategy = RelabelStrategy.None } },
    };

    [Theory]
    [MemberData(nameof(Options))]
    public void SoftQValuesAreThoseThatAreComputed(string what, RelabelOptions options)
    {
        const int Calls = 400, Fixed = 5;
        long pairs = 0;
        using ComputeSession session = FunctionSession.Create(
            (in SoftQProblem problem, int row, int candidate) =>
            {
                pairs++;
                return RelabelData.SmoothQ(problem, row, candidate);
            });
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler relabeler = new(session, RelabelData.GoalFamily, agent, options);
        relabeler.SetFixedCandidates([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        using ReplayBuffer replay = new(RelabelData.Shape, Batch);
        using TransitionBatch batch = RelabelData.Batch(Batch), source = RelabelData.Batch(Batch);
        source.Terminated.Clear();
        replay.AppendEpisode(source);
        for (int call = 0; call < Calls; call++)
        {
            // Every transition is drawn at every call.
            source.Task.CopyTo(batch.Task);
            for (int row = 0; row < Batch; row++)
            {
                batch.ReplayIndex[row] = row;
            }

            relabeler.Relabel(batch, replay);
        }

        TrainingConfig config = new() { Learner = new() { Batch = Batch }, Relabeling = options };
        double expected = CostForecast.Of(config, RelabelData.Shape, Fixed).SoftQValues;
        double counted = (double)pairs / Calls / Batch;
        Assert.True(
            Math.Abs(counted - expected) <= 0.15 * expected, $"{what}: {counted} were computed, {expected} forecast.");
    }

    [Fact]
    public void GroupsMakeTheShareIndependentOfTheBatch()
    {
        TrainingConfig small = Of(batch: 64, groupRows: 16), large = Of(batch: 4096, groupRows: 16);
        Assert.Equal(Share(small), Share(large), 1e-9);
        Assert.InRange(Share(small), 0.2, 0.6);
        Assert.InRange(Share(Of(batch: 4096, groupRows: 0)), 0.99, 1);
        Assert.True(Share(Of(64, 0)) > Share(Of(64, 16)));
        Assert.Equal(
            0, Share(small with { Relabeling = small.Relabeling with { Strategy = RelabelStrategy.Future } }));

        static double Share(TrainingConfig config) =>
            CostForecast.Of(config, new TransitionShape(4, 2, 2), 0).RelabelShare;

        static TrainingConfig Of(int batch, int groupRows) => new()
        {
            Learner = new() { Batch = batch, Hidden = 64 },
            Relabeling = new()
            {
                Candidates = CandidateSource.Both, RelabelFraction = 0.8f, GoalMix = 0.5f, GroupRows = groupRows,
            },
        };
    }
}
