using HipiFast.Kernels.SoftQ;
using HipiFast.Replay;

namespace HipiFast.Benchmarking.Cases;

/// <summary>
/// The cases of <c>hipifast bench quick</c>: a first impression of the engine on this machine in under a minute.
/// </summary>
internal static class QuickBenchmark
{
    /// <summary>The sizes of the PyTorch peers in bench/peers, and the paper's training-loop size.</summary>
    public static IReadOnlyList<BenchmarkCase> Cases { get; } =
    [
        .. Pair(SoftQEstimator.Critic, 32),
        .. Pair(SoftQEstimator.Critic, 256),
        .. Pair(SoftQEstimator.Critic, 1024),
        .. Pair(SoftQEstimator.Bellman, 32),
        .. Pair(SoftQEstimator.Bellman, 256),
        new BenchmarkCase(BenchmarkCase.Relabel, new TransitionShape(2, 2, 2), 32, 64, 32),
        .. BenchmarkCase.SacSteps,
    ];

    private static BenchmarkCase[] Pair(SoftQEstimator estimator, int size) =>
    [
        new(BenchmarkCase.SoftQ, BenchmarkCase.PeerShape, size, size, 256, estimator),
        new(BenchmarkCase.Relabel, BenchmarkCase.PeerShape, size, size, 256, estimator),
    ];
}
