using HipiFast.Environments;
using HipiFast.Kernels.SoftQ;
using HipiFast.Learning;
using HipiFast.Options;
using HipiFast.Relabeling;

namespace HipiFast.Training;

/// <summary>Default configurations per environment and strategy, and named presets.</summary>
public static class TrainingDefaults
{
    /// <summary>Preset of the paper's settings.</summary>
    public const string PaperPreset = "paper";

    /// <summary>Preset of the choices of the authors' released code.</summary>
    public const string ReferencePreset = "reference";

    // At temperature 1 critics that differ by a few nats give most transitions to a few tasks, and the others go short.
    private const float FixedTasksTemperature = 3f;

    // 32 soft-Q values for each row that inverse RL serves, whatever the batch: with the whole batch's candidates a
    // call's cost grows with the square of the batch, and curves are no better (docs/learning.md).
    private const int GroupRows = 16;

    // What the paper says nothing of, and what it says of 2D navigation (C.1).
    private const int PaperGradientSteps = 2, PaperNavigationHidden = 32;

    // Linear rewards are paid at every step. Discounted by 0.99, values are a hundred times what one action costs or
    // gains, and critics do not tell actions apart: the walker learns nothing in 200,000 steps.
    private const float LinearRewardsGamma = 0.9f;

    /// <summary>The presets.</summary>
    public static IReadOnlyList<string> Presets { get; } = [PaperPreset, ReferencePreset];

    /// <summary>
    /// Combines defaults, a preset and layers (later layers win) into a configuration, and checks it.
    /// </summary>
    /// <param name="layers">What files and the command line say.</param>
    /// <param name="preset">A name in <see cref="Presets"/>, or null.</param>
    /// <param name="traits">Finds the traits of an environment by name.</param>
    /// <returns>The configuration.</returns>
    /// <exception cref="ArgumentException">The preset is unknown, or the keys contradict each other.</exception>
    public static TrainingConfig Resolve(
        IReadOnlyList<OptionLayer<TrainingConfig>> layers, string? preset, Func<string, EnvironmentTraits> traits)
    {
        ArgumentNullException.ThrowIfNull(layers);
        ArgumentNullException.ThrowIfNull(traits);
        string environment = new TrainingConfig().Environment;
        RelabelStrategy strategy = new RelabelOptions().Strategy;
        ReplayPlace place = new RunOptions().Replay;
        foreach (OptionLayer<TrainingConfig> layer in layers)
        {
            environment = layer.TryGet("environment", out string? name) ? name! : environment;
            strategy = layer.TryGet("relabel", out RelabelStrategy chosen) ? chosen : strategy;
            place = layer.TryGet("replay", out ReplayPlace kept) ? kept : place;
        }

        TrainingConfig config = ForEnvironment(environment, strategy, traits(environment));

        // A device relabels the whole of a batch that lies there.
        config = place == ReplayPlace.Host
            ? config
            : config with { Relabeling = config.Relabeling with { GroupRows = 0 } };
        config = preset is null ? config : ApplyPreset(config, preset);
        foreach (OptionLayer<TrainingConfig> layer in layers)
        {
            config = layer.Apply(config);
        }

        config.Validate();
        return config;
    }

    /// <summary>The configuration whose values help texts show: the first environment with inverse RL.</summary>
    /// <returns>The configuration.</returns>
    public static TrainingConfig ShownInHelp()
    {
        string first = new TrainingConfig().Environment;
        return ForEnvironment(first, RelabelStrategy.InverseRl, EnvironmentRegistry.TraitsOf(first));
    }

    /// <summary>The defaults of an environment and strategy.</summary>
    /// <remarks>
    /// Steps, gradient steps and batch depend on the environment alone, so that strategies are compared at equal cost.
    /// The other strategies relabel half of each batch, the paper's share; inverse RL on goal families relabels 80%,
    /// half of it by <c>future</c>, and on fixed tasks takes a higher temperature; it infers in groups of 16 rows
    /// (docs/learning.md says what that buys).
    /// </remarks>
    /// <param name="environment">Its name.</param>
    /// <param name="strategy">The strategy.</param>
    /// <param name="traits">Its traits.</param>
    /// <returns>The configuration.</returns>
    public static TrainingConfig ForEnvironment(string environment, RelabelStrategy strategy, EnvironmentTraits traits)
    {
        ArgumentNullException.ThrowIfNull(environment);
        RelabelOptions relabeling = new()
        {
            Strategy = strategy,
            Candidates = traits switch
            {
                { HasFixedTasks: true } => CandidateSource.Fixed,
                { HasAchievedTask: true } => CandidateSource.Both,
                _ => CandidateSource.Commanded,
            },
        };
        if (strategy == RelabelStrategy.InverseRl && traits.HasFixedTasks)
        {
            relabeling = relabeling with { Temperature = FixedTasksTemperature };
        }
        else if (strategy == RelabelStrategy.InverseRl && traits.HasAchievedTask)
        {
            relabeling = relabeling with { RelabelFraction = 0.8f, GoalMix = 0.5f };
        }

        if (strategy == RelabelStrategy.InverseRl)
        {
            relabeling = relabeling with { GroupRows = GroupRows };
        }

        // Widths are the paper's (C.1), 256 for quadruped and desk, 64 for the rest, except for 2D navigation, whose 32
        // units and 2 gradient steps a step learn half as much in the same time; so are the clipped gradients of both
        // arms and the desk's bounded critic (C.11: 128 steps of rewards between 0 and 1).
        // Physics is evaluated on fewer episodes, because they are long.
        SacOptions linear = new() { Gamma = LinearRewardsGamma }, clipped = new() { GradientClipNorm = 1 };
        (LearnerOptions learner, RunOptions run) = environment.Split('-')[0] switch
        {
            _ when environment == "quadruped-linear" => (new() { Hidden = 256, Sac = linear }, Physics(60_000, 5000)),
            "nav2d" => (new() { Hidden = 64 }, new() { GradientSteps = 4 }),
            "reacher2d" => (new() { Hidden = 64 }, new() { EvalEvery = 5000 }),
            "reacher" => (new() { Hidden = 64 }, Physics(60_000, 5000)),
            "finger" => (new() { Hidden = 64 }, Physics(200_000, 10_000)),
            "sawyer" or "jaco" => (new() { Hidden = 64, Sac = clipped }, Physics(200_000, 10_000)),
            "cheetah" => (new() { Hidden = 64 }, Physics(200_000, 5000)),
            "walker" => (new() { Hidden = 64, Batch = 64, Sac = linear }, Physics(100_000, 5000)),
            "quadruped" => (new() { Hidden = 256 }, Physics(300_000, 10_000)),
            "desk" => (new() { Hidden = 256, CriticHigh = 128 }, Physics(300_000, 10_000)),
            "gridworld" => (new() { Hidden = 32 }, new() { Steps = 20_000, EvalEvery = 1000 }),
            _ => (new LearnerOptions(), new RunOptions()),
        };
        return new TrainingConfig { Environment = environment, Learner = learner, Run = run, Relabeling = relabeling };

        static RunOptions Physics(long steps, long evalEvery) =>
            new() { Steps = steps, EvalEvery = evalEvery, EvalEpisodes = 50 };
    }

    /// <summary>Changes a configuration to the settings of a preset.</summary>
    /// <param name="config">The configuration; not changed.</param>
    /// <param name="preset">A name in <see cref="Presets"/>.</param>
    /// <returns>A copy.</returns>
    /// <exception cref="ArgumentException">The preset is unknown.</exception>
    public static TrainingConfig ApplyPreset(TrainingConfig config, string preset)
    {
        ArgumentNullException.ThrowIfNull(config);
        RelabelOptions paper = config.Relabeling with
        {
            Assignment = Assignment.Row,
            Candidates = CandidateSource.Commanded,
            Estimator = SoftQEstimator.Critic,
            ExactTerminalValue = false,
            FutureHorizon = 4,
            GoalMix = 0,
            GroupCandidates = 0,
            GroupRows = 0,
            LabelDraws = 1,
            Partition = PartitionMode.Batch,
            RelabelFraction = 0.5f,
            Temperature = 1,
        };
        RelabelOptions relabeling = preset switch
        {
            PaperPreset => paper,

            // The released code relabels with the first critic alone; its SAC trains two.
            ReferencePreset => paper with
            {
                Twin = TwinCombination.First, Estimator = SoftQEstimator.Bellman, Alpha = 1,
            },
            _ => throw new ArgumentException(
                $"Unknown preset '{preset}'{NearestName.Suggestion(preset ?? string.Empty, Presets)}."),
        };
        bool isNavigation = config.Environment.Split('-')[0] == "nav2d";
        return config with
        {
            Relabeling = relabeling,
            Pool = 1,
            Learner = isNavigation ? config.Learner with { Hidden = PaperNavigationHidden } : config.Learner,
            Run = config.Run with { GradientSteps = PaperGradientSteps },
        };
    }
}
