using HipiFast.Storage;

namespace HipiFast.Data;

/// <summary>Safetensors files, the project's own: a tensor for each column.</summary>
internal sealed class SafetensorsFormat : DataFormat
{
    private static readonly (string Name, ElementType Type)[] s_types =
    [
        ("F16", ElementType.Float16), ("BF16", ElementType.BFloat16), ("F32", ElementType.Float32),
        ("F64", ElementType.Float64), ("I8", ElementType.Int8), ("I16", ElementType.Int16), ("I32", ElementType.Int32),
        ("I64", ElementType.Int64), ("U8", ElementType.UInt8), ("U16", ElementType.UInt16),
        ("U32", ElementType.UInt32), ("U64", ElementType.UInt64), ("BOOL", ElementType.Bool),
    ];

    /// <inheritdoc/>
    public override string Name => "safetensors";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Extensions { get; } = [".safetensors"];

    /// <inheritdoc/>
    public override string ColumnNoun => "Tensor";

    /// <inheritdoc/>
    public override bool Matches(ReadOnlySpan<byte> first) => FileSignature.Describe(first) == FileSignature.Safetensors;

    /// <inheritdoc/>
    public override DataFile Open(string path)
    {
        SafetensorsFile file = SafetensorsFile.Open(path);
        try
        {
            List<DataColumn> columns = [];
            Dictionary<string, string> unread = [];
            foreach (TensorInfo tensor in file.Tensors.Values)
            {
                (string name, ElementType type) = Array.Find(s_types, entry => entry.Name == tensor.TypeName);
                if (name is null)
                {
                    unread.Add(tensor.Name, $"its type is {FileMessages.Cut(tensor.TypeName)}");
                }
                else if (!DataColumn.IsPossible([.. tensor.Shape], type)
                    || tensor.ElementCount * ElementTypes.Bytes(type) != tensor.ByteLength)
                {
                    throw new InvalidDataException(
                        $"{FileMessages.Tensor(tensor.Name, path)} has {tensor.ByteLength} bytes; its shape "
                        + $"{TensorInfo.Describe([.. tensor.Shape])} of {name} takes another number.");
                }
                else
                {
                    columns.Add(new DataColumn(tensor.Name, type, tensor.Shape));
                }
            }

            return new Reader(path, this, columns, unread, file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override void Write(string path, DataTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        SafetensorsWriter writer = new();
        foreach ((string name, string text) in table.Metadata)
        {
            writer.Metadata[name] = text;
        }

        foreach (DataSource source in table.Columns.Concat(table.Extras))
        {
            DataColumn column = source.Column;
            writer.AddStream(
                column.Name, Array.Find(s_types, entry => entry.Type == column.Type).Name,
                ElementTypes.Bytes(column.Type), [.. column.Shape], source.CopyTo);
        }

        writer.Save(path);
    }

    private sealed class Reader : DataFile
    {
        private readonly SafetensorsFile _file;

        public Reader(
            string path, DataFormat format, List<DataColumn> columns, Dictionary<string, string> unread,
            SafetensorsFile file)
            : base(path, format, columns)
        {
            _file = file;
            Unread = unread;
            Metadata = file.Metadata;
        }

        protected override void ReadCore(DataColumn column, long firstRow, Span<byte> destination) =>
            _file.ReadBytes(_file.Tensors[column.Name], firstRow * column.RowBytes, destination);

        protected override void Close() => _file.Dispose();
    }
}
