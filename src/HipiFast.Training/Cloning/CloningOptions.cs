using HipiFast.Learning;

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
    public CloningLabels Labels { get; init; } = CloningLabels.InverseRl;

    /// <summary>
    /// K, the candidate tasks of inverse RL, drawn from the environment's distribution, 1 or more; not read where the
    /// tasks are a finite set, all of which then are candidates.
    /// </summary>
    public int Candidates { get; init; } = 1000;

    /// <summary>Temperature of the posterior over tasks, in nats, 0 or more.</summary>
    public float Temperature { get; init; } = 1f;

    /// <summary>
    /// Reward per step added for the first candidate task, as in the paper's Fig. 8; 0 for none. Evaluation knows
    /// nothing of it.
    /// </summary>
    public float FirstTaskBias { get; init; }

    /// <summary>Episodes that the policy is evaluated in, 1 or more.</summary>
    public int EvalEpisodes { get; init; } = 200;

    /// <summary>The fit; its seed is the key of everything drawn.</summary>
    public BehaviorCloningOptions Fit { get; init; } = new();

    /// <summary>Name of the learner whose network is fitted.</summary>
    public string Learner { get; init; } = Training.LearnerRegistry.Embedded;

    /// <summary>Where the torch learner computes: <c>cpu</c> or <c>cuda</c>; no other learner reads it.</summary>
    public string TorchDevice { get; init; } = "cpu";

    /// <summary>Throws when an option is out of range.</summary>
    /// <exception cref="ArgumentException">
    /// One sentence naming the option, what was found and what is expected.
    /// </exception>
    public void Validate()
    {
        Check(Enum.IsDefined(Labels), nameof(Labels), Labels, "a defined value");
        Check(Candidates >= 1, nameof(Candidates), Candidates, "1 or more");
        Check(
            Temperature is >= 0 and < float.PositiveInfinity, nameof(Temperature), Temperature,
            "a finite number of at least 0");
        Check(float.IsFinite(FirstTaskBias), nameof(FirstTaskBias), FirstTaskBias, "a finite number");
        Check(TorchDevice is "cpu" or "cuda", nameof(TorchDevice), TorchDevice, "cpu or cuda");
        Check(EvalEpisodes >= 1, nameof(EvalEpisodes), EvalEpisodes, "1 or more");
        Fit.Validate();
    }

    private static void Check<T>(bool valid, string name, T value, string expected)
    {
        if (!valid)
        {
            throw new ArgumentException(
                FormattableString.Invariant($"The cloning option {name} is {value}; expected {expected}."));
        }
    }
}
