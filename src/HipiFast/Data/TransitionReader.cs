using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Numerics;
using HipiFast.Replay;
using HipiFast.Storage;

namespace HipiFast.Data;

/// <summary>
/// Transitions of a file of any format, whatever its columns are called and however they lie: read by blocks of rows
/// into
/// a <see cref="TransitionBatch"/>.
/// </summary>
/// <remarks>
/// <para>Numbers of any type become 32-bit floats, flags of any type 0 or 1. Where a file has no next states they are
/// the
/// states of the rows after, within episodes; a file that keeps every episode apart may have one state more than steps
/// in each. The last row of an episode without a next state is no transition, nor is a row that the file calls invalid:
/// such rows are left out of batches. Nothing is asked of tasks, rewards and terminations that a file does not have:
/// they read as zeros.</para>
/// <para>Opening checks types and shapes, reading checks values: every number must be finite, every flag 0 or 1. Bad
/// data
/// is an <see cref="InvalidDataException"/> of one sentence that names file, column and row. One thread at a time uses
/// a
/// reader.</para>
/// </remarks>
public sealed unsafe class TransitionReader : IDisposable
{
    private const int ScanRows = 1 << 16;

    private readonly ColumnReader _columns;
    private readonly Dictionary<string, TransitionRole> _roles = new(StringComparer.Ordinal);
    private readonly TransitionRole _steps;
    private EpisodeTable? _episodes;
    private byte[] _isTransition = [];
    private long _count = -1;
    private UseGuard _use;

    private TransitionReader(DataFile file, ColumnMap map)
    {
        File = file;
        _columns = new ColumnReader(file);
        foreach (TransitionColumn column in TransitionBatch.Columns)
        {
            if (column.IsStored)
            {
                Find(map, column.Name, column.IsMatrix);
            }
        }

        Find(map, ColumnMap.Truncated, isMatrix: false);
        Find(map, ColumnMap.Episode, isMatrix: false);
        Find(map, ColumnMap.Valid, isMatrix: false);
        TransitionRole observation = Role(TransitionBatch.ObservationColumn)
            ?? throw ColumnMap.Missing(file, TransitionBatch.ObservationColumn.Name);
        _steps = Role(TransitionBatch.ActionColumn)
            ?? throw ColumnMap.Missing(file, TransitionBatch.ActionColumn.Name);
        if (_steps.Rows == 0)
        {
            throw new InvalidDataException(
                $"'{file.Path}' has no transitions: {file.Format.ColumnNoun.ToLowerInvariant()} "
                + $"'{_steps.Parts[0].Name}' has 0 rows.");
        }

        bool shiftsStates = Role(TransitionBatch.NextObservationColumn) is null;
        if (shiftsStates && !KnowsEnds && observation.Rows != _steps.Rows + 1)
        {
            throw new InvalidDataException(
                $"'{file.Path}' has neither next observations nor anything that says where episodes end (episode, "
                + "terminated or truncated); expected one of them (--columns says which column is what).");
        }

        foreach (TransitionRole role in _roles.Values)
        {
            role.Align(file, _steps, () => Episodes.Count);
        }

        if (Role(TransitionBatch.NextObservationColumn) is TransitionRole next && next.Width != observation.Width)
        {
            throw new InvalidDataException(
                $"{file.Format.ColumnNoun}s '{observation.Parts[0].Name}' and '{next.Parts[0].Name}' of '{file.Path}' "
                + $"disagree: {observation.Width} and {next.Width} columns.");
        }

        LacksFinalStates = shiftsStates && !observation.HasFinalRows;
        DerivesNextStates = shiftsStates;
        ObservationDimension = observation.Width;
        ActionDimension = _steps.Width;
        TaskDimension = Role(TransitionBatch.TaskColumn)?.Width ?? 0;
    }

    /// <summary>The path as it was given.</summary>
    public string Path => File.Path;

    /// <summary>Name of the file's format.</summary>
    public string Format => File.Format.Name;

    /// <summary>S, entries of a state.</summary>
    public int ObservationDimension { get; }

    /// <summary>A, entries of an action.</summary>
    public int ActionDimension { get; }

    /// <summary>P, entries of a task; 0 where the file has no tasks.</summary>
    public int TaskDimension { get; }

    /// <summary>Rows of the file, one for each step; 1 or more.</summary>
    public long Rows => _steps.Rows;

    /// <summary>Whether the file has rewards.</summary>
    public bool HasReward => Role(TransitionBatch.RewardColumn) is not null;

    /// <summary>Whether the file says which transitions ended their task.</summary>
    public bool HasTerminated => Role(TransitionBatch.TerminatedColumn) is not null;

    /// <summary>
    /// Whether the file says which episode each row belongs to: by a number, by keeping episodes apart, by time limits;
    /// by terminations alone only where it has no next states, so that nothing else can be meant.
    /// </summary>
    public bool HasEpisodes => IsGrouped || HasOne(ColumnMap.Episode) || HasOne(ColumnMap.Truncated)
        || HasOne(ColumnMap.Valid) || (HasTerminated && DerivesNextStates)
        || Role(TransitionBatch.ObservationColumn)!.HasFinalRows;

    /// <summary>Whether next states are the states of the rows after.</summary>
    public bool DerivesNextStates { get; }

    /// <summary>Text that the file carries, by name.</summary>
    public IReadOnlyDictionary<string, string> Metadata => File.Metadata;

    /// <summary>
    /// Transitions: rows that have a next state and are not called invalid. The first call may read through the file's
    /// flags.
    /// </summary>
    /// <exception cref="InvalidDataException">Flags or episode numbers cannot be.</exception>
    public long Count
    {
        get
        {
            using UseGuard.Scope use = _use.Enter(this);
            if (_count < 0)
            {
                _count = CountTransitions();
            }

            return _count;
        }
    }

    /// <summary>Number of episodes. The first call may read through the file's flags.</summary>
    /// <exception cref="InvalidDataException">The file has no episodes, or flags or numbers cannot be.</exception>
    public long EpisodeCount
    {
        get
        {
            using UseGuard.Scope use = _use.Enter(this);
            return Episodes.Count;
        }
    }

    /// <summary>
    /// What is done to the file's columns so that they are transitions, each in a few words: said once to whoever
    /// reads.
    /// </summary>
    public IReadOnlyList<string> Conversions
    {
        get
        {
            List<string> notes = [];
            foreach (TransitionRole role in _roles.Values)
            {
                notes.Add(role.Conversion(WantedType(role.Name)));
                notes.AddRange(role.Parts.Where(part => File.Remarks.ContainsKey(part.Name))
                    .Select(part => $"{role.Name} {File.Remarks[part.Name]}"));
            }

            if (DerivesNextStates)
            {
                notes.Add(
                    LacksFinalStates
                        ? "next_observation from the row after, without the last row of each episode"
                        : "next_observation from the row after");
            }

            if (HasOne(ColumnMap.Valid))
            {
                notes.Add("rows called invalid left out");
            }

            return [.. notes.Where(note => note.Length > 0)];
        }
    }

    /// <summary>The file.</summary>
    internal DataFile File { get; }

    /// <summary>Whether rows in the file may be no transitions.</summary>
    internal bool LeavesOut => LacksFinalStates || HasOne(ColumnMap.Valid);

    /// <summary>Whether the last step of an episode has no next state.</summary>
    internal bool LacksFinalStates { get; }

    /// <summary>Whether the file keeps every episode apart.</summary>
    internal bool IsGrouped => File.EpisodeSteps.Count > 0;

    /// <summary>Whether values are looked at; false for whoever looks at them itself.</summary>
    internal bool ChecksValues { get; init; } = true;

    /// <summary>Where episodes begin.</summary>
    internal EpisodeTable Episodes => _episodes ??= FindEpisodes();

    private bool KnowsEnds => IsGrouped || HasOne(ColumnMap.Episode) || HasOne(ColumnMap.Truncated)
        || HasOne(ColumnMap.Valid) || HasTerminated;

    /// <summary>Opens a file and checks the types and shapes of its columns.</summary>
    /// <param name="path">File.</param>
    /// <param name="columns">Which columns are what; null for the usual names.</param>
    /// <returns>The reader, for the caller to dispose.</returns>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">
    /// It breaks its format, has no states or actions, or its columns do not go together.
    /// </exception>
    /// <exception cref="IOException">The path is a directory or cannot be read.</exception>
    public static TransitionReader Open(string path, ColumnMap? columns = null) =>
        Open(path, columns, checksValues: true);

    /// <inheritdoc cref="Open(string, ColumnMap?)"/>
    internal static TransitionReader Open(string path, ColumnMap? columns, bool checksValues)
    {
        DataFile file = DataFormats.Open(path);
        try
        {
            return new TransitionReader(file, columns ?? ColumnMap.Usual) { ChecksValues = checksValues };
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Widths of the transitions.</summary>
    /// <param name="taskDimension">P where the file has no tasks; else not read.</param>
    /// <returns>The widths.</returns>
    public TransitionShape Shape(int taskDimension = 1) =>
        new(ObservationDimension, ActionDimension, TaskDimension == 0 ? taskDimension : TaskDimension);

    /// <summary>
    /// Reads the transitions of a block of rows into a batch: sets its count, overwrites every column, and sets the
    /// replay index to -1.
    /// </summary>
    /// <param name="batch">Batch of the file's widths (of any P where the file has no tasks), with room for the
    /// rows.</param>
    /// <param name="firstRow">First row of the block.</param>
    /// <param name="rows">Rows of the block.</param>
    /// <param name="rowOf">
    /// Receives the row in the file of each transition, as many as <paramref name="rows"/>; empty where nobody asks.
    /// </param>
    /// <returns>Transitions among the rows: the batch's count, possibly 0.</returns>
    /// <exception cref="ArgumentException">The widths differ, or the rows are not in the file or do not
    /// fit.</exception>
    /// <exception cref="InvalidDataException">A number is not finite, or a flag neither 0 nor 1.</exception>
    public int Read(TransitionBatch batch, long firstRow, int rows, Span<long> rowOf = default)
    {
        ArgumentNullException.ThrowIfNull(batch);
        using UseGuard.Scope use = _use.Enter(this), held = batch.Enter();
        if (batch.Shape != Shape(batch.Shape.TaskDimension))
        {
            throw new ArgumentException(
                $"The batch is made for {batch.Shape}; '{Path}' holds {Shape(batch.Shape.TaskDimension)}.",
                nameof(batch));
        }

        RequireRows(firstRow, rows);
        if (!rowOf.IsEmpty && rowOf.Length < rows)
        {
            throw new ArgumentException($"There is room for {rowOf.Length} row numbers of {rows}.", nameof(rowOf));
        }

        batch.Count = rows;
        foreach (TransitionColumn column in TransitionBatch.Columns)
        {
            if (column.IsStored)
            {
                ReadColumn(batch, column, firstRow, rows);
            }
        }

        int kept = Compact(batch, firstRow, rows, rowOf);
        batch.ReplayIndex.Fill(-1);
        if (ChecksValues)
        {
            Check(batch, firstRow);
        }

        return kept;
    }

    /// <summary>Reads the numbers of the episodes that a block of rows belongs to.</summary>
    /// <param name="destination">
    /// Receives one number for each row: the file's own where it has them, else counted from 0.
    /// </param>
    /// <param name="firstRow">First row of the block.</param>
    /// <exception cref="ArgumentException">The rows are not in the file.</exception>
    /// <exception cref="InvalidDataException">The file has no episodes.</exception>
    public void ReadEpisodes(Span<long> destination, long firstRow = 0)
    {
        using UseGuard.Scope use = _use.Enter(this);
        RequireRows(firstRow, destination.Length);
        if (_roles.TryGetValue(ColumnMap.Episode, out TransitionRole? numbers))
        {
            _columns.ReadIntegers(numbers.Parts[0], firstRow, destination);
            return;
        }

        foreach ((int episode, int at, int count) in Runs(firstRow, destination.Length))
        {
            destination.Slice(at, count).Fill(episode);
        }
    }

    /// <summary>The last row of the episode that a row belongs to.</summary>
    /// <param name="row">A row of the file.</param>
    /// <returns>A row of the file, <paramref name="row"/> or later.</returns>
    /// <exception cref="ArgumentException">The row is not in the file.</exception>
    /// <exception cref="InvalidDataException">The file has no episodes.</exception>
    public long EpisodeEnd(long row)
    {
        using UseGuard.Scope use = _use.Enter(this);
        RequireRows(row, 1);
        return Episodes.End(Episodes.Of(row)) - 1;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_use.Close(this))
        {
            File.Dispose();
        }
    }

    /// <summary>The columns that are a role, or null.</summary>
    internal TransitionRole? Role(TransitionColumn column) => Role(column.Name);

    /// <inheritdoc cref="Role(TransitionColumn)"/>
    internal TransitionRole? Role(string role) => _roles.GetValueOrDefault(role);

    /// <summary>
    /// Reads a block of rows, no transitions among them, and looks at no values: for whoever looks at all of them.
    /// </summary>
    /// <param name="batch">As for <see cref="Read"/>; the last row of an episode may have a next state of
    /// another.</param>
    /// <param name="firstRow">As for <see cref="Read"/>.</param>
    /// <param name="rows">As for <see cref="Read"/>.</param>
    /// <param name="isTransition">Receives 1 or 0 for each row.</param>
    internal void ReadAllRows(TransitionBatch batch, long firstRow, int rows, Span<byte> isTransition)
    {
        using UseGuard.Scope use = _use.Enter(this), held = batch.Enter();
        RequireRows(firstRow, rows);
        batch.Count = rows;
        foreach (TransitionColumn column in TransitionBatch.Columns)
        {
            if (column.IsStored)
            {
                ReadColumn(batch, column, firstRow, rows);
            }
        }

        Mark(firstRow, rows);
        _isTransition.AsSpan(0, rows).CopyTo(isTransition);
    }

    /// <summary>Reads flags of a role as they are: 0, 1, or <see cref="ElementTypes.NoFlag"/>.</summary>
    internal void ReadFlags(TransitionRole role, long firstRow, Span<byte> destination) =>
        _columns.ReadFlags(role.Parts[0], firstRow, destination);

    private static ElementType WantedType(string role) => role switch
    {
        ColumnMap.Truncated or ColumnMap.Valid => ElementType.UInt8,
        ColumnMap.Episode => ElementType.Int64,
        _ => TransitionBatch.Schema.First(column => column.Name == role).IsFlag
            ? ElementType.UInt8
            : ElementType.Float32,
    };

    private bool HasOne(string role) => _roles.ContainsKey(role);

    private void Find(ColumnMap map, string role, bool isMatrix)
    {
        if (TransitionRole.Find(File, map, role, isMatrix) is TransitionRole found)
        {
            _roles.Add(role, found);
        }
    }

    private EpisodeTable FindEpisodes()
    {
        if (IsGrouped)
        {
            return EpisodeTable.OfSteps(File.EpisodeSteps);
        }

        if (Role(ColumnMap.Episode) is TransitionRole numbers)
        {
            return EpisodeTable.OfNumbers(_columns, numbers.Parts[0]);
        }

        List<(DataColumn, byte)> marks = [];
        if (Role(ColumnMap.Truncated) is TransitionRole truncated)
        {
            marks.Add((truncated.Parts[0], 1));
        }

        // Where rows are called invalid, those are the states behind the last step (OGBench), and terminations mark the
        // step before as well.
        if (Role(ColumnMap.Valid) is TransitionRole valid)
        {
            marks.Add((valid.Parts[0], 0));
        }
        else if (Role(TransitionBatch.TerminatedColumn) is TransitionRole terminated)
        {
            marks.Add((terminated.Parts[0], 1));
        }

        if (marks.Count == 0 && Role(TransitionBatch.ObservationColumn)!.Rows != _steps.Rows + 1)
        {
            throw new InvalidDataException(
                $"'{Path}' does not say which episode each transition belongs to; expected a column 'episode' [B] or "
                + "one that says where time limits cut episodes.");
        }

        foreach ((DataColumn column, _) in marks)
        {
            if (column.Rows != _steps.Rows)
            {
                throw new InvalidDataException(
                    $"{File.Describe(column)} has {column.Rows} rows and '{_steps.Parts[0].Name}' {_steps.Rows}; "
                    + "expected as many.");
            }
        }

        return EpisodeTable.OfEnds(_columns, _steps.Rows, [.. marks]);
    }

    private long CountTransitions()
    {
        if (Role(ColumnMap.Valid) is null)
        {
            return Rows - (LacksFinalStates ? Episodes.Count : 0);
        }

        long count = 0;
        for (long first = 0; first < Rows; first += ScanRows)
        {
            int rows = (int)Math.Min(ScanRows, Rows - first);
            Mark(first, rows);
            count += rows - _isTransition.AsSpan(0, rows).Count((byte)0);
        }

        return count;
    }

    private void ReadColumn(TransitionBatch batch, TransitionColumn column, long firstRow, int rows)
    {
        TransitionRole? role = Role(column);
        byte* destination = batch.Pointer(column);
        if (column == TransitionBatch.NextObservationColumn && role is null)
        {
            DeriveNextStates(batch, firstRow, rows);
        }
        else if (role is null)
        {
            new Span<byte>(destination, checked((int)(rows * column.RowBytes(batch.Shape)))).Clear();
            column.FillDefault(destination, rows * column.Width(batch.Shape));
        }
        else
        {
            foreach ((int episode, int at, int count) in role.HasFinalRows ? Runs(firstRow, rows) : [(0, 0, rows)])
            {
                long first = firstRow + at + (role.HasFinalRows ? episode : 0);
                if (column.IsFlag)
                {
                    _columns.ReadFlags(role.Parts[0], first, new Span<byte>(destination + at, count));
                }
                else
                {
                    ReadSingles(role, first, count, (float*)destination + ((long)at * role.Width));
                }
            }
        }
    }

    private void ReadSingles(TransitionRole role, long first, int rows, float* destination)
    {
        foreach (DataColumn part in role.Parts)
        {
            _columns.ReadSingles(part, first, rows, destination, role.Width);
            destination += part.Width;
        }
    }

    // The states have been read. Those of the row after follow in memory, but for the last of a block or an episode.
    private void DeriveNextStates(TransitionBatch batch, long firstRow, int rows)
    {
        TransitionRole states = Role(TransitionBatch.ObservationColumn)!;
        int width = states.Width;
        float* from = (float*)batch.Pointer(TransitionBatch.ObservationColumn),
            to = (float*)batch.Pointer(TransitionBatch.NextObservationColumn);
        long bytes = (rows - 1L) * width * sizeof(float);
        Buffer.MemoryCopy(from + width, to, bytes, bytes);
        float* last = to + ((rows - 1L) * width);
        if (!states.HasFinalRows)
        {
            if (firstRow + rows < Rows)
            {
                ReadSingles(states, firstRow + rows, 1, last);
            }
            else
            {
                // No transition: left out.
                new Span<float>(last, width).Clear();
            }

            return;
        }

        foreach ((int episode, int at, int count) in Runs(firstRow, rows))
        {
            int end = at + count;
            if (end == rows || Episodes.End(episode) == firstRow + end)
            {
                ReadSingles(states, firstRow + end + episode, 1, to + ((end - 1L) * width));
            }
        }
    }

    // Marks which rows of a block are transitions.
    private void Mark(long firstRow, int rows)
    {
        Array.Resize(ref _isTransition, Math.Max(_isTransition.Length, rows));
        Span<byte> marks = _isTransition.AsSpan(0, rows);
        marks.Fill(1);
        if (Role(ColumnMap.Valid) is TransitionRole valid)
        {
            _columns.ReadFlags(valid.Parts[0], firstRow, marks);
            int wrong = marks.IndexOfAnyExceptInRange((byte)0, (byte)1);
            if (wrong >= 0 && ChecksValues)
            {
                throw NoFlag(valid, firstRow + wrong);
            }
        }

        if (LacksFinalStates)
        {
            foreach ((int episode, int at, int count) in Runs(firstRow, rows))
            {
                if (Episodes.End(episode) == firstRow + at + count)
                {
                    marks[at + count - 1] = 0;
                }
            }
        }
    }

    private int Compact(TransitionBatch batch, long firstRow, int rows, Span<long> rowOf)
    {
        if (!LeavesOut)
        {
            for (int i = 0; i < rowOf.Length && i < rows; i++)
            {
                rowOf[i] = firstRow + i;
            }

            return rows;
        }

        Mark(firstRow, rows);
        int kept = 0;
        for (int row = 0; row < rows; row++)
        {
            if (_isTransition[row] == 0)
            {
                continue;
            }

            if (kept != row)
            {
                batch.MoveRow(row, kept);
            }

            if (!rowOf.IsEmpty)
            {
                rowOf[kept] = firstRow + row;
            }

            kept++;
        }

        batch.Count = kept;
        return kept;
    }

    private void Check(TransitionBatch batch, long firstRow)
    {
        if (batch.FindNonFinite(0, batch.Count, withOutcome: true) is NonFiniteEntry entry)
        {
            TransitionRole? role = Role(entry.Column) ?? Role(TransitionBatch.ObservationColumn);
            string what = float.IsNaN(entry.Value) ? "NaN" : "an infinity (or what is one as a 32-bit float)";
            throw new InvalidDataException(
                $"{File.Describe(role!.Parts[0])} holds {what} at row {FileRow(entry.Row, firstRow)}, column "
                + $"{entry.Position}; expected finite numbers.");
        }

        foreach (TransitionColumn column in TransitionBatch.Columns)
        {
            if (column.IsFlag && column.IsStored)
            {
                int wrong = batch.Flags(column, 0, batch.Count).IndexOfAnyExceptInRange((byte)0, (byte)1);
                if (wrong >= 0)
                {
                    throw NoFlag(Role(column)!, FileRow(wrong, firstRow));
                }
            }
        }
    }

    // The row of the file that a row of the batch just read came from.
    private long FileRow(int batchRow, long firstRow)
    {
        if (!LeavesOut)
        {
            return firstRow + batchRow;
        }

        int row = -1;
        for (int seen = -1; seen < batchRow; row++)
        {
            seen += _isTransition[row + 1];
        }

        return firstRow + row;
    }

    private InvalidDataException NoFlag(TransitionRole role, long row) => new(
        $"{File.Describe(role.Parts[0])} holds a value that is neither 0 nor 1 at row {row}.");

    // The episodes that a block of rows lies in: number, first row counted from the block's, rows within the block.
    private IEnumerable<(int Episode, int At, int Count)> Runs(long firstRow, int rows)
    {
        int at = 0;
        for (int episode = rows > 0 ? Episodes.Of(firstRow) : 0; at < rows; episode++)
        {
            int count = (int)Math.Min(rows - at, Episodes.End(episode) - firstRow - at);
            yield return (episode, at, count);
            at += count;
        }
    }

    private void RequireRows(long firstRow, int rows)
    {
        if (firstRow < 0 || rows < 0 || firstRow > Rows - rows)
        {
            throw new ArgumentOutOfRangeException(
                nameof(firstRow), $"'{Path}' has {Rows} rows; asked for {rows} from row {firstRow}.");
        }
    }
}
