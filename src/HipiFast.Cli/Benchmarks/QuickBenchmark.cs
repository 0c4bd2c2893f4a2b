using System.Diagnostics;
using System.Text.Json;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.SoftQ;
using HipiFast.Learning;
using HipiFast.Relabeling;
using HipiFast.Replay;

namespace HipiFast.Cli.Benchmarks;

/// <summary>One measured case.</summary>
/// <param name="Kernel"><c>soft-q</c> (the matrix alone), <c>relabel</c> (a whole call: matrix, partition, sampling, rewards) or <c>sac-step</c>.</param>
/// <param name="Shape">S, A, P.</param>
/// <param name="Batch">B, transitions.</param>
/// <param name="Candidates">K, tasks; 0 for a SAC step.</param>
/// <param name="Hidden">H.</param>
/// <param name="Estimator">Which soft-Q estimator; ignored by a SAC step.</param>
internal sealed record QuickCase(string Kernel, TransitionShape Shape, int Batch, int Candidates, int Hidden, SoftQEstimator Estimator);

/// <summary>Result of one case.</summary>
/// <param name="Case">What was measured.</param>
/// <param name="MedianSeconds">Median time of one call.</param>
/// <param name="PeakGflops">Multiply-add peak of the same round and thread count.</param>
internal sealed record QuickResult(QuickCase Case, string Variant, int Threads, double MedianSeconds, double PeakGflops)
{
    public double PairsPerSecond => (double)Case.Batch * Case.Candidates / MedianSeconds;

    /// <summary>Second-layer operations only (the floor of the work): 4 H^2 per pair for critic, 8 H^2 for Bellman with twin critics.</summary>
    public double Gflops => PairsPerSecond * (Case.Estimator switch { SoftQEstimator.Critic => 4.0, SoftQEstimator.SoftCritic => 6.0, _ => 8.0 })
        * Case.Hidden * Case.Hidden * 1e-9;

    public string EstimatorName => Case.Estimator switch
    {
        SoftQEstimator.Critic => "critic",
        SoftQEstimator.SoftCritic => "soft-critic",
        _ => "bellman",
    };

    /// <summary>One row of <c>--json</c>.</summary>
    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("kernel", Case.Kernel);
        writer.WriteString("variant", Variant);
        writer.WriteString("precision", "fp32");
        if (Case.Kernel == QuickBenchmark.SacStep)
        {
            writer.WriteNumber("obs", Case.Shape.ObservationDimension + Case.Shape.TaskDimension);
            writer.WriteNumber("act", Case.Shape.ActionDimension);
        }
        else
        {
            writer.WriteString("estimator", EstimatorName);
            writer.WriteNumber("candidates", Case.Candidates);
        }

        writer.WriteNumber("batch", Case.Batch);
        writer.WriteNumber("hidden", Case.Hidden);
        writer.WriteNumber("threads", Threads);
        writer.WriteNumber("median_s", MedianSeconds);
        if (Case.Kernel == QuickBenchmark.SacStep)
        {
            writer.WriteNumber("updates_per_s", 1 / MedianSeconds);
        }
        else
        {
            writer.WriteNumber("pairs_per_s", PairsPerSecond);
            writer.WriteNumber("gflops", Gflops);
            writer.WriteNumber("peak_gflops", PeakGflops);
            writer.WriteNumber("fraction_of_peak", Gflops / PeakGflops);
        }

        writer.WriteEndObject();
    }
}

/// <summary><c>hipifast bench quick</c>: a first impression of the engine on this machine in under a minute.</summary>
internal sealed class QuickBenchmark(KernelBackend backend, int threads, double secondsPerCase)
{
    public const string SoftQ = "soft-q";
    public const string Relabel = "relabel";
    public const string SacStep = "sac-step";

    private readonly MultiplyAddPeak _peak = new();

    /// <summary>The sizes of the PyTorch peers in bench/peers, and the paper's training-loop size.</summary>
    public static IReadOnlyList<QuickCase> Cases { get; } = MakeCases();

    public QuickResult Run(QuickCase benchmark)
    {
        int used = threads > 0 ? threads : Environment.ProcessorCount;
        using ComputeSession session = backend.CreateSession(new SessionOptions(used));
        using AgentNetworks agent = new(benchmark.Shape, benchmark.Hidden);
        agent.Initialize(SyntheticData.Seed);
        using TransitionBatch batch = SyntheticData.Batch(benchmark.Shape, benchmark.Batch);
        double peak = _peak.Measure(used);
        double median = benchmark.Kernel switch
        {
            SoftQ => MeasureSoftQ(benchmark, session, agent, batch),
            Relabel => MeasureRelabel(benchmark, used, agent, batch),
            _ => MeasureSacStep(benchmark, session, used, agent, batch),
        };
        return new QuickResult(benchmark, backend.Name, used, median, peak);
    }

    private static QuickCase[] MakeCases()
    {
        TransitionShape relabel = new(17, 6, 3);
        List<QuickCase> cases = [];
        foreach ((SoftQEstimator estimator, int size) in new[]
        {
            (SoftQEstimator.Critic, 32), (SoftQEstimator.Critic, 256), (SoftQEstimator.Critic, 1024),
            (SoftQEstimator.Bellman, 32), (SoftQEstimator.Bellman, 256),
        })
        {
            cases.Add(new QuickCase(SoftQ, relabel, size, size, 256, estimator));
            cases.Add(new QuickCase(Relabel, relabel, size, size, 256, estimator));
        }

        cases.Add(new QuickCase(Relabel, new TransitionShape(2, 2, 2), 32, 64, 32, SoftQEstimator.Critic));
        cases.Add(new QuickCase(SacStep, new TransitionShape(2, 1, 1), 100, 0, 64, SoftQEstimator.Critic));
        cases.Add(new QuickCase(SacStep, new TransitionShape(8, 2, 2), 32, 0, 64, SoftQEstimator.Critic));
        cases.Add(new QuickCase(SacStep, new TransitionShape(17, 6, 3), 256, 0, 256, SoftQEstimator.Critic));
        return [.. cases];
    }

    private double MeasureSoftQ(QuickCase benchmark, ComputeSession session, AgentNetworks agent, TransitionBatch batch)
    {
        TransitionShape shape = benchmark.Shape;
        float[] tasks = SyntheticData.Tasks(shape, benchmark.Candidates), softQ = new float[benchmark.Batch * benchmark.Candidates];
        Kernels.Tasks.TaskFamily family = SyntheticData.GoalFamily(shape);
        return Median(() => session.SoftQ.Compute(
            new SoftQProblem
            {
                Observation = batch.Observation,
                Action = batch.Action,
                NextObservation = batch.NextObservation,
                Task = tasks,
                Rows = benchmark.Batch,
                Candidates = benchmark.Candidates,
                ObservationDimension = shape.ObservationDimension,
                ActionDimension = shape.ActionDimension,
                TaskDimension = shape.TaskDimension,
                Estimator = benchmark.Estimator,
                Critic1 = agent.Critic1,
                Critic2 = agent.Critic2,
                Actor = agent.Actor,
                Alpha = 1,
                Gamma = 0.99f,
                Family = benchmark.Estimator == SoftQEstimator.Bellman ? family : null,
                Seed = SyntheticData.Seed,
            },
            softQ));
    }

    private double MeasureRelabel(QuickCase benchmark, int used, AgentNetworks agent, TransitionBatch batch)
    {
        RelabelOptions options = new()
        {
            Candidates = CandidateSource.Fixed,
            Estimator = benchmark.Estimator,
            RelabelFraction = 1,
            Backend = backend.Name,
            Threads = used,
        };
        using Relabeler relabeler = new(SyntheticData.GoalFamily(benchmark.Shape), agent, options);
        relabeler.SetFixedCandidates(SyntheticData.Tasks(benchmark.Shape, benchmark.Candidates));
        return Median(() => relabeler.Relabel(batch));
    }

    private double MeasureSacStep(QuickCase benchmark, ComputeSession session, int used, AgentNetworks agent, TransitionBatch batch)
    {
        using SacLearner learner = new(agent, new SacOptions(), session, benchmark.Batch, SyntheticData.Seed);
        return Median(() => learner.Update(batch, 0, benchmark.Batch));
    }

    private double Median(Action call)
    {
        // Small calls are called often enough to be compiled for good before they count; one call warms a long one up.
        long start = Stopwatch.GetTimestamp();
        do
        {
            call();
        }
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < secondsPerCase / 2);

        List<double> samples = [];
        start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < secondsPerCase || samples.Count < 3)
        {
            long begin = Stopwatch.GetTimestamp();
            call();
            samples.Add(Stopwatch.GetElapsedTime(begin).TotalSeconds);
        }

        samples.Sort();
        return samples[samples.Count / 2];
    }
}
