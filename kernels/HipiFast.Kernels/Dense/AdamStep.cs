namespace HipiFast.Kernels.Dense;

/// <summary>
/// One Adam step (Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2015), bias-corrected, on the gradient g
/// times <see cref="GradientScale"/>: <c>m = b1 m + (1 - b1) g</c>, <c>v = b2 v + (1 - b2) g^2</c>, <c>p -= rate (m /
/// (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon)</c>.
/// </summary>
/// <param name="LearningRate">Step size.</param>
/// <param name="Step">t, the number of this step, 1 for the first.</param>
/// <param name="Beta1">b1, decay of the first moment, in [0, 1).</param>
/// <param name="Beta2">b2, decay of the second moment, in [0, 1).</param>
/// <param name="Epsilon">Added to the root of the second moment, above 0.</param>
/// <param name="GradientScale">Factor on the gradient, for clipping by norm.</param>
/// <param name="TargetUpdateRate">
/// tau, the weight of the new parameters in a target that follows them, in [0, 1].
/// </param>
public readonly record struct AdamStep(
    float LearningRate, long Step, float Beta1 = 0.9f, float Beta2 = 0.999f, float Epsilon = 1e-8f,
    float GradientScale = 1f,
    float TargetUpdateRate = 0f)
{
    /// <summary>
    /// Gradients and first moments below this become zero. Unused units' moments decay for ever; where they become
    /// subnormal, arithmetic on them is a hundred times slower. Beside an epsilon of 1e-8 such entries move a parameter
    /// by less than 1e-9 of the step size.
    /// </summary>
    internal const float SmallestMagnitude = 1e-17f;

    /// <summary>Second moments below this become zero: their roots vanish beside epsilon.</summary>
    internal const float SmallestSquare = 1e-35f;

    /// <summary>rate / (1 - b1^t), the factor on m.</summary>
    public float CorrectedRate => (float)(LearningRate / (1 - Math.Pow(Beta1, Step)));

    /// <summary>1 / sqrt(1 - b2^t), the factor on sqrt(v).</summary>
    public float RootCorrection => (float)(1 / Math.Sqrt(1 - Math.Pow(Beta2, Step)));

    /// <summary>
    /// Makes the step on a few parameters, one after the other: the tail that does not fill a vector.
    /// </summary>
    /// <param name="gradient">g.</param>
    /// <param name="parameters">p, as many.</param>
    /// <param name="firstMoment">m, as many.</param>
    /// <param name="secondMoment">v, as many.</param>
    /// <param name="target">Follows the parameters; empty for none.</param>
    internal void Apply(
        ReadOnlySpan<float> gradient,
        Span<float> parameters,
        Span<float> firstMoment,
        Span<float> secondMoment,
        Span<float> target)
    {
        float rate = CorrectedRate, root = RootCorrection;
        for (int i = 0; i < gradient.Length; i++)
        {
            float g = FlushBelow(gradient[i] * GradientScale, SmallestMagnitude);
            firstMoment[i] = FlushBelow((Beta1 * firstMoment[i]) + ((1f - Beta1) * g), SmallestMagnitude);
            secondMoment[i] = FlushBelow((Beta2 * secondMoment[i]) + ((1f - Beta2) * g * g), SmallestSquare);
            parameters[i] -= rate * firstMoment[i] / ((MathF.Sqrt(secondMoment[i]) * root) + Epsilon);
            if (!target.IsEmpty)
            {
                target[i] += TargetUpdateRate * (parameters[i] - target[i]);
            }
        }
    }

    private static float FlushBelow(float value, float least) => MathF.Abs(value) < least ? 0f : value;
}
