using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Networks;

namespace HipiFast.Kernels.SoftQ;

/// <summary>A <see cref="LayerStep"/> as tiles read it.</summary>
/// <param name="activation">The activation; the identity where this is a normalisation.</param>
/// <param name="weight">Factors of a normalisation, one a unit; null for an activation.</param>
/// <param name="bias">Summands of a normalisation, one a unit.</param>
/// <param name="epsilon">Added to the variance.</param>
internal readonly unsafe struct PackedStep(Activation activation, float* weight, float* bias, float epsilon)
{
    public readonly Activation Activation = activation;
    public readonly float* Weight = weight;
    public readonly float* Bias = bias;
    public readonly float Epsilon = epsilon;

    public bool IsNorm => Weight != null;
}

/// <summary>A <see cref="DenseLayer"/> as tiles read it.</summary>
/// <param name="panels">The weights.</param>
/// <param name="bias">One per output, padded with zeros to whole panels.</param>
/// <param name="outputs">Fan-out.</param>
/// <param name="row">
/// The weights of the only output, one per input, padded with zeros to whole panels; null where there are several.
/// </param>
/// <param name="steps">What happens to the sums.</param>
internal readonly unsafe struct PackedLayer(
    PanelLayer panels, float* bias, int outputs, float* row, PackedStep[] steps)
{
    public readonly PanelLayer Panels = panels;
    public readonly float* Bias = bias;
    public readonly int Outputs = outputs;
    public readonly float* Row = row;
    public readonly PackedStep[] Steps = steps;

    /// <summary>Whether all that happens to the sums is that negative ones become 0.</summary>
    public bool IsRectified => Steps.Length == 1 && Steps[0].Activation == Activation.Relu;
}

/// <summary>
/// The layers of a network from some layer on, in the order in which <see cref="PanelMicroKernel"/> reads them: panels
/// of 8 outputs, <c>[panel][input][8]</c>.
/// </summary>
internal sealed unsafe class PackedLayers : IDisposable
{
    private readonly NativeBuffer<float> _memory;
    private readonly PackedLayer[] _layers;

    /// <summary>Packs layers.</summary>
    /// <param name="network">The network.</param>
    /// <param name="first">The first layer that is packed.</param>
    public PackedLayers(LayeredNetwork network, int first)
    {
        DenseLayer[] layers = [.. network.Layers.Skip(first)];
        Widest = network.Widest;
        _memory = new NativeBuffer<float>(layers.Sum(Floats));
        _layers = new PackedLayer[layers.Length];
        float* next = _memory.Pointer;
        for (int i = 0; i < layers.Length; i++)
        {
            _layers[i] = Pack(layers[i], next);
            next += Floats(layers[i]);
        }
    }

    /// <summary>The layers.</summary>
    public ReadOnlySpan<PackedLayer> Layers => _layers;

    /// <summary>Width of the widest layer of the whole network.</summary>
    public int Widest { get; }

    /// <summary>Floats of scratch memory for a tile that goes through the layers: two tiles of the widest.</summary>
    public long ScratchFloats => 2 * TileFloats(Widest);

    /// <summary>Floats of a tile of some units.</summary>
    public static long TileFloats(int units) => (long)MlpShape.RoundUp(units) * SoftQTiles.TileStride;

    /// <summary>Floats that the steps of a layer take.</summary>
    /// <param name="layer">The layer.</param>
    public static long StepFloats(DenseLayer layer) =>
        2L * MlpShape.RoundUp(layer.Outputs) * layer.Steps.Count(step => step.Norm is not null);

    /// <summary>Copies the steps of a layer.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="memory"><see cref="StepFloats"/> of it, zeros.</param>
    public static PackedStep[] PackSteps(DenseLayer layer, float* memory)
    {
        PackedStep[] steps = new PackedStep[layer.Steps.Count];
        int stride = MlpShape.RoundUp(layer.Outputs);
        for (int i = 0; i < steps.Length; i++)
        {
            if (layer.Steps[i].Norm is not LayerNorm norm)
            {
                steps[i] = new PackedStep(layer.Steps[i].Activation, null, null, 0);
                continue;
            }

            Span<float> weight = new(memory, layer.Outputs);
            weight.Fill(1f);
            norm.Weight.Span.CopyTo(weight);
            norm.Bias.Span.CopyTo(new Span<float>(memory + stride, layer.Outputs));
            steps[i] = new PackedStep(Activation.Identity, memory, memory + stride, norm.Epsilon);
            memory += 2 * stride;
        }

        return steps;
    }

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();

    private static long Floats(DenseLayer layer) =>
        ((long)MlpShape.RoundUp(layer.Outputs) * (layer.Inputs + 1)) + RowFloats(layer) + StepFloats(layer);

    private static int RowFloats(DenseLayer layer) => layer.Outputs == 1 ? MlpShape.RoundUp(layer.Inputs) : 0;

    private static PackedLayer Pack(DenseLayer layer, float* memory)
    {
        const int Panel = SoftQTiles.OutputPanel;
        int panels = SoftQTiles.Panels(layer.Outputs), stride = layer.Inputs * Panel;
        ReadOnlySpan<float> weight = layer.Weight.Span;
        for (int output = 0; output < layer.Outputs; output++)
        {
            float* to = memory + ((long)output / Panel * stride) + (output % Panel);
            foreach (float value in weight.Slice(output * layer.Inputs, layer.Inputs))
            {
                *to = value;
                to += Panel;
            }
        }

        float* bias = memory + ((long)MlpShape.RoundUp(layer.Outputs) * layer.Inputs);
        layer.Bias.Span.CopyTo(new Span<float>(bias, layer.Outputs));
        float* row = bias + MlpShape.RoundUp(layer.Outputs), steps = row + RowFloats(layer);
        if (layer.Outputs == 1)
        {
            weight.CopyTo(new Span<float>(row, layer.Inputs));
        }

        PanelLayer panelLayer = new(memory, stride, Panel, layer.Inputs, panels);
        return new PackedLayer(
            panelLayer, bias, layer.Outputs, layer.Outputs == 1 ? row : null, PackSteps(layer, steps));
    }
}
