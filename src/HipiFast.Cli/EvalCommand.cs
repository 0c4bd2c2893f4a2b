using System.CommandLine;
using System.Globalization;
using HipiFast.Environments;
using HipiFast.Kernels.Backends;
using HipiFast.Learning;
using HipiFast.Options;
using HipiFast.Storage;
using HipiFast.Training;

namespace HipiFast.Cli;

/// <summary><c>hipifast eval</c>: plays episodes with the agents of a run directory.</summary>
internal static class EvalCommand
{
    // Evaluations during training count from 0; this one draws goals that no training evaluation has seen.
    private const uint EvaluationNumber = uint.MaxValue;

    public static Command Create(Option<bool> json)
    {
        Argument<string> run = new("RUN")
        {
            Description = "Directory of a run, or of several seeds (from hipifast train).",
        };
        Option<int> episodes = new("--episodes")
        {
            Description = "Episodes per agent, once with sampled and once with mean actions.",
            HelpName = "N",
            DefaultValueFactory = _ => 200,
        };
        Option<ulong?> seed = new("--seed")
        {
            Description = "Seed of goals, starts and action noise. Default: the run's seed.",
            HelpName = "S",
        };
        Option<string?> backend = new("--backend")
        {
            Description = "Backend that computes. Default: the run's.",
            HelpName = "NAME",
        };
        Option<string?> device = new("--device")
        {
            Description = "Device of the backend, such as cuda:0. Default: the run's, or the first with --backend.",
            HelpName = "ID",
        };
        Option<string?> precision = new("--precision")
        {
            Description =
                "Arithmetic that the backend may use for soft Q-values. Default: the run's, or auto with --backend.",
            HelpName = "auto|fp32|bf16",
        };
        Command command = new(
            "eval",
            "Play episodes with the agents of a run, and show success rate and return with sampled and mean actions.")
        {
            run, EnvironmentAssembly.Option, episodes, seed, backend, device, precision,
        };
        command.SetAction(parsed =>
        {
            ConsoleOutput output = new(parsed.GetValue(json));
            OptionLayer<TrainingConfig> computing = new();
            if (parsed.GetValue(backend) is string name)
            {
                computing.Set("backend", name);

                // The run's device and precision were chosen for the run's backend.
                computing.Set("device", parsed.GetValue(device) ?? DeviceInfo.Auto);
                computing.Set("precision", parsed.GetValue(precision) ?? "auto");
            }
            else
            {
                Take("device", parsed.GetValue(device));
                Take("precision", parsed.GetValue(precision));
            }

            return Run(
                output, parsed.GetRequiredValue(run), parsed.GetValue(episodes), parsed.GetValue(seed), computing);

            void Take(string key, string? text)
            {
                if (text is not null)
                {
                    computing.Set(key, text);
                }
            }
        });
        return command;
    }

    private static int Run(
        ConsoleOutput output, string path, int episodes, ulong? seed, OptionLayer<TrainingConfig> computing)
    {
        if (episodes is < 1 or > 100_000)
        {
            throw new ArgumentException($"--episodes is {episodes}; expected a whole number from 1 to 100000.");
        }

        List<(RunDirectory Directory, TrainingConfig Config, EvaluationResult Sampled, EvaluationResult Mean)> results =
            [];
        foreach (RunDirectory directory in RunDirectory.Find(path))
        {
            TrainingConfig config = computing.Apply(directory.ReadConfig());
            using VectorEnvironment environment = EnvironmentRegistry.Create(
                config.Environment, episodes, config.EnvironmentSettings);
            using PlayedAgent agent = AgentInput.Play(directory, config, environment);
            using Evaluator evaluator = new(environment);
            ulong key = Evaluator.DeriveSeed(seed ?? config.Run.Seed, EvaluationNumber);
            try
            {
                EvaluationResult sampled = evaluator.Evaluate(agent.Learner, deterministic: false, key);
                EvaluationResult mean = evaluator.Evaluate(agent.Learner, deterministic: true, key);
                results.Add((directory, config, sampled, mean));
            }
            catch (ArgumentException error)
            {
                throw AgentInput.Unplayable(directory, error);
            }
        }

        output.Table(
            ["run", "seed", "episodes", "success", "success (mean action)", "return", "return (mean action)"],
            results.Select(result => (IReadOnlyList<string>)
            [
                result.Directory.Path,
                result.Config.Run.Seed.ToString(CultureInfo.InvariantCulture),
                NumberText.Count(episodes),
                NumberText.Fixed(result.Sampled.SuccessRate, 3),
                NumberText.Fixed(result.Mean.SuccessRate, 3),
                NumberText.Fixed(result.Sampled.Return, 2),
                NumberText.Fixed(result.Mean.Return, 2),
            ]));
        output.Document(writer =>
        {
            writer.WriteStartArray();
            foreach ((
                RunDirectory directory, TrainingConfig config, EvaluationResult sampled,
                EvaluationResult mean) in results)
            {
                writer.WriteStartObject();
                writer.WriteString("directory", directory.Path);
                writer.WriteString("environment", config.Environment);
                writer.WriteNumber("seed", config.Run.Seed);
                writer.WriteNumber("episodes", episodes);
                NumberText.Write(writer, "success_rate", sampled.SuccessRate);
                NumberText.Write(writer, "mean_action_success_rate", mean.SuccessRate);
                NumberText.Write(writer, "episode_return", sampled.Return);
                NumberText.Write(writer, "mean_action_return", mean.Return);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        });
        return CommandLineProgram.Good;
    }
}
