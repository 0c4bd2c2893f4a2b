using HipiFast.Options;

namespace HipiFast.Training;

/// <summary>How long a training run is, and what it keeps.</summary>
public sealed record RunOptions
{
    private const string Group = "Run";

    /// <summary>Key of every random number.</summary>
    [Option(Group, "Seed of every random number; the same seed gives the same metrics, byte for byte.")]
    public ulong Seed { get; init; } = 1;

    /// <summary>Environment steps in all.</summary>
    [Option(Group, "Environment steps in all.", Minimum = 1)]
    public long Steps { get; init; } = 60_000;

    /// <summary>Environment steps with uniform random actions and no updates, before learning starts.</summary>
    [Option(Group, "Environment steps with random actions before learning starts.", Minimum = 0)]
    public long InitialRandomSteps { get; init; } = 1000;

    /// <summary>Gradient steps per environment step.</summary>
    [Option(
        Group, "Gradient steps per environment step: the strongest knob, for every strategy.",
        Minimum = 1, Maximum = 1000)]
    public int GradientSteps { get; init; } = 2;

    /// <summary>Most transitions kept for replay.</summary>
    [Option(Group, "Most transitions kept for replay; the oldest go first.", Minimum = 1, Maximum = int.MaxValue)]
    public long ReplayCapacity { get; init; } = 1_000_000;

    /// <summary>Where batches are drawn and relabeled.</summary>
    [Option(
        Group,
        "Where batches are drawn and relabeled: in the host's memory, or on the device of a backend that has one.")]
    public ReplayPlace Replay { get; init; }

    /// <summary>Environment steps between evaluations.</summary>
    [Option(Group, "Environment steps between evaluations.", Minimum = 1)]
    public long EvalEvery { get; init; } = 3000;

    /// <summary>Episodes per evaluation and per kind of action (sampled, mean).</summary>
    [Option(
        Group, "Episodes per evaluation, once with sampled and once with mean actions.",
        Minimum = 1, Maximum = 100_000)]
    public int EvalEpisodes { get; init; } = 200;

    /// <summary>Environment steps between checkpoints; 0 for none by steps.</summary>
    [Option(Group, "Environment steps between checkpoints; 0 for none by steps.", Minimum = 0)]
    public long CheckpointEvery { get; init; }

    /// <summary>Seconds between checkpoints; 0 for none by time.</summary>
    [Option(Group, "Seconds between checkpoints; 0 for none by time.", Minimum = 0)]
    public double CheckpointSeconds { get; init; } = 20;
}
