using System.Globalization;
using HipiFast.Storage;
using TorchSharp;
using static TorchSharp.torch;
using TensorModule = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace HipiFast.TorchSharp;

/// <summary>
/// Modules of the user's, whose parameters are moved into one flat tensor; the modules go on working on it. All have
/// the same parameters, by name and shape.
/// </summary>
internal sealed class ModuleGroup : NetworkGroup
{
    private readonly TensorModule[] _modules;
    private readonly Part[] _parts;
    private readonly Tensor[][] _tensors;
    private readonly Tensor[] _leaves;
    private readonly Tensor[] _outputs;

    private ModuleGroup(TensorModule[] modules, Part[] parts, ParameterBlock parameters)
        : base(parameters)
    {
        _modules = modules;
        _parts = parts;
        _tensors = [.. modules.Select(
            module => module.named_parameters().Select(entry => (Tensor)entry.parameter).ToArray())];
        _leaves = [.. _tensors.SelectMany(tensors => tensors)];
        _outputs = new Tensor[modules.Length];
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGradient = no_grad();
        for (int network = 0; network < modules.Length; network++)
        {
            for (int i = 0; i < parts.Length; i++)
            {
                Tensor tensor = _tensors[network][i];
                Tensor view = View(Parameters.Values, ((long)network * Parameters.Length) + parts[i].Start, parts[i]);
                view.copy_(tensor);
                tensor.set_(view);
            }
        }
    }

    /// <summary>Takes modules over.</summary>
    /// <param name="what">What they are, for messages.</param>
    /// <param name="modules">The modules; stay the caller's to dispose, after the group.</param>
    /// <param name="trained">Whether they have gradients.</param>
    /// <param name="device">Where they compute.</param>
    /// <param name="shares">Whether in memory shared with the kernels.</param>
    /// <returns>The group.</returns>
    /// <exception cref="ArgumentException">
    /// They differ, have none or other than float32 parameters, or have buffers.
    /// </exception>
    public static ModuleGroup Create(string what, TensorModule[] modules, bool trained, Device device, bool shares)
    {
        Part[]? parts = null;
        foreach (TensorModule module in modules)
        {
            Part[] found = Describe(what, module);
            if (parts is not null && !parts.SequenceEqual(found, Part.Comparer))
            {
                throw new ArgumentException(
                    $"The {what} modules differ in their parameters; expected the same names and shapes in each.");
            }

            parts = found;
        }

        foreach (TensorModule module in modules)
        {
            module.to(device);
        }

        int length = checked((int)(parts![^1].Start + parts[^1].Floats));
        return new ModuleGroup(
            modules, parts, new ParameterBlock(modules.Length, length, trained, shares ? null : device));
    }

    /// <inheritdoc/>
    protected override Tensor[] Leaves => _leaves;

    /// <summary>Copies the parameters of modules of the same kind.</summary>
    public void CopyFrom(ModuleGroup source)
    {
        using IDisposable noGradient = no_grad();
        Parameters.Values.copy_(source.Parameters.Values);
    }

    /// <summary>Adds copies of parameters, and moments if wanted, to a file, network c under <c>names[c]</c>.</summary>
    public void AddTo(SafetensorsWriter writer, string prefix, string[] names, bool withMoments)
    {
        foreach ((int kind, string format) in Kinds(withMoments))
        {
            float[] floats = new float[Count * Parameters.Length];
            Parameters.Read(kind, floats);
            ForEachPart(format, prefix, names, (name, part, start) => writer.Add<float>(
                name, floats.AsSpan(start, (int)part.Floats), part.Shape));
        }
    }

    /// <summary>Reads what <see cref="AddTo"/> wrote, moments included.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing or of another shape; nothing was changed.</exception>
    public void Load(SafetensorsFile file, string prefix, string[] names)
    {
        foreach ((_, string format) in Kinds(withMoments: true))
        {
            ForEachPart(format, prefix, names, (name, part, _) => file.Require(name, TensorType.Float32, part.Shape));
        }

        foreach ((int kind, string format) in Kinds(withMoments: true))
        {
            float[] floats = new float[Count * Parameters.Length];
            ForEachPart(format, prefix, names, (name, part, start) => file.ReadFinite(
                name, floats.AsSpan(start, (int)part.Floats)));
            Parameters.Write(kind, floats);
        }
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor input, bool trains)
    {
        if (Count == 1)
        {
            return _modules[0].call(input);
        }

        for (int network = 0; network < Count; network++)
        {
            _outputs[network] = _modules[network].call(input);
        }

        return stack(_outputs);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        // The modules outlive the flat memory, so they get memory of their own back.
        using (DisposeScope scope = NewDisposeScope())
        using (no_grad())
        {
            foreach (Tensor tensor in _tensors.SelectMany(tensors => tensors))
            {
                tensor.set_(tensor.clone());
            }
        }

        base.Dispose();
    }

    /// <inheritdoc/>
    protected override unsafe void Store(int leaf, Tensor gradient)
    {
        int network = leaf / _parts.Length;
        Part part = _parts[leaf % _parts.Length];
        int floats = checked((int)part.Floats), start = (int)part.Start;
        if (!Parameters.IsShared)
        {
            Tensor place = Parameters.Gradient!.narrow(0, ((long)network * Parameters.Length) + start, floats);
            if (gradient.IsInvalid)
            {
                place.zero_();
            }
            else
            {
                place.view(part.Shape).copy_(gradient);
            }

            return;
        }

        Span<float> to = Parameters.State(network, 0).Slice(start, floats);
        if (gradient.IsInvalid)
        {
            to.Clear();
        }
        else
        {
            TorchMemory.Entries(gradient.contiguous()).CopyTo(to);
        }
    }

    // What a checkpoint holds of a group, and how it names it.
    private (int Kind, string Format)[] Kinds(bool withMoments) =>
        withMoments && Parameters.IsTrained
            ? [(0, "{0}{1}.{2}"), (1, "{0}optim.{1}.m.{2}"), (2, "{0}optim.{1}.v.{2}")]
            : [(0, "{0}{1}.{2}")];

    private void ForEachPart(string format, string prefix, string[] names, Action<string, Part, int> action)
    {
        for (int network = 0; network < Count; network++)
        {
            foreach (Part part in _parts)
            {
                action(
                    string.Format(CultureInfo.InvariantCulture, format, prefix, names[network], part.Name), part,
                    (network * Parameters.Length) + (int)part.Start);
            }
        }
    }

    private static Part[] Describe(string what, TensorModule module)
    {
        string? buffer = module.named_buffers().Select(entry => entry.name).FirstOrDefault();
        if (buffer is not null)
        {
            throw new ArgumentException(
                $"The {what} module has a buffer, '{buffer}', which target networks would not follow; expected none.");
        }

        List<Part> parts = [];
        long start = 0;
        foreach ((string name, global::TorchSharp.Modules.Parameter parameter) in module.named_parameters())
        {
            if (parameter.dtype != ScalarType.Float32)
            {
                throw new ArgumentException(
                    $"Parameter '{name}' of the {what} module is {parameter.dtype}; expected Float32.");
            }

            parts.Add(new Part(name, parameter.shape, start));
            start += parts[^1].Floats;
        }

        return parts.Count > 0 ? [.. parts] : throw new ArgumentException($"The {what} module has no parameters.");
    }

    private static Tensor View(Tensor flat, long start, in Part part) =>
        flat.narrow(0, start, part.Floats).view(part.Shape);

    /// <summary>One parameter of a network.</summary>
    /// <param name="Name">Its name in the module.</param>
    /// <param name="Shape">Its shape.</param>
    /// <param name="Start">Its first float within the network.</param>
    internal readonly record struct Part(string Name, long[] Shape, long Start)
    {
        /// <summary>Equality of names and shapes.</summary>
        public static IEqualityComparer<Part> Comparer { get; } = EqualityComparer<Part>.Create(
            (a, b) => a.Name == b.Name && a.Shape.AsSpan().SequenceEqual(b.Shape),
            part => part.Name.GetHashCode(StringComparison.Ordinal));

        /// <summary>Its floats.</summary>
        public long Floats
        {
            get
            {
                long floats = 1;
                foreach (long size in Shape)
                {
                    floats *= size;
                }

                return floats;
            }
        }
    }
}
