using HipiFast.Kernels.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace HipiFast.TorchSharp.Tests;

/// <summary>
/// A module of a user's own. With ReLU it computes what a standard network does, but is not recognised as one.
/// </summary>
internal sealed class WrappedMlp : nn.Module<Tensor, Tensor>
{
    private readonly global::TorchSharp.Modules.Linear _first;
    private readonly global::TorchSharp.Modules.Linear _second;
    private readonly global::TorchSharp.Modules.Linear _third;
    private readonly bool _smooth;

    public WrappedMlp(int inputs, int hidden, int outputs, bool smooth = false)
        : base(nameof(WrappedMlp))
    {
        _first = nn.Linear(inputs, hidden);
        _second = nn.Linear(hidden, hidden);
        _third = nn.Linear(hidden, outputs);
        _smooth = smooth;
        RegisterComponents();
    }

    /// <summary>Takes the parameters of a standard network.</summary>
    public WrappedMlp Fill(MlpParameters network)
    {
        using IDisposable noGradient = no_grad();
        Tensor[] tensors = [.. parameters()];
        for (int layer = 0; layer < 3; layer++)
        {
            float[] weight = new float[network.LayerInputs(layer) * network.LayerOutputs(layer)];
            network.ExportWeight(layer, weight);
            tensors[2 * layer].copy_(tensor(weight).view(network.LayerOutputs(layer), -1));
            tensors[(2 * layer) + 1].copy_(tensor(network.Bias(layer).ToArray()));
        }

        return this;
    }

    public override Tensor forward(Tensor input) => _third.call(Bend(_second.call(Bend(_first.call(input)))));

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _first.Dispose();
            _second.Dispose();
            _third.Dispose();
        }

        base.Dispose(disposing);
    }

    private Tensor Bend(Tensor x) => _smooth ? x.tanh() : x.relu();
}
