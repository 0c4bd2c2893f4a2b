namespace HipiFast.Learning;

/// <summary>Options of SAC; the defaults are those of the HIPI paper (Appendix C.1).</summary>
public sealed record SacOptions
{
    /// <summary>Adam's step size for actor, critics and temperature, above 0.</summary>
    public float LearningRate { get; init; } = 3e-4f;

    /// <summary>gamma, the discount, in [0, 1].</summary>
    public float Gamma { get; init; } = 0.99f;

    /// <summary>tau, the weight of the new critic in every update of its target, in [0, 1].</summary>
    public float Tau { get; init; } = 0.005f;

    /// <summary>alpha when it is fixed, 0 or more; null learns it.</summary>
    public float? FixedAlpha { get; init; }

    /// <summary>Entropy in nats that a learned alpha steers to; null for -A.</summary>
    public float? TargetEntropy { get; init; }

    /// <summary>Largest norm of one network's gradient (each network by itself); 0 for no clipping.</summary>
    public float GradientClipNorm { get; init; }

    /// <summary>Factor on the sum of the critics' mean squared errors, above 0.</summary>
    public float CriticLossScale { get; init; } = 0.5f;

    /// <summary>Throws when an option is out of its range.</summary>
    /// <exception cref="ArgumentException">One sentence naming the option, its value and its range.</exception>
    public void Validate()
    {
        Check(LearningRate > 0 && float.IsFinite(LearningRate), nameof(LearningRate), LearningRate, "above 0");
        Check(Gamma is >= 0 and <= 1, nameof(Gamma), Gamma, "in [0, 1]");
        Check(Tau is >= 0 and <= 1, nameof(Tau), Tau, "in [0, 1]");
        Check(FixedAlpha is null or (>= 0 and < float.PositiveInfinity), nameof(FixedAlpha), FixedAlpha ?? 0, "0 or more");
        Check(TargetEntropy is null || float.IsFinite(TargetEntropy.Value), nameof(TargetEntropy), TargetEntropy ?? 0, "finite");
        Check(GradientClipNorm >= 0, nameof(GradientClipNorm), GradientClipNorm, "0 or more");
        Check(CriticLossScale > 0 && float.IsFinite(CriticLossScale), nameof(CriticLossScale), CriticLossScale, "above 0");

        static void Check(bool good, string name, float value, string range)
        {
            if (!good)
            {
                throw new ArgumentException($"SAC option {name} is {value}; expected a number {range}.", name);
            }
        }
    }
}
