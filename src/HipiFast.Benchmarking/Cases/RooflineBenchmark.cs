using HipiFast.Kernels.Backends;
using HipiFast.Kernels.SoftQ;
using HipiFast.Replay;

namespace HipiFast.Benchmarking.Cases;

/// <summary>What <c>hipifast bench roofline</c> is to measure; null or empty takes the default.</summary>
internal sealed record RooflineSelection
{
    /// <summary>Kernels.</summary>
    public required IReadOnlyList<string> Kernels { get; init; }

    /// <summary>Backends asked for; empty for all of the processor that can run here.</summary>
    public required IReadOnlyList<KernelBackend> Backends { get; init; }

    /// <summary>Estimators of the soft-Q matrix and of whole calls.</summary>
    public required IReadOnlyList<SoftQEstimator> Estimators { get; init; }

    /// <summary>B = K of the soft-Q matrix and of whole calls.</summary>
    public required IReadOnlyList<int> Sizes { get; init; }

    /// <summary>H of the soft-Q matrix and of whole calls.</summary>
    public required IReadOnlyList<int> Hidden { get; init; }
}

/// <summary>
/// The cases of <c>hipifast bench roofline</c>: every kernel beside the machine's peak of the same moment.
/// </summary>
internal static class RooflineBenchmark
{
    // Entries of Q~ given to the partition and to sampling, whatever K is: 16 MiB, more than a core's own cache.
    private const int MatrixEntries = 1 << 22;

    private static readonly SoftQEstimator[] s_estimators =
        [SoftQEstimator.Critic, SoftQEstimator.SoftCritic, SoftQEstimator.Bellman];
    private static readonly int[] s_sizes = [32, 256];
    private static readonly int[] s_hidden = [64, 256];

    /// <summary>Hidden layers of the networks of any layers that are measured.</summary>
    private const int Layers = 3;

    private static readonly BenchmarkCase[] s_tiles =
    [
        Pairs(BenchmarkCase.SoftQTile, SoftQEstimator.Critic, 32, 64) with { Threads = 1 },
        Pairs(BenchmarkCase.SoftQTile, SoftQEstimator.Critic, 32, 256),
        Pairs(BenchmarkCase.SoftQTile, SoftQEstimator.Critic, 512, 256),
    ];

    /// <summary>Whole calls: the paper's setting and the peers' sizes.</summary>
    private static readonly (SoftQEstimator Estimator, int Size, int Hidden)[] s_relabel =
    [
        (SoftQEstimator.Critic, 32, 64),
        (SoftQEstimator.Critic, 32, 256),
        (SoftQEstimator.Critic, 256, 256),
        (SoftQEstimator.Critic, 1024, 256),
        (SoftQEstimator.Bellman, 256, 256),
    ];

    /// <summary>
    /// The cases of a selection with the backend that each runs on, in the order in which they are measured.
    /// </summary>
    /// <remarks>
    /// The soft-Q matrix on every backend (of networks of any layers on those in C#), its tiles on those of the
    /// processor (<c>bench gpu</c> is for devices); whole calls on the best of each precision; everything else, which
    /// is fp32 on every backend, on the best.
    /// </remarks>
    public static IEnumerable<(BenchmarkCase Case, KernelBackend Backend)> Cases(RooflineSelection selection)
    {
        KernelBackend[] all = selection.Backends.Count > 0
            ? [.. selection.Backends]
            : [.. KernelRegistry.Default.Backends.Where(IsOfProcessor).OrderBy(backend => backend.Precision)];
        bool chosen = selection.Backends.Count > 0;
        KernelBackend[] best = chosen
            ? all
            : [.. all.GroupBy(backend => backend.Precision).Select(group => group.First())];
        KernelBackend[] first = chosen ? all : best[..1];
        foreach (string kernel in selection.Kernels)
        {
            KernelBackend[] backends = kernel switch
            {
                BenchmarkCase.SoftQTile => [.. all.Where(IsOfProcessor)],
                BenchmarkCase.SoftQ => all,
                BenchmarkCase.SoftQLayers => [.. all.OfType<ManagedBackend>()],
                BenchmarkCase.Relabel => best,
                _ => first,
            };
            foreach (BenchmarkCase benchmark in CasesOf(kernel, selection))
            {
                foreach (KernelBackend backend in backends)
                {
                    yield return (benchmark, backend);
                }
            }
        }
    }

    private static bool IsOfProcessor(KernelBackend backend) =>
        backend.IsSupported(out _) && backend.MultiplyAddLoop is not null;

    private static IEnumerable<BenchmarkCase> CasesOf(string kernel, RooflineSelection selection)
    {
        bool given = selection.Estimators.Count > 0 || selection.Sizes.Count > 0 || selection.Hidden.Count > 0;
        return kernel switch
        {
            BenchmarkCase.SoftQTile when !given => s_tiles,
            BenchmarkCase.SoftQTile =>
                from hidden in Or(selection.Hidden, s_hidden)
                from size in Or(selection.Sizes, s_sizes)
                select Pairs(kernel, SoftQEstimator.Critic, size, hidden),
            BenchmarkCase.Relabel when !given =>
                s_relabel.Select(row => Pairs(kernel, row.Estimator, row.Size, row.Hidden)),
            BenchmarkCase.SoftQ or BenchmarkCase.Relabel =>
                from hidden in Or(selection.Hidden, s_hidden)
                from estimator in Or(selection.Estimators, s_estimators)
                from size in Or(selection.Sizes, s_sizes)
                select Pairs(kernel, estimator, size, hidden),
            BenchmarkCase.SoftQLayers =>
                from hidden in given ? Or(selection.Hidden, s_hidden) : [256]
                from size in given ? Or(selection.Sizes, s_sizes) : [256]
                from hasNorm in (bool[])[false, true]
                select Pairs(kernel, SoftQEstimator.Critic, size, hidden) with { Layers = Layers, HasNorm = hasNorm },
            BenchmarkCase.RelabelBySoftQ =>
                from size in given ? Or(selection.Sizes, s_sizes) : [256]
                select new BenchmarkCase(kernel, BenchmarkCase.PeerShape, size, size),
            BenchmarkCase.LogPartition or BenchmarkCase.TaskSampling =>
                new[] { 64, 65_536 }.Select(candidates => new BenchmarkCase(
                    kernel, BenchmarkCase.PeerShape, MatrixEntries / candidates, candidates)),
            BenchmarkCase.ReplaySample => [new BenchmarkCase(kernel, new TransitionShape(4, 2, 2), 1024, Threads: 1)],
            _ => BenchmarkCase.SacSteps,
        };
    }

    private static BenchmarkCase Pairs(string kernel, SoftQEstimator estimator, int size, int hidden) =>
        new(kernel, BenchmarkCase.PeerShape, size, size, hidden, estimator);

    private static IReadOnlyList<T> Or<T>(IReadOnlyList<T> given, IReadOnlyList<T> otherwise) => given.Count > 0
        ? given
        : otherwise;
}
