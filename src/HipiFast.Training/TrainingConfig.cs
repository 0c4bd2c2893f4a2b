using HipiFast.Kernels.Backends;
using HipiFast.Kernels.SoftQ;
using HipiFast.Relabeling;

namespace HipiFast.Training;

/// <summary>Everything that decides what a training run computes. Two runs of equal configuration write the same metrics, byte for byte.</summary>
/// <remarks>
/// This is the one list of keys: <c>config.json</c> (snake_case), the command line (<c>--kebab-case</c>) and the help text all follow from these
/// properties and
/// their <see cref="ConfigKeyAttribute"/> (see <see cref="ConfigKey"/>). Defaults written here are general; <see cref="TrainingDefaults"/> knows
/// those of an environment, a strategy and a preset.
/// </remarks>
public sealed record TrainingConfig
{
    private const string Run = "Run";
    private const string World = "Environment";
    private const string Learner = "Learner";
    private const string Relabeling = "Relabeling";

    /// <summary>Name of the environment.</summary>
    [ConfigKey(World, "Environment to train on; `hipifast info` lists them.")]
    public string Environment { get; init; } = "nav2d";

    /// <summary>Copies of the environment stepped together; every vector step counts as this many environment steps.</summary>
    [ConfigKey(World, "Copies of the environment stepped together.", Minimum = 1, Maximum = 65536)]
    public int EnvironmentCopies { get; init; } = 1;

    /// <summary>Distance within which a goal counts as reached; null for the environment's own.</summary>
    [ConfigKey(World, "Distance within which a goal counts as reached.", Minimum = 0, AboveMinimum = true, DefaultMeans = "the environment's own")]
    public float? Margin { get; init; }

    /// <summary>Steps after which an episode is cut; null for the environment's own.</summary>
    [ConfigKey(World, "Steps after which an episode is cut (which is not a termination).", Minimum = 1, DefaultMeans = "the environment's own")]
    public int? EpisodeLimit { get; init; }

    /// <summary>Standard deviation of the noise that the environment adds to actions; null for the environment's own.</summary>
    [ConfigKey(World, "Standard deviation of the noise the environment adds to actions.", Minimum = 0, DefaultMeans = "the environment's own")]
    public float? ActionNoise { get; init; }

    /// <summary>Key of every random number.</summary>
    [ConfigKey(Run, "Seed of every random number; the same seed gives the same metrics, byte for byte.")]
    public ulong Seed { get; init; } = 1;

    /// <summary>Environment steps in all.</summary>
    [ConfigKey(Run, "Environment steps in all.", Minimum = 1)]
    public long Steps { get; init; } = 60_000;

    /// <summary>Environment steps with uniform random actions and no updates, before learning starts.</summary>
    [ConfigKey(Run, "Environment steps with random actions before learning starts.", Minimum = 0)]
    public long InitialRandomSteps { get; init; } = 1000;

    /// <summary>Gradient steps per environment step.</summary>
    [ConfigKey(Run, "Gradient steps per environment step: the strongest knob, for every strategy.", Minimum = 1, Maximum = 1000)]
    public int GradientSteps { get; init; } = 2;

    /// <summary>Most transitions kept for replay.</summary>
    [ConfigKey(Run, "Most transitions kept for replay; the oldest go first.", Minimum = 1, Maximum = int.MaxValue)]
    public long ReplayCapacity { get; init; } = 1_000_000;

    /// <summary>Where batches are drawn and relabeled.</summary>
    [ConfigKey(Run, "Where batches are drawn and relabeled: in the host's memory, or on the device of a backend that has one.")]
    public ReplayPlace Replay { get; init; }

    /// <summary>Environment steps between evaluations.</summary>
    [ConfigKey(Run, "Environment steps between evaluations.", Minimum = 1)]
    public long EvalEvery { get; init; } = 3000;

    /// <summary>Episodes per evaluation and per kind of action (sampled, mean).</summary>
    [ConfigKey(Run, "Episodes per evaluation, once with sampled and once with mean actions.", Minimum = 1, Maximum = 100_000)]
    public int EvalEpisodes { get; init; } = 200;

    /// <summary>Environment steps between checkpoints; 0 for none by steps.</summary>
    [ConfigKey(Run, "Environment steps between checkpoints; 0 for none by steps.", Minimum = 0)]
    public long CheckpointEvery { get; init; }

    /// <summary>Seconds between checkpoints; 0 for none by time.</summary>
    [ConfigKey(Run, "Seconds between checkpoints; 0 for none by time.", Minimum = 0)]
    public double CheckpointSeconds { get; init; } = 20;

    /// <summary>Threads that one call of a kernel may use; 0 for one per core. Results do not depend on it.</summary>
    [ConfigKey(Run, "Threads; 0 for one per core. Results do not depend on it.", Minimum = 0, Maximum = 4096)]
    public int Threads { get; init; }

    /// <summary>Which backend computes.</summary>
    [ConfigKey(Run, "Backend that computes: auto, or a name from `hipifast info`.")]
    public string Backend { get; init; } = KernelRegistry.Auto;

    /// <summary>Which of the backend's devices.</summary>
    [ConfigKey(Run, "Device that computes, by its name in `hipifast info`, such as cuda:0; auto for the backend's first.")]
    public string Device { get; init; } = DeviceInfo.Auto;

    /// <summary>Arithmetic in which soft Q-values may be computed.</summary>
    [ConfigKey(Run, "Arithmetic of the soft Q-values; auto is fp32 unless the backend is one of bf16. Learning is fp32 always.")]
    public PrecisionMode Precision { get; init; } = PrecisionMode.Auto;

    /// <summary>Which learner: <c>embedded</c>, or <c>torch</c> where TorchSharp is installed.</summary>
    [ConfigKey(Learner, "embedded, or torch where TorchSharp is installed.")]
    public string LearnerName { get; init; } = "embedded";

    /// <summary>Where the torch learner computes: <c>cpu</c> or <c>cuda</c>.</summary>
    [ConfigKey(Learner, "Where the torch learner computes.", Choices = "cpu|cuda")]
    public string TorchDevice { get; init; } = "cpu";

    /// <summary>Updates between two copies of the torch learner's weights from a GPU to a relabeler that cannot read them where they are.</summary>
    [ConfigKey(
        Learner, "Updates between copies of the torch learner's weights from a GPU to a relabeler elsewhere.", Minimum = 1, Maximum = 1_000_000)]
    public int TorchWeightsEvery { get; init; } = 1;

    /// <summary>Transitions per gradient step.</summary>
    [ConfigKey(Learner, "Transitions per gradient step.", Minimum = 1, Maximum = 65536)]
    public int Batch { get; init; } = 32;

    /// <summary>Width of both hidden layers.</summary>
    [ConfigKey(Learner, "Width of both hidden layers of every network.", Minimum = 1, Maximum = 8192)]
    public int Hidden { get; init; } = 64;

    /// <summary>Adam's step size for actor, critics and temperature.</summary>
    [ConfigKey(Learner, "Adam's step size for actor, critics and temperature.", Minimum = 0, AboveMinimum = true, Maximum = 1)]
    public float LearningRate { get; init; } = 3e-4f;

    /// <summary>Discount.</summary>
    [ConfigKey(Learner, "Discount of future rewards.", Minimum = 0, Maximum = 1)]
    public float Gamma { get; init; } = 0.99f;

    /// <summary>Weight of the new network in the target networks' average.</summary>
    [ConfigKey(Learner, "Weight of the new critics in the target critics' running average.", Minimum = 0, AboveMinimum = true, Maximum = 1)]
    public float Tau { get; init; } = 0.005f;

    /// <summary>Entropy temperature when it is fixed; null to learn it.</summary>
    [ConfigKey(Learner, "Entropy temperature, fixed at this value.", Minimum = 0, AboveMinimum = true, DefaultMeans = "learned")]
    public float? FixedAlpha { get; init; }

    /// <summary>Entropy that the learned temperature aims at; null for minus the number of action entries.</summary>
    [ConfigKey(Learner, "Entropy that the learned temperature aims at.", DefaultMeans = "minus the number of action entries")]
    public float? TargetEntropy { get; init; }

    /// <summary>Largest gradient norm per network; 0 for no clipping.</summary>
    [ConfigKey(Learner, "Largest gradient norm per network; 0 for no clipping.", Minimum = 0)]
    public float GradientClip { get; init; }

    /// <summary>Factor on the critic loss.</summary>
    [ConfigKey(Learner, "Factor on the critic loss.", Minimum = 0, AboveMinimum = true)]
    public float CriticLossScale { get; init; } = 0.5f;

    /// <summary>Number of critics, 1 or 2.</summary>
    [ConfigKey(Learner, "Critics: 2 (twin critics) or 1.", Minimum = 1, Maximum = 2)]
    public int Critics { get; init; } = 2;

    /// <summary>Lower bound of a critic squashed by a scaled sigmoid.</summary>
    [ConfigKey(Learner, "Lower bound of a critic squashed by a scaled sigmoid; equal to the upper bound for none.")]
    public float CriticLow { get; init; }

    /// <summary>Upper bound of a critic squashed by a scaled sigmoid.</summary>
    [ConfigKey(Learner, "Upper bound of a critic squashed by a scaled sigmoid; equal to the lower bound for none.")]
    public float CriticHigh { get; init; }

    /// <summary>Where new tasks come from.</summary>
    [ConfigKey(Relabeling, "How past experience gets new tasks.")]
    public RelabelStrategy Relabel { get; init; } = RelabelStrategy.InverseRl;

    /// <summary>How soft Q-values are estimated.</summary>
    [ConfigKey(Relabeling, "Estimate of the soft Q-values that inverse RL compares.")]
    public SoftQEstimator Estimator { get; init; } = SoftQEstimator.Critic;

    /// <summary>Whether transitions choose tasks or tasks choose transitions.</summary>
    [ConfigKey(Relabeling, "Whether each transition (row) draws its task, or each task draws its transition.")]
    public Assignment Assign { get; init; } = Assignment.Row;

    /// <summary>Share of each batch that receives a new task.</summary>
    [ConfigKey(Relabeling, "Share of each batch that receives a new task.", Minimum = 0, Maximum = 1)]
    public float RelabelFraction { get; init; } = 0.5f;

    /// <summary>Where candidate tasks come from.</summary>
    [ConfigKey(Relabeling, "Candidate tasks: those commanded in the batch, reached in it, both, or the environment's fixed set.")]
    public CandidateSource Candidates { get; init; } = CandidateSource.Commanded;

    /// <summary>Share of relabeled slots that <see cref="GoalMixStrategy"/> serves instead of inverse RL.</summary>
    [ConfigKey(Relabeling, "Share of relabeled slots that get a reached goal (goal-mix-strategy) instead of inverse RL.", Minimum = 0, Maximum = 1)]
    public float GoalMix { get; init; }

    /// <summary>Strategy of the slots that <see cref="GoalMix"/> speaks of: final or future.</summary>
    [ConfigKey(Relabeling, "Strategy of those slots.", Choices = "future|final")]
    public RelabelStrategy GoalMixStrategy { get; init; } = RelabelStrategy.Future;

    /// <summary>Whether soft Q-values are normalised by the batch's log partition.</summary>
    [ConfigKey(Relabeling, "Normalise each task's soft Q-values over the batch, over this and earlier batches (fixed candidates), or not.")]
    public PartitionMode Partition { get; init; } = PartitionMode.Batch;

    /// <summary>Weight of earlier batches in a partition that is kept across batches.</summary>
    [ConfigKey(Relabeling, "Weight of the earlier batches, below 1 (partition running).", Minimum = 0, Maximum = 0.999999)]
    public float PartitionDecay { get; init; } = 0.9f;

    /// <summary>Temperature of the posterior over tasks; 0 takes the most likely.</summary>
    [ConfigKey(Relabeling, "Temperature of the posterior over tasks; 0 takes the most likely.", Minimum = 0)]
    public float Temperature { get; init; } = 1f;

    /// <summary>How twin critics become one soft Q-value.</summary>
    [ConfigKey(Relabeling, "How twin critics become one soft Q-value.")]
    public TwinCombination Twin { get; init; } = TwinCombination.Min;

    /// <summary>Whether the exact value replaces the critic's where the task is already reached.</summary>
    [ConfigKey(Relabeling, "Use the exact value where the candidate task is already reached.")]
    public bool ExactTerminalValue { get; init; } = true;

    /// <summary>Steps ahead among which <c>future</c> picks its goal; 0 for the rest of the episode.</summary>
    [ConfigKey(Relabeling, "Steps ahead among which `future` picks its goal; 0 for the rest of the episode.", Minimum = 0)]
    public int FutureHorizon { get; init; }

    /// <summary>Random transitions, new for every 32 tasks, among which a task chooses when tasks draw transitions.</summary>
    [ConfigKey(Relabeling, "Transitions, new for every 32 tasks, among which each task chooses (assign task).", Minimum = 1, Maximum = 1 << 20)]
    public int RowPool { get; init; } = 64;

    /// <summary>Minibatches that one relabel call serves: more rows for the partition, more candidates for every row.</summary>
    [ConfigKey(Relabeling, "Minibatches that one relabel call serves.", Minimum = 1, Maximum = 1024)]
    public int Pool { get; init; } = 1;

    /// <summary>Entropy temperature in the soft Q-values; null for the agent's.</summary>
    [ConfigKey(Relabeling, "Entropy temperature in the soft Q-values (soft-critic, bellman).", Minimum = 0, DefaultMeans = "the agent's")]
    public float? RelabelAlpha { get; init; }

    /// <summary>Checks what no single key can.</summary>
    /// <exception cref="ArgumentException">One sentence naming the keys.</exception>
    public void Validate()
    {
        foreach (ConfigKey key in ConfigKey.All)
        {
            key.Check(key.Get(this), string.Empty);
        }

        if (CriticHigh < CriticLow)
        {
            throw new ArgumentException($"critic_high (--critic-high) is {CriticHigh}, below critic_low (--critic-low), which is {CriticLow}.");
        }

        if ((long)Batch * Pool > 1 << 20)
        {
            throw new ArgumentException(
                $"batch times pool (--batch, --pool) is {(long)Batch * Pool}; expected at most {1 << 20} transitions per relabel call.");
        }

        if (Partition == PartitionMode.Running && (Candidates != CandidateSource.Fixed || Assign != Assignment.Row))
        {
            throw new ArgumentException(
                "partition (--partition) is running, which is for transitions that choose among a fixed set of tasks: candidates (--candidates) "
                + "fixed and assign (--assign) row.");
        }

        // Counters of random numbers have 32 bits; beyond them the same numbers would come again.
        if (Steps > uint.MaxValue / GradientSteps)
        {
            throw new ArgumentException(
                $"steps times gradient_steps (--steps, --gradient-steps) is {(double)Steps * GradientSteps:0}; expected at most {uint.MaxValue}.");
        }

        if (ReplayCapacity < EnvironmentCopies)
        {
            throw new ArgumentException(
                $"replay_capacity (--replay-capacity) is {ReplayCapacity}; "
                + $"expected at least one transition for each of the {EnvironmentCopies} environment copies.");
        }

        if (Replay == ReplayPlace.Device && (Relabel != RelabelStrategy.InverseRl || Assign != Assignment.Row || Partition == PartitionMode.Running))
        {
            throw new ArgumentException(
                "replay (--replay) is 'device', where batches are relabeled by inverse-rl with assign row and partition batch or none; found relabel "
                + $"{ConfigKey.Kebab(Relabel.ToString())}, assign {ConfigKey.Kebab(Assign.ToString())}, "
                + $"partition {ConfigKey.Kebab(Partition.ToString())}.");
        }
    }

    /// <summary>The part of the configuration that the relabeler needs.</summary>
    /// <returns>The options.</returns>
    public RelabelOptions ToRelabelOptions() => new()
    {
        Strategy = Relabel,
        Estimator = Estimator,
        Twin = Twin,
        Assignment = Assign,
        Candidates = Candidates,
        Partition = Partition,
        PartitionDecay = PartitionDecay,
        RelabelFraction = RelabelFraction,
        GoalMix = GoalMix,
        GoalMixStrategy = GoalMixStrategy,
        Temperature = Temperature,
        ExactTerminalValue = ExactTerminalValue,
        FutureHorizon = FutureHorizon,
        RowPool = RowPool,
        Alpha = RelabelAlpha,
        Gamma = Gamma,
        Seed = Seed,
        Backend = Backend,
        Device = Device,
        Precision = Precision,
        Threads = Threads,
    };

    /// <summary>The part of the configuration that the learner needs.</summary>
    /// <returns>The options.</returns>
    public Learning.SacOptions ToSacOptions() => new()
    {
        LearningRate = LearningRate,
        Gamma = Gamma,
        Tau = Tau,
        FixedAlpha = FixedAlpha,
        TargetEntropy = TargetEntropy,
        GradientClipNorm = GradientClip,
        CriticLossScale = CriticLossScale,
    };
}
