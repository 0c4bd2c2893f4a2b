using System.Runtime.InteropServices;
using HipiFast.Data;
using HipiFast.Kernels.Relabeling;
using HipiFast.Relabeling;
using HipiFast.Replay;

namespace HipiFast.Cli.Relabel;

/// <summary>
/// Collects what <c>relabel</c> writes: new columns beside those that the file has. New rows go block by block to
/// temporary files beside the result, and the file's own are read again when it is written, so that memory does not
/// grow
/// with the number of rows.
/// </summary>
internal sealed unsafe class RelabeledFile : IRelabelObserver, IDisposable
{
    private const string Before = "original_";
    private const string Episode = "episode";
    private const string Valid = "valid";

    private readonly TransitionReader _reader;
    private readonly TransitionShape _shape;
    private readonly RelabelRequest _request;
    private readonly NewColumn<int> _taskIndex;
    private readonly NewColumn<byte> _relabeled;
    private readonly NewColumn<byte>? _valid;
    private readonly NewColumn<long>? _episode;
    private readonly List<(TransitionColumn Column, NewColumn<byte> Rows)> _columns = [];
    private readonly NewColumn<float>? _softQ;
    private readonly NewColumn<float>? _posterior;
    private readonly List<float> _logPartition = [];
    private long[] _rowOf = [];
    private int _observed;
    private int _logPartitionRows;

    public RelabeledFile(RelabelRequest request, TransitionReader reader, TransitionShape shape)
    {
        string path = request.Out;
        _request = request;
        _reader = reader;
        _shape = shape;
        try
        {
            _taskIndex = new NewColumn<int>(path, 1);
            _relabeled = new NewColumn<byte>(path, 1);
            _valid = reader.LeavesOut && reader.Role(Valid) is null ? new NewColumn<byte>(path, 1) : null;
            bool numbersEpisodes = reader.HasEpisodes && !reader.IsGrouped
                && (request.Copies > 1 || reader.Role(Episode) is null);
            _episode = numbersEpisodes ? new NewColumn<long>(path, 1) : null;
            foreach (TransitionColumn column in TransitionBatch.Schema)
            {
                if (IsNew(column))
                {
                    _columns.Add((column, new NewColumn<byte>(path, checked((int)column.RowBytes(shape)))));
                }
            }

            _softQ = request.DumpsSoftQ ? new NewColumn<float>(path, 0) : null;
            _posterior = request.DumpsPosterior ? new NewColumn<float>(path, 0) : null;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Whether a matrix is wanted that only an observer of the relabeler sees.</summary>
    public bool NeedsObserver => _softQ is not null || _posterior is not null;

    /// <inheritdoc/>
    public bool WantsPosterior => _posterior is not null;

    private long Rows => _reader.Rows * _request.Copies;

    /// <summary>Begins a block; what the relabeler shows next is of its transitions.</summary>
    /// <param name="rowOf">Row of the file of each transition; must stay as it is until <see cref="Take"/>.</param>
    public void Begin(long[] rowOf)
    {
        _rowOf = rowOf;
        _observed = 0;
    }

    /// <inheritdoc/>
    public void OnBlock(in RelabelBlock block)
    {
        for (int row = 0; row < block.Rows; row++)
        {
            long place = _rowOf[_observed + row];
            _softQ?.Append(block.SoftQ.Slice(row * block.Candidates, block.Candidates), place, _reader.Rows);
            _posterior?.Append(block.Posterior.Slice(row * block.Candidates, block.Candidates), place, _reader.Rows);
        }

        _observed += block.Rows;
    }

    /// <summary>Keeps the result of one block.</summary>
    /// <param name="batch">The batch as relabeled; possibly of no transitions.</param>
    /// <param name="result">What the relabeler said; not read where there are none.</param>
    /// <param name="firstRow">Row of the file where the block began.</param>
    /// <param name="rows">Rows of the block.</param>
    public void Take(TransitionBatch batch, in RelabelResult result, long firstRow, int rows)
    {
        int count = batch.Count;
        Span<int> index = _taskIndex.Next(rows, -1);
        Span<byte> relabeled = _relabeled.Next(rows, 0), valid = _valid is null ? default : _valid.Next(rows, 0);
        for (int i = 0; i < count; i++)
        {
            int at = (int)(_rowOf[i] - firstRow);
            index[at] = IndexOf(result.TaskIndex[i], i, count);
            relabeled[at] = result.Relabeled[i];
            if (!valid.IsEmpty)
            {
                valid[at] = 1;
            }
        }

        _taskIndex.Write();
        _relabeled.Write();
        _valid?.Write();
        foreach ((TransitionColumn column, NewColumn<byte> target) in _columns)
        {
            int rowBytes = target.Width;
            Span<byte> block = target.Next(rows, 0);
            fixed (byte* destination = block)
            {
                batch.CopyTo(column, destination);
            }

            // Rows that are no transitions lie between; the last moves first.
            for (int i = count - 1; i >= 0 && _rowOf[i] - firstRow != i; i--)
            {
                int at = (int)(_rowOf[i] - firstRow);
                block.Slice(i * rowBytes, rowBytes).CopyTo(block[(at * rowBytes)..]);
                block.Slice(i * rowBytes, rowBytes).Clear();
            }

            target.Write();
        }
    }

    /// <summary>Keeps logZ of a block.</summary>
    /// <param name="logPartition"><c>[K]</c>.</param>
    public void TakeLogPartition(ReadOnlySpan<float> logPartition)
    {
        _logPartition.AddRange(logPartition);
        _logPartitionRows++;
    }

    /// <summary>Writes the file, atomically.</summary>
    /// <param name="withRewards">Whether rewards and terminations mean something.</param>
    /// <param name="transitions">Transitions in the file, for its metadata.</param>
    public void Save(bool withRewards, long transitions)
    {
        DataFile file = _reader.File;
        List<long> steps = [];
        for (int copy = 0; copy < _request.Copies; copy++)
        {
            steps.AddRange(file.EpisodeSteps);
        }

        DataTable table = new() { Rows = Rows, EpisodeSteps = steps };
        foreach ((string name, string text) in file.Metadata)
        {
            table.Metadata[name] = text;
        }

        table.Metadata["task_index"] = _request.IndexMeaning;
        table.Metadata["partition"] = _request.DescribePartition(transitions);
        List<DataSource> added = NewSources(withRewards);
        AddOriginals(table, added.Select(source => source.Column.Name));
        table.Columns.AddRange(added);
        if (_logPartitionRows > 0)
        {
            // One partition per batch: [K] for the usual single batch, [batches, K] otherwise.
            long[] shape = _logPartitionRows == 1
                ? [_logPartition.Count]
                : [_logPartitionRows, _logPartition.Count / _logPartitionRows];
            DataColumn column = new("log_partition", ElementType.Float32, shape);
            int rowBytes = (int)column.RowBytes;
            table.Extras.Add(new DataSource(column, (first, destination) =>
                MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(_logPartition))
                    .Slice((int)first * rowBytes, destination.Length).CopyTo(destination)));
        }

        file.Format.Write(_request.Out, table);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _taskIndex?.Dispose();
        _relabeled?.Dispose();
        _valid?.Dispose();
        _episode?.Dispose();
        _columns.ForEach(column => column.Rows.Dispose());
        _softQ?.Dispose();
        _posterior?.Dispose();
    }

    private bool IsNew(TransitionColumn column) =>
        column.IsStored && (_request.IsByTask || column.Owner != ColumnOwner.Transition);

    // Candidates of a batch are numbered within it; in the file's numbering they are rows of the file.
    private int IndexOf(int candidate, int transition, int count) => (candidate, _request) switch
    {
        ( < 0, _) => -1,

        // The relabeler counts relabeled slots; what a slot kept is the task of its own row.
        (_, { IsByTask: true }) => (int)_rowOf[transition],
        (_, { Tasks: not null } or { Trajectories: true }) => candidate,
        _ when candidate < count => (int)_rowOf[candidate],
        _ => checked((int)(_reader.Rows + _rowOf[candidate - count])),
    };

    // A new column has the name of the one that it takes the place of, so that whatever reads the file reads it.
    private string NameOf(TransitionColumn column) =>
        _reader.Role(column) is { Parts.Length: 1, HasFinalRows: false } role ? role.Parts[0].Name : column.Name;

    private List<DataSource> NewSources(bool withRewards)
    {
        List<DataSource> sources =
        [
            _taskIndex.Source("task_index", ElementType.Int32, Rows),
            _relabeled.Source("relabeled", ElementType.UInt8, Rows),
        ];
        foreach ((TransitionColumn column, NewColumn<byte> rows) in _columns)
        {
            if (withRewards || column.Owner != ColumnOwner.Outcome)
            {
                ElementType type = column.IsFlag ? ElementType.UInt8 : ElementType.Float32;
                long[] shape = column.IsMatrix ? [Rows, column.Width(_shape)] : [Rows];
                sources.Add(rows.Source(new DataColumn(NameOf(column), type, shape)));
            }
        }

        if (_valid is not null)
        {
            sources.Add(_valid.Source(Valid, ElementType.UInt8, Rows));
        }

        if (_episode is not null)
        {
            string name = _reader.Role(Episode)?.Parts[0].Name ?? Episode;
            WriteEpisodes(_episode);
            sources.Add(_episode.Source(name, ElementType.Int64, Rows));
        }

        if (_softQ is not null)
        {
            sources.Add(_softQ.Source("soft_q", Rows));
        }

        if (_posterior is not null)
        {
            sources.Add(_posterior.Source("posterior", Rows));
        }

        return sources;
    }

    // Copies of an episode are episodes of their own.
    private void WriteEpisodes(NewColumn<long> column)
    {
        const int Block = 1 << 16;
        for (int copy = 0; copy < _request.Copies; copy++)
        {
            for (long first = 0; first < _reader.Rows; first += Block)
            {
                int rows = (int)Math.Min(Block, _reader.Rows - first);
                Span<long> block = column.Next(rows, 0);
                for (int row = 0; row < rows; row++)
                {
                    block[row] = _reader.Episodes.Of(first + row) + ((long)copy * _reader.Episodes.Count);
                }

                column.Write();
            }
        }
    }

    private void AddOriginals(DataTable table, IEnumerable<string> added)
    {
        DataFile file = _reader.File;
        HashSet<string> replaced = [.. added];
        foreach (TransitionColumn column in TransitionBatch.Schema)
        {
            // What was said of another task is kept under another name, also where nothing takes its place.
            if (IsNew(column) && _reader.Role(column) is TransitionRole role)
            {
                replaced.UnionWith(role.HasFinalRows ? [] : role.Parts.Select(part => part.Name));
            }
        }

        HashSet<string> taken = [.. replaced, .. file.Columns.Select(column => column.Name)];
        foreach (DataColumn column in file.Columns)
        {
            string name = column.Name;
            if (replaced.Contains(name))
            {
                name = Prefixed(name);
                while (!taken.Add(name))
                {
                    name = Prefixed(name);
                }
            }

            bool isOfSteps = column.Shape.Count > 0 && column.Rows == _reader.Rows,
                isOfStates = column.Shape.Count > 0 && _reader.IsGrouped
                    && column.Rows == _reader.Rows + file.EpisodeSteps.Count;
            if (isOfSteps || isOfStates)
            {
                table.Columns.Add(Repeated(file, column, name));
            }
            else
            {
                table.Extras.Add(new DataSource(
                    column with { Name = name },
                    (first, destination) => file.ReadRows(column, first, destination)));
            }
        }

        // Of a path the last part has the name.
        static string Prefixed(string name)
        {
            int last = name.LastIndexOf('/') + 1;
            return string.Concat(name.AsSpan(0, last), Before, name.AsSpan(last));
        }
    }

    private DataSource Repeated(DataFile file, DataColumn column, string name)
    {
        long rows = column.Rows;
        DataColumn repeated = new(name, column.Type, [rows * _request.Copies, .. column.Shape.Skip(1)]);
        int rowBytes = checked((int)column.RowBytes);
        return new DataSource(repeated, (first, destination) =>
        {
            while (!destination.IsEmpty && rowBytes > 0)
            {
                long start = first % rows;
                int count = (int)Math.Min(destination.Length / rowBytes, rows - start);
                file.ReadRows(column, start, destination[..(count * rowBytes)]);
                destination = destination[(count * rowBytes)..];
                first += count;
            }
        });
    }

    /// <summary>Rows of a column that is not in memory.</summary>
    /// <param name="path">The file that they are for.</param>
    /// <param name="width">Elements of a row; 0 where the first rows say it.</param>
    private sealed class NewColumn<T>(string path, int width) : IDisposable
        where T : unmanaged
    {
        private readonly Spool _rows = new(path);
        private T[] _block = [];
        private int _count;
        private long _written;

        /// <summary>Elements of a row.</summary>
        public int Width { get; private set; } = width;

        /// <summary>The rows of the next block, all of one value, to be filled before <see cref="Write"/>.</summary>
        public Span<T> Next(int rows, T value)
        {
            _count = rows * Width;
            Array.Resize(ref _block, Math.Max(_block.Length, _count));
            Span<T> block = _block.AsSpan(0, _count);
            block.Fill(value);
            return block;
        }

        /// <summary>Adds the block.</summary>
        public void Write() => _rows.Append(MemoryMarshal.AsBytes(_block.AsSpan(0, _count)));

        /// <summary>Adds one row at its place, and zeros for those between.</summary>
        public void Append(ReadOnlySpan<T> row, long place, long rows)
        {
            Width = row.Length;
            FillTo(_written - (_written % rows) + place + (place < _written % rows ? rows : 0));
            _rows.Append(MemoryMarshal.AsBytes(row));
            _written++;
        }

        public DataSource Source(string name, ElementType type, long rows) =>
            Source(new DataColumn(name, type, [rows]));

        public DataSource Source(string name, long rows)
        {
            FillTo(rows);
            return Source(new DataColumn(name, ElementTypes.Of<T>(), [rows, Width]));
        }

        public DataSource Source(DataColumn column) => new(
            column, (first, destination) => _rows.Read(first * column.RowBytes, destination));

        public void Dispose() => _rows.Dispose();

        private void FillTo(long row)
        {
            T[] zeros = new T[Width];
            for (; _written < row; _written++)
            {
                _rows.Append(MemoryMarshal.AsBytes(zeros.AsSpan()));
            }
        }
    }
}
