using HipiFast.Environments;
using HipiFast.Options;
using HipiFast.Relabeling;

namespace HipiFast.Training;

/// <summary>
/// Everything that decides what a training run computes. Two runs of equal configuration write the same metrics, byte
/// for byte.
/// </summary>
/// <remarks>
/// It is made of the options of the library's own parts, and of those of a run. The keys of <c>config.json</c>
/// (snake_case), the command line (<c>--kebab-case</c>) and the help text all follow from the attributes on these (see
/// <see cref="OptionKeys{T}"/>). Defaults written there are general; <see cref="TrainingDefaults"/> knows those of an
/// environment, a strategy and a preset.
/// </remarks>
public sealed record TrainingConfig
{
    /// <summary>Most transitions that one relabel call serves.</summary>
    private const int LargestCall = 1 << 20;

    /// <summary>Name of the environment.</summary>
    [Option("Environment", "Environment to train on; `hipifast info` lists them.")]
    public string Environment { get; init; } = "nav2d";

    /// <summary>
    /// Copies of the environment stepped together; every vector step counts as this many environment steps.
    /// </summary>
    [Option("Environment", "Copies of the environment stepped together.", Minimum = 1, Maximum = 65536)]
    public int EnvironmentCopies { get; init; } = 1;

    /// <summary>
    /// What is changed about the environment; its threads are those of <see cref="Compute"/>, whatever is set here.
    /// </summary>
    [OptionPart]
    public EnvironmentSettings EnvironmentSettings
    {
        get => field with { Threads = Compute.Threads };
        init;
    } = new();

    /// <summary>How long the run is, and what it keeps.</summary>
    [OptionPart]
    public RunOptions Run { get; init; } = new();

    /// <summary>What computes.</summary>
    [OptionPart]
    public ComputeOptions Compute { get; init; } = new();

    /// <summary>Which learner trains the agent, on what batches, and the agent's networks.</summary>
    [OptionPart]
    public LearnerOptions Learner { get; init; } = new();

    /// <summary>
    /// How past experience gets new tasks. Discount, seed and what computes are those of the run
    /// (<see cref="Learning.SacOptions.Gamma"/>, <see cref="RunOptions.Seed"/>, <see cref="Compute"/>), whatever is set
    /// here.
    /// </summary>
    [OptionPart]
    public RelabelOptions Relabeling
    {
        get => field with { Gamma = Learner.Sac.Gamma, Seed = Run.Seed, Compute = Compute };
        init;
    } = new();

    /// <summary>
    /// Minibatches that one relabel call serves: more rows for the partition, more candidates for every row.
    /// </summary>
    [Option("Relabeling", "Minibatches that one relabel call serves.", After = "row_pool", Minimum = 1, Maximum = 1024)]
    public int Pool { get; init; } = 1;

    /// <summary>Whether two configurations decide the same, key for key.</summary>
    /// <param name="other">The other configuration.</param>
    /// <returns>Whether all keys are equal.</returns>
    public bool Equals(TrainingConfig? other) => other is not null && Parts == other.Parts;

    /// <inheritdoc/>
    public override int GetHashCode() => Parts.GetHashCode();

    private (string, int, EnvironmentSettings, RunOptions, ComputeOptions, LearnerOptions, RelabelOptions, int) Parts =>
        (Environment, EnvironmentCopies, EnvironmentSettings, Run, Compute, Learner, Relabeling, Pool);

    /// <summary>Checks every key, and what no single key can tell.</summary>
    /// <exception cref="ArgumentException">One sentence naming the keys.</exception>
    public void Validate()
    {
        OptionKeys<TrainingConfig>.Check(this);
        if (Learner.CriticHigh < Learner.CriticLow)
        {
            throw new ArgumentException(
                $"critic_high (--critic-high) is {Learner.CriticHigh}, below critic_low (--critic-low), which is "
                + $"{Learner.CriticLow}.");
        }

        if ((long)Learner.Batch * Pool > LargestCall)
        {
            throw new ArgumentException(
                $"batch times pool (--batch, --pool) is {(long)Learner.Batch * Pool}; expected at most {LargestCall} "
                + "transitions per relabel call.");
        }

        if (!Relabeling.PartitionFits)
        {
            throw new ArgumentException(
                "partition (--partition) is running, which is for transitions that choose among a fixed set of tasks: "
                + "candidates (--candidates) fixed and assign (--assign) row.");
        }

        if (!Relabeling.GroupsFit)
        {
            throw new ArgumentException(
                "group_candidates and label_draws (--group-candidates, --label-draws) are of rows relabeled in groups; "
                + "group_rows (--group-rows) is 0, expected 1 or more.");
        }

        // Counters of random numbers have 32 bits; beyond them the same numbers would come again.
        if (Run.Steps > uint.MaxValue / Run.GradientSteps)
        {
            throw new ArgumentException(
                $"steps times gradient_steps (--steps, --gradient-steps) is {(double)Run.Steps * Run.GradientSteps:0}; "
                + $"expected at most {uint.MaxValue}.");
        }

        if (Run.ReplayCapacity < EnvironmentCopies)
        {
            throw new ArgumentException(
                $"replay_capacity (--replay-capacity) is {Run.ReplayCapacity}; expected at least one transition for "
                + $"each of the {EnvironmentCopies} environment copies.");
        }

        ReplayFactory.Validate(this);
    }
}
