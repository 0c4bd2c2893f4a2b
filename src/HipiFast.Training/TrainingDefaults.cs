using HipiFast.Kernels.SoftQ;
using HipiFast.Relabeling;

namespace HipiFast.Training;

/// <summary>What defaults need to know of an environment.</summary>
/// <param name="HasAchievedTask">States tell which task they achieve (goal families).</param>
/// <param name="HasFixedTasks">The tasks are a finite set.</param>
public readonly record struct EnvironmentTraits(bool HasAchievedTask, bool HasFixedTasks);

/// <summary>Default configurations per environment and strategy, and named presets.</summary>
public static class TrainingDefaults
{
    /// <summary>Preset of the paper's settings.</summary>
    public const string PaperPreset = "paper";

    /// <summary>Preset of the choices of the authors' released code.</summary>
    public const string ReferencePreset = "reference";

    // At temperature 1 critics that differ by a few nats give most transitions to a few tasks, and the others go short.
    private const float FixedTasksTemperature = 3f;

    // Linear rewards are paid at every step. Discounted by 0.99, values are a hundred times what one action costs or gains, and critics do not tell
    // actions apart: the walker learns nothing in 200,000 steps.
    private const float LinearRewardsGamma = 0.9f;

    /// <summary>The presets.</summary>
    public static IReadOnlyList<string> Presets { get; } = [PaperPreset, ReferencePreset];

    /// <summary>Combines defaults, a preset and layers (later layers win) into a configuration, and checks it.</summary>
    /// <param name="layers">What files and the command line say.</param>
    /// <param name="preset">A name in <see cref="Presets"/>, or null.</param>
    /// <param name="traits">Finds the traits of an environment by name.</param>
    /// <returns>The configuration.</returns>
    /// <exception cref="ArgumentException">The preset is unknown, or the keys contradict each other.</exception>
    public static TrainingConfig Resolve(IReadOnlyList<ConfigLayer> layers, string? preset, Func<string, EnvironmentTraits> traits)
    {
        ArgumentNullException.ThrowIfNull(layers);
        ArgumentNullException.ThrowIfNull(traits);
        TrainingConfig config = new();
        foreach (ConfigLayer layer in layers)
        {
            if (layer.TryGet(nameof(TrainingConfig.Environment), out string? environment))
            {
                config = config with { Environment = environment! };
            }

            if (layer.TryGet(nameof(TrainingConfig.Relabel), out RelabelStrategy strategy))
            {
                config = config with { Relabel = strategy };
            }
        }

        config = ForEnvironment(config.Environment, config.Relabel, traits(config.Environment));
        config = preset is null ? config : ApplyPreset(config, preset);
        foreach (ConfigLayer layer in layers)
        {
            config = layer.Apply(config);
        }

        config.Validate();
        return config;
    }

    /// <summary>The defaults of an environment and strategy.</summary>
    /// <remarks>
    /// Steps, gradient steps and batch depend on the environment alone, so that strategies are compared at equal cost. The other strategies relabel
    /// half of each batch, the paper's share; inverse RL on goal families relabels 80%, half of it by <c>future</c>, and on fixed tasks takes a
    /// higher temperature (docs/learning.md says what that buys).
    /// </remarks>
    /// <param name="environment">Its name.</param>
    /// <param name="strategy">The strategy.</param>
    /// <param name="traits">Its traits.</param>
    /// <returns>The configuration.</returns>
    public static TrainingConfig ForEnvironment(string environment, RelabelStrategy strategy, EnvironmentTraits traits)
    {
        ArgumentNullException.ThrowIfNull(environment);
        TrainingConfig config = new()
        {
            Environment = environment,
            Relabel = strategy,
            Candidates = traits.HasFixedTasks ? CandidateSource.Fixed : traits.HasAchievedTask ? CandidateSource.Both : CandidateSource.Commanded,
        };
        if (strategy == RelabelStrategy.InverseRl && traits.HasFixedTasks)
        {
            config = config with { Temperature = FixedTasksTemperature };
        }
        else if (strategy == RelabelStrategy.InverseRl && traits.HasAchievedTask)
        {
            config = config with { RelabelFraction = 0.8f, GoalMix = 0.5f };
        }

        // Widths are the paper's (C.1): 32 for 2D navigation, 256 for quadruped and desk, 64 for the rest; so are the clipped gradients of both arms
        // and the desk's bounded critic (C.11: 128 steps of rewards between 0 and 1). Physics is evaluated on fewer episodes, because they are long.
        return environment.Split('-')[0] switch
        {
            _ when environment == "quadruped-linear" =>
                config with { Hidden = 256, Steps = 60_000, EvalEvery = 5000, EvalEpisodes = 50, Gamma = LinearRewardsGamma },
            "nav2d" => config with { Hidden = 32 },
            "reacher2d" => config with { Hidden = 64, EvalEvery = 5000 },
            "reacher" => config with { Hidden = 64, EvalEvery = 5000, EvalEpisodes = 50 },
            "finger" => config with { Hidden = 64, Steps = 200_000, EvalEvery = 10_000, EvalEpisodes = 50 },
            "sawyer" or "jaco" => config with { Hidden = 64, Steps = 200_000, EvalEvery = 10_000, EvalEpisodes = 50, GradientClip = 1 },
            "cheetah" => config with { Hidden = 64, Steps = 200_000, EvalEvery = 5000, EvalEpisodes = 50 },
            "walker" =>
                config with { Hidden = 64, Batch = 64, Steps = 100_000, EvalEvery = 5000, EvalEpisodes = 50, Gamma = LinearRewardsGamma },
            "quadruped" => config with { Hidden = 256, Steps = 300_000, EvalEvery = 10_000, EvalEpisodes = 50 },
            "desk" => config with { Hidden = 256, Steps = 300_000, EvalEvery = 10_000, EvalEpisodes = 50, CriticHigh = 128 },
            "gridworld" => config with { Hidden = 32, Steps = 20_000, EvalEvery = 1000 },
            _ => config,
        };
    }

    /// <summary>Changes a configuration to the settings of a preset.</summary>
    /// <param name="config">The configuration; not changed.</param>
    /// <param name="preset">A name in <see cref="Presets"/>.</param>
    /// <returns>A copy.</returns>
    /// <exception cref="ArgumentException">The preset is unknown.</exception>
    public static TrainingConfig ApplyPreset(TrainingConfig config, string preset)
    {
        ArgumentNullException.ThrowIfNull(config);
        TrainingConfig paper = config with
        {
            Assign = Assignment.Row,
            Candidates = CandidateSource.Commanded,
            Estimator = SoftQEstimator.Critic,
            ExactTerminalValue = false,
            FutureHorizon = 4,
            GoalMix = 0,
            Partition = PartitionMode.Batch,
            Pool = 1,
            RelabelFraction = 0.5f,
            Temperature = 1,
        };
        return preset switch
        {
            PaperPreset => paper,

            // The released code relabels with the first critic alone; its SAC trains two.
            ReferencePreset => paper with { Twin = TwinCombination.First, Estimator = SoftQEstimator.Bellman, RelabelAlpha = 1 },
            _ => throw new ArgumentException($"Unknown preset '{preset}'{NearestName.Suggestion(preset ?? string.Empty, Presets)}."),
        };
    }
}
