using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Tasks;
using HipiFast.Learning;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Training;

namespace HipiFast.Cli.Benchmarks;

/// <summary>
/// <c>hipifast bench learner</c>: what a training step of a learner goes into - a batch from replay, its relabeling, handing its rows to the
/// learner's library, and the learner's own work.
/// </summary>
internal static class LearnerBenchmark
{
    /// <summary>Steps after which everything is compiled; long ones warm up for <see cref="WindowSeconds"/> only.</summary>
    private const int WarmUpSteps = 200;

    private const int ReplayCount = 100_000;

    /// <summary>Seconds of one window; the median over the windows of a case is shown.</summary>
    private const double WindowSeconds = 0.25;

    private static readonly string[] s_header =
        ["learner", "obs", "act", "batch", "hidden", "threads", "updates/s", "step", "replay", "relabel", "hand-over", "update"];

    /// <summary>The subcommand.</summary>
    /// <param name="json">The program's <c>--json</c>.</param>
    /// <param name="threads">The option <c>--threads</c>.</param>
    /// <param name="seconds">The option <c>--seconds</c>.</param>
    public static Command Create(Option<bool> json, Option<int> threads, Option<double> seconds)
    {
        Option<string> learner = new("--learner")
        {
            Description = "Learner to measure: embedded, or torch where TorchSharp is installed.",
            HelpName = "NAME",
            DefaultValueFactory = _ => LearnerRegistry.Embedded,
        };
        Option<string> device = new("--torch-device")
        {
            Description = "Where the torch learner computes.",
            HelpName = "cpu|cuda",
            DefaultValueFactory = _ => new TrainingConfig().TorchDevice,
        };
        Command command = new("learner", "Training steps of a learner: updates per second, and what a step goes into.")
        {
            learner, device, threads, seconds,
        };
        command.SetAction(parsed =>
        {
            OptionalComponents.Load();
            ConsoleOutput output = new(parsed.GetValue(json));
            List<Row> rows = [];
            foreach (BenchmarkCase benchmark in BenchmarkCase.SacSteps)
            {
                TrainingConfig config = new()
                {
                    LearnerName = parsed.GetRequiredValue(learner),
                    TorchDevice = parsed.GetRequiredValue(device),
                    Threads = benchmark.Threads > 0 ? benchmark.Threads : parsed.GetValue(threads),
                    Batch = benchmark.Batch,
                    Hidden = benchmark.Hidden,
                };
                rows.Add(Measure(benchmark, config, parsed.GetValue(seconds)));
            }

            output.Table(s_header, rows.Select(row => row.Cells()));
            output.Line("Medians over windows; a step is a batch from replay, its relabeling by inverse RL, and an update, whose part hand-over is.");
            output.Document(writer =>
            {
                writer.WriteStartArray();
                rows.ForEach(row => row.Write(writer));
                writer.WriteEndArray();
            });
            return CommandLineProgram.Good;
        });
        return command;
    }

    private static Row Measure(BenchmarkCase benchmark, TrainingConfig config, double seconds)
    {
        TransitionShape shape = benchmark.Shape;
        LearnerFactory factory = LearnerRegistry.Resolve(config.LearnerName);
        using ComputeSession session = KernelRegistry.Default.Resolve().CreateSession(new SessionOptions(config.Threads));
        using AgentNetworks agent = new(shape, benchmark.Hidden);
        agent.Initialize(SyntheticData.Seed);
        using ISacLearner learner = factory(config, agent, session);
        TaskFamily family = SyntheticData.GoalFamily(shape);
        using Relabeler relabeler = new(session, family, agent, new RelabelOptions());
        using ReplayBuffer replay = new(shape, ReplayCount);
        using TransitionBatch episode = SyntheticData.Batch(shape, ReplayCount);
        replay.AppendEpisode(episode);
        using TransitionBatch batch = new(shape, benchmark.Batch);
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
            double handOver = learner.HandOverSeconds;
            int steps = 0;
            for (Stopwatch window = Stopwatch.StartNew(); steps == 0 || window.Elapsed.TotalSeconds < WindowSeconds; steps++)
            {
                Step(ticks);
            }

            double[] parts = [.. ticks.Select(count => count / (double)Stopwatch.Frequency / steps)];
            handOver = (learner.HandOverSeconds - handOver) / steps;
            windows.Add((1 / parts[2], parts.Sum(), parts[0], parts[1], handOver, parts[2] - handOver));
        }
        while (watch.Elapsed.TotalSeconds < seconds);

        return new Row(
            benchmark, config, Median(window => window.Rate), Median(window => window.Step), Median(window => window.Replay / window.Step),
            Median(window => window.Relabel / window.Step), Median(window => window.HandOver / window.Step),
            Median(window => window.Update / window.Step));

        void Step(long[] parts)
        {
            long start = Stopwatch.GetTimestamp();
            replay.Sample(batch, batch.Capacity, SyntheticData.Seed, call++);
            long sampled = Stopwatch.GetTimestamp();
            relabeler.Relabel(batch, replay);
            long relabeled = Stopwatch.GetTimestamp();
            learner.Update(batch, 0, batch.Count);
            parts[0] += sampled - start;
            parts[1] += relabeled - sampled;
            parts[2] += Stopwatch.GetTimestamp() - relabeled;
        }

        double Median(Func<(double Rate, double Step, double Replay, double Relabel, double HandOver, double Update), double> value) =>
            Spread.Of([.. windows.Select(value)]).Median;
    }

    private sealed record Row(
        BenchmarkCase Case, TrainingConfig Config, double UpdatesPerSecond, double StepSeconds, double Replay, double Relabel, double HandOver,
        double Update)
    {
        // A network sees the task beside the state.
        private int Observation => Case.Shape.ObservationDimension + Case.Shape.TaskDimension;

        public string[] Cells() =>
        [
            Config.LearnerName, Text(Observation), Text(Case.Shape.ActionDimension), Text(Case.Batch), Text(Case.Hidden), Text(Config.Threads),
            UpdatesPerSecond.ToString("0", CultureInfo.InvariantCulture), (StepSeconds * 1e6).ToString("0", CultureInfo.InvariantCulture) + " us",
            Share(Replay), Share(Relabel), Share(HandOver), Share(Update),
        ];

        public void Write(Utf8JsonWriter writer)
        {
            writer.WriteStartObject();
            writer.WriteString("kernel", BenchmarkCase.SacStep);
            writer.WriteString("variant", Config.LearnerName);
            writer.WriteNumber("obs", Observation);
            writer.WriteNumber("act", Case.Shape.ActionDimension);
            writer.WriteNumber("batch", Case.Batch);
            writer.WriteNumber("hidden", Case.Hidden);
            writer.WriteNumber("threads", Config.Threads);
            writer.WriteNumber("updates_per_s", UpdatesPerSecond);
            writer.WriteNumber("training_step_s", StepSeconds);
            writer.WriteNumber("replay_share", Replay);
            writer.WriteNumber("relabel_share", Relabel);
            writer.WriteNumber("hand_over_share", HandOver);
            writer.WriteNumber("update_share", Update);
            writer.WriteEndObject();
        }

        private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);

        private static string Share(double value) => (100 * value).ToString("0.0", CultureInfo.InvariantCulture) + "%";
    }
}
