using HipiFast.Kernels.Networks;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace HipiFast.TorchPeers;

/// <summary>A network of two hidden ReLU layers as torch has it: weights <c>[out, in]</c>, one tensor each.</summary>
internal sealed class TorchNetwork : IDisposable
{
    private readonly Tensor[] _weights = new Tensor[3], _biases = new Tensor[3];

    /// <summary>Copies a network.</summary>
    /// <param name="network">The network.</param>
    /// <param name="type">What it is computed in.</param>
    public TorchNetwork(MlpParameters network, ScalarType type)
    {
        for (int layer = 0; layer < 3; layer++)
        {
            int inputs = network.LayerInputs(layer), outputs = network.LayerOutputs(layer);
            float[] weight = new float[inputs * outputs];
            network.ExportWeight(layer, weight);
            _weights[layer] = Make(weight, type, outputs, inputs);
            _biases[layer] = Make(network.Bias(layer).ToArray(), type, outputs);
        }
    }

    /// <summary>H.</summary>
    public long Hidden => _weights[0].shape[0];

    /// <summary>The outputs.</summary>
    /// <param name="input"><c>[rows, inputs]</c>.</param>
    /// <returns><c>[rows, outputs]</c>.</returns>
    public Tensor Forward(Tensor input) => AfterFirst(F.linear(input, _weights[0], _biases[0]));

    /// <summary>Some columns' part of the first layer, before its ReLU.</summary>
    /// <param name="input"><c>[rows, columns]</c>.</param>
    /// <param name="firstColumn">The first of the network's inputs that they are.</param>
    /// <param name="withBias">Whether the bias is added.</param>
    /// <returns><c>[rows, H]</c>.</returns>
    public Tensor FirstLayer(Tensor input, long firstColumn, bool withBias) =>
        F.linear(input, _weights[0].narrow(1, firstColumn, input.shape[1]), withBias ? _biases[0] : null);

    /// <summary>What follows the first layer's products.</summary>
    /// <param name="sums">Its sums <c>[rows, H]</c>, which are overwritten.</param>
    /// <returns><c>[rows, outputs]</c>.</returns>
    public Tensor AfterFirst(Tensor sums) =>
        F.linear(F.linear(sums.relu_(), _weights[1], _biases[1]).relu_(), _weights[2], _biases[2]);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor tensor in _weights.Concat(_biases))
        {
            tensor.Dispose();
        }
    }

    /// <summary>A tensor of its own memory.</summary>
    /// <param name="values">Entries, row-major.</param>
    /// <param name="type">Their type.</param>
    /// <param name="shape">Rows and columns.</param>
    /// <returns>The tensor, of no dispose scope.</returns>
    public static Tensor Make(float[] values, ScalarType type, params long[] shape)
    {
        using Tensor made = tensor(values, shape);
        return made.to_type(type, copy: true).DetachFromDisposeScope();
    }
}
