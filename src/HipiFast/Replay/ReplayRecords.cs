using System.Diagnostics;
using System.Numerics;
using HipiFast.Kernels.Memory;
using HipiFast.Storage;

namespace HipiFast.Replay;

/// <summary>
/// The memory of a replay ring: one record per slot, all columns side by side. A random row then costs one miss of the
/// cache, not one per column.
/// </summary>
/// <remarks>Memory is touched only as the slots are written.</remarks>
internal sealed unsafe class ReplayRecords : IDisposable
{
    /// <summary>Rows that are read from a file at a time.</summary>
    private const int ReadChunkRows = 1 << 12;
    private const int CacheLine = 64;

    private static readonly TransitionColumn s_truncated = new(
        -1, "truncated", TensorType.UInt8, ColumnExtent.One, ColumnOwner.Transition);

    private static readonly TransitionColumn s_remaining = new(
        -1, "remaining", TensorType.Int32, ColumnExtent.One, ColumnOwner.Transition);

    // What a batch has and the ring keeps, then the ring's own.
    private static readonly TransitionColumn[] s_columns =
        [.. TransitionBatch.Schema.Where(column => column.IsStored), s_truncated, s_remaining];

    private readonly NativeBuffer<byte> _records;
    private readonly ReplayColumn[] _columns;

    // Null where a column is wider than the gather's widest block.
    private readonly RecordGather? _gather;

    /// <summary>Allocates.</summary>
    /// <param name="shape">Widths of the vectors.</param>
    /// <param name="capacity">Slots.</param>
    public ReplayRecords(TransitionShape shape, long capacity)
    {
        int stride = Stride(s_columns.Sum(column => column.Width(shape) * column.ElementBytes));
        _records = new NativeBuffer<byte>(checked((capacity * stride) + RecordGather.WidestBlock));
        _columns = new ReplayColumn[s_columns.Length];
        byte* next = _records.Pointer;

        // Wide elements first, so that all are aligned.
        foreach (TransitionColumn definition in s_columns.OrderByDescending(column => column.ElementBytes))
        {
            ReplayColumn column = new(definition, definition.Width(shape), next, stride);
            _columns[Array.IndexOf(s_columns, definition)] = column;
            next += column.RowBytes;
        }

        NextObservation = Find(TransitionBatch.NextObservationColumn);
        Task = Find(TransitionBatch.TaskColumn);
        Terminated = Find(TransitionBatch.TerminatedColumn);
        Truncated = Find(s_truncated);
        Remaining = Find(s_remaining);
        if (_columns.All(column => column.RowBytes <= RecordGather.WidestBlock))
        {
            _gather = new RecordGather(
                Find(TransitionBatch.ObservationColumn), Find(TransitionBatch.ActionColumn), Task, Terminated);
        }
    }

    /// <summary>s'.</summary>
    public ReplayColumn NextObservation { get; }

    /// <summary>The commanded task.</summary>
    public ReplayColumn Task { get; }

    /// <summary>Whether the task ended with the transition.</summary>
    public ReplayColumn Terminated { get; }

    /// <summary>Whether a time limit cut the episode at the transition.</summary>
    public ReplayColumn Truncated { get; }

    /// <summary>32-bit integers that <see cref="EpisodeEnds"/> keeps.</summary>
    public ReplayColumn Remaining { get; }

    /// <summary>Writes transitions to consecutive slots.</summary>
    /// <param name="slot">First slot.</param>
    /// <param name="source">Where they come from.</param>
    /// <param name="firstRow">First row there.</param>
    /// <param name="truncated">Whether a time limit cut the episode, <c>[rows]</c>: as many are written.</param>
    public void Write(long slot, TransitionBatch source, int firstRow, ReadOnlySpan<byte> truncated)
    {
        foreach (ReplayColumn column in _columns)
        {
            if (column.IsInBatch)
            {
                column.Write(
                    slot, source.Pointer(column.Definition) + ((nint)firstRow * column.RowBytes), truncated.Length);
            }
        }

        fixed (byte* flags = truncated)
        {
            Truncated.Write(slot, flags, truncated.Length);
        }
    }

    /// <summary>Asks the cache for records that are about to be gathered; changes nothing.</summary>
    /// <param name="slots">Slots of the records.</param>
    public void Prefetch(ReadOnlySpan<int> slots) =>
        _gather?.Prefetch(slots[..Math.Min(RecordGather.Lead, slots.Length)]);

    /// <summary>Copies records to rows of a batch.</summary>
    /// <param name="slots">
    /// Slot of the record of each row of the batch; behind them <see cref="RecordGather.Lead"/> more slots of records
    /// can be read.
    /// </param>
    /// <param name="batch">Receives the rows.</param>
    /// <param name="first">First row.</param>
    /// <param name="end">Row behind the last.</param>
    public void Gather(ReadOnlySpan<int> slots, TransitionBatch batch, int first, int end)
    {
        // Where the record gather may write one row too many, the last row of all is left to the columns.
        int ahead = first;
        if (_gather is not null)
        {
            ahead = _gather.IsWhole ? end : Math.Min(end, slots.Length - 1);
            fixed (int* slot = slots)
            {
                _gather.CopyRows(slot, batch, first, ahead);
            }
        }

        foreach (ReplayColumn column in _columns)
        {
            if (column.IsInBatch)
            {
                int from = RecordGather.Copies(column.Definition) ? ahead : first;
                column.Gather(slots[from..end], batch.Pointer(column.Definition) + ((nint)from * column.RowBytes));
            }
        }
    }

    /// <summary>Adds the first slots to a checkpoint, a tensor for each column.</summary>
    /// <param name="writer">The checkpoint; it refers to this memory.</param>
    /// <param name="prefix">What the names start with.</param>
    /// <param name="count">Slots.</param>
    public void SaveState(SafetensorsWriter writer, string prefix, long count)
    {
        foreach (ReplayColumn column in _columns)
        {
            TransitionColumn definition = column.Definition;
            definition.AddTo(
                writer, prefix + definition.Name, column.Row(0), count, column.Width, column.Stride, _records);
        }
    }

    /// <summary>Throws unless a checkpoint holds so many slots.</summary>
    /// <param name="file">The checkpoint.</param>
    /// <param name="prefix">What the names start with.</param>
    /// <param name="count">Slots.</param>
    /// <exception cref="InvalidDataException">A tensor is missing or has another shape.</exception>
    public void Require(SafetensorsFile file, string prefix, long count)
    {
        foreach (ReplayColumn column in _columns)
        {
            TransitionColumn definition = column.Definition;
            definition.Require(file, prefix + definition.Name, count, column.Width);
        }
    }

    /// <summary>Reads the first slots from a checkpoint that <see cref="Require"/> has looked at.</summary>
    /// <param name="file">The checkpoint.</param>
    /// <param name="prefix">What the names start with.</param>
    /// <param name="count">Slots.</param>
    public void LoadState(SafetensorsFile file, string prefix, long count)
    {
        foreach (ReplayColumn column in _columns)
        {
            using NativeBuffer<byte> values = new((long)ReadChunkRows * column.RowBytes);
            for (long first = 0; first < count; first += ReadChunkRows)
            {
                int rows = (int)Math.Min(ReadChunkRows, count - first);
                TransitionColumn definition = column.Definition;
                definition.Read(file, prefix + definition.Name, values.Pointer, first, rows, column.Width);
                column.Write(first, values.Pointer, rows);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _records.Dispose();

    // Records up to a cache line are rounded up to a part of one, so that none lies across two.
    private static int Stride(int bytes) => bytes <= CacheLine
        ? (int)BitOperations.RoundUpToPowerOf2((uint)bytes)
        : (bytes + (CacheLine / 2) - 1) / (CacheLine / 2) * (CacheLine / 2);

    private ReplayColumn Find(TransitionColumn definition)
    {
        int index = Array.IndexOf(s_columns, definition);
        Debug.Assert(index >= 0);
        return _columns[index];
    }
}
