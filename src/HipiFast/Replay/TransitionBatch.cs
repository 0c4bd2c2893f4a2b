using System.Runtime.InteropServices;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Numerics;
using HipiFast.Kernels.Replay;
using HipiFast.Kernels.Tasks;
using HipiFast.Storage;

namespace HipiFast.Replay;

/// <summary>
/// A batch of transitions as structure of arrays in native memory; every matrix row-major without padding.
/// </summary>
/// <remarks>
/// What a transition consists of is said once, in <see cref="Schema"/>: copies, checkpoints, files, checks and replay,
/// on the host and on a device, walk it. Filling and relabeling a batch of a size within <see cref="Capacity"/>
/// allocates nothing. Any number of threads may read a batch; a call that changes it, as relabeling does, refuses
/// company (<see cref="InvalidOperationException"/>). Spans are good until the batch is disposed of or collected; all
/// but <see cref="Shape"/>, <see cref="Capacity"/> and <see cref="Count"/> throws <see cref="ObjectDisposedException"/>
/// then.
/// </remarks>
public sealed unsafe partial class TransitionBatch : ITransitionBatch
{
    private static readonly List<TransitionColumn> s_schema = [];

    // The one list of what a transition consists of. Each stands in the schema in the order of these lines: first those
    // of KernelColumn, in its order. One that files of before lack takes a default.
    internal static readonly TransitionColumn ObservationColumn = Add(
        "observation", TensorType.Float32, ColumnExtent.Observation, ColumnOwner.Transition);

    internal static readonly TransitionColumn ActionColumn = Add(
        "action", TensorType.Float32, ColumnExtent.Action, ColumnOwner.Transition);

    internal static readonly TransitionColumn NextObservationColumn = Add(
        "next_observation", TensorType.Float32, ColumnExtent.Observation, ColumnOwner.Transition);

    internal static readonly TransitionColumn TaskColumn = Add(
        "task", TensorType.Float32, ColumnExtent.Task, ColumnOwner.Task);

    internal static readonly TransitionColumn RewardColumn = Add(
        "reward", TensorType.Float32, ColumnExtent.One, ColumnOwner.Outcome);

    internal static readonly TransitionColumn TerminatedColumn = Add(
        "terminated", TensorType.UInt8, ColumnExtent.One, ColumnOwner.Outcome);

    internal static readonly TransitionColumn ReplayIndexColumn = Add(
        "replay_index", TensorType.Int64, ColumnExtent.One, ColumnOwner.Transition, isStored: false);

    private readonly NativeBuffer<byte>[] _columns = new NativeBuffer<byte>[s_schema.Count];
    private readonly int[] _widths = new int[s_schema.Count];
    private readonly ColumnRows[] _stored;
    private UseGuard _use;
    private int _count;

    /// <summary>Allocates room for <paramref name="capacity"/> transitions.</summary>
    /// <param name="shape">Widths.</param>
    /// <param name="capacity">Most rows, 1 or more.</param>
    public TransitionBatch(TransitionShape shape, int capacity)
    {
        shape.Validate();
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        Shape = shape;
        Capacity = capacity;
        foreach (TransitionColumn column in s_schema)
        {
            _widths[column.Index] = column.Width(shape);
            _columns[column.Index] = new NativeBuffer<byte>(capacity * RowBytes(column));
            column.FillDefault(Pointer(column), checked(capacity * column.Width(shape)));
        }

        _stored = Forms(shape);
        new Span<long>(Pointer(ReplayIndexColumn), capacity).Fill(-1);
    }

    /// <summary>
    /// A batch over transitions that lie in the caller's memory, which is read, and written by relabeling, where it is.
    /// </summary>
    /// <param name="shape">Widths.</param>
    /// <param name="columns">Where the columns lie; the memory must stay until the batch is disposed of.</param>
    /// <param name="rows">B, 1 or more, all in use.</param>
    /// <returns>The batch, whose disposal leaves the memory alone.</returns>
    public static TransitionBatch Wrap(TransitionShape shape, in TransitionAddresses columns, int rows)
    {
        TransitionBatch batch = new(shape, 1);
        batch.Rewrap(columns, rows);
        return batch;
    }

    /// <summary>The columns of a transition, without an enumerator to allocate.</summary>
    internal static ReadOnlySpan<TransitionColumn> Columns => CollectionsMarshal.AsSpan(s_schema);

    /// <summary>The columns of a transition, in the order in which files and replay have them.</summary>
    public static IReadOnlyList<TransitionColumn> Schema => s_schema;

    /// <inheritdoc/>
    public TransitionShape Shape { get; }

    /// <summary>Most rows.</summary>
    public int Capacity { get; private set; }

    /// <summary>B, rows in use, in [0, <see cref="Capacity"/>].</summary>
    public int Count
    {
        get => _count;
        set
        {
            _use.ThrowIfDisposed(this);
            ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)value, (uint)Capacity, nameof(value));
            _count = value;
        }
    }

    /// <summary>s, <c>[B, S]</c>.</summary>
    public Span<float> Observation => Values<float>(ObservationColumn);

    /// <summary>a, <c>[B, A]</c>, entries in [-1, 1].</summary>
    public Span<float> Action => Values<float>(ActionColumn);

    /// <summary>s', <c>[B, S]</c>.</summary>
    public Span<float> NextObservation => Values<float>(NextObservationColumn);

    /// <summary>psi, the commanded task and after relabeling the new one, <c>[B, P]</c>.</summary>
    public Span<float> Task => Values<float>(TaskColumn);

    /// <summary>r under <see cref="Task"/>, <c>[B]</c>.</summary>
    public Span<float> Reward => Values<float>(RewardColumn);

    /// <summary>
    /// 1 where <see cref="Task"/> ends with the transition, else 0, <c>[B]</c>. A time limit is not a termination.
    /// </summary>
    public Span<byte> Terminated => Values<byte>(TerminatedColumn);

    /// <summary>Where each row came from: its absolute number in the replay buffer, or -1, <c>[B]</c>.</summary>
    public Span<long> ReplayIndex => Values<long>(ReplayIndexColumn);

    /// <summary>The rows in use, as a task family judges them.</summary>
    public TransitionRows Transitions => new(Observation, Action, NextObservation, Count);

    /// <summary>The rows in use, for kernels.</summary>
    internal TransitionPointers Pointers => new(
        (nint)Pointer(ObservationColumn), (nint)Pointer(ActionColumn), (nint)Pointer(NextObservationColumn), Count,
        Shape.ObservationDimension,
        Shape.ActionDimension);

    /// <summary>The stored columns, for memory that carries them along.</summary>
    internal ReadOnlySpan<ColumnRows> Stored
    {
        get
        {
            int next = 0;
            foreach (TransitionColumn column in s_schema)
            {
                if (column.IsStored)
                {
                    _stored[next] = _stored[next] with { Address = (nint)Pointer(column) };
                    next++;
                }
            }

            return _stored;
        }
    }

    /// <summary>Address of <see cref="Task"/>.</summary>
    internal float* TaskPointer => (float*)Pointer(TaskColumn);

    /// <summary>Address of <see cref="Reward"/>.</summary>
    internal float* RewardPointer => (float*)Pointer(RewardColumn);

    /// <summary>Address of <see cref="Terminated"/>.</summary>
    internal byte* TerminatedPointer => Pointer(TerminatedColumn);

    /// <summary>Copies the rows in use of any column: for code that carries columns along whatever they hold.</summary>
    /// <param name="column">One of <see cref="Schema"/>.</param>
    /// <param name="target">Receives B rows without gaps, <see cref="TransitionColumn.RowBytes"/> each.</param>
    public void CopyTo(TransitionColumn column, byte* target)
    {
        ArgumentNullException.ThrowIfNull(column);
        _use.ThrowIfDisposed(this);
        long bytes = Count * RowBytes(column);
        Buffer.MemoryCopy(Pointer(column), target, bytes, bytes);
        GC.KeepAlive(this);
    }

    /// <summary>The same transitions in memory of their own.</summary>
    /// <returns>A batch with room for the rows in use, for the caller to dispose.</returns>
    /// <exception cref="InvalidOperationException">There are none.</exception>
    public TransitionBatch Copy()
    {
        _use.ThrowIfDisposed(this);
        if (Count == 0)
        {
            throw new InvalidOperationException("The batch holds no transitions to copy.");
        }

        TransitionBatch copy = new(Shape, Count) { Count = Count };
        foreach (TransitionColumn column in s_schema)
        {
            copy.CopyColumn(column, this, 0, 0, Count);
        }

        return copy;
    }

    /// <summary>Adds the rows in use to a checkpoint: a tensor for each stored column.</summary>
    /// <param name="writer">
    /// The checkpoint; it refers to this batch's memory, which must not change until it is saved.
    /// </param>
    /// <param name="prefix">What the names start with.</param>
    public void SaveState(SafetensorsWriter writer, string prefix)
    {
        ArgumentNullException.ThrowIfNull(writer);
        _use.ThrowIfDisposed(this);
        foreach (TransitionColumn column in s_schema)
        {
            if (column.IsStored)
            {
                column.AddTo(
                    writer, prefix + column.Name, Pointer(column), Count, _widths[column.Index],
                    (nint)RowBytes(column), _columns[column.Index]);
            }
        }
    }

    /// <summary>Restores what <see cref="SaveState"/> wrote.</summary>
    /// <param name="file">The checkpoint.</param>
    /// <param name="prefix">What the names start with.</param>
    /// <param name="rows">Rows that it must hold, within <see cref="Capacity"/>; in use afterwards.</param>
    /// <exception cref="InvalidDataException">A tensor is missing or has another shape.</exception>
    public void LoadState(SafetensorsFile file, string prefix, int rows)
    {
        ArgumentNullException.ThrowIfNull(file);
        using UseGuard.Scope use = Enter();
        Count = rows;
        foreach (TransitionColumn column in s_schema)
        {
            if (column.IsStored)
            {
                int width = _widths[column.Index];
                column.Require(file, prefix + column.Name, rows, width);
                column.Read(file, prefix + column.Name, Pointer(column), 0, rows, width);
            }
        }
    }

    /// <summary>Copies what belongs to a transition whatever its task: state, action, next state and number.</summary>
    /// <param name="row">The transition.</param>
    /// <param name="target">A batch of the same shape.</param>
    /// <param name="targetRow">Row that is overwritten.</param>
    internal void CopyTransition(int row, TransitionBatch target, int targetRow)
    {
        foreach (TransitionColumn column in s_schema)
        {
            if (column.Owner == ColumnOwner.Transition)
            {
                target.CopyColumn(column, this, row, targetRow, 1);
            }
        }
    }

    /// <summary>Copies a whole row over another.</summary>
    /// <param name="row">The row.</param>
    /// <param name="target">The row that is overwritten.</param>
    internal void MoveRow(int row, int target)
    {
        foreach (TransitionColumn column in Columns)
        {
            CopyColumn(column, this, row, target, 1);
        }
    }

    /// <summary>The task of a transition, P floats.</summary>
    /// <param name="row">The transition.</param>
    internal Span<float> TaskOf(int row) => Task.Slice(row * Shape.TaskDimension, Shape.TaskDimension);

    /// <inheritdoc/>
    public TransitionBatch ToHost()
    {
        _use.ThrowIfDisposed(this);
        return this;
    }

    /// <summary>Gives the memory back; a second call does nothing.</summary>
    /// <exception cref="InvalidOperationException">A call on the batch is under way.</exception>
    public void Dispose()
    {
        if (!_use.Close(this))
        {
            return;
        }

        _count = 0;
        foreach (NativeBuffer<byte> column in _columns)
        {
            column.Dispose();
        }

        Unpin();
    }

    /// <summary>Lets a wrapping batch stand for other transitions of the same widths.</summary>
    /// <param name="columns">Where their columns lie, as when it was made.</param>
    /// <param name="rows">B, 1 or more, all in use.</param>
    internal void Rewrap(in TransitionAddresses columns, int rows)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        using UseGuard.Scope use = Enter();
        foreach (TransitionColumn column in s_schema)
        {
            void* address = columns.Of(column);
            NativeBuffer<byte> memory = _columns[column.Index];
            if (address is not null)
            {
                memory.Borrow((byte*)address, rows * RowBytes(column));
                continue;
            }

            memory.EnsureOwn(rows * RowBytes(column));
            column.FillDefault(memory.Pointer, checked(rows * Width(column)));
            if (column == ReplayIndexColumn)
            {
                new Span<long>(memory.Pointer, rows).Fill(-1);
            }
        }

        Capacity = rows;
        _count = rows;
    }

    /// <summary>Begins a call that changes the batch; see <see cref="UseGuard.Enter"/>.</summary>
    internal UseGuard.Scope Enter() => _use.Enter(this);

    /// <summary>Begins a call that reads the batch; see <see cref="UseGuard.Share"/>.</summary>
    internal UseGuard.Scope Share() => _use.Share(this);

    /// <summary>Address of the first row of a column.</summary>
    internal byte* Pointer(TransitionColumn column) => _columns[column.Index].Pointer;

    /// <summary>Entries of a row of a column.</summary>
    internal int Width(TransitionColumn column) => _widths[column.Index];

    /// <summary>Takes over what the transitions of another batch of the same shape are, whatever their tasks.</summary>
    /// <param name="source">The other batch, of no more rows than fit.</param>
    internal void CopyTransitions(TransitionBatch source)
    {
        Count = source.Count;
        foreach (TransitionColumn column in s_schema)
        {
            if (column.Owner == ColumnOwner.Transition)
            {
                CopyColumn(column, source, 0, 0, Count);
            }
        }
    }

    /// <summary>Flags of rows in use.</summary>
    /// <param name="column">A column of flags.</param>
    /// <param name="firstRow">First row.</param>
    /// <param name="rows">Rows.</param>
    internal ReadOnlySpan<byte> Flags(TransitionColumn column, int firstRow, int rows)
    {
        int width = _widths[column.Index];
        return Values<byte>(column).Slice(firstRow * width, rows * width);
    }

    /// <summary>The first entry, in the order of the schema, that must be finite and is not.</summary>
    /// <param name="firstRow">First row.</param>
    /// <param name="rows">Rows, all in use.</param>
    /// <param name="withOutcome">Whether what depends on the task is looked at, too.</param>
    /// <returns>The entry, or null.</returns>
    internal NonFiniteEntry? FindNonFinite(int firstRow, int rows, bool withOutcome)
    {
        foreach (TransitionColumn column in s_schema)
        {
            if (!column.IsFinite || (column.Owner == ColumnOwner.Outcome && !withOutcome))
            {
                continue;
            }

            int width = _widths[column.Index];
            ReadOnlySpan<float> values = Values<float>(column).Slice(firstRow * width, rows * width);
            int index = FiniteCheck.IndexOfNonFinite(values);
            if (index >= 0)
            {
                return new NonFiniteEntry(column, firstRow + (index / width), index % width, values[index]);
            }
        }

        return null;
    }

    /// <summary>Form of the stored columns, in the order of the schema.</summary>
    /// <param name="shape">Widths.</param>
    internal static ColumnRows[] Forms(TransitionShape shape) =>
    [
        .. s_schema.Where(column => column.IsStored)
            .Select(column => new ColumnRows(0, column.Width(shape), column.ElementBytes)),
    ];

    /// <summary>Adds a column to the schema, before any batch is made.</summary>
    internal static TransitionColumn Add(
        string name, TensorType type, ColumnExtent extent, ColumnOwner owner, bool isStored = true,
        float? defaultValue = null)
    {
        TransitionColumn column = new(s_schema.Count, name, type, extent, owner, isStored, defaultValue);
        s_schema.Add(column);
        return column;
    }

    private long RowBytes(TransitionColumn column) => (long)_widths[column.Index] * column.ElementBytes;

    private Span<T> Values<T>(TransitionColumn column)
        where T : unmanaged
    {
        _use.ThrowIfDisposed(this);
        return new Span<T>(Pointer(column), checked(_count * _widths[column.Index]));
    }

    private void CopyColumn(TransitionColumn column, TransitionBatch source, int sourceRow, int row, int rows)
    {
        long rowBytes = RowBytes(column), bytes = rows * rowBytes;
        Buffer.MemoryCopy(
            source.Pointer(column) + (sourceRow * rowBytes), Pointer(column) + (row * rowBytes), bytes, bytes);
        GC.KeepAlive(source);
        GC.KeepAlive(this);
    }
}
