using System.Runtime.InteropServices;
using HipiFast.Data;
using HipiFast.Storage;
using Parquet;
using Parquet.Schema;

namespace HipiFast.Formats;

/// <summary>Parquet (LeRobot): a row for each step, vectors as lists.</summary>
internal sealed class ParquetFormat : DataFormat
{
    /// <summary>What errors call such a file.</summary>
    public const string Kind = "Parquet file";

    // Small: whoever reads decodes a column of a row group at once, with two numbers beside each value.
    private const int RowGroupRows = 1 << 16;
    private const int RowGroupBytes = 4 << 20;

    // Texts of other programs that describe the columns of the file that was read.
    private static readonly string[] s_descriptions = ["huggingface", "pandas", "ARROW:schema"];

    /// <inheritdoc/>
    public override string Name => "parquet";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Extensions { get; } = [".parquet"];

    /// <inheritdoc/>
    public override bool HoldsExtras => false;

    /// <inheritdoc/>
    public override bool Matches(ReadOnlySpan<byte> first) => first.StartsWith("PAR1"u8);

    /// <inheritdoc/>
    public override DataFile Open(string path) => ParquetDataFile.Open(path, this);

    /// <inheritdoc/>
    public override void Write(string path, DataTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        if (table.Extras.Count > 0)
        {
            throw new ArgumentException(
                $"A {Kind} has columns of equally many rows; '{table.Extras[0].Column.Name}' has rows of its own.");
        }

        IChunkWriter[] columns = [.. table.Columns.Select(Writer)];
        long largest = Math.Max(1, table.Columns.Select(source => source.Column.RowBytes).DefaultIfEmpty(1).Max());
        int groupRows = (int)Math.Clamp(RowGroupBytes / largest, 1, RowGroupRows);
        Dictionary<string, string> metadata = table.Metadata.Where(entry => !s_descriptions.Contains(entry.Key))
            .ToDictionary(entry => entry.Key, entry => entry.Value);
        ParquetSchema schema = new(columns.Select(column => column.Field));
        AtomicFile.Write(path, stream => Write(stream, schema, columns, metadata, table.Rows, groupRows)
            .GetAwaiter().GetResult());
    }

    private static async Task Write(
        Stream stream, ParquetSchema schema, IChunkWriter[] columns, Dictionary<string, string> metadata, long rows,
        int groupRows)
    {
        ParquetWriter writer = await ParquetWriter.CreateAsync(schema, stream).ConfigureAwait(false);
        await using (writer.ConfigureAwait(false))
        {
            writer.CustomMetadata = metadata;
            for (long first = 0; first < rows; first += groupRows)
            {
                using ParquetRowGroupWriter group = writer.CreateRowGroup();
                foreach (IChunkWriter column in columns)
                {
                    await column.Write(group, first, (int)Math.Min(groupRows, rows - first)).ConfigureAwait(false);
                }
            }
        }
    }

    private static IChunkWriter Writer(DataSource source) => source.Column.Type switch
    {
        ElementType.Float32 => new ChunkWriter<float>(source),
        ElementType.Float64 => new ChunkWriter<double>(source),
        ElementType.Int8 => new ChunkWriter<sbyte>(source),
        ElementType.Int16 => new ChunkWriter<short>(source),
        ElementType.Int32 => new ChunkWriter<int>(source),
        ElementType.Int64 => new ChunkWriter<long>(source),
        ElementType.UInt8 => new ChunkWriter<byte>(source),
        ElementType.UInt16 => new ChunkWriter<ushort>(source),
        ElementType.UInt32 => new ChunkWriter<uint>(source),
        ElementType.UInt64 => new ChunkWriter<ulong>(source),
        ElementType.Bool => new ChunkWriter<bool>(source),
        _ => throw new ArgumentException(
            $"A {Kind} as it is written here holds no {ElementTypes.Name(source.Column.Type)}: "
            + $"'{source.Column.Name}'."),
    };

    private interface IChunkWriter
    {
        Field Field { get; }

        Task Write(ParquetRowGroupWriter group, long firstRow, int rows);
    }

    private sealed class ChunkWriter<T> : IChunkWriter
        where T : unmanaged
    {
        private readonly DataSource _source;
        private readonly DataField<T> _values;
        private readonly int _width;
        private T[] _block = [];
        private int[] _definition = [];
        private int[] _repetition = [];

        public ChunkWriter(DataSource source)
        {
            DataColumn column = source.Column;
            _source = source;
            _width = checked((int)column.Width);
            bool isList = column.Shape.Count > 1;
            _values = new DataField<T>(isList ? "element" : column.Name, false);
            Field = isList ? new ListField(column.Name, _values) : _values;
        }

        public Field Field { get; }

        public async Task Write(ParquetRowGroupWriter group, long firstRow, int rows)
        {
            int count = checked(rows * _width);
            Array.Resize(ref _block, count);
            _source.Read(firstRow, MemoryMarshal.AsBytes(_block.AsSpan()));
            if (ReferenceEquals(Field, _values))
            {
                await group.WriteAsync<T>(_values, _block).ConfigureAwait(false);
                return;
            }

            if (_definition.Length != count)
            {
                _definition = new int[count];
                _definition.AsSpan().Fill(_values.MaxDefinitionLevel);
                _repetition = new int[count];
                for (int i = 0; i < count; i++)
                {
                    // 0 begins a row, 1 goes on with its list.
                    _repetition[i] = i % _width == 0 ? 0 : _values.MaxRepetitionLevel;
                }
            }

            await group.WriteAllPartsAsync<T>(_values, _block, _definition, _repetition, default).ConfigureAwait(false);
        }
    }
}
