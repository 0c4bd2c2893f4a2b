using TorchSharp;
using static TorchSharp.torch;

namespace HipiFast.TorchSharp.Tests;

/// <summary>A module of a user's own. With ReLU it computes what a standard network does, but is not recognised as one.</summary>
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
