using System.CommandLine;
using HipiFast.Data;
using HipiFast.Environments;
using HipiFast.Kernels.Backends;
using HipiFast.Learning;
using HipiFast.Options;
using HipiFast.Replay;
using HipiFast.Storage;
using HipiFast.Training;
using HipiFast.Training.Cloning;

namespace HipiFast.Cli;

/// <summary>
/// <c>hipifast clone</c>: HIPI-BC (the paper's Alg. 3), behavior cloning on demonstrations whose tasks inverse RL
/// infers.
/// </summary>
internal static class CloneCommand
{
    // Demonstrations are played so many at a time.
    private const int CopiesPerRound = 256;

    // Demonstrations draw goals that no evaluation of the run has seen.
    private const uint DemonstrationNumber = uint.MaxValue - 1;

    private static readonly string[] s_labels = [.. Enum.GetNames<CloningLabels>().Select(OptionNames.Kebab)];

    public static Command Create(Option<bool> json)
    {
        CloningOptions preset = new();
        Argument<string> environment = new("ENV")
        {
            Description = "Environment: its rewards label, its tasks are commanded in the evaluation.",
        };
        Option<string?> file = new("--demonstrations")
        {
            Description =
                "Trajectories: safetensors, npz, HDF5 or Parquet that says where episodes begin or end; docs/formats.md.",
            HelpName = "X.safetensors",
        };
        Option<string?> columns = new("--columns")
        {
            Description = "Which column of them is what, as relabel takes it.",
            HelpName = "ROLE=NAME,...",
        };
        Option<string?> agent = new("--agent")
        {
            Description = "Directory of a run whose agent shall play the demonstrations.",
            HelpName = "RUN",
        };
        Option<int> trajectories = new("--trajectories")
        {
            Description = "Demonstrations to collect, with --agent.",
            HelpName = "N",
            DefaultValueFactory = _ => 1000,
        };
        Option<string> labels = new("--labels")
        {
            Description =
                "Tasks to clone under: those inverse RL infers, the same without the partition function, those "
                + "commanded, none (task-agnostic), or tasks drawn at random.",
            HelpName = string.Join('|', s_labels),
            DefaultValueFactory = _ => OptionNames.Kebab(preset.Labels),
        };
        Option<int> candidates = new("--candidates")
        {
            Description = "Candidate tasks of inverse RL, drawn from the environment's; a finite set is taken whole.",
            HelpName = "K",
            DefaultValueFactory = _ => preset.Candidates,
        };
        Option<double> temperature = new("--temperature")
        {
            Description = "Temperature of the posterior over tasks, in nats.",
            HelpName = "T",
            DefaultValueFactory = _ => preset.Temperature,
        };
        Option<int> episodes = new("--episodes")
        {
            Description = "Evaluation episodes.",
            HelpName = "N",
            DefaultValueFactory = _ => preset.EvalEpisodes,
        };
        Option<ulong> seed = new("--seed")
        {
            Description = "Seed of everything drawn.",
            HelpName = "S",
            DefaultValueFactory = _ => preset.Fit.Seed,
        };
        Option<int> hidden = new("--hidden")
        {
            Description = "Width of both hidden layers.",
            HelpName = "H",
            DefaultValueFactory = _ => preset.Fit.Hidden,
        };
        Option<int> epochs = new("--max-epochs")
        {
            Description = "Most epochs; the validation loss usually ends the fit before.",
            HelpName = "N",
            DefaultValueFactory = _ => preset.Fit.MaxEpochs,
        };
        Option<string> learner = new("--learner")
        {
            Description = "Whose network is fitted.",
            HelpName = $"{LearnerRegistry.Embedded}|{LearnerRegistry.Torch}",
            DefaultValueFactory = _ => preset.Learner,
        };
        Option<string> device = new("--torch-device")
        {
            Description = "Where the torch learner computes.",
            HelpName = "cpu|cuda",
            DefaultValueFactory = _ => preset.TorchDevice,
        };
        Option<string?> output = new("--out")
        {
            Description = "Directory of the results. Default: runs/clone-ENV-LABELS-seed-S.",
            HelpName = "DIR",
        };
        Command command = new(
            "clone",
            "Behavior cloning on demonstrations whose tasks are inferred by inverse RL (HIPI-BC), or a baseline of it.")
        {
            environment, EnvironmentAssembly.Option, file, columns, agent, trajectories, labels, candidates, temperature,
            episodes, seed, hidden, epochs,
            learner, device, output,
        };
        command.SetAction(parsed =>
        {
            string label = parsed.GetRequiredValue(labels);
            int known = Array.IndexOf(s_labels, label);
            if (known < 0)
            {
                throw new ArgumentException($"--labels is '{label}'; expected {string.Join(", ", s_labels)}.");
            }

            CloningOptions options = preset with
            {
                Labels = (CloningLabels)known,
                Candidates = parsed.GetValue(candidates),
                Temperature = (float)parsed.GetValue(temperature),
                EvalEpisodes = parsed.GetValue(episodes),
                Learner = parsed.GetRequiredValue(learner),
                TorchDevice = parsed.GetRequiredValue(device),
                Fit = preset.Fit with
                {
                    Seed = parsed.GetValue(seed), Hidden = parsed.GetValue(hidden), MaxEpochs = parsed.GetValue(epochs),
                },
            };
            options.Validate();
            OptionalComponents.RequireLearner(options.Learner);
            LearnerRegistry.ResolveCloning(options.Learner);
            string name = parsed.GetRequiredValue(environment);
            string directory = parsed.GetValue(output) ?? Path.Combine(
                "runs", $"clone-{name}-{label}-seed-{options.Fit.Seed}");
            return Run(
                new ConsoleOutput(parsed.GetValue(json)), name, options, directory,
                parsed.GetValue(file), parsed.GetValue(columns), parsed.GetValue(agent), parsed.GetValue(trajectories));
        });
        return command;
    }

    private static int Run(
        ConsoleOutput console, string environment, CloningOptions options, string directory, string? file,
        string? columns, string? agent, int trajectories)
    {
        if (file is null == agent is null)
        {
            throw new ArgumentException(
                "clone needs either --demonstrations (a file of trajectories) or --agent (a run whose agent plays "
                + "them).");
        }

        if (columns is not null && file is null)
        {
            throw new ArgumentException("--columns are those of --demonstrations: give that.");
        }

        int taskDimension;
        using (VectorEnvironment one = EnvironmentRegistry.Create(environment, 1))
        {
            taskDimension = options.Labels == CloningLabels.Commanded ? 0 : one.Shape.TaskDimension;
        }

        if (File.Exists(directory) || !CloningRun.IsFree(directory))
        {
            throw new IOException(
                $"Cannot write to '{directory}': it is a file or not empty; choose another directory with --out, or "
                + "remove it.");
        }

        using DirectoryLock held = OutputPath.HoldDirectory(directory, CloningRun.DemonstrationsFile);
        using StopSignals stop = new();
        using Demonstrations demonstrations = file is not null
            ? Load(console, file, columns, taskDimension)
            : Collect(environment, agent!, trajectories, options.Fit.Seed);
        int count = demonstrations.Episode.Distinct().Count();
        console.Line(
            $"{environment}: {NumberText.Count(count)} trajectories, "
            + $"{NumberText.Count(demonstrations.Transitions.Count)} transitions");
        CloningResult? result = CloningRun.Run(
            environment, demonstrations, options, directory, keepDemonstrations: agent is not null, stop.Token);
        if (result is null)
        {
            console.Line("Stopped before the end; nothing was written.");
            return stop.ExitCode;
        }

        console.Table(
            ["labels", "epochs", "validation loss", "return", "success", "effective tasks", "most frequent label"],
            [[
                OptionNames.Kebab(options.Labels), NumberText.Count(result.Epochs),
                NumberText.Fixed(result.ValidationLoss, 4),
                NumberText.Fixed(result.EpisodeReturn, 2), NumberText.Fixed(result.SuccessRate, 3),
                NumberText.Fixed(result.EffectiveTasks, 1),
                double.IsNaN(result.LargestShare) ? "-" : NumberText.Fixed(100 * result.LargestShare, 1) + "%",
            ]]);
        console.Line($"wrote {Path.Combine(directory, "policy.safetensors")}, epochs.csv, result.json");
        console.Document(writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("directory", directory);
            writer.WriteNumber("trajectories", count);
            writer.WriteNumber("epochs", result.Epochs);
            NumberText.Write(writer, "validation_loss", result.ValidationLoss);
            NumberText.Write(writer, "episode_return", result.EpisodeReturn);
            NumberText.Write(writer, "success_rate", result.SuccessRate);
            NumberText.Write(writer, "effective_tasks", result.EffectiveTasks);
            NumberText.Write(writer, "largest_share", result.LargestShare);
            writer.WriteEndObject();
        });
        return CommandLineProgram.Good;
    }

    private static Demonstrations Load(ConsoleOutput console, string path, string? columns, int taskDimension)
    {
        using TransitionReader reader = DataInput.Open(path, columns);
        Demonstrations demonstrations = Demonstrations.Read(reader, taskDimension);
        DataInput.Describe(console, reader);
        int count = demonstrations.Transitions.Count;
        OutsideActions outside = OutsideActions.Of(demonstrations.Transitions);
        if (outside.Count > 0)
        {
            ConsoleOutput.Warning(
                $"'{path}': {outside.Describe(count)}; the clone is fitted to them as they are, but environments clip "
                + "what it does to [-1, 1].");
        }

        return demonstrations;
    }

    private static Demonstrations Collect(string environment, string run, int trajectories, ulong seed)
    {
        if (trajectories is < 2 or > 1_000_000)
        {
            throw new ArgumentException(
                $"--trajectories is {trajectories}; expected a whole number from 2 to 1000000.");
        }

        IReadOnlyList<RunDirectory> runs = RunDirectory.Find(run);
        if (runs.Count > 1)
        {
            throw new ArgumentException($"'{run}' holds {runs.Count} runs; expected one, such as '{runs[0].Path}'.");
        }

        TrainingConfig config = runs[0].ReadConfig();

        // Whatever margin or length of episodes the agent was trained with, it plays in the environment that labels and
        // judges the clone.
        using VectorEnvironment world = EnvironmentRegistry.Create(
            environment, Math.Min(trajectories, CopiesPerRound));
        using PlayedAgent agent = AgentInput.Play(runs[0], config, world);
        ulong key = Evaluator.DeriveSeed(seed, DemonstrationNumber);
        try
        {
            return DemonstrationCollector.Collect(
                world, new LearnerPolicy(agent.Learner, deterministic: true, key), trajectories, key);
        }
        catch (ArgumentException error)
        {
            throw AgentInput.Unplayable(runs[0], error);
        }
    }
}
