using HipiFast.Learning;
using HipiFast.Options;

namespace HipiFast.Training.Cloning;

/// <summary>Which tasks the demonstrations are cloned under.</summary>
public enum CloningLabels
{
    /// <summary>Those that inverse RL infers from the returns (HIPI-BC, the paper's Alg. 3).</summary>
    InverseRl,

    /// <summary>The same without the partition function (the paper's Fig. 8).</summary>
    NoPartition,

    /// <summary>Those that were commanded: what relabeling could hope for.</summary>
    Commanded,

    /// <summary>None: a policy that does not see the task.</summary>
    None,

    /// <summary>A candidate drawn uniformly for each trajectory: what relabeling is worth without inference.</summary>
    Random,
}

/// <summary>How demonstrations become a policy.</summary>
public sealed record CloningOptions
{
    /// <summary>Which tasks the demonstrations are cloned under.</summary>
    [Option]
    public CloningLabels Labels { get; init; } = CloningLabels.InverseRl;

    /// <summary>
    /// K, the candidate tasks of inverse RL, drawn from the environment's distribution, 1 or more; not read where the
    /// tasks are a finite set, all of which then are candidates.
    /// </summary>
    [Option(Minimum = 1)]
    public int Candidates { get; init; } = 1000;

    /// <summary>Temperature of the posterior over tasks, in nats, 0 or more.</summary>
    [Option(Minimum = 0)]
    public float Temperature { get; init; } = 1f;

    /// <summary>
    /// Reward per step added for the first candidate task, as in the paper's Fig. 8; 0 for none. Evaluation knows
    /// nothing of it.
    /// </summary>
    [Option]
    public float FirstTaskBias { get; init; }

    /// <summary>Episodes that the policy is evaluated in, 1 or more.</summary>
    [Option(Minimum = 1)]
    public int EvalEpisodes { get; init; } = 200;

    /// <summary>The fit; its seed is the key of everything drawn.</summary>
    [OptionPart]
    public BehaviorCloningOptions Fit { get; init; } = new();

    /// <summary>Name of the learner whose network is fitted.</summary>
    [Option]
    public string Learner { get; init; } = Training.LearnerRegistry.Embedded;

    /// <summary>Where the torch learner computes: <c>cpu</c> or <c>cuda</c>; no other learner reads it.</summary>
    [Option(Choices = "cpu|cuda")]
    public string TorchDevice { get; init; } = "cpu";

    /// <summary>Throws when an option is out of range.</summary>
    /// <exception cref="ArgumentException">
    /// One sentence naming the option, what was found and what is expected.
    /// </exception>
    public void Validate() => OptionCheck.Ranges(
        this, (name, value, expected) => $"The cloning option {name} is {value}; expected {expected}.");
}
