using HipiFast.Kernels.Networks;
using HipiFast.Learning;
using HipiFast.Replay;
using TorchSharp;
using static TorchSharp.torch;
using TensorModule = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace HipiFast.TorchSharp;

/// <summary>The modules of one agent.</summary>
/// <param name="Actor">pi.</param>
/// <param name="Critics">Q.</param>
/// <param name="Targets">Slow copies of Q.</param>
internal sealed record ModuleSet(TensorModule Actor, TensorModule[] Critics, TensorModule[] Targets)
{
    /// <summary>Makes them.</summary>
    public static ModuleSet Create(TorchModules modules)
    {
        int count = modules.Twin ? 2 : 1;
        return new ModuleSet(modules.Actor(), Make(), Make());

        TensorModule[] Make() => [.. Enumerable.Range(0, count).Select(_ => modules.Critic())];
    }

    /// <summary>
    /// The agent that these modules are, when they are standard networks: <c>Sequential</c> of Linear, ReLU, Linear,
    /// ReLU, Linear with biases and two hidden layers of one width, the same in actor and critics.
    /// </summary>
    /// <param name="shape">Widths.</param>
    /// <param name="range">Range of the critics.</param>
    /// <returns>The agent with the modules' weights; null when they are something else.</returns>
    public AgentNetworks? ToStandard(TransitionShape shape, Kernels.SoftQ.CriticRange range)
    {
        int hidden = Hidden(Actor, shape.ActorInputs, 2 * shape.ActionDimension);
        if (hidden == 0 || Critics.Concat(Targets).Any(critic => Hidden(critic, shape.CriticInputs, 1) != hidden))
        {
            return null;
        }

        AgentNetworks networks = new(shape, hidden, Critics.Length == 2) { CriticRange = range };
        Import(Actor, networks.Actor);
        Import(Critics[0], networks.Critic1);
        if (networks.Critic2 is not null)
        {
            Import(Critics[1], networks.Critic2);
        }

        networks.SynchronizeTargets();
        return networks;
    }

    // H, or 0 when the module is not a standard network of these widths.
    private static int Hidden(TensorModule module, int inputs, int outputs)
    {
        if (module is not global::TorchSharp.Modules.Sequential || module.GetType() != typeof(
            global::TorchSharp.Modules.Sequential))
        {
            return 0;
        }

        global::TorchSharp.torch.nn.Module[] layers = [.. module.children()];
        if (
            layers.Length != 5 || layers[1] is not global::TorchSharp.Modules.ReLU
                || layers[3] is not global::TorchSharp.Modules.ReLU)
        {
            return 0;
        }

        long hidden = layers[0] is global::TorchSharp.Modules.Linear first ? first.weight.shape[0] : 0;
        return IsLinear(layers[0], inputs, hidden) && IsLinear(
            layers[2], hidden, hidden) && IsLinear(layers[4], hidden, outputs) ? (int)hidden : 0;

        static bool IsLinear(global::TorchSharp.torch.nn.Module layer, long inputs, long outputs) =>
            layer is global::TorchSharp.Modules.Linear { bias: not null } linear
                && linear.weight.dtype == ScalarType.Float32
            && linear.weight.shape.AsSpan().SequenceEqual([outputs, inputs]);
    }

    private static void Import(TensorModule module, MlpParameters network)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGradient = no_grad();
        Tensor[] tensors = [.. module.parameters().Select(parameter => parameter.cpu().contiguous())];
        for (int layer = 0; layer < 3; layer++)
        {
            network.ImportWeight(layer, TorchMemory.Entries(tensors[2 * layer]));
            TorchMemory.Entries(tensors[(2 * layer) + 1]).CopyTo(network.Bias(layer));
        }

        network.MarkChanged();
    }
}
