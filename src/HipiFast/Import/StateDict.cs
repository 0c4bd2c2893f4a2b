using System.Numerics.Tensors;
using HipiFast.Storage;

namespace HipiFast.Import;

/// <summary>
/// The tensors of somebody's agent, of which it is known who has been read: what is left over at the end was not
/// understood.
/// </summary>
internal sealed class StateDict
{
    // Left by torch.compile in every name.
    private const string Compiled = "_orig_mod.";

    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private readonly HashSet<string> _understood = new(StringComparer.Ordinal);
    private readonly Func<string, ReadOnlyMemory<float>> _read;

    private StateDict(string source, Func<string, ReadOnlyMemory<float>> read)
    {
        Source = source;
        _read = read;
    }

    /// <summary>Where they come from, for errors: a file in quotes, or words.</summary>
    public string Source { get; }

    /// <summary>All names, in their order.</summary>
    public IEnumerable<string> Names => _entries.Keys;

    /// <summary>The names of those that nobody has asked for.</summary>
    public IEnumerable<string> Left => _entries.Keys.Where(name => !_understood.Contains(name));

    /// <summary>Tensors in memory.</summary>
    /// <exception cref="ArgumentException">
    /// A tensor has not as many elements as its shape says; one sentence.
    /// </exception>
    public static StateDict Of(IReadOnlyDictionary<string, NamedTensor> tensors, string source)
    {
        StateDict state = new(source, name => tensors[name].Values);
        foreach ((string name, NamedTensor tensor) in tensors)
        {
            if (tensor.Shape is null || !TensorInfo.TryCountElements([.. tensor.Shape], out long count)
                || count != tensor.Values.Length)
            {
                throw new ArgumentException(
                    $"Tensor {DisplayText.Quote(name)} of {source} has {tensor.Values.Length} elements; expected "
                    + $"as many as its shape {TensorInfo.Describe([.. tensor.Shape ?? []])} has.",
                    nameof(tensors));
            }

            state.Add(name, tensor.Shape);
        }

        return state;
    }

    /// <summary>Tensors of an open file, read when they are asked for.</summary>
    public static StateDict Of(SafetensorsFile file)
    {
        StateDict state = new($"'{file.Path}'", name => Read(file, name));
        foreach (TensorInfo tensor in file.Tensors.Values)
        {
            state.Add(tensor.Name, tensor.Shape);
        }

        return state;
    }

    /// <summary>Whether there is such a tensor.</summary>
    public bool Has(string name) => _entries.ContainsKey(name);

    /// <summary>Whether there is any under a prefix.</summary>
    public bool HasUnder(string prefix) => Names.Any(name => name.StartsWith(prefix, StringComparison.Ordinal));

    /// <summary>Extents of a tensor that there is.</summary>
    public IReadOnlyList<long> ShapeOf(string name) => _entries[name].Shape;

    /// <summary>Number of extents of a module's weight; 0 where there is no such module.</summary>
    public int RankOf(string module) => Has(module + ".weight") ? ShapeOf(module + ".weight").Count : 0;

    /// <summary>Reads a tensor, which is understood thereby.</summary>
    /// <exception cref="InvalidDataException">It is no tensor of finite floats.</exception>
    public ReadOnlyMemory<float> Take(string name)
    {
        ReadOnlyMemory<float> values = _read(_entries[name].Stored);
        _understood.Add(name);
        if (!TensorPrimitives.IsFiniteAll(values.Span))
        {
            int index = 0;
            while (float.IsFinite(values.Span[index]))
            {
                index++;
            }

            throw new InvalidDataException(
                $"{Tensor(name)} holds {(float.IsNaN(values.Span[index]) ? "NaN" : "an infinity")} as its element "
                + $"{index}; expected finite numbers.");
        }

        return values;
    }

    /// <summary>Knows all tensors under a prefix, and leaves them out.</summary>
    /// <returns>Whether there were any.</returns>
    public bool LeaveOut(string prefix)
    {
        bool any = false;
        foreach (string name in Names.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)))
        {
            any |= _understood.Add(name);
        }

        return any;
    }

    /// <summary>How errors name a tensor.</summary>
    public string Tensor(string name) => $"Tensor {DisplayText.Quote(name)} of {Source}";

    /// <summary>The first few names, for errors.</summary>
    public string Describe()
    {
        const int Most = 6;
        return _entries.Count == 0
            ? "no tensors"
            : string.Join(", ", Names.Take(Most).Select(DisplayText.Quote))
                + (_entries.Count > Most ? ", ..." : string.Empty);
    }

    private void Add(string stored, IReadOnlyList<long> shape)
    {
        string name = stored.Replace(Compiled, string.Empty, StringComparison.Ordinal);
        if (!_entries.TryAdd(name, new Entry(stored, shape)))
        {
            throw new InvalidDataException($"{Tensor(name)} is there twice, with and without '{Compiled}'.");
        }
    }

    private static float[] Read(SafetensorsFile file, string name)
    {
        const long MostElements = 1 << 30;
        TensorInfo tensor = file.Tensors[name];
        if (tensor.ElementCount > MostElements)
        {
            throw new InvalidDataException(
                $"{FileMessages.Tensor(name, file.Path)} has {tensor.ElementCount} elements; expected {MostElements} "
                + "at most.");
        }

        float[] values = new float[tensor.ElementCount];
        if (tensor.Type == TensorType.Float64)
        {
            double[] wide = new double[values.Length];
            file.Read<double>(name, wide);
            TensorPrimitives.ConvertTruncating<double, float>(wide, values);
            return values;
        }

        file.Read<float>(name, values);
        return values;
    }

    private readonly record struct Entry(string Stored, IReadOnlyList<long> Shape);
}
