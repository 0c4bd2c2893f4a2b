using HipiFast.Benchmarking.Cases;
using HipiFast.Benchmarking.Results;
using HipiFast.Benchmarking.Work;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.SoftQ;
using HipiFast.Learning;
using HipiFast.Replay;
using TorchSharp;
using static TorchSharp.torch;

namespace HipiFast.TorchPeers;

/// <summary>What one comparison found.</summary>
/// <param name="Case">The work.</param>
/// <param name="Threads">Most threads of either side.</param>
/// <param name="Ours">The engine in the precision that the others are compared with.</param>
/// <param name="Peers">Torch in its ways, each at its best setting.</param>
internal sealed record PeerComparisonResult(
    BenchmarkCase Case, int Threads, Contestant Ours, IReadOnlyList<(Contestant Peer, bool IsBf16)> Peers)
{
    /// <summary>The engine in bf16; null where the machine has no unit for it.</summary>
    public Contestant? OursBf16 { get; init; }

    /// <summary>The fastest peer in a precision.</summary>
    /// <param name="isBf16">Whether that of bf16.</param>
    /// <returns>The peer; null where there is none.</returns>
    public Contestant? Fastest(bool isBf16) =>
        Peers.Where(entry => entry.IsBf16 == isBf16).Select(entry => entry.Peer).MinBy(peer => peer.Median);
}

/// <summary>Measures the engine and torch in turns.</summary>
/// <param name="rounds">Turns of each contestant.</param>
internal sealed class PeerComparison(int rounds)
{
    /// <summary>
    /// Most pairs of a peer's call. Of larger batches it does as many rows, at whose rate it counts: its first layers,
    /// and tiles, have then all that they need, and untiled ones are spared what does not fit into caches.
    /// </summary>
    private const int MostPairs = 1 << 16;

    // What settings are compared by: the best of so many measurements, one where it is far behind.
    private const int TuningPairs = 1 << 13, TuningCalls = 3;
    private const double FarBehind = 1.5;

    private static readonly int[] s_tiles = [512, 2048, 8192];

    private readonly KernelBackend _fp32 = KernelRegistry.Default.Resolve(KernelRegistry.Auto, PrecisionMode.Fp32);
    private readonly KernelBackend? _bf16 = FindBf16();

    /// <summary>The engine's variant in fp32.</summary>
    public string Variant => _fp32.Name;

    /// <summary>Compares whole relabel calls or soft-Q matrices.</summary>
    /// <param name="benchmark">The case, by the estimator critic.</param>
    /// <param name="threads">Most threads of each side.</param>
    /// <returns>What was found.</returns>
    public PeerComparisonResult Pairs(BenchmarkCase benchmark, int threads)
    {
        using AgentNetworks agent = BenchmarkData.Agent(benchmark.Shape, benchmark.Hidden);
        float[] tasks = BenchmarkData.Tasks(benchmark.Shape, benchmark.Candidates);
        using TransitionBatch batch = BenchmarkData.Batch(
            benchmark.Shape, Math.Min(benchmark.Batch, Math.Max(1, MostPairs / benchmark.Candidates)));
        using TransitionBatch sample = BenchmarkData.Batch(
            benchmark.Shape, Math.Min(benchmark.Batch, Math.Max(1, TuningPairs / benchmark.Candidates)));
        List<IDisposable> owned = [];
        try
        {
            List<(Contestant Peer, bool IsBf16)> peers = [];
            double fastest = double.PositiveInfinity;
            foreach (PairStyle style in Enum.GetValues<PairStyle>())
            {
                (PeerSetting setting, double seconds) = Best(
                    Settings([style], isBf16: false, threads), Tried);
                fastest = Math.Min(fastest, seconds);
                peers.Add((Chosen(setting, batch), false));
            }

            // Of bf16 the best way alone, and where fp32 is faster no more pairs than show it: without a unit for it,
            // torch takes many times as long.
            (PeerSetting bf16, double bf16Seconds) = Best(
                Settings(Enum.GetValues<PairStyle>(), isBf16: true, threads), Tried);
            peers.Add((Chosen(bf16, bf16Seconds > fastest ? sample : batch), true));

            Contestant ours = Ours(benchmark, _fp32, threads, owned);
            PeerComparisonResult result = new(benchmark, threads, ours, peers)
            {
                OursBf16 = _bf16 is null ? null : Ours(benchmark, _bf16, threads, owned),
            };
            TakeTurns(result);
            return result;
        }
        finally
        {
            owned.ForEach(part => part.Dispose());
        }

        Contestant Tried(PeerSetting setting, List<IDisposable> made)
        {
            TorchRelabeling tried = new(Problem(agent, sample, tasks), setting);
            made.Add(tried);
            return Peer(benchmark, tried, setting);
        }

        Contestant Chosen(PeerSetting setting, TransitionBatch rows)
        {
            TorchRelabeling chosen = new(Problem(agent, rows, tasks), setting);
            owned.Add(chosen);
            PeerCheck.Relabeling(Problem(agent, rows, tasks), chosen, setting);
            return Peer(benchmark, chosen, setting);
        }
    }

    /// <summary>Compares steps of SAC.</summary>
    /// <param name="benchmark">The case.</param>
    /// <param name="threads">Most threads of each side.</param>
    /// <returns>What was found.</returns>
    public PeerComparisonResult Sac(BenchmarkCase benchmark, int threads)
    {
        using AgentNetworks agent = new(benchmark.Shape, benchmark.Hidden);
        agent.Initialize(BenchmarkData.Seed);
        using TransitionBatch batch = BenchmarkData.Batch(benchmark.Shape, benchmark.Batch);
        SacOptions options = new();
        using TorchSac peer = new(agent, batch, options);
        PeerCheck.Sac(agent, batch, options, peer);
        (int best, _) = Best(Enumerable.Range(1, threads), (count, _) => Stepping(count));
        List<IDisposable> owned = [];
        try
        {
            PeerComparisonResult result = new(
                benchmark, threads, Ours(benchmark, _fp32, threads, owned), [(Stepping(best), false)]);
            TakeTurns(result);
            return result;
        }
        finally
        {
            owned.ForEach(part => part.Dispose());
        }

        Contestant Stepping(int count) =>
            new($"eager, {count} thr.", 1, () => peer.Step().Dispose(), () => set_num_threads(count));
    }

    // The setting with the shortest measurement, and that.
    private static (T Setting, double Seconds) Best<T>(
        IEnumerable<T> settings, Func<T, List<IDisposable>, Contestant> make)
    {
        (T? Setting, double Seconds) best = (default, double.PositiveInfinity);
        foreach (T setting in settings)
        {
            List<IDisposable> made = [];
            try
            {
                Contestant contestant = make(setting, made);
                for (int call = 0; call < TuningCalls; call++)
                {
                    double seconds = contestant.Measure();
                    if (seconds < best.Seconds)
                    {
                        best = (setting, seconds);
                    }

                    if (seconds > FarBehind * best.Seconds)
                    {
                        break;
                    }
                }
            }
            finally
            {
                made.ForEach(part => part.Dispose());
            }
        }

        return (best.Setting!, best.Seconds);
    }

    private void TakeTurns(PeerComparisonResult result) => Contestant.TakeTurns(
        [
            result.Ours, .. result.Peers.Select(entry => entry.Peer),
            .. (IEnumerable<Contestant>)(result.OursBf16 is null ? [] : [result.OursBf16]),
        ], rounds);

    private static SoftQProblem Problem(AgentNetworks agent, TransitionBatch batch, float[] tasks) =>
        BenchmarkData.Problem(SoftQEstimator.Critic, agent, batch, tasks, null);

    private static IEnumerable<PeerSetting> Settings(IEnumerable<PairStyle> styles, bool isBf16, int threads) =>
        from style in styles
        from tile in style == PairStyle.Tiled ? s_tiles : [0]
        from count in Enumerable.Range(1, threads)
        select new PeerSetting(style, isBf16, tile, count);

    private static Contestant Peer(BenchmarkCase benchmark, TorchRelabeling peer, PeerSetting setting)
    {
        return new Contestant(
            setting.ToString(), (double)peer.Rows * peer.Candidates, Call, () => set_num_threads(setting.Threads));

        void Call()
        {
            using DisposeScope scope = NewDisposeScope();
            if (benchmark.Kernel == BenchmarkCase.SoftQ)
            {
                peer.SoftQ();
            }
            else
            {
                peer.Relabel();
            }
        }
    }

    private static Contestant Ours(
        BenchmarkCase benchmark, KernelBackend backend, int threads, List<IDisposable> owned)
    {
        // Tuned one after the other, so that no loser keeps memory and threads while the others take their turns.
        int best = 1;
        if (threads > 1)
        {
            (best, _) = Best(Enumerable.Range(1, threads), Make);
        }

        return Make(best, owned);

        Contestant Make(int count, List<IDisposable> made)
        {
            BenchmarkWork work = BenchmarkWork.Create(benchmark, backend, count);
            made.Add(work);
            work.Verify(new BenchmarkCheck(benchmark, backend));
            double units = benchmark.Candidates > 0 ? (double)benchmark.Batch * benchmark.Candidates : 1;
            return new Contestant($"{backend.Name}, {count} thr.", units, work.Call, () => { });
        }
    }

    private static KernelBackend? FindBf16()
    {
        try
        {
            return KernelRegistry.Default.Resolve(KernelRegistry.Auto, PrecisionMode.Bf16);
        }
        catch (NotSupportedException)
        {
            return null;
        }
    }
}
