using HipiFast.Kernels.Networks;
using HipiFast.Options;
using HipiFast.Storage;

namespace HipiFast.Import;

/// <summary>A network from the names of its modules and activations, in the order in which they are computed.</summary>
internal static class LayerSequence
{
    private const string PlainNorm = "layer_norm";

    private static readonly (string Name, Activation Activation)[] s_activations =
    [
        ("relu", Activation.Relu), ("tanh", Activation.Tanh), ("elu", Activation.Elu), ("silu", Activation.Silu),
        ("swish", Activation.Silu), ("gelu", Activation.Gelu), ("gelu_tanh", Activation.GeluTanh),
        ("identity", Activation.Identity),
    ];

    /// <summary>Names of activations, and of the normalisation without parameters.</summary>
    private static IEnumerable<string> StepNames => s_activations.Select(entry => entry.Name).Append(PlainNorm);

    /// <summary>Throws unless there is such an activation.</summary>
    /// <exception cref="InvalidDataException">There is none.</exception>
    public static void RequireActivation(string name)
    {
        if (!s_activations.Any(entry => entry.Name == name))
        {
            throw new InvalidDataException(
                $"There is no activation {DisplayText.Quote(name)}"
                + $"{NearestName.Suggestion(FileMessages.Cut(name), s_activations.Select(entry => entry.Name))}.");
        }
    }

    /// <summary>Reads a network.</summary>
    /// <param name="state">Its tensors.</param>
    /// <param name="what">What it is, for errors: <c>critic 0</c>.</param>
    /// <param name="items">The names.</param>
    /// <param name="epsilon">What normalisations add to the variance.</param>
    /// <exception cref="InvalidDataException">A name is unknown, or layers do not fit; one sentence.</exception>
    public static LayeredNetwork Read(StateDict state, string what, IReadOnlyList<string> items, float epsilon)
    {
        List<DenseLayer> layers = [];
        Linear? linear = null;
        List<LayerStep> steps = [];
        foreach (string item in items)
        {
            string[] modules = item.Split('+', StringSplitOptions.TrimEntries);
            if (modules.Length > 1 || state.RankOf(modules[0]) > 1)
            {
                Finish();
                linear = Join(what, [.. modules.Select(module => ReadLinear(state, what, module))]);
                Require(
                    layers.Count == 0 || layers[^1].Outputs == linear.Inputs,
                    $"{state.Tensor(modules[0] + ".weight")} has {linear.Inputs} inputs; the layer of the {what} "
                    + $"before it has {(layers.Count == 0 ? 0 : layers[^1].Outputs)} outputs.");
                continue;
            }

            Require(
                linear is not null,
                $"The {what} begins with {DisplayText.Quote(item)}; expected a linear layer first, in which "
                + "transitions and tasks have a share each.");
            steps.Add(ReadStep(state, what, modules[0], linear!.Outputs, epsilon));
        }

        Require(linear is not null, $"The {what} has no layers.");
        Finish();
        return new LayeredNetwork([.. layers]);

        void Finish()
        {
            if (linear is not null)
            {
                layers.Add(new DenseLayer(linear.Inputs, linear.Outputs, linear.Weight, linear.Bias, [.. steps]));
                steps.Clear();
            }
        }
    }

    private static Linear ReadLinear(StateDict state, string what, string module)
    {
        string weightName = module + ".weight", biasName = module + ".bias";
        Require(
            state.Has(weightName),
            $"The {what} names {DisplayText.Quote(module)}, and {state.Source} has no tensor "
            + $"{DisplayText.Quote(weightName)}; it has {state.Describe()}.");
        IReadOnlyList<long> shape = state.ShapeOf(weightName);
        Require(
            shape.Count == 2 && shape[0] is > 0 and < int.MaxValue / 4 && shape[1] is > 0 and < int.MaxValue / 4,
            $"{state.Tensor(weightName)} has shape {TensorInfo.Describe([.. shape])}"
            + $"{(shape.Count > 3 ? ", a convolution" : string.Empty)}; expected a linear layer, [out, in].");
        int outputs = (int)shape[0];
        ReadOnlyMemory<float> bias = default;
        if (state.Has(biasName))
        {
            RequireLength(state, biasName, outputs, $"one for each output of '{module}'");
            bias = state.Take(biasName);
        }

        return new Linear((int)shape[1], outputs, state.Take(weightName), bias);
    }

    private static Linear Join(string what, Linear[] parts)
    {
        if (parts.Length == 1)
        {
            return parts[0];
        }

        Require(
            parts.All(part => part.Inputs == parts[0].Inputs),
            $"Layers of the {what} that stand side by side have "
            + $"{string.Join(" and ", parts.Select(part => part.Inputs))} inputs; expected the same.");
        bool hasBias = parts.Any(part => !part.Bias.IsEmpty);
        return new Linear(
            parts[0].Inputs, parts.Sum(part => part.Outputs),
            parts.SelectMany(part => part.Weight.ToArray()).ToArray(),
            hasBias
                ? parts.SelectMany(part => part.Bias.IsEmpty ? new float[part.Outputs] : part.Bias.ToArray()).ToArray()
                : default);
    }

    private static LayerStep ReadStep(StateDict state, string what, string name, int units, float epsilon)
    {
        if (!state.Has(name + ".weight"))
        {
            foreach ((string known, Activation activation) in s_activations)
            {
                if (known == name)
                {
                    return new LayerStep(activation);
                }
            }

            return name == PlainNorm
                ? new LayerStep(new LayerNorm(default, default, epsilon))
                : throw new InvalidDataException(
                    $"The {what} names {DisplayText.Quote(name)}, which is neither a module of {state.Source} (it has "
                    + $"{state.Describe()}) nor an activation"
                    + $"{NearestName.Suggestion(FileMessages.Cut(name), StepNames)}.");
        }

        Require(
            !state.Has(name + ".running_mean"),
            $"{state.Tensor(name + ".running_mean")} is of a batch normalisation, which is not understood; expected "
            + "linear layers, layer normalisations and activations.");
        Require(
            state.Has(name + ".bias"),
            $"{state.Tensor(name + ".weight")} is alone; a layer normalisation has a bias beside it (without one it "
            + "might as well be a root-mean-square normalisation, which is not understood).");
        string reason = $"one for each unit of the layer before in the {what}";
        RequireLength(state, name + ".weight", units, reason);
        RequireLength(state, name + ".bias", units, reason);
        return new LayerStep(new LayerNorm(state.Take(name + ".weight"), state.Take(name + ".bias"), epsilon));
    }

    private static void RequireLength(StateDict state, string name, int length, string reason)
    {
        IReadOnlyList<long> shape = state.ShapeOf(name);
        Require(
            shape.Count == 1 && shape[0] == length,
            $"{state.Tensor(name)} has shape {TensorInfo.Describe([.. shape])}; expected [{length}], {reason}.");
    }

    private static void Require(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new InvalidDataException(otherwise);
        }
    }

    private sealed record Linear(int Inputs, int Outputs, ReadOnlyMemory<float> Weight, ReadOnlyMemory<float> Bias);
}
