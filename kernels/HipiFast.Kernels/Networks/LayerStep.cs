namespace HipiFast.Kernels.Networks;

/// <summary>
/// One of the things that happen to a layer's sums, one after the other: a normalisation or an activation.
/// </summary>
internal readonly record struct LayerStep
{
    /// <summary>An activation.</summary>
    public LayerStep(Activation activation) => Activation = activation;

    /// <summary>A normalisation.</summary>
    public LayerStep(LayerNorm norm) => Norm = norm;

    /// <summary>The activation; the identity where this is a normalisation.</summary>
    public Activation Activation { get; }

    /// <summary>The normalisation, or null.</summary>
    public LayerNorm? Norm { get; }
}
