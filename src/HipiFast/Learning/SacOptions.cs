using HipiFast.Options;

namespace HipiFast.Learning;

/// <summary>Options of SAC; the defaults are those of the HIPI paper (Appendix C.1).</summary>
public sealed record SacOptions
{
    private const string Learner = "Learner";

    /// <summary>Adam's step size for actor, critics and temperature, above 0, at most 1.</summary>
    [Option(
        Learner, "Adam's step size for actor, critics and temperature.", Minimum = 0, AboveMinimum = true, Maximum = 1)]
    public float LearningRate { get; init; } = 3e-4f;

    /// <summary>gamma, the discount, in [0, 1].</summary>
    [Option(Learner, "Discount of future rewards.", Minimum = 0, Maximum = 1)]
    public float Gamma { get; init; } = 0.99f;

    /// <summary>tau, the weight of the new critic in every update of its target, in (0, 1].</summary>
    [Option(
        Learner, "Weight of the new critics in the target critics' running average.",
        Minimum = 0, AboveMinimum = true, Maximum = 1)]
    public float Tau { get; init; } = 0.005f;

    /// <summary>alpha when it is fixed, 0 or more; null learns it.</summary>
    [Option(
        Learner, "Entropy temperature, fixed at this value.",
        Minimum = 0, TypedAboveMinimum = true, DefaultMeans = "learned")]
    public float? FixedAlpha { get; init; }

    /// <summary>Entropy in nats that a learned alpha steers to; null for -A.</summary>
    [Option(
        Learner, "Entropy that the learned temperature aims at.", DefaultMeans = "minus the number of action entries")]
    public float? TargetEntropy { get; init; }

    /// <summary>Largest norm of one network's gradient (each network by itself); 0 for no clipping.</summary>
    [Option(Learner, "Largest gradient norm per network; 0 for no clipping.", Key = "gradient_clip", Minimum = 0)]
    public float GradientClipNorm { get; init; }

    /// <summary>Factor on the sum of the critics' mean squared errors, above 0.</summary>
    [Option(Learner, "Factor on the critic loss.", Minimum = 0, AboveMinimum = true)]
    public float CriticLossScale { get; init; } = 0.5f;

    /// <summary>Throws when an option is out of its range.</summary>
    /// <exception cref="ArgumentException">One sentence naming the option, its value and its range.</exception>
    public void Validate() =>
        OptionCheck.Ranges(this, (name, value, expected) => $"SAC option {name} is {value}; expected {expected}.");
}
