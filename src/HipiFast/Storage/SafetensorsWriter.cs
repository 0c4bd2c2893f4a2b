using HipiFast.Kernels.Memory;

namespace HipiFast.Storage;

/// <summary>Collects tensors and writes them as one safetensors file, atomically.</summary>
/// <remarks>
/// The bytes depend only on the tensors and metadata, not on the order in which they were added: tensors are laid out
/// by element size, largest first, then by name (ordinal), so that each is aligned to its element size without holes;
/// the header is padded with spaces to a multiple of eight bytes. A saved file carries its checksum in the metadata
/// (<c>checksum</c>), which is verified when it is opened. Not thread-safe. Files above 2 GB are fine.
/// </remarks>
public sealed class SafetensorsWriter
{
    private const int BytesPerWrite = 1 << 30;

    private readonly SortedDictionary<string, Source> _sources = new(StringComparer.Ordinal);

    /// <summary>Text written as the header's <c>__metadata__</c>.</summary>
    public IDictionary<string, string> Metadata { get; } = new Dictionary<string, string>();

    /// <summary>Adds a tensor with a copy of the values.</summary>
    /// <typeparam name="T">
    /// Element type: float, double, int, long, ulong, byte (<c>U8</c>) or bool (<c>BOOL</c>).
    /// </typeparam>
    /// <param name="name">Name, not added before.</param>
    /// <param name="values">Values in row-major order.</param>
    /// <param name="shape">Extents, outermost first; none for a scalar. Their product is the number of values.</param>
    /// <exception cref="ArgumentException">
    /// The name is taken or reserved, or the shape does not hold that many values.
    /// </exception>
    /// <exception cref="NotSupportedException"><typeparamref name="T"/> has no tensor type.</exception>
    public void Add<T>(string name, ReadOnlySpan<T> values, params ReadOnlySpan<long> shape)
        where T : unmanaged
    {
        TensorInfo tensor = Describe<T>(name, shape);
        if (tensor.ElementCount != values.Length)
        {
            throw new ArgumentException(
                $"Tensor {DisplayText.Quote(name)} of shape {TensorInfo.Describe(shape)} takes {tensor.ElementCount} "
                + $"values; found {values.Length}.",
                nameof(shape));
        }

        _sources.Add(name, new CopySource<T>(tensor, values.ToArray()));
    }

    /// <summary>
    /// Adds a tensor whose values are read when <see cref="Save"/> runs: they must stay valid and unchanged until then.
    /// </summary>
    /// <typeparam name="T">Element type, as for <see cref="Add"/>.</typeparam>
    /// <param name="name">Name, not added before.</param>
    /// <param name="values">First value, row-major; may be null when the shape holds no elements.</param>
    /// <param name="shape">Extents, outermost first; none for a scalar.</param>
    /// <exception cref="ArgumentException">
    /// The name is taken or reserved, or the shape is negative or too large.
    /// </exception>
    /// <exception cref="NotSupportedException"><typeparamref name="T"/> has no tensor type.</exception>
    public unsafe void AddReference<T>(string name, T* values, params ReadOnlySpan<long> shape)
        where T : unmanaged
    {
        TensorInfo tensor = Describe<T>(name, shape);
        if (values is null && tensor.ByteLength > 0)
        {
            throw new ArgumentNullException(
                nameof(values),
                $"Tensor {DisplayText.Quote(name)} of shape {TensorInfo.Describe(shape)} needs values.");
        }

        _sources.Add(name, new PointerSource(tensor, (nint)values));
    }

    /// <summary>
    /// <see cref="AddReference"/> for a tensor whose type is known only at run time and whose rows may lie apart.
    /// </summary>
    /// <param name="name">Name, not added before.</param>
    /// <param name="type">Element type.</param>
    /// <param name="values">First value of the first row; may be null when the shape holds no elements.</param>
    /// <param name="stride">Bytes from row to row.</param>
    /// <param name="memory">
    /// What the rows lie in: kept alive until the file is saved, which then refuses memory that has been disposed of.
    /// Null for memory of the caller's.
    /// </param>
    /// <param name="shape">Extents, the number of rows first.</param>
    /// <exception cref="ArgumentException">
    /// The name is taken or reserved, or the shape is negative or too large.
    /// </exception>
    internal unsafe void AddRows(
        string name, TensorType type, void* values, nint stride, NativeBuffer<byte>? memory,
        params ReadOnlySpan<long> shape) =>
        _sources.Add(name, new RowSource(Describe(name, type, shape), (nint)values, stride, memory));

    /// <summary>Adds a tensor of any type whose values somebody writes when <see cref="Save"/> runs, twice.</summary>
    /// <param name="name">Name, not added before.</param>
    /// <param name="typeName">The type's name in the format, such as <c>BF16</c>.</param>
    /// <param name="elementBytes">Bytes of an element.</param>
    /// <param name="shape">Extents, outermost first; none for a scalar.</param>
    /// <param name="writeTo">Writes all values, row-major and little-endian.</param>
    /// <exception cref="ArgumentException">
    /// The name is taken or reserved, or the shape is negative or too large.
    /// </exception>
    internal void AddStream(
        string name, string typeName, int elementBytes, ReadOnlySpan<long> shape, Action<Stream> writeTo)
    {
        // Checks name and shape as for any other tensor, of the widest type.
        TensorInfo checkedTensor = Describe(name, TensorType.Int64, shape);
        _sources.Add(name, new StreamSource(
            checkedTensor with
            {
                Type = TensorType.Other, TypeName = typeName,
                ByteLength = checkedTensor.ElementCount * elementBytes,
            },
            elementBytes, writeTo));
    }

    /// <summary>Writes the file. On failure <paramref name="path"/> is left as it was.</summary>
    /// <param name="path">File to make or replace.</param>
    /// <exception cref="ArgumentException">
    /// Metadata is not valid Unicode, or names and metadata exceed the format's limit of 100 MB.
    /// </exception>
    /// <exception cref="IOException">The path cannot be written; one sentence with the path and the reason.</exception>
    /// <exception cref="ObjectDisposedException">
    /// A replay buffer or batch that added its rows has been disposed of meanwhile.
    /// </exception>
    public void Save(string path) => AtomicFile.Write(path, stream => Write(stream, withChecksum: true));

    /// <summary>Writes the bytes of the file.</summary>
    /// <param name="stream">Receives them, from first to last.</param>
    /// <param name="withChecksum">
    /// Whether the metadata hold the file's checksum; the values are then gone through twice.
    /// </param>
    internal void Write(Stream stream, bool withChecksum = false)
    {
        TensorTypes.RequireLittleEndian();

        // OrderBy is stable, so tensors of one element size keep the dictionary's order, which is by name.
        Source[] sources = [.. _sources.Values.OrderByDescending(
            static source => source.ElementBytes)];
        Dictionary<string, string> entries = new(Metadata);
        if (withChecksum)
        {
            entries[SafetensorsChecksum.Key] = SafetensorsChecksum.Blank;
        }

        KeyValuePair<string, string>[] metadata = [.. entries.OrderBy(
            static entry => entry.Key, StringComparer.Ordinal)];
        foreach ((string key, string value) in metadata)
        {
            RequireUnicode(key, "metadata key");
            RequireUnicode(value, "metadata value");
        }

        if (metadata.Length > SafetensorsHeader.MaxMetadataEntries)
        {
            throw new ArgumentException(
                $"There are {metadata.Length} metadata entries; at most {SafetensorsHeader.MaxMetadataEntries} are "
                + "allowed.");
        }

        byte[] header = SafetensorsHeader.Format(sources.Select(static source => source.Tensor), metadata);
        if (withChecksum)
        {
            // The values are in memory: going through them before writing keeps the output a plain stream, which may be
            // a pipe.
            using ChecksumStream sum = new();
            sum.Write(header);
            foreach (Source source in sources)
            {
                source.WriteTo(sum);
            }

            SafetensorsChecksum.Write(header, sum.Checksum);
        }

        stream.Write(header);
        foreach (Source source in sources)
        {
            source.WriteTo(stream);
        }
    }

    private TensorInfo Describe<T>(string name, ReadOnlySpan<long> shape)
        where T : unmanaged => Describe(name, TensorTypes.Of<T>(), shape);

    private TensorInfo Describe(string name, TensorType type, ReadOnlySpan<long> shape)
    {
        ArgumentNullException.ThrowIfNull(name);
        RequireUnicode(name, "tensor name");
        if (SafetensorsHeader.IsReserved(name))
        {
            throw new ArgumentException($"The name '{name}' is reserved by the safetensors format.", nameof(name));
        }

        if (_sources.ContainsKey(name))
        {
            throw new ArgumentException($"Tensor {DisplayText.Quote(name)} has been added already.", nameof(name));
        }

        int size = TensorTypes.Size(type);
        if (
            shape.Length > SafetensorsHeader.MaxRank || !TensorInfo.TryCountElements(shape, out long count)
                || count > long.MaxValue / size)
        {
            throw new ArgumentException(
                $"Tensor {DisplayText.Quote(name)} has shape {TensorInfo.Describe(shape)}; expected up to "
                + $"{SafetensorsHeader.MaxRank} extents, "
                + "0 or more, and less than 2^63 bytes in all.",
                nameof(shape));
        }

        return new TensorInfo(name, type, shape.ToArray(), 0, count * size);
    }

    private static void RequireUnicode(string text, string what)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (char.IsSurrogatePair(text, i))
            {
                i++;
            }
            else if (char.IsSurrogate(text[i]))
            {
                throw new ArgumentException(
                    $"The {what} {DisplayText.Quote(text)} is not valid Unicode: it has half a surrogate pair.");
            }
        }
    }

    private abstract class Source(TensorInfo tensor)
    {
        public TensorInfo Tensor => tensor;

        public virtual int ElementBytes => TensorTypes.Size(tensor.Type);

        public abstract void WriteTo(Stream stream);

        protected unsafe void Write(Stream stream, byte* values)
        {
            for (long first = 0; first < Tensor.ByteLength; first += BytesPerWrite)
            {
                stream.Write(
                    new ReadOnlySpan<byte>(values + first, (int)Math.Min(BytesPerWrite, Tensor.ByteLength - first)));
            }
        }
    }

    private sealed class CopySource<T>(TensorInfo tensor, T[] values) : Source(tensor)
        where T : unmanaged
    {
        public override unsafe void WriteTo(Stream stream)
        {
            fixed (T* first = values)
            {
                Write(stream, (byte*)first);
            }
        }
    }

    private sealed class PointerSource(TensorInfo tensor, nint values) : Source(tensor)
    {
        public override unsafe void WriteTo(Stream stream) => Write(stream, (byte*)values);
    }

    private sealed class StreamSource(TensorInfo tensor, int elementBytes, Action<Stream> writeTo) : Source(tensor)
    {
        public override int ElementBytes => elementBytes;

        public override void WriteTo(Stream stream) => writeTo(stream);
    }

    private sealed class RowSource(TensorInfo tensor, nint values, nint stride, NativeBuffer<byte>? memory)
        : Source(tensor)
    {
        private const int BytesPerBlock = 1 << 16;

        public override unsafe void WriteTo(Stream stream)
        {
            if (memory is { IsDisposed: true })
            {
                throw new ObjectDisposedException(
                    null, $"The values of tensor {DisplayText.Quote(Tensor.Name)} were disposed of before they were "
                    + "saved.");
            }

            if (Tensor.ByteLength == 0)
            {
                return;
            }

            long rows = Tensor.Shape[0];
            int rowBytes = checked((int)(Tensor.ByteLength / rows));
            if (stride == rowBytes)
            {
                Write(stream, (byte*)values);
                return;
            }

            int blockRows = Math.Max(1, BytesPerBlock / rowBytes);
            byte[] block = new byte[blockRows * rowBytes];
            for (long first = 0; first < rows; first += blockRows)
            {
                int count = (int)Math.Min(blockRows, rows - first);
                for (int row = 0; row < count; row++)
                {
                    new ReadOnlySpan<byte>(
                        (byte*)values + ((first + row) * stride), rowBytes).CopyTo(block.AsSpan(row * rowBytes));
                }

                stream.Write(block, 0, count * rowBytes);
            }
        }
    }
}
