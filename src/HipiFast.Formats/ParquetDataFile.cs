using System.Runtime.InteropServices;
using HipiFast.Data;
using HipiFast.Storage;
using Microsoft.Win32.SafeHandles;
using Parquet;
using Parquet.Data;
using Parquet.Meta;
using Parquet.Schema;

namespace HipiFast.Formats;

/// <summary>
/// An open Parquet file. The column of a row group is decoded as a whole when a row of it is asked for, and kept in a
/// temporary file, so that memory goes with the largest column of a row group and not with the number of columns.
/// </summary>
internal sealed class ParquetDataFile : DataFile
{
    // A few bytes may stand for any number of equal values, and damaged ones for more than a file ever has.
    private const long FewValues = 8 << 20;
    private const int ValuesPerByte = 64;

    // What the library keeps of unpacked pages for the next ones.
    private const int PoolBytes = 8 << 20;


    private readonly FileStream _stream;
    private readonly ParquetReader _reader;
    private readonly Dictionary<string, DataField> _fields;
    private readonly Dictionary<string, (int Group, Spool Rows)> _decoded = [];
    private readonly long[] _starts;
    private readonly long _mostValues;

    private ParquetDataFile(
        string path, DataFormat format, FileStream stream, ParquetReader reader, List<Column> columns,
        Dictionary<string, string> unread, long[] starts)
        : base(path, format, [.. columns.Select(column => column.Description)])
    {
        _stream = stream;
        _reader = reader;
        _fields = columns.ToDictionary(column => column.Description.Name, column => column.Field);
        _starts = starts;
        _mostValues = FewValues + (ValuesPerByte * stream.Length);
        Unread = unread;
        Metadata = reader.CustomMetadata ?? [];
    }

    /// <summary>Opens a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="format">Its format.</param>
    /// <returns>The file, for the caller to dispose.</returns>
    public static ParquetDataFile Open(string path, DataFormat format)
    {
        using (SafeFileHandle handle = InputFile.OpenHandle(path, ParquetFormat.Kind, out _))
        {
            ParquetChecks.RequireFooter(handle, path);
        }

        FileStream? stream = null;
        try
        {
            return DamagedFile.Guard(path, ParquetFormat.Kind, () =>
            {
                stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
                return Open(path, format, stream, Read(stream));
            });
        }
        catch
        {
            stream?.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    protected override void ReadCore(DataColumn column, long firstRow, Span<byte> destination)
    {
        int rowBytes = checked((int)column.RowBytes);
        int group = Array.BinarySearch(_starts, firstRow);
        group = group < 0 ? ~group - 1 : group;
        while (!destination.IsEmpty)
        {
            long left = _starts[group + 1] - firstRow;
            if (left > 0)
            {
                int bytes = (int)Math.Min(destination.Length, left * rowBytes);
                Decode(column, group).Read((firstRow - _starts[group]) * rowBytes, destination[..bytes]);
                destination = destination[bytes..];
                firstRow += bytes / rowBytes;
            }

            group++;
        }
    }

    /// <inheritdoc/>
    protected override void Close()
    {
        foreach ((_, Spool rows) in _decoded.Values)
        {
            rows.Dispose();
        }

        _reader.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _stream.Dispose();
    }

    private static ParquetReader Read(FileStream stream) =>
        ParquetReader.CreateAsync(
            stream,
            new ParquetOptions { MaximumSmallPoolFreeBytes = PoolBytes, MaximumLargePoolFreeBytes = PoolBytes },
            leaveStreamOpen: true).GetAwaiter().GetResult();

    private static ParquetDataFile Open(string path, DataFormat format, FileStream stream, ParquetReader reader)
    {
        long[] starts = new long[reader.RowGroupCount + 1];
        for (int group = 0; group < reader.RowGroupCount; group++)
        {
            long rows = reader.RowGroups[group].RowCount;
            starts[group + 1] = rows >= 0
                ? checked(starts[group] + rows)
                : throw new InvalidDataException($"'{path}' is a damaged {ParquetFormat.Kind}: a row group of {rows} rows.");
        }

        List<Column> columns = [];
        Dictionary<string, string> unread = [];
        foreach (Field field in reader.Schema.Fields)
        {
            DataField? values = (field as DataField) ?? (field as ListField)?.Item as DataField;
            ElementType? type = values is null ? null : ElementTypes.Of(values.ClrType);
            if (type is null || values!.IsArray || values.MaxRepetitionLevel > 1)
            {
                unread[field.Name] = values is null
                    ? "it is neither numbers nor lists of numbers"
                    : $"its type is {values.ClrType.Name}";
                continue;
            }

            long[] shape = [starts[^1]];
            if (field is ListField)
            {
                if (WidthOf(reader, values, out long width) is string problem)
                {
                    unread[field.Name] = problem;
                    continue;
                }

                shape = [starts[^1], width];
            }

            if (!DataColumn.IsPossible(shape, type.Value))
            {
                unread[field.Name] = "its extents are impossible";
                continue;
            }

            columns.Add(new Column(new DataColumn(field.Name, type.Value, shape), values));
        }

        return new ParquetDataFile(path, format, stream, reader, columns, unread, starts);
    }

    // Lists of a row group may be of any lengths; how many values there are says whether they can be equal.
    private static string? WidthOf(ParquetReader reader, DataField values, out long width)
    {
        width = -1;
        foreach (ParquetRowGroupReader group in reader.RowGroups)
        {
            if (group.RowCount == 0)
            {
                continue;
            }

            ColumnMetaData? metadata = group.GetMetadata(values)?.MetaData;
            long count = metadata?.NumValues ?? 0;
            if (count <= 0 || count % group.RowCount != 0 || (width >= 0 && count / group.RowCount != width))
            {
                return $"its lists are of several lengths ({count} numbers in {group.RowCount} rows)";
            }

            width = count / group.RowCount;
        }

        width = Math.Max(width, 1);
        return null;
    }

    private Spool Decode(DataColumn column, int group)
    {
        if (_decoded.TryGetValue(column.Name, out (int Group, Spool Rows) known))
        {
            if (known.Group == group)
            {
                return known.Rows;
            }

            known.Rows.Clear();
        }
        else
        {
            known = (-1, new Spool(null));
        }

        // Nothing of the group is there before all of it is.
        _decoded[column.Name] = (-1, known.Rows);
        DamagedFile.Guard(Path, ParquetFormat.Kind, () =>
        {
            Decode(column, group, known.Rows);
            return true;
        });
        _decoded[column.Name] = (group, known.Rows);
        return known.Rows;
    }

    private void Decode(DataColumn column, int number, Spool target)
    {
        DataField field = _fields[column.Name];
        using ParquetRowGroupReader group = _reader.OpenRowGroupReader(number);
        long expected = checked((_starts[number + 1] - _starts[number]) * column.Width);
        long claimed = group.GetMetadata(field)?.MetaData?.NumValues ?? -1;
        if (claimed != expected)
        {
            throw new InvalidDataException(
                $"{Describe(column.Name)} has {claimed} values in row group {number}; expected {expected}.");
        }

        if (expected > _mostValues || expected > Array.MaxLength / 8)
        {
            throw new InvalidDataException(
                $"{Describe(column.Name)} has {expected} values in row group {number}, more than are decoded at once; "
                + "write it with smaller row groups (pyarrow: row_group_size=100000).");
        }

        ParquetChecks.RequirePages(_stream.SafeFileHandle, Path, group.GetMetadata(field)!.MetaData!);
        using RawColumnData raw = group.ReadRawColumnDataBaseAsync(field).AsTask().GetAwaiter().GetResult();
        if (field.MaxDefinitionLevel > 0)
        {
            int missing = raw.DefinitionLevels.IndexOfAnyExcept(field.MaxDefinitionLevel);
            if (missing >= 0)
            {
                throw new InvalidDataException(
                    $"{Describe(column.Name)} has no value at row {_starts[number] + (missing / column.Width)}; "
                    + "expected numbers throughout.");
            }
        }

        if (field.MaxRepetitionLevel > 0)
        {
            ReadOnlySpan<int> levels = raw.RepetitionLevels;
            for (int i = 0; i < levels.Length; i++)
            {
                if ((levels[i] == 0) != (i % column.Width == 0))
                {
                    throw new InvalidDataException(
                        $"{Describe(column.Name)} has a list of another length than {column.Width} at row "
                        + $"{_starts[number] + (i / column.Width)}.");
                }
            }
        }

        ReadOnlySpan<byte> bytes = raw switch
        {
            RawColumnData<float> values => MemoryMarshal.AsBytes(values.Values),
            RawColumnData<double> values => MemoryMarshal.AsBytes(values.Values),
            RawColumnData<sbyte> values => MemoryMarshal.AsBytes(values.Values),
            RawColumnData<short> values => MemoryMarshal.AsBytes(values.Values),
            RawColumnData<int> values => MemoryMarshal.AsBytes(values.Values),
            RawColumnData<long> values => MemoryMarshal.AsBytes(values.Values),
            RawColumnData<byte> values => values.Values,
            RawColumnData<ushort> values => MemoryMarshal.AsBytes(values.Values),
            RawColumnData<uint> values => MemoryMarshal.AsBytes(values.Values),
            RawColumnData<ulong> values => MemoryMarshal.AsBytes(values.Values),
            RawColumnData<bool> values => MemoryMarshal.AsBytes(values.Values),
            RawColumnData<Half> values => MemoryMarshal.AsBytes(values.Values),
            _ => [],
        };
        if (bytes.Length != expected * ElementTypes.Bytes(column.Type))
        {
            throw new InvalidDataException(
                $"{Describe(column.Name)} has {bytes.Length} bytes in row group {number}; expected {expected} values.");
        }

        target.Append(bytes);
    }

    private sealed record Column(DataColumn Description, DataField Field);
}
