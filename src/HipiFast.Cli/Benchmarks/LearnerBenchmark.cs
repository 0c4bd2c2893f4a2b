using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Devices.Replay;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Tasks;
using HipiFast.Learning;
using HipiFast.Options;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Training;

namespace HipiFast.Cli.Benchmarks;

/// <summary>
/// <c>hipifast bench learner</c>: what a training step of a learner goes into - a batch from replay, its relabeling, handing its rows to the
/// learner's library, and the learner's own work. A learner that takes batches where the relabeler's device has them is given them there.
/// </summary>
internal static class LearnerBenchmark
{
    /// <summary>Steps after which everything is compiled; long ones warm up for <see cref="WindowSeconds"/> only.</summary>
    private const int WarmUpSteps = 200;

    private const int ReplayCount = 100_000;

    /// <summary>Seconds of one window; the median over the windows of a case is shown.</summary>
    private const double WindowSeconds = 0.25;

    private static readonly string[] s_header =
    [
        "learner", "backend", "batches", "obs", "act", "batch", "hidden", "threads", "updates/s", "step", "replay", "relabel",
        "hand-over", "update",
    ];

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
            DefaultValueFactory = _ => new LearnerOptions().TorchDevice,
        };
        Option<string> backend = new("--backend")
        {
            Description = "Backend that relabels; a learner and a backend on one GPU share its memory.",
            HelpName = "NAME",
            DefaultValueFactory = _ => new ComputeOptions().Backend,
        };
        Option<string> relabelDevice = new("--device")
        {
            Description = "Device of the backend.",
            HelpName = "NAME",
            DefaultValueFactory = _ => new ComputeOptions().Device,
        };
        Option<string?> only = new("--case") { Description = "This case alone.", HelpName = "OBS,ACT,BATCH,H" };
        Command command = new("learner", "Training steps of a learner: updates per second, and what a step goes into.")
        {
            learner, device, backend, relabelDevice, only, threads, seconds,
        };
        command.SetAction(parsed =>
        {
            OptionalComponents.Load();
            ConsoleOutput output = new(parsed.GetValue(json));
            List<Row> rows = [];
            foreach (BenchmarkCase benchmark in Cases(parsed.GetValue(only)))
            {
                TrainingConfig config = new()
                {
                    Learner = new LearnerOptions
                    {
                        Name = parsed.GetRequiredValue(learner),
                        TorchDevice = parsed.GetRequiredValue(device),
                        Batch = benchmark.Batch,
                        Hidden = benchmark.Hidden,
                    },
                    Compute = new ComputeOptions
                    {
                        Backend = parsed.GetRequiredValue(backend),
                        Device = parsed.GetRequiredValue(relabelDevice),
                        Threads = benchmark.Threads > 0 ? benchmark.Threads : parsed.GetValue(threads),
                    },
                };
                config.Validate();
                OptionalComponents.RequireLearner(config.Learner.Name);
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

    private static BenchmarkCase[] Cases(string? only)
    {
        if (only is null)
        {
            return [.. BenchmarkCase.SacSteps];
        }

        BenchmarkCase[] found = [.. BenchmarkCase.SacSteps.Where(benchmark => NameOf(benchmark) == only)];
        return found.Length > 0
            ? found
            : throw new ArgumentException($"--case is '{only}'; expected {string.Join(" or ", BenchmarkCase.SacSteps.Select(NameOf))}.");
    }

    // As the peer names it: a network sees the task beside the state.
    private static string NameOf(BenchmarkCase benchmark) => FormattableString.Invariant(
        $"{Observation(benchmark)},{benchmark.Shape.ActionDimension},{benchmark.Batch},{benchmark.Hidden}");

    private static int Observation(BenchmarkCase benchmark) => benchmark.Shape.ObservationDimension + benchmark.Shape.TaskDimension;

    private static Row Measure(BenchmarkCase benchmark, TrainingConfig config, double seconds)
    {
        TransitionShape shape = benchmark.Shape;
        LearnerFactory factory = LearnerRegistry.Resolve(config.Learner.Name);
        OptionalComponents.RequireBackend(config.Compute.Backend, config.Compute.Precision, config.Compute.Device);
        using ComputeSession session = config.Compute.OpenSession();
        using AgentNetworks agent = new(shape, benchmark.Hidden);
        agent.Initialize(SyntheticData.Seed);
        using ISacLearner learner = factory(config, agent, session);
        TaskFamily family = SyntheticData.GoalFamily(shape);
        using Relabeler relabeler = new(session, family, agent, new RelabelOptions());
        using ReplayBuffer replay = new(shape, ReplayCount);
        using TransitionBatch episode = SyntheticData.Batch(shape, ReplayCount);
        replay.AppendEpisode(episode);
        DeviceRuntime? runtime = learner.BatchDevice;
        using ReplayMirror? mirror = runtime is null ? null : new ReplayMirror(runtime, replay);
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
            benchmark, config, session.Backend.Name, mirror is null ? "host" : "device", Median(window => window.Rate), Median(window => window.Step),
            Median(window => window.Replay / window.Step), Median(window => window.Relabel / window.Step),
            Median(window => window.HandOver / window.Step), Median(window => window.Update / window.Step));

        void Step(long[] parts)
        {
            long start = Stopwatch.GetTimestamp(), sampled, relabeled;
            if (mirror is null)
            {
                replay.Sample(batch, batch.Capacity, SyntheticData.Seed, call++);
                sampled = Stopwatch.GetTimestamp();
                relabeler.Relabel(batch, replay);
                relabeled = Stopwatch.GetTimestamp();
                learner.Update(batch, 0, batch.Count);
            }
            else
            {
                // Each part is waited for, or the next would be charged for it. The main stream waits for the learner's.
                DeviceBatch drawn = mirror.Sample(batch.Capacity, SyntheticData.Seed, call++);
                runtime!.Synchronize();
                sampled = Stopwatch.GetTimestamp();
                relabeler.Relabel(drawn, replay);
                relabeled = Stopwatch.GetTimestamp();
                learner.Update(drawn, 0, batch.Capacity);
                runtime.Synchronize();
            }

            parts[0] += sampled - start;
            parts[1] += relabeled - sampled;
            parts[2] += Stopwatch.GetTimestamp() - relabeled;
        }

        double Median(Func<(double Rate, double Step, double Replay, double Relabel, double HandOver, double Update), double> value) =>
            Spread.Of([.. windows.Select(value)]).Median;
    }

    private sealed record Row(
        BenchmarkCase Case, TrainingConfig Config, string Backend, string Batches, double UpdatesPerSecond, double StepSeconds,
        double Replay, double Relabel, double HandOver, double Update)
    {
        private string Learner => Config.Learner.Name == LearnerRegistry.Torch ? $"{Config.Learner.Name} {Config.Learner.TorchDevice}" : Config.Learner.Name;

        public string[] Cells() =>
        [
            Learner, Backend, Batches, Text(Observation(Case)), Text(Case.Shape.ActionDimension),
            Text(Case.Batch), Text(Case.Hidden), Text(Config.Compute.Threads),
            UpdatesPerSecond.ToString("0", CultureInfo.InvariantCulture), (StepSeconds * 1e6).ToString("0", CultureInfo.InvariantCulture) + " us",
            Share(Replay), Share(Relabel), Share(HandOver), Share(Update),
        ];

        public void Write(Utf8JsonWriter writer)
        {
            writer.WriteStartObject();
            writer.WriteString("kernel", BenchmarkCase.SacStep);
            writer.WriteString("variant", Config.Learner.Name);
            writer.WriteString("torch_device", Config.Learner.TorchDevice);
            writer.WriteString("backend", Backend);
            writer.WriteString("batches", Batches);
            writer.WriteNumber("obs", Observation(Case));
            writer.WriteNumber("act", Case.Shape.ActionDimension);
            writer.WriteNumber("batch", Case.Batch);
            writer.WriteNumber("hidden", Case.Hidden);
            writer.WriteNumber("threads", Config.Compute.Threads);
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
