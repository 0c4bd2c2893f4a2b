using HipiFast.Training.Cloning;
using HipiFast.Training;

namespace HipiFast.Experiments;

/// <summary>The figures of the paper that can be run.</summary>
public static class FigureCatalog
{
    // Reward per step that Fig. 8 adds for the first task; the largest error of velocity costs 3. The paper does not
    // say how much it adds.
    private const float RewardBias = 10f;

    private static readonly Arm s_inverseRl = new(
        "inverse-rl", "inverse RL", TrainingDefaults.PaperPreset, "inverse-rl");
    private static readonly Arm s_own = new(
        "inverse-rl-own", "inverse RL, this project's defaults", null, "inverse-rl");

    /// <summary>All figures, in the paper's order.</summary>
    public static IReadOnlyList<Figure> All { get; } =
    [
        new(
            "fig4",
            "Fig. 4: a didactic gridworld",
            "Q-learning with final-state relabeling (HER) only succeeds at reaching the goals in the top row; "
            + "with inverse RL relabeling it reaches all goals.",
            [new StitchingPanel(), new LemmaPanel()]),
        new(
            "fig5",
            "Fig. 5: relabeling for goal-reaching tasks",
            "On six goal-reaching domains, relabeling with inverse RL always learns at least as quickly as the other "
            + "strategies; on two extremely "
            + "sparse versions only inverse RL makes progress.",
            [
                Goals("quadruped", "Quadruped", 3_000),
                Goals("finger", "Finger", 5_000),
                Goals("reacher", "2D reacher", 10_000),
                Goals("sawyer", "Sawyer reach", 5_000),
                Goals("nav2d", "2D navigation", 20_000),
                Goals("jaco", "Jaco reach", 5_000),
                Goals("reacher-sparse", "2D reacher, extremely sparse", 10_000, PaperClaim.Better),
                Goals("jaco-sparse", "Jaco reach, extremely sparse", 5_000, PaperClaim.Better),
            ]),
        new(
            "fig6",
            "Fig. 6: relabeling for general task distributions",
            "With discrete, linear, and goal-and-margin tasks, relabeling with inverse RL learns faster than random "
            + "relabeling and no relabeling, "
            + "in two of the three to a clearly larger asymptotic reward; hindsight goals do not apply.",
            [
                General("reacher-discrete", "2D reacher, discrete goals", 10_000),
                Linear("walker", "Walker, linear rewards", 10_000),
                // Not in the paper's figure: a second domain with linear rewards, which Fig. 7 has.
                Linear("quadruped-linear", "Quadruped, linear rewards (not in the paper's figure)", 3_000),
                General("sawyer-margin", "Sawyer, goal and margin", 5_000),
            ]),
        new(
            "fig7",
            "Fig. 7: behavior cloning on experience relabeled with inverse RL",
            "First inferring the tasks with inverse RL and then cloning gives significantly higher final rewards than "
            + "task-agnostic cloning of "
            + "the entire dataset, which is no better than random.",
            [
                Clone("cheetah", "Half-cheetah, target velocities", 1000, 20_000),
                Clone("quadruped-linear", "Quadruped, linear rewards", 1000, 10_000),
                Clone("desk", "Desk, nine discrete tasks", 900, 10_000),
            ]),
        new(
            "fig8",
            "Fig. 8: the importance of the partition function",
            "With a constant added to the reward of the first task, cloning on labels inferred without the partition "
            + "function is significantly "
            + "worse; with it nothing changes.",
            [
                new CloningPanel(
                    "cheetah",
                    "Half-cheetah, one task's reward raised by a constant",
                    "cheetah",
                    [
                        new("biased", "inverse RL, biased reward", CloningLabels.InverseRl, RewardBias),
                        new(
                            "biased-no-partition", "without the partition, biased reward", CloningLabels.NoPartition,
                            RewardBias, PaperClaim.Better),
                        new(
                            "unbiased", "inverse RL, unbiased reward", CloningLabels.InverseRl,
                            Claim: PaperClaim.Level),
                    ],
                    1000,
                    20_000),
            ]),
    ];

    /// <summary>Finds a figure.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>The figure.</returns>
    /// <exception cref="ArgumentException">There is no such figure; the message lists those there are.</exception>
    public static Figure Find(string name) =>
        All.FirstOrDefault(figure => figure.Name == name)
        ?? throw new ArgumentException(
            $"Unknown figure '{name}'; expected {string.Join(", ", All.Select(figure => figure.Name))}.");

    private static TrainingPanel Goals(
        string environment, string title, long quickSteps, PaperClaim claim = PaperClaim.NeverWorse) => new(
        title,
        environment,
        MetricColumn.SuccessRate,
        [
            s_inverseRl, Baseline("final", "final (HER)", claim), Baseline("future", "future", claim),
            Baseline("random", "random", claim),
            Baseline("none", "none (SAC)", claim), s_own,
        ],
        quickSteps);

    private static Arm Baseline(string strategy, string label, PaperClaim claim) =>
        new(strategy, label, TrainingDefaults.PaperPreset, strategy, claim);

    // Where no state achieves a task and none is fixed, this project's defaults are the paper's settings.
    private static TrainingPanel Linear(string environment, string title, long quickSteps) =>
        new(title, environment, MetricColumn.EpisodeReturn, GeneralArms(), quickSteps);

    private static CloningPanel Clone(string environment, string title, int trajectories, long quickSteps) => new(
        environment,
        title,
        environment,
        [
            new("inverse-rl", "inverse RL", CloningLabels.InverseRl),
            new("none", "task-agnostic", CloningLabels.None, Claim: PaperClaim.Better)
            {
                NoBetterThanRandomActions = true,
            },
            new("random", "random labels", CloningLabels.Random),
            new("no-partition", "without the partition", CloningLabels.NoPartition),
            new("commanded", "the true labels", CloningLabels.Commanded),
        ],
        trajectories,
        quickSteps);

    private static TrainingPanel General(string environment, string title, long quickSteps) =>
        new(title, environment, MetricColumn.SuccessRate, [.. GeneralArms(), s_own], quickSteps);

    private static Arm[] GeneralArms() =>
        [s_inverseRl, Baseline(
            "random", "random", PaperClaim.Better), Baseline("none", "none (SAC)", PaperClaim.Better)];
}
