namespace HipiFast.Kernels.Networks;

/// <summary>
/// Layer normalisation: <c>y = (x - mean(x)) / sqrt(var(x) + epsilon) weight + bias</c>, mean and variance (of all
/// units, not of all but one) over the units of a layer.
/// </summary>
/// <param name="Weight">A factor for each unit; empty for 1.</param>
/// <param name="Bias">A summand for each unit; empty for 0.</param>
/// <param name="Epsilon">Added to the variance; above 0.</param>
internal sealed record LayerNorm(ReadOnlyMemory<float> Weight, ReadOnlyMemory<float> Bias, float Epsilon)
{
    /// <summary>What PyTorch adds to the variance unless told otherwise.</summary>
    public const float DefaultEpsilon = 1e-5f;
}
