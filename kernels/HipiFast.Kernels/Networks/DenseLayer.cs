namespace HipiFast.Kernels.Networks;

/// <summary>A layer of a <see cref="LayeredNetwork"/>: <c>W x + b</c>, and then its steps in their order.</summary>
internal sealed class DenseLayer
{
    /// <summary>Makes a layer over the caller's memory, which must not change any more.</summary>
    /// <param name="inputs">Fan-in, 1 or more.</param>
    /// <param name="outputs">Fan-out, 1 or more.</param>
    /// <param name="weight">W in PyTorch's order, <c>[outputs, inputs]</c> row-major.</param>
    /// <param name="bias">b <c>[outputs]</c>; empty for 0.</param>
    /// <param name="steps">What happens to the sums.</param>
    /// <exception cref="ArgumentException">A length disagrees with the widths; one sentence.</exception>
    public DenseLayer(
        int inputs, int outputs, ReadOnlyMemory<float> weight, ReadOnlyMemory<float> bias,
        params IReadOnlyList<LayerStep> steps)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(inputs, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(outputs, 1);
        Check(weight.Length, (long)inputs * outputs, "weights");
        Check(bias.Length, bias.IsEmpty ? 0 : outputs, "biases");
        foreach (LayerNorm norm in steps.Select(step => step.Norm).OfType<LayerNorm>())
        {
            Check(norm.Weight.Length, norm.Weight.IsEmpty ? 0 : outputs, "factors of its normalisation");
            Check(norm.Bias.Length, norm.Bias.IsEmpty ? 0 : outputs, "summands of its normalisation");
            if (!(norm.Epsilon > 0f) || !float.IsFinite(norm.Epsilon))
            {
                throw new ArgumentException(
                    $"The epsilon of a layer normalisation is {norm.Epsilon}; expected a finite number above 0.");
            }
        }

        Inputs = inputs;
        Outputs = outputs;
        Weight = weight;
        Bias = bias;
        Steps = steps;

        void Check(int found, long expected, string what)
        {
            if (found != expected)
            {
                throw new ArgumentException(
                    $"A layer of {inputs} inputs and {outputs} outputs has {found} {what}; expected {expected}.");
            }
        }
    }

    /// <summary>Fan-in.</summary>
    public int Inputs { get; }

    /// <summary>Fan-out.</summary>
    public int Outputs { get; }

    /// <summary>W, <c>[outputs, inputs]</c>.</summary>
    public ReadOnlyMemory<float> Weight { get; }

    /// <summary>b, <c>[outputs]</c>, or empty.</summary>
    public ReadOnlyMemory<float> Bias { get; }

    /// <summary>What happens to the sums, in this order.</summary>
    public IReadOnlyList<LayerStep> Steps { get; }
}
