namespace HipiFast.Kernels.Networks;

/// <summary>
/// A network of dense layers of any number and widths, each with its own normalisations and activations: a description,
/// which nothing changes. Networks that learn are <see cref="MlpParameters"/>.
/// </summary>
internal sealed class LayeredNetwork
{
    /// <summary>Puts layers together.</summary>
    /// <param name="layers">One or more, each with as many inputs as the one before has outputs.</param>
    /// <exception cref="ArgumentException">There is none, or two do not fit; one sentence.</exception>
    public LayeredNetwork(params IReadOnlyList<DenseLayer> layers)
    {
        if (layers.Count == 0)
        {
            throw new ArgumentException("A network needs at least one layer.", nameof(layers));
        }

        for (int i = 1; i < layers.Count; i++)
        {
            if (layers[i].Inputs != layers[i - 1].Outputs)
            {
                throw new ArgumentException(
                    $"Layer {i} takes {layers[i].Inputs} inputs; the layer before it has {layers[i - 1].Outputs} "
                    + "outputs.",
                    nameof(layers));
            }
        }

        Layers = layers;
    }

    /// <summary>The layers, in the order in which they are computed.</summary>
    public IReadOnlyList<DenseLayer> Layers { get; }

    /// <summary>Width of the input.</summary>
    public int Inputs => Layers[0].Inputs;

    /// <summary>Width of the output.</summary>
    public int Outputs => Layers[^1].Outputs;

    /// <summary>Width of the widest layer.</summary>
    public int Widest => Layers.Max(layer => layer.Outputs);

    /// <summary>Weights of all layers but the first: the multiply-adds of a pair.</summary>
    public long InnerWeights => Layers.Skip(1).Sum(layer => (long)layer.Inputs * layer.Outputs);
}
