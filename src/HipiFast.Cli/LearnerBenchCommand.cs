using System.CommandLine;
using HipiFast.Benchmarking.Cases;
using HipiFast.Benchmarking.Throughput;
using HipiFast.Options;
using HipiFast.Training;

namespace HipiFast.Cli;

/// <summary><c>hipifast bench learner</c>: what a training step of a learner goes into.</summary>
internal static class LearnerBenchCommand
{
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
            List<LearnerBenchmarkResult> rows = [];
            foreach (BenchmarkCase benchmark in LearnerBenchmark.Cases(parsed.GetValue(only)))
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
                OptionalComponents.RequireBackend(
                    config.Compute.Backend, config.Compute.Precision, config.Compute.Device);
                rows.Add(LearnerBenchmark.Measure(benchmark, config, parsed.GetValue(seconds)));
            }

            output.Table(LearnerBenchmarkResult.Header, rows.Select(row => row.Cells()));
            output.Line(
                "Medians over windows; a step is a batch from replay, its relabeling by inverse RL, and an update, "
                + "whose part hand-over is.");
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
}
