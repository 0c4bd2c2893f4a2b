using System.Globalization;
using HipiFast.Kernels.Networks;
using HipiFast.Kernels.SoftQ;
using HipiFast.Replay;
using HipiFast.Storage;

namespace HipiFast.Learning;

/// <summary>
/// Agents as safetensors files with PyTorch's names and layout: <c>actor.0.weight [H, in]</c>, <c>actor.0.bias [H]</c>,
/// <c>actor.1.*</c>, <c>actor.2.*</c> (rows: means, then log standard deviations), <c>critic1.*</c>, <c>critic2.*</c>,
/// <c>target1.*</c>, <c>target2.*</c>, <c>log_alpha [1]</c>, all float32.
/// </summary>
/// <remarks>
/// Network inputs are ordered state, action, task (critic) and state, task (actor). How many of the actor's inputs are
/// state and how many task stands in the metadata <c>observation_dimension</c> and <c>task_dimension</c>; a
/// scaled-sigmoid critic's range in <c>critic_low</c> and <c>critic_high</c>. Networks have two hidden ReLU layers of
/// one width. Tensors under a network's name that such a network does not have, and metadata that name another
/// activation (keys that end with <c>activation</c>), are refused; the activation itself shows in no tensor.
/// </remarks>
public static class AgentFile
{
    /// <summary>Metadata key of S, the entries of a state.</summary>
    public const string ObservationDimensionKey = "observation_dimension";

    /// <summary>Metadata key of P, the entries of a task.</summary>
    public const string TaskDimensionKey = "task_dimension";

    /// <summary>Metadata key of the lower bound of a scaled-sigmoid critic.</summary>
    public const string CriticLowKey = "critic_low";

    /// <summary>Metadata key of the upper bound of a scaled-sigmoid critic.</summary>
    public const string CriticHighKey = "critic_high";

    internal const string LogAlphaName = "log_alpha";

    private const string Layers = "two hidden ReLU layers of one width";
    private const string OneWidth = $" (networks have {Layers})";

    private static readonly string[] s_names = ["actor", "critic1", "critic2", "target1", "target2"];
    private static readonly string[] s_parts = ["0.weight", "0.bias", "1.weight", "1.bias", "2.weight", "2.bias"];

    /// <summary>Writes an agent, atomically.</summary>
    /// <param name="networks">The agent.</param>
    /// <param name="path">File to make or replace.</param>
    /// <exception cref="IOException">The path cannot be written.</exception>
    public static void Save(AgentNetworks networks, string path)
    {
        SafetensorsWriter writer = new();
        AddTo(writer, networks);
        writer.Save(path);
    }

    /// <summary>Adds copies of an agent's networks and its metadata to a file that is being collected.</summary>
    /// <param name="writer">The file.</param>
    /// <param name="networks">The agent.</param>
    /// <param name="prefix">Put before every tensor's name.</param>
    public static void AddTo(SafetensorsWriter writer, AgentNetworks networks, string prefix = "")
    {
        ArgumentNullException.ThrowIfNull(writer);
        ArgumentNullException.ThrowIfNull(networks);
        foreach ((string name, MlpParameters network) in Parts(networks))
        {
            AddNetwork(writer, prefix + name, network);
        }

        writer.Add<float>(prefix + LogAlphaName, [networks.LogAlpha], 1);
        writer.Metadata[ObservationDimensionKey] = networks.Shape.ObservationDimension.ToString(
            CultureInfo.InvariantCulture);
        writer.Metadata[TaskDimensionKey] = networks.Shape.TaskDimension.ToString(CultureInfo.InvariantCulture);
        if (networks.CriticRange.IsBounded)
        {
            writer.Metadata[CriticLowKey] = networks.CriticRange.Low.ToString("R", CultureInfo.InvariantCulture);
            writer.Metadata[CriticHighKey] = networks.CriticRange.High.ToString("R", CultureInfo.InvariantCulture);
        }
    }

    /// <summary>Reads an agent; every width is taken from the tensors' shapes and every shape is checked.</summary>
    /// <param name="path">File.</param>
    /// <param name="observationDimension">
    /// S, when the file does not say it; null to take it from the metadata or from P.
    /// </param>
    /// <param name="taskDimension">P, likewise.</param>
    /// <returns>
    /// The agent: two critics when the file has <c>critic2</c>; targets that are not in the file are copies of the
    /// critics.
    /// </returns>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">
    /// The file breaks the format, a tensor is missing or of another shape, or S and P are unknown or contradict the
    /// tensors; one sentence.
    /// </exception>
    public static AgentNetworks Load(string path, int? observationDimension = null, int? taskDimension = null)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        RefuseOtherNetworks(file, string.Empty);
        TensorInfo actorFirst = file.Require("actor.0.weight", TensorType.Float32, -1, -1);
        TensorInfo actorLast = file.Require("actor.2.weight", TensorType.Float32, [-1, actorFirst.Shape[0]], OneWidth);
        (long hidden, long actorInputs, long outputs) = (actorFirst.Shape[0], actorFirst.Shape[1], actorLast.Shape[0]);
        if (hidden < 1 || actorInputs < 2 || outputs < 2 || outputs % 2 != 0 || Math.Max(
            Math.Max(hidden, actorInputs), outputs) > int.MaxValue / 4)
        {
            throw new InvalidDataException(
                $"The actor of '{path}' has {actorInputs} inputs, {hidden} hidden units and {outputs} outputs; "
                + "expected 2 or more inputs (state and task), 1 or more hidden units and 2 outputs per action entry.");
        }

        TransitionShape shape = Split(file, (int)actorInputs, (int)outputs / 2, observationDimension, taskDimension);
        bool twin = file.Tensors.ContainsKey("critic2.0.weight");
        CheckShapes(file, "actor", new MlpShape(shape.ActorInputs, (int)hidden, 2 * shape.ActionDimension));
        foreach (string name in s_names[1..])
        {
            if (name == "critic1" || (twin && name == "critic2") || file.Tensors.ContainsKey(name + ".0.weight"))
            {
                CheckShapes(file, name, new MlpShape(shape.CriticInputs, (int)hidden, 1));
            }
        }

        AgentNetworks networks;
        try
        {
            networks = new AgentNetworks(shape, (int)hidden, twin);
        }
        catch (ArgumentException error)
        {
            throw new InvalidDataException($"The agent of '{path}' cannot be used: {error.Message}", error);
        }

        try
        {
            Load(file, networks, string.Empty);
            networks.CriticRange = ReadRange(file);
            return networks;
        }
        catch
        {
            networks.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Reads an agent of known shape from an open file; targets that are not in the file become copies of the critics.
    /// </summary>
    /// <param name="file">The file.</param>
    /// <param name="networks">Receives the values.</param>
    /// <param name="prefix">The prefix the agent was saved with.</param>
    /// <exception cref="InvalidDataException">
    /// A tensor is missing, of another shape, or of a network that is not understood, and nothing was changed; or a
    /// number is not finite.
    /// </exception>
    public static void Load(SafetensorsFile file, AgentNetworks networks, string prefix)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(networks);
        RefuseOtherNetworks(file, prefix);
        file.Require(prefix + LogAlphaName, TensorType.Float32, 1);
        foreach ((string name, MlpParameters network) in Parts(networks))
        {
            if (IsPresent(name))
            {
                CheckShapes(file, prefix + name, network.Shape);
            }
        }

        foreach ((string name, MlpParameters network) in Parts(networks))
        {
            if (IsPresent(name))
            {
                LoadNetwork(file, prefix + name, network);
            }
            else
            {
                network.CopyFrom(name == "target1" ? networks.Critic1 : networks.Critic2!);
            }
        }

        float logAlpha = 0;
        file.Read(prefix + LogAlphaName, new Span<float>(ref logAlpha));
        networks.LogAlpha = float.IsNaN(logAlpha) || float.IsPositiveInfinity(logAlpha)
            ? throw new InvalidDataException(
                $"{FileMessages.Tensor(prefix + LogAlphaName, file.Path)} is "
                + $"{logAlpha.ToString(CultureInfo.InvariantCulture)}; expected a number.")
            : logAlpha;

        bool IsPresent(string name) => !name.StartsWith(
            "target", StringComparison.Ordinal) || file.Tensors.ContainsKey(prefix + name + ".0.weight");
    }

    /// <summary>Adds copies of one network's tensors.</summary>
    internal static void AddNetwork(SafetensorsWriter writer, string name, MlpParameters network)
    {
        for (int layer = 0; layer < 3; layer++)
        {
            int inputs = network.LayerInputs(layer), outputs = network.LayerOutputs(layer);
            float[] weight = new float[inputs * outputs];
            network.ExportWeight(layer, weight);
            writer.Add<float>($"{name}.{layer}.weight", weight, outputs, inputs);
            writer.Add<float>($"{name}.{layer}.bias", network.Bias(layer), outputs);
        }
    }

    /// <summary>Reads one network's tensors, whose shapes are checked.</summary>
    internal static void LoadNetwork(SafetensorsFile file, string name, MlpParameters network)
    {
        CheckShapes(file, name, network.Shape);
        for (int layer = 0; layer < 3; layer++)
        {
            float[] weight = new float[network.LayerInputs(layer) * network.LayerOutputs(layer)];
            file.ReadFinite<float>($"{name}.{layer}.weight", weight);
            network.ImportWeight(layer, weight);
            file.ReadFinite($"{name}.{layer}.bias", network.Bias(layer));
        }

        network.MarkChanged();
    }

    private static void CheckShapes(SafetensorsFile file, string name, MlpShape shape)
    {
        int[] widths = [shape.Inputs, shape.Hidden, shape.Hidden, shape.Outputs];
        for (int layer = 0; layer < 3; layer++)
        {
            file.Require($"{name}.{layer}.weight", TensorType.Float32, [widths[layer + 1], widths[layer]], OneWidth);
            file.Require($"{name}.{layer}.bias", TensorType.Float32, [widths[layer + 1]], OneWidth);
        }
    }

    // A network with other layers between these, or another activation, would load and compute something else.
    private static void RefuseOtherNetworks(SafetensorsFile file, string prefix)
    {
        foreach (string tensor in file.Tensors.Keys.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)))
        {
            string[] parts = tensor[prefix.Length..].Split('.', 2);
            if (parts.Length < 2 || !IsNetwork(parts[0]))
            {
                continue;
            }

            if (!s_names.Contains(parts[0]))
            {
                throw new InvalidDataException(
                    $"{FileMessages.Tensor(tensor, file.Path)} is of a network that is not understood; expected "
                    + $"{string.Join(", ", s_names)}.");
            }

            if (!s_parts.Contains(parts[1]))
            {
                throw new InvalidDataException(
                    $"{FileMessages.Tensor(tensor, file.Path)} is no part of a network that is understood; expected "
                    + $"{s_parts[0]} to {s_parts[^1]} "
                    + $"under '{prefix}{parts[0]}', {Layers}.");
            }
        }

        foreach ((string key, string value) in file.Metadata)
        {
            if (key.EndsWith("activation", StringComparison.OrdinalIgnoreCase) && !value.Equals(
                "relu", StringComparison.OrdinalIgnoreCase))
            {
                throw new InvalidDataException(
                    $"Metadata {DisplayText.Quote(key)} of '{file.Path}' is {DisplayText.Quote(value)}; expected "
                    + $"relu: networks have {Layers}.");
            }
        }

        static bool IsNetwork(string name) => name.TrimEnd([.. "0123456789"]) is "actor" or "critic" or "target";
    }

    private static IEnumerable<(string Name, MlpParameters Network)> Parts(AgentNetworks networks)
    {
        // Critics before targets: a missing target is copied from its critic.
        yield return ("actor", networks.Actor);
        yield return ("critic1", networks.Critic1);
        if (networks.Critic2 is not null)
        {
            yield return ("critic2", networks.Critic2);
        }

        yield return ("target1", networks.Target1);
        if (networks.Target2 is not null)
        {
            yield return ("target2", networks.Target2);
        }
    }

    private static TransitionShape Split(
        SafetensorsFile file, int actorInputs, int actionDimension, int? observationDimension, int? taskDimension)
    {
        int? observation = Agree(
            ObservationDimensionKey, observationDimension), task = Agree(TaskDimensionKey, taskDimension);
        if (observation is null && task is null)
        {
            throw new InvalidDataException(
                $"'{file.Path}' does not say how its actor's {actorInputs} inputs divide into state and task; "
                + $"expected metadata '{ObservationDimensionKey}' or '{TaskDimensionKey}', or the caller to give one.");
        }

        int states = observation ?? (actorInputs - task!.Value), tasks = task ?? (actorInputs - states);
        if (states < 1 || tasks < 1 || (long)states + tasks != actorInputs)
        {
            throw new InvalidDataException(
                $"The actor of '{file.Path}' has {actorInputs} inputs, which is not a state of {states} and a task of "
                + $"{tasks} entries.");
        }

        return new TransitionShape(states, actionDimension, tasks);

        int? Agree(string key, int? given)
        {
            if (!file.Metadata.TryGetValue(key, out string? text))
            {
                return given;
            }

            if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value))
            {
                throw new InvalidDataException(
                    $"Metadata '{key}' of '{file.Path}' is {DisplayText.Quote(text)}; expected a whole number.");
            }

            return given is null || given == value
                ? value
                : throw new InvalidDataException($"Metadata '{key}' of '{file.Path}' is {value}; expected {given}.");
        }
    }

    private static CriticRange ReadRange(SafetensorsFile file)
    {
        if (!file.Metadata.ContainsKey(CriticLowKey) && !file.Metadata.ContainsKey(CriticHighKey))
        {
            return default;
        }

        float low = Read(CriticLowKey), high = Read(CriticHighKey);
        return high > low
            ? new CriticRange(low, high)
            : throw new InvalidDataException(
                $"The critic's range in '{file.Path}' is {low} to {high}; expected the first to be below the second.");

        float Read(string key)
        {
            file.Metadata.TryGetValue(key, out string? text);
            return float.TryParse(
                text, NumberStyles.Float, CultureInfo.InvariantCulture, out float value) && float.IsFinite(value)
                ? value
                : throw new InvalidDataException(
                    $"Metadata '{key}' of '{file.Path}' is {(text is null ? "missing" : DisplayText.Quote(text))}; "
                    + "expected a finite number.");
        }
    }
}
