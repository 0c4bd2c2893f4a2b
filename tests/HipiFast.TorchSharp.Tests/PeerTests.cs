using HipiFast.Benchmarking.Cases;
using HipiFast.Kernels.SoftQ;
using HipiFast.Learning;
using HipiFast.Replay;
using HipiFast.TorchPeers;

namespace HipiFast.TorchSharp.Tests;

/// <summary>That the programs on plain torch, with which the engine is compared, compute what it does.</summary>
public sealed class PeerTests
{
    private const int Rows = 13, Tasks = 9, Hidden = 24;

    [TorchTheory]
    [InlineData(nameof(PairStyle.Eager), false)]
    [InlineData(nameof(PairStyle.Split), false)]
    [InlineData(nameof(PairStyle.Tiled), false)]
    [InlineData(nameof(PairStyle.Eager), true)]
    [InlineData(nameof(PairStyle.Split), true)]
    [InlineData(nameof(PairStyle.Tiled), true)]
    public void EveryWayOfRelabelingAgreesWithTheOracle(string name, bool isBf16)
    {
        PairStyle style = Enum.Parse<PairStyle>(name);

        // The last tile is smaller.
        PeerSetting setting = new(style, isBf16, style == PairStyle.Tiled ? 5 * Tasks : 0, 1);
        using AgentNetworks agent = BenchmarkData.Agent(BenchmarkCase.PeerShape, Hidden);
        using TransitionBatch batch = BenchmarkData.Batch(BenchmarkCase.PeerShape, Rows);
        float[] tasks = BenchmarkData.Tasks(BenchmarkCase.PeerShape, Tasks);
        using TorchRelabeling peer = new(Problem(agent, batch, tasks), setting);
        PeerCheck.Relabeling(Problem(agent, batch, tasks), peer, setting);

        // Other tasks are another problem.
        Array.Reverse(tasks);
        Assert.StartsWith("The peer", Assert.Throws<InvalidOperationException>(
            () => PeerCheck.Relabeling(Problem(agent, batch, tasks), peer, setting)).Message, StringComparison.Ordinal);
    }

    [TorchFact]
    public void APeersGradientStepHasTheOraclesLossAndMovesEveryNetwork()
    {
        using AgentNetworks agent = new(BenchmarkCase.PeerShape, Hidden), other = new(BenchmarkCase.PeerShape, Hidden);
        agent.Initialize(BenchmarkData.Seed);
        other.Initialize(BenchmarkData.Seed + 1);
        using TransitionBatch batch = BenchmarkData.Batch(BenchmarkCase.PeerShape, Rows);
        batch.Terminated[3] = 1;
        SacOptions options = new();
        using (TorchSac peer = new(agent, batch, options))
        {
            PeerCheck.Sac(agent, batch, options, peer);

            // The second step is no first one.
            Assert.Throws<InvalidOperationException>(() => PeerCheck.Sac(agent, batch, options, peer));
        }

        using TorchSac strange = new(other, batch, options);
        Assert.Throws<InvalidOperationException>(() => PeerCheck.Sac(agent, batch, options, strange));
    }

    [TorchFact]
    public void AComparisonHasBothSidesTakeAsManyTurns()
    {
        PeerComparison comparison = new(rounds: 2);
        foreach (string work in (string[])[BenchmarkCase.SoftQ, BenchmarkCase.Relabel])
        {
            PeerComparisonResult pairs = comparison.Pairs(new(work, BenchmarkCase.PeerShape, 8, 8, Hidden), threads: 1);
            Assert.Equal([false, false, false, true], pairs.Peers.Select(entry => entry.IsBf16));
            Assert.All(pairs.Peers, entry => Assert.Equal(2, entry.Peer.Turns.Count));
            Assert.Equal(2, pairs.Ours.Turns.Count);
            Assert.Contains(pairs.Fastest(isBf16: false)!, pairs.Peers.Where(
                entry => !entry.IsBf16).Select(entry => entry.Peer));
        }

        PeerComparisonResult steps = comparison.Sac(
            new(BenchmarkCase.SacStep, BenchmarkCase.PeerShape, Rows, Hidden: Hidden), threads: 1);
        Assert.Equal(2, Assert.Single(steps.Peers).Peer.Turns.Count);
    }

    private static SoftQProblem Problem(AgentNetworks agent, TransitionBatch batch, float[] tasks) =>
        BenchmarkData.Problem(SoftQEstimator.Critic, agent, batch, tasks, null);
}
