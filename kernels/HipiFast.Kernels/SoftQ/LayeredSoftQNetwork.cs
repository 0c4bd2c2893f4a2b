using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Networks;

namespace HipiFast.Kernels.SoftQ;

/// <summary>
/// A <see cref="LayeredNetwork"/> in the form that <see cref="LayeredMicroKernel"/> reads: the first layer by inputs,
/// because transitions and tasks have a share in it each, the others by panels.
/// </summary>
internal sealed unsafe class LayeredSoftQNetwork : SoftQNetwork
{
    private readonly NativeBuffer<float> _first;
    private readonly PackedLayers _inner;
    private readonly int _inputs;

    /// <summary>Packs a network.</summary>
    /// <param name="network">The network.</param>
    public LayeredSoftQNetwork(LayeredNetwork network)
    {
        DenseLayer first = network.Layers[0];
        _inputs = first.Inputs;
        FirstStride = MlpShape.RoundUp(first.Outputs);
        FirstOutputs = first.Outputs;
        Outputs = network.Outputs;
        _first = new NativeBuffer<float>(((_inputs + 1L) * FirstStride) + PackedLayers.StepFloats(first));
        ReadOnlySpan<float> weight = first.Weight.Span;
        for (int output = 0; output < first.Outputs; output++)
        {
            float* to = Weight1 + output;
            foreach (float value in weight.Slice(output * _inputs, _inputs))
            {
                *to = value;
                to += FirstStride;
            }
        }

        first.Bias.Span.CopyTo(new Span<float>(Bias1, first.Outputs));
        FirstSteps = PackedLayers.PackSteps(first, Bias1 + FirstStride);
        _inner = new PackedLayers(network, 1);
    }

    /// <inheritdoc/>
    public override float* Weight1 => _first.Pointer;

    /// <inheritdoc/>
    public override float* Bias1 => _first.Pointer + ((long)_inputs * FirstStride);

    /// <inheritdoc/>
    public override int FirstStride { get; }

    /// <inheritdoc/>
    public override int Outputs { get; }

    /// <summary>Fan-out of the first layer.</summary>
    public int FirstOutputs { get; }

    /// <summary>What happens to the first layer's sums.</summary>
    public PackedStep[] FirstSteps { get; }

    /// <summary>All layers but the first.</summary>
    public PackedLayers Inner => _inner;

    /// <inheritdoc/>
    public override void Dispose()
    {
        _first.Dispose();
        _inner.Dispose();
    }
}
