using HipiFast.Import;
using HipiFast.Kernels.Tasks;
using HipiFast.Relabeling;
using HipiFast.Replay;

namespace HipiFast.Native;

/// <summary>An agent's networks.</summary>
/// <param name="agent">The networks; disposed of with this object.</param>
internal sealed unsafe class AgentHost(ImportedAgent agent) : IDisposable
{
    private const int MostTensors = 1 << 16;
    private const int MostExtents = 8;

    /// <summary>Reads a safetensors file.</summary>
    public static AgentHost Load(string path, TransitionShape shape, string? format, string? layers) =>
        new(AgentImport.Load(path, shape, Format(format), Layers(layers)));

    /// <summary>Reads tensors of the caller's, which are copied.</summary>
    public static AgentHost Read(
        TensorView* tensors, long count, TransitionShape shape, string? format, string? layers)
    {
        if (count is < 1 or > MostTensors)
        {
            throw new ArgumentException($"There are {count} tensors; expected 1 to {MostTensors}.");
        }

        Dictionary<string, NamedTensor> read = new(StringComparer.Ordinal);
        for (int i = 0; i < count; i++)
        {
            string name = Arguments.Text(tensors[i].Name, $"name of tensor {i}");
            if (!read.TryAdd(name, Copy(tensors[i])))
            {
                throw new ArgumentException($"There are two tensors '{name}'; expected one.");
            }
        }

        return new AgentHost(AgentImport.Read(read, shape, Format(format), Layers(layers)));
    }

    /// <summary>Makes a relabeler that asks the networks.</summary>
    public Relabeler CreateRelabeler(TaskFamily family, RelabelOptions options) =>
        agent.CreateRelabeler(family, options);

    /// <inheritdoc/>
    public void Dispose() => agent.Dispose();

    private static NamedTensor Copy(in TensorView tensor)
    {
        if (tensor.Rank is < 0 or > MostExtents)
        {
            throw new ArgumentException($"A tensor has {tensor.Rank} extents; expected 0 to {MostExtents}.");
        }

        if (tensor.Rank > 0)
        {
            Arguments.Require(tensor.Shape, "shape of a tensor");
        }

        long[] shape = new ReadOnlySpan<long>(tensor.Shape, (int)tensor.Rank).ToArray();
        long length = 1;
        foreach (long extent in shape)
        {
            length = Arguments.Entries(length, Arguments.Count(extent, "entries along a tensor's extent", least: 0), "tensor");
        }

        return new NamedTensor(Arguments.Matrix(tensor.Values, length, 1, "values of a tensor").ToArray(), shape);
    }

    private static AgentFormat Format(string? format) => format is null ? AgentFormat.Auto : AgentFormats.Parse(format);

    private static AgentLayers? Layers(string? layers) => layers is null ? null : AgentLayers.Read(layers);
}
