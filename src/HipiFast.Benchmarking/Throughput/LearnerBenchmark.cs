using System.Globalization;
using System.Diagnostics;
using HipiFast.Benchmarking.Cases;
using HipiFast.Benchmarking.Results;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Devices;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Replay;
using HipiFast.Kernels.Tasks;
using HipiFast.Learning;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Training;

namespace HipiFast.Benchmarking.Throughput;

/// <summary>
/// <c>hipifast bench learner</c>: what a training step of a learner goes into - a batch from replay, its relabeling,
/// handing its rows to the learner's library, and the learner's own work. A learner that takes batches where the
/// relabeler's device has them is given them there.
/// </summary>
internal static class LearnerBenchmark
{
    /// <summary>
    /// Steps after which everything is compiled; long ones warm up for <see cref="WindowSeconds"/> only.
    /// </summary>
    private const int WarmUpSteps = 200;

    private const int ReplayCount = 100_000;

    /// <summary>Seconds of one window; the median over the windows of a case is shown.</summary>
    private const double WindowSeconds = 0.25;

    /// <summary>The cases that are measured.</summary>
    /// <param name="only">One of them, as <c>OBS,ACT,BATCH,H</c>; null for all.</param>
    /// <returns>One or more.</returns>
    /// <exception cref="ArgumentException">There is no such case.</exception>
    public static IReadOnlyList<BenchmarkCase> Cases(string? only)
    {
        if (only is null)
        {
            return BenchmarkCase.SacSteps;
        }

        BenchmarkCase[] found = [.. BenchmarkCase.SacSteps.Where(benchmark => NameOf(benchmark) == only)];
        return found.Length > 0
            ? found
            : throw new ArgumentException(
                $"--case is '{only}'; expected {string.Join(" or ", BenchmarkCase.SacSteps.Select(NameOf))}.");
    }

    // As the peer names it: a network sees the task beside the state.
    private static string NameOf(BenchmarkCase benchmark) => string.Create(
        CultureInfo.InvariantCulture,
        $"{LearnerBenchmarkResult.Observation(benchmark)},{benchmark.Shape.ActionDimension},"
        + $"{benchmark.Batch},{benchmark.Hidden}");

    /// <summary>Measures a case.</summary>
    /// <param name="benchmark">The case; of <see cref="Cases"/>.</param>
    /// <param name="config">Learner, devices, backend and threads; checked.</param>
    /// <param name="seconds">Time to spend; one window at the least.</param>
    /// <returns>What was found.</returns>
    public static LearnerBenchmarkResult Measure(BenchmarkCase benchmark, TrainingConfig config, double seconds)
    {
        TransitionShape shape = benchmark.Shape;
        LearnerFactory factory = LearnerRegistry.Resolve(config.Learner.Name);
        using ComputeSession session = config.Compute.OpenSession();
        using AgentNetworks agent = new(shape, benchmark.Hidden);
        agent.Initialize(BenchmarkData.Seed);
        using ISacLearner learner = factory(config, agent, session);
        TaskFamily family = BenchmarkData.GoalFamily(shape);
        using Relabeler relabeler = new(session, family, agent, new RelabelOptions());
        IHandsOver? handsOver = learner as IHandsOver;
        TransitionMemory? memory = handsOver?.Memory;
        ReplayBuffer buffer = new(shape, ReplayCount);
        using (TransitionBatch episode = BenchmarkData.Batch(shape, ReplayCount))
        {
            buffer.AppendEpisode(episode);
        }

        using IReplay replay = memory is null ? buffer : new ResidentReplay(memory, buffer);
        using ITransitionBatch batch = replay.CreateBatch(benchmark.Batch);
        DeviceRuntime? runtime = memory is null ? null : session.Runtime;
        uint call = 0;
        long[] ticks = new long[3];
        Stopwatch watch = Stopwatch.StartNew();
        for (int step = 0; step == 0 || (step < WarmUpSteps && watch.Elapsed.TotalSeconds < WindowSeconds); step++)
        {
            Step(ticks);
        }

        List<(double Rate, double Step, double Replay, double Relabel, double HandOver, double Update)> windows = [];
        watch.Restart();
        do
        {
            Array.Clear(ticks);
            double handOver = handsOver?.HandOverSeconds ?? 0;
            int steps = 0;
            Stopwatch window = Stopwatch.StartNew();
            while (steps == 0 || window.Elapsed.TotalSeconds < WindowSeconds)
            {
                Step(ticks);
                steps++;
            }

            double[] parts = [.. ticks.Select(count => count / (double)Stopwatch.Frequency / steps)];
            handOver = ((handsOver?.HandOverSeconds ?? 0) - handOver) / steps;
            windows.Add((1 / parts[2], parts.Sum(), parts[0], parts[1], handOver, parts[2] - handOver));
        }
        while (watch.Elapsed.TotalSeconds < seconds);

        return new LearnerBenchmarkResult(
            benchmark, config, session.Backend.Name, memory is null ? "host" : "device", Median(window => window.Rate),
            Median(window => window.Step),
            Median(window => window.Replay / window.Step), Median(window => window.Relabel / window.Step),
            Median(window => window.HandOver / window.Step), Median(window => window.Update / window.Step));

        void Step(long[] parts)
        {
            // On a device each part is waited for, or the next would be charged for it. The main stream waits for the
            // learner's.
            long start = Stopwatch.GetTimestamp();
            replay.Sample(batch, benchmark.Batch, BenchmarkData.Seed, call++);
            runtime?.Synchronize();
            long sampled = Stopwatch.GetTimestamp();
            relabeler.Relabel(batch, replay);
            long relabeled = Stopwatch.GetTimestamp();
            learner.Update(batch, 0, benchmark.Batch);
            runtime?.Synchronize();
            parts[0] += sampled - start;
            parts[1] += relabeled - sampled;
            parts[2] += Stopwatch.GetTimestamp() - relabeled;
        }

        double Median(Func<(
            double Rate, double Step, double Replay, double Relabel, double HandOver, double Update), double> value) =>
            Spread.Of([.. windows.Select(value)]).Median;
    }
}
