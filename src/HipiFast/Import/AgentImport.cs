using HipiFast.Learning;
using HipiFast.Replay;
using HipiFast.Storage;

namespace HipiFast.Import;

/// <summary>
/// Reads agents that other libraries have trained, from the tensors of their state_dicts: critics and actors of any
/// number of layers, with ReLU, tanh, ELU, SiLU or GELU, layer normalisations and a task encoder.
/// </summary>
/// <remarks>
/// Names of Stable-Baselines3 and CleanRL are read as they are; others by a description (<see cref="AgentLayers"/>).
/// Nothing is passed over in silence: a tensor that is neither read nor known to be of no concern (target networks) is
/// refused by name.
/// </remarks>
public static class AgentImport
{
    /// <summary>
    /// Metadata key of a safetensors file that names the activation, where a description does not.
    /// </summary>
    public const string ActivationKey = "activation";

    /// <summary>Reads an agent from a safetensors file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="shape">Widths of the transitions that it is to judge.</param>
    /// <param name="format">Whose names the tensors have.</param>
    /// <param name="layers">What the file does not say; null for nothing.</param>
    /// <returns>The agent; dispose it.</returns>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">
    /// It is no safetensors file, a tensor is missing, of another shape or not understood, or a network does not fit
    /// the transitions; one sentence that names the tensor.
    /// </exception>
    public static ImportedAgent Load(
        string path, TransitionShape shape, AgentFormat format = AgentFormat.Auto, AgentLayers? layers = null) =>
        Load(path, shape, "the transitions have", format, layers);

    /// <summary>
    /// The same with what has the shape, as an error says it: <c>'x.safetensors' holds</c>. With tasks of 0 entries the
    /// agent says how many they have.
    /// </summary>
    internal static ImportedAgent Load(
        string path, TransitionShape shape, string holder, AgentFormat format, AgentLayers? layers)
    {
        (shape.TaskDimension == 0 ? shape with { TaskDimension = 1 } : shape).Validate();
        using SafetensorsFile file = SafetensorsFile.Open(path, Remedy(path));
        StateDict state = StateDict.Of(file);
        if (layers is null or { Critics.Count: 0 } && Resolve(state, format, layers) == AgentFormat.HipiFast)
        {
            return layers is null
                ? LoadOwn(file, shape, holder)
                : throw new InvalidDataException(
                    $"'{path}' has this library's own names, whose layers are known; expected no description of them.");
        }

        if (file.Metadata.ContainsKey(AgentFile.CriticLowKey) || file.Metadata.ContainsKey(AgentFile.CriticHighKey))
        {
            throw new InvalidDataException(
                $"Metadata '{AgentFile.CriticLowKey}' and '{AgentFile.CriticHighKey}' of '{path}' bound its critics, "
                + "which is understood with this library's own names alone.");
        }

        layers ??= new AgentLayers();
        string? activation = layers.Activation ?? file.Metadata.GetValueOrDefault(ActivationKey);
        return Read(state, shape, format, layers with { Activation = activation });
    }

    /// <summary>
    /// Reads an agent from tensors in memory. Bounds of a scaled-sigmoid critic stand in a file's metadata: such an
    /// agent is read from its file.
    /// </summary>
    /// <param name="tensors">The tensors by their names; their memory must stay as it is until this returns.</param>
    /// <param name="shape">Widths of the transitions that it is to judge.</param>
    /// <param name="format">Whose names the tensors have.</param>
    /// <param name="layers">What the tensors do not say; null for nothing.</param>
    /// <returns>The agent; dispose it.</returns>
    /// <exception cref="ArgumentException">A tensor has not as many elements as its shape says.</exception>
    /// <exception cref="InvalidDataException">As for a file.</exception>
    public static ImportedAgent Read(
        IReadOnlyDictionary<string, NamedTensor> tensors, TransitionShape shape, AgentFormat format = AgentFormat.Auto,
        AgentLayers? layers = null)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        shape.Validate();

        // Copies: networks outlive the caller's tensors.
        Dictionary<string, NamedTensor> own = new(tensors.Count, StringComparer.Ordinal);
        foreach ((string name, NamedTensor tensor) in tensors)
        {
            own.Add(name, tensor with { Values = tensor.Values.ToArray() });
        }

        return Read(StateDict.Of(own, "the state_dict"), shape, format, layers ?? new AgentLayers());
    }

    private static ImportedAgent Read(StateDict state, TransitionShape shape, AgentFormat format, AgentLayers layers)
    {
        if (layers.Critics.Count == 0)
        {
            List<string> notes = [];
            AgentFormat found = Resolve(state, format, layers);
            return AgentBuilder.Build(state, KnownNames.Describe(state, found, layers, notes), shape, found, notes);
        }

        if (layers.Inputs.Count == 0)
        {
            throw new InvalidDataException(
                "A description that lists the layers of critics says in 'inputs' what they read, too, such as "
                + "[\"observation\", \"task\", \"action\"].");
        }

        return AgentBuilder.Build(state, layers, shape, format, []);
    }

    private static AgentFormat Resolve(StateDict state, AgentFormat format, AgentLayers? layers) =>
        format == AgentFormat.Auto && (layers is null || layers.Critics.Count == 0) ? AgentFormats.Find(state) : format;

    private static ImportedAgent LoadOwn(SafetensorsFile file, TransitionShape shape, string holder)
    {
        // What the agent itself says of its widths is compared here, where the transitions' are known.
        bool saysWidths = file.Metadata.ContainsKey(AgentFile.ObservationDimensionKey)
            || file.Metadata.ContainsKey(AgentFile.TaskDimensionKey);
        AgentNetworks networks = saysWidths || shape.TaskDimension == 0
            ? AgentFile.Load(file.Path)
            : AgentFile.Load(file.Path, shape.ObservationDimension, shape.TaskDimension);
        shape = shape.TaskDimension == 0 ? shape with { TaskDimension = networks.Shape.TaskDimension } : shape;
        if (networks.Shape == shape)
        {
            return new ImportedAgent(networks);
        }

        string found = networks.Shape.ToString();
        networks.Dispose();
        throw new InvalidDataException($"'{file.Path}' is an agent for {found}, but {holder} {shape}.");
    }

    private static string Remedy(string path) =>
        $" (three lines of Python make one: import torch, safetensors.torch; state = torch.load('{path}', "
        + "map_location='cpu'); safetensors.torch.save_file({name: tensor.contiguous() for name, tensor in "
        + "state.items()}, 'agent.safetensors'))";
}
