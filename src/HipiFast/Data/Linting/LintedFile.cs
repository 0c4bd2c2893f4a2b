using System.Runtime.InteropServices;

namespace HipiFast.Data.Linting;

/// <summary>
/// The rows that are kept of a file, with a next state each, so that any row can go without another losing its own.
/// </summary>
internal sealed class LintedFile : IDisposable
{
    private const string Episode = "episode";

    private readonly TransitionReader _reader;
    private readonly string _path;
    private readonly List<(DataColumn Column, Spool Rows)> _columns = [];
    private readonly List<(DataColumn Source, Spool Rows)> _others = [];
    private byte[] _row = [];
    private long _episode = -1;
    private bool _breaks = true;

    /// <summary>Begins a file.</summary>
    /// <param name="reader">What the rows are of.</param>
    /// <param name="path">Where to.</param>
    public LintedFile(TransitionReader reader, string path)
    {
        _reader = reader;
        _path = path;
        Add("observation", ElementType.Float32, reader.ObservationDimension);
        Add("action", ElementType.Float32, reader.ActionDimension);
        Add("next_observation", ElementType.Float32, reader.ObservationDimension);
        if (reader.TaskDimension > 0)
        {
            Add("task", ElementType.Float32, reader.TaskDimension);
        }

        if (reader.HasReward)
        {
            Add("reward", ElementType.Float32, 0);
        }

        if (reader.HasTerminated)
        {
            Add("terminated", ElementType.UInt8, 0);
        }

        if (reader.HasEpisodes)
        {
            Add(Episode, ElementType.Int64, 0);
        }

        // Columns of transitions have their own names now; of the others those with a row for each step go along.
        HashSet<string> known = [.. ColumnMap.Roles.SelectMany(role => reader.Role(role)?.Parts ?? [])
            .Select(part => part.Name)];
        known.UnionWith(_columns.Select(column => column.Column.Name));
        foreach (DataColumn column in reader.File.Columns)
        {
            if (column.Shape.Count > 0 && column.Rows == reader.Rows && !known.Contains(column.Name))
            {
                _others.Add((column, new Spool(path)));
            }
        }
    }

    /// <summary>Rows kept so far.</summary>
    public long Count { get; private set; }

    /// <summary>Leaves a row out; what follows it in its episode is another one.</summary>
    public void Skip() => _breaks = true;

    /// <summary>Keeps a row.</summary>
    /// <param name="rows">The row.</param>
    /// <param name="joins">Whether its episode goes on with the one before.</param>
    /// <param name="reward">Its reward.</param>
    /// <param name="terminated">Its termination.</param>
    public void Take(LintRows rows, bool joins, float reward, byte terminated)
    {
        if (_breaks || (rows.FromStart == 0 && !joins))
        {
            _episode++;
            _breaks = false;
        }

        foreach ((DataColumn column, Spool target) in _columns)
        {
            ReadOnlySpan<byte> row = column.Name switch
            {
                "observation" => MemoryMarshal.AsBytes(rows.State),
                "action" => MemoryMarshal.AsBytes(rows.Action),
                "next_observation" => MemoryMarshal.AsBytes(rows.Next),
                "task" => MemoryMarshal.AsBytes(rows.Task),
                "reward" => MemoryMarshal.AsBytes(new ReadOnlySpan<float>(in reward)),
                "terminated" => new ReadOnlySpan<byte>(in terminated),
                _ => MemoryMarshal.AsBytes(new ReadOnlySpan<long>(in _episode)),
            };
            target.Append(row);
        }

        foreach ((DataColumn source, Spool target) in _others)
        {
            int bytes = checked((int)source.RowBytes);
            Array.Resize(ref _row, Math.Max(_row.Length, bytes));
            _reader.File.ReadRows(source, rows.Row, _row.AsSpan(0, bytes));
            target.Append(_row.AsSpan(0, bytes));
        }

        Count++;
    }

    /// <summary>Writes the file, atomically.</summary>
    /// <exception cref="InvalidDataException">No row was kept.</exception>
    public void Save()
    {
        if (Count == 0)
        {
            throw new InvalidDataException($"Of '{_reader.Path}' no row is left without a fault; nothing was written.");
        }

        DataTable table = new() { Rows = Count };
        foreach ((string name, string text) in _reader.Metadata)
        {
            table.Metadata[name] = text;
        }

        foreach ((DataColumn column, Spool rows) in _columns.Concat(_others))
        {
            DataColumn kept = column with { Shape = [Count, .. column.Shape.Skip(1)] };
            table.Columns.Add(new DataSource(
                kept, (first, destination) => rows.Read(first * kept.RowBytes, destination)));
        }

        _reader.File.Format.Write(_path, table);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _columns.ForEach(column => column.Rows.Dispose());
        _others.ForEach(column => column.Rows.Dispose());
    }

    // A width of 0 is a vector.
    private void Add(string name, ElementType type, int width) =>
        _columns.Add((new DataColumn(name, type, width == 0 ? [0] : [0, width]), new Spool(_path)));
}
