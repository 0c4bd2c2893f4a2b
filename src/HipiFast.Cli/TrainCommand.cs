using System.CommandLine;
using HipiFast.Environments;
using HipiFast.Options;
using HipiFast.Storage;
using HipiFast.Training;

namespace HipiFast.Cli;

/// <summary><c>hipifast train</c>: trains agents, one per seed, and keeps their run directories.</summary>
internal static class TrainCommand
{
    private const string EnvironmentKey = "environment";

    /// <summary>A run to start or to continue; opened by the thread that trains it.</summary>
    private sealed record PlannedRun(
        RunDirectory Directory, TrainingConfig Config, Func<DirectoryLock, TrainingRun> Open);

    private static IEnumerable<string> Names => EnvironmentRegistry.Names.Select(entry => entry.Name);

    public static Command Create(Option<bool> json)
    {
        Argument<string?> environment = new("ENV")
        {
            Description = "Environment: " + string.Join(", ", Names) + ". Not needed with --resume or --config.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Option<string?> seeds = new("--seeds")
        {
            Description = "Several seeds, run in parallel, one thread each (at most one per core).",
            HelpName = "a,b,c",
        };
        Option<string?> preset = new("--preset")
        {
            Description = "Relabeling as in the paper, or as in the authors' released code (reference).",
            HelpName = string.Join("|", TrainingDefaults.Presets),
        };
        Option<string?> output = new("--out")
        {
            Description = "Directory of the run; new or empty. Default: runs/ENV-STRATEGY-seed-S.",
            HelpName = "DIR",
        };
        Option<string?> resume = new("--resume")
        {
            Description = "Continue the run in this directory; --steps may be larger than before.",
            HelpName = "DIR",
        };
        Option<string?> file = new("--config")
        {
            Description = "JSON file of keys (such as the config.json of a run); options given here win over it.",
            HelpName = "FILE",
        };
        Option<bool> otherVariant = new("--allow-other-variant")
        {
            Description =
                "With --resume: go on with another backend where the one that the run was computed with cannot run "
                + "here.",
        };
        Command command = new(
            "train",
            "Train an agent for many tasks (SAC), relabeling past experience with the tasks it turned out to solve.\n"
            + "Defaults shown are those of nav2d with inverse-rl; every environment has its own, and a run's "
            + "config.json says them all.")
        {
            environment, EnvironmentAssembly.Option, seeds, preset, output, resume, otherVariant, file,
        };
        Dictionary<OptionKey<TrainingConfig>, Option<string?>> keys = [];
        TrainingConfig shown = TrainingDefaults.ShownInHelp();
        IEnumerable<OptionKey<TrainingConfig>> options = OptionKeys<TrainingConfig>.All.Where(
            key => key.Name != EnvironmentKey);
        foreach (OptionKey<TrainingConfig> key in options.OrderBy(key => GroupOrder(key.Group)))
        {
            Option<string?> option = new(key.OptionName)
            {
                Description = $"{key.Group}: {key.Help} [{key.Format(shown)}]",
                HelpName = key.Placeholder,
            };
            keys.Add(key, option);
            command.Add(option);
        }

        command.SetAction(parsed =>
        {
            OptionLayer<TrainingConfig> layer = new();
            if (parsed.GetValue(environment) is string name)
            {
                layer.Set(EnvironmentKey, name);
            }

            foreach ((OptionKey<TrainingConfig> key, Option<string?> option) in keys)
            {
                if (parsed.GetValue(option) is string text)
                {
                    layer.Set(key, text);
                }
            }

            ConsoleOutput console = new(parsed.GetValue(json));
            return parsed.GetValue(resume) is string directory
                ? Resume(console, directory, layer, parsed.GetValue(otherVariant), Refuse(
                    parsed, seeds, preset, output, file))
                : Start(
                    console, layer, parsed.GetValue(file), parsed.GetValue(preset), parsed.GetValue(seeds),
                    parsed.GetValue(output));
        });
        return command;
    }

    // The strategy is what a newcomer comes for: relabeling first.
    private static int GroupOrder(string group) =>
        group switch { "Relabeling" => 0, "Run" => 1, "Environment" => 2, _ => 3 };

    private static string? Refuse(ParseResult parsed, params ReadOnlySpan<Option<string?>> options)
    {
        foreach (Option<string?> option in options)
        {
            if (parsed.GetValue(option) is not null)
            {
                return option.Name;
            }
        }

        return null;
    }

    private static int Start(
        ConsoleOutput console, OptionLayer<TrainingConfig> layer, string? file, string? preset, string? seedList,
        string? directory)
    {
        List<OptionLayer<TrainingConfig>> layers = file is null
            ? [layer]
            : [OptionLayer<TrainingConfig>.Read(file), layer];
        if (!layers.Any(candidate => candidate.TryGet<string>(EnvironmentKey, out _)))
        {
            throw new ArgumentException(
                $"train needs an environment ({string.Join(", ", Names)}), or --config or --resume.");
        }

        if (file is not null && preset is not null)
        {
            throw new ArgumentException(
                "--preset and --config were both given; expected one of them (a config.json sets every key that a "
                + "preset would).");
        }

        TrainingConfig config = TrainingDefaults.Resolve(layers, preset, EnvironmentRegistry.TraitsOf);
        OptionalComponents.RequireBackend(config.Compute.Backend, config.Compute.Precision, config.Compute.Device);
        OptionalComponents.RequireLearner(config.Learner.Name);
        LearnerRegistry.Resolve(config.Learner.Name);
        ulong[] seeds = seedList is null ? [config.Run.Seed] : ParseSeeds(seedList, layer);
        string which = seedList is null ? $"seed-{seeds[0]}" : $"seeds-{string.Join("-", seeds)}";
        string strategy = OptionNames.Kebab(config.Relabeling.Strategy);
        string root = directory ?? Path.Combine("runs", $"{config.Environment}-{strategy}-{which}");
        RunDirectory.RequireEmpty(root);

        int threads = seeds.Length > 1 && config.Compute.Threads == 0 ? 1 : config.Compute.Threads;
        TrainingConfig[] configs = [.. seeds.Select(seed => OfSeed(config, seed, threads))];

        // Everything that can be wrong with the configuration is found before a directory is made: by the first run's
        // trainer.
        Trainer first = new(configs[0]);
        IReadOnlyList<RunDirectory> directories;
        try
        {
            directories = RunDirectory.Create(root, configs, folders: seedList is not null);
        }
        catch
        {
            first.Dispose();
            throw;
        }

        PlannedRun[] runs =
        [
            .. directories.Zip(configs, (run, own) => new PlannedRun(
                run, own, held => TrainingRun.Start(
                    run, ReferenceEquals(own, configs[0]) ? first : new Trainer(own), held))),
        ];
        return Run(console, root, seedList is null, runs);
    }

    private static TrainingConfig OfSeed(TrainingConfig config, ulong seed, int threads) => config with
    {
        Run = config.Run with { Seed = seed },
        Compute = config.Compute with { Threads = threads },
    };

    private static int Resume(
        ConsoleOutput console, string root, OptionLayer<TrainingConfig> changes, bool allowOtherVariant,
        string? refused)
    {
        if (refused is not null)
        {
            throw new ArgumentException(
                $"{refused} cannot be combined with --resume, which continues a run with the settings it began with.");
        }

        if (!Directory.Exists(root))
        {
            throw File.Exists(root)
                ? new IOException($"Cannot resume '{root}': it is a file; expected the directory of a run.")
                : new DirectoryNotFoundException($"Cannot resume '{root}': there is no such directory.");
        }

        IReadOnlyList<RunDirectory> seeds = RunDirectory.Seeds(root);
        bool single = seeds.Count == 0 || File.Exists(new RunDirectory(root).Config);
        IReadOnlyList<RunDirectory> directories = single ? [new RunDirectory(root)] : seeds;
        OptionLayer<TrainingConfig>? layer = changes.Keys.Count == 0 ? null : changes;
        List<PlannedRun> runs = [];
        List<string> notes = [];
        foreach (RunDirectory directory in directories)
        {
            // Asked of every seed before any of them is continued, so that a refusal leaves all as they were.
            TrainingConfig config = TrainingRun.ReadConfig(directory, layer);
            if (RunVariant.ReadFrom(directory) is RunVariant recorded)
            {
                OptionalComponents.Prepare(recorded.Backend);
            }
            else
            {
                OptionalComponents.RequireBackend(
                    config.Compute.Backend, config.Compute.Precision, config.Compute.Device);
            }

            OptionalComponents.RequireLearner(config.Learner.Name);
            RunVariant.Choose(directory, config, allowOtherVariant, out string note);
            notes.Add(note);
            runs.Add(new PlannedRun(
                directory, config, held => TrainingRun.Resume(directory, layer, allowOtherVariant, held)));
        }

        foreach (string note in notes.Where(note => note.Length > 0))
        {
            console.Line(note);
        }

        foreach (RunDirectory directory in directories.Where(directory => !File.Exists(directory.Checkpoint)))
        {
            console.Line(
                $"No checkpoint was found in {directory.CheckpointFolder}; the run starts from its beginning.");
        }

        return Run(console, root, single, runs);
    }

    private static ulong[] ParseSeeds(string list, OptionLayer<TrainingConfig> layer)
    {
        if (layer.TryGet<ulong>("seed", out _))
        {
            throw new ArgumentException("--seed and --seeds were both given; expected one of them.");
        }

        return SeedList.Parse(list);
    }

    /// <summary>
    /// Trains all runs, at most one per core at a time, while the calling thread shows how they get on.
    /// </summary>
    private static int Run(ConsoleOutput console, string root, bool single, IReadOnlyList<PlannedRun> runs)
    {
        using HeldDirectories held = new(single ? [] : [root], runs.Select(run => run.Directory));
        using StopSignals stop = new();
        TrainingDisplay display = new(console, [.. runs.Select(run => run.Config)]);
        bool[] finished = new bool[runs.Count], already = new bool[runs.Count];
        ParallelJobs jobs = ParallelJobs.Start(runs.Count, Train, stop.Source);
        display.ShowWhile(() => jobs.IsRunning);
        jobs.Join();

        string? curve = single ? null : WriteJointCurve(root, runs);
        bool done = finished.All(entry => entry);
        Summarise(console, display, root, runs, finished, curve);
        if (!done)
        {
            console.Line(
                $"Stopped before the end; everything so far is saved. Continue with: hipifast train --resume {root}");
            return stop.ExitCode;
        }

        if (already.All(entry => entry))
        {
            string steps = NumberText.Count(runs[0].Config.Run.Steps);
            console.Line(
                $"The run in {root} was finished already ({steps} environment steps); --steps with a larger number "
                + "continues it.");
        }

        return CommandLineProgram.Good;

        void Train(int index)
        {
            using TrainingRun run = runs[index].Open(held.Of(index));
            already[index] = run.IsFinished;
            display.Begin(index, run);
            finished[index] = run.Run(display.ObserverOf(index), stop.Token);
            display.End(index, run);
        }
    }

    private static string WriteJointCurve(string root, IReadOnlyList<PlannedRun> runs)
    {
        string path = new RunDirectory(root).Curve;
        MetricsLog[] seeds = [.. runs.Where(
            run => File.Exists(run.Directory.Metrics)).Select(run => run.Directory.ReadMetrics())];
        RunLogs.WriteCurve(path, $"{RunLogs.Title(runs[0].Config)}, {seeds.Length} seeds", seeds);
        return path;
    }

    private static void Summarise(
        ConsoleOutput console, TrainingDisplay display, string root, IReadOnlyList<PlannedRun> runs, bool[] finished,
        string? curve)
    {
        display.WriteSummary();
        foreach (PlannedRun run in runs)
        {
            console.Line($"wrote {run.Directory.Metrics}, {run.Directory.Curve}, {run.Directory.Agent}");
        }

        if (curve is not null)
        {
            console.Line($"wrote {curve} (mean and spread over the seeds)");
        }

        console.Document(writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("directory", root);
            writer.WriteBoolean("finished", finished.All(entry => entry));
            writer.WriteStartArray("runs");
            for (int i = 0; i < runs.Count; i++)
            {
                writer.WriteStartObject();
                writer.WriteNumber("seed", runs[i].Config.Run.Seed);
                writer.WriteString("directory", runs[i].Directory.Path);
                writer.WriteBoolean("finished", finished[i]);
                display.WriteJson(writer, i);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        });
    }
}
