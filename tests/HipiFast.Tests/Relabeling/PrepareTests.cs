using System.Runtime;
using HipiFast.Kernels.Tasks;
using HipiFast.Learning;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Tasks;
using HipiFast.Testing;

namespace HipiFast.Tests.Relabeling;

/// <summary>Calls that are rehearsed before the first.</summary>
public sealed class PrepareTests
{
    private static readonly RelabelOptions s_options = new()
    {
        Candidates = CandidateSource.Both, RelabelFraction = 0.8f, GoalMix = 0.5f, Seed = 3,
        Compute = new() { Threads = 1 },
    };

    public static TheoryData<RelabelOptions, int> Options => new()
    {
        { s_options, 0 },
        { s_options, 5 },
        { s_options with { GroupRows = 4, LabelDraws = 3 }, 0 },
        { s_options with { Candidates = CandidateSource.Fixed, Partition = PartitionMode.Running }, 0 },
        { s_options with { Assignment = Assignment.Task }, 0 },
        { s_options with { Strategy = RelabelStrategy.Future }, 0 },
    };

    [Theory]
    [MemberData(nameof(Options))]
    public void PrepareChangesNoLaterCall(RelabelOptions options, int candidates)
    {
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler prepared = new(RelabelData.GoalFamily, agent, options),
            plain = new(RelabelData.GoalFamily, agent, options);
        prepared.SetFixedCandidates([0.5f, 0.5f, -0.5f, 0.25f]);
        plain.SetFixedCandidates([0.5f, 0.5f, -0.5f, 0.25f]);
        using TransitionBatch first = RelabelData.Batch(20), second = RelabelData.Batch(20);
        using ReplayBuffer replay = new(RelabelData.Shape, 20);
        first.Terminated.Clear();
        second.Terminated.Clear();
        replay.AppendEpisode(first);
        for (int call = 0; call < 3; call++)
        {
            if (call == 1)
            {
                prepared.Prepare(20, candidates);
            }

            for (int row = 0; row < 20; row++)
            {
                first.ReplayIndex[row] = second.ReplayIndex[row] = row;
            }

            int[] expected = plain.Relabel(second, replay).TaskIndex.ToArray();
            Assert.Equal(expected, prepared.Relabel(first, replay).TaskIndex.ToArray());
            Assert.Equal(RelabelData.Contents(second), RelabelData.Contents(first));
        }
    }

    [Fact]
    public void AfterPrepareTheFirstCallCompilesNothing()
    {
        // A family of this test alone, for which the runtime has compiled nothing yet.
        TaskFamily family = TaskFamily.Create(new OwnFamily());
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape, hidden: 24);
        using Relabeler relabeler = new(
            family, agent, s_options with { GoalMix = 0, Candidates = CandidateSource.Commanded });
        using TransitionBatch batch = RelabelData.Batch(24);
        long unprepared = JitInfo.GetCompiledMethodCount(currentThread: true);
        relabeler.Prepare(24);
        long before = JitInfo.GetCompiledMethodCount(currentThread: true);
        relabeler.Relabel(batch);
        long after = JitInfo.GetCompiledMethodCount(currentThread: true);

        // Compared last: the comparisons may be compiled here, too.
        Assert.True(before > unprepared, "Nothing is compiled where the call runs: the count says nothing.");
        Assert.Equal(before, after);
    }

    [Fact]
    public void RandomTasksOfADistributionNeedNoOtherRow()
    {
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        RelabelOptions options = s_options with { Strategy = RelabelStrategy.Random, GoalMix = 0 };
        using Relabeler relabeler = new(RelabelData.GoalFamily, agent, options, new OneHotTasks(2));
        relabeler.Prepare(1);
    }

    [Fact]
    public void WithoutNetworksOrASizePrepareIsRefused()
    {
        using Relabeler relabeler = new(RelabelData.GoalFamily, null, s_options);
        Assert.Contains("networks", Assert.Throws<ArgumentException>(() => relabeler.Prepare(8)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => relabeler.Prepare(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => relabeler.Prepare(8, -1));
    }

    private readonly struct OwnFamily : ITaskFamily
    {
        public int TaskDimension => 2;

        public bool HasAchievedTask => false;

        public float Reward<TVector>(in TaskPair<TVector> pair)
            where TVector : struct, IVector => pair.Task[0] * pair.Observation[1];

        public bool Terminates<TVector>(in TaskPair<TVector> pair)
            where TVector : struct, IVector => pair.Task[1] > pair.Observation[0];

        public float AchievedTask<TVector>(TVector observation, TVector commanded, TVector constants, int entry)
            where TVector : struct, IVector => 0;
    }
}
