using System.Diagnostics;
using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Random;
using HipiFast.Storage;

namespace HipiFast.Replay;

/// <summary>A ring of the latest transitions of N environment copies, one record each in native memory, with episode boundaries.</summary>
/// <remarks>
/// <para>Transitions have absolute numbers that never change: copy c at vector step t is number <c>t N + c</c>, kept in slot
/// <c>number mod Capacity</c>. The successor of a transition within its episode is therefore number + N. Live numbers are
/// <c>[TotalCount - Count, TotalCount)</c>.</para>
/// <para>Termination (the task ended) and truncation (a time limit cut the episode) are kept apart; both end an episode. Episodes that are still
/// running can be sampled and looked up like others: their last transition is their copy's latest.</para>
/// <para>Memory is touched only as the buffer fills. Not thread-safe. Appending and sampling allocate nothing.</para>
/// </remarks>
public sealed unsafe class ReplayBuffer : IDisposable
{
    private const int OpenEpisode = -1;
    private const int ObservationColumn = 0;
    private const int ActionColumn = 1;
    private const int NextObservationColumn = 2;
    private const int TaskColumn = 3;
    private const int TerminatedColumn = 5;
    private const int TruncatedColumn = 6;
    private const int RemainingColumn = 7;
    private const int ReadChunkRows = 1 << 12;
    private const int CacheLine = 64;

    /// <summary>Rows drawn at once: their slots stay in the first-level cache until they are gathered.</summary>
    private const int BlockRows = 1024;

    // The one list of what a transition consists of, in the order of Append's arguments; the last column is the buffer's own. Appending,
    // sampling, saving and loading all walk this list.
    private static readonly ReplayColumnDefinition[] s_columns =
    [
        new("observation", TensorType.Float32, shape => shape.ObservationDimension, batch => batch.Pointers.Observation, true),
        new("action", TensorType.Float32, shape => shape.ActionDimension, batch => batch.Pointers.Action, true),
        new("next_observation", TensorType.Float32, shape => shape.ObservationDimension, batch => batch.Pointers.NextObservation, true),
        new("task", TensorType.Float32, shape => shape.TaskDimension, batch => (nint)batch.TaskPointer, true),
        new("reward", TensorType.Float32, _ => 1, batch => (nint)batch.RewardPointer, false),
        new("terminated", TensorType.UInt8, _ => 1, batch => (nint)batch.TerminatedPointer, false),
        new("truncated", TensorType.UInt8, _ => 1, null, false),

        // Steps to the last transition of the episode, 0 for the last itself; OpenEpisode while the episode runs. Written backwards over the
        // episode when it ends, so that looking up an end takes one read however long the episode is.
        new("remaining", TensorType.Int32, _ => 1, null, false),
    ];

    // One record per slot, all columns side by side: a random row then costs one miss of the cache, not one per column.
    private readonly NativeBuffer<byte> _records;
    private readonly ReplayColumn[] _columns;

    // Null where a column is wider than the gather's widest block.
    private readonly RecordGather? _gather;
    private readonly NativeBuffer<int> _slots = new(0);

    /// <summary>Allocates a buffer.</summary>
    /// <param name="shape">Widths of state, action and task.</param>
    /// <param name="capacity">
    /// Most transitions kept, rounded down to a multiple of <paramref name="environmentCount"/>; that multiple must be 1 or more. At most 2^31 - 1.
    /// </param>
    /// <param name="environmentCount">N, environment copies that are stepped together.</param>
    /// <exception cref="ArgumentException">A width is below 1, or the capacity holds not even one transition of every copy.</exception>
    public ReplayBuffer(TransitionShape shape, long capacity, int environmentCount = 1)
    {
        shape.Validate();
        if (environmentCount < 1 || capacity < environmentCount || capacity > int.MaxValue)
        {
            throw new ArgumentException(
                $"A replay buffer needs 1 or more environment copies and a capacity from one transition of each to {int.MaxValue}; "
                + $"found {environmentCount} copies and capacity {capacity}.");
        }

        Shape = shape;
        EnvironmentCount = environmentCount;
        Capacity = capacity - (capacity % environmentCount);
        int recordBytes = s_columns.Sum(column => column.Width(shape) * column.ElementBytes), stride = RecordStride(recordBytes);
        _records = new NativeBuffer<byte>(checked((Capacity * stride) + RecordGather.WidestBlock));
        _columns = new ReplayColumn[s_columns.Length];
        byte* next = _records.Pointer;

        // Wide elements first, so that all are aligned.
        for (int elementBytes = sizeof(float); elementBytes > 0; elementBytes -= sizeof(float) - sizeof(byte))
        {
            for (int i = 0; i < _columns.Length; i++)
            {
                if (s_columns[i].ElementBytes == elementBytes)
                {
                    _columns[i] = new ReplayColumn(s_columns[i], s_columns[i].Width(shape), next, stride);
                    next += _columns[i].RowBytes;
                }
            }
        }

        if (_columns.All(column => column.RowBytes <= RecordGather.WidestBlock))
        {
            _gather = new RecordGather(
                _columns[ObservationColumn], _columns[ActionColumn], _columns[TaskColumn], _columns[TerminatedColumn]);
        }
    }

    /// <summary>Widths of state, action and task.</summary>
    public TransitionShape Shape { get; }

    /// <summary>Most transitions kept, a multiple of <see cref="EnvironmentCount"/>.</summary>
    public long Capacity { get; }

    /// <summary>N, environment copies.</summary>
    public int EnvironmentCount { get; }

    /// <summary>Live transitions: stored and not overwritten, in [0, <see cref="Capacity"/>].</summary>
    public long Count => Math.Min(TotalCount, Capacity);

    /// <summary>All transitions ever added; live numbers are [<see cref="TotalCount"/> - <see cref="Count"/>, <see cref="TotalCount"/>).</summary>
    public long TotalCount { get; private set; }

    /// <summary>Adds one vector step: one transition of every environment copy. All matrices row-major, rows in the order of the copies.</summary>
    /// <param name="observation">s, <c>[N, S]</c>.</param>
    /// <param name="action">a, <c>[N, A]</c>.</param>
    /// <param name="nextObservation">s', <c>[N, S]</c>: the state reached, also where the episode ended.</param>
    /// <param name="task">The commanded task, <c>[N, P]</c>.</param>
    /// <param name="reward">r under the commanded task, <c>[N]</c>.</param>
    /// <param name="terminated">1 where the task ended, <c>[N]</c>; ends the copy's episode.</param>
    /// <param name="truncated">1 where a time limit cut the episode, <c>[N]</c>; ends the copy's episode too.</param>
    /// <exception cref="ArgumentException">A length disagrees; nothing was added.</exception>
    /// <exception cref="InvalidDataException">A number is NaN or infinite, or a flag neither 0 nor 1; nothing was added.</exception>
    public void Append(
        ReadOnlySpan<float> observation, ReadOnlySpan<float> action, ReadOnlySpan<float> nextObservation, ReadOnlySpan<float> task,
        ReadOnlySpan<float> reward, ReadOnlySpan<byte> terminated, ReadOnlySpan<byte> truncated)
    {
        fixed (float* o = observation, a = action, n = nextObservation, p = task, r = reward)
        {
            fixed (byte* d = terminated, l = truncated)
            {
                Span<nint> sources = [(nint)o, (nint)a, (nint)n, (nint)p, (nint)r, (nint)d, (nint)l];
                Span<int> lengths =
                    [observation.Length, action.Length, nextObservation.Length, task.Length, reward.Length, terminated.Length, truncated.Length];
                AppendColumns(sources, lengths);
            }
        }
    }

    /// <summary>Adds the rows of a batch as one whole episode of a buffer with one environment copy.</summary>
    /// <param name="episode">Its transitions in the order in which they happened; tasks and rewards as they stand.</param>
    /// <param name="truncated">
    /// Whether a time limit ended the episode when its last row is not terminated; false leaves it open for more rows.
    /// </param>
    /// <exception cref="ArgumentException">The buffer has several copies, or the shapes disagree; nothing was added.</exception>
    /// <exception cref="InvalidDataException">A number is NaN or infinite, or a flag neither 0 nor 1; the rows before it were added.</exception>
    public void AppendEpisode(TransitionBatch episode, bool truncated = true)
    {
        ArgumentNullException.ThrowIfNull(episode);
        if (EnvironmentCount != 1 || episode.Shape != Shape)
        {
            throw new ArgumentException(
                $"An episode of {episode.Shape} can be added to a buffer of one environment copy and the same shape; "
                + $"this one has {EnvironmentCount} and {Shape}.",
                nameof(episode));
        }

        int count = episode.Count;
        byte cut = 0;
        Span<nint> sources = stackalloc nint[RemainingColumn];
        Span<int> lengths = stackalloc int[RemainingColumn];
        for (int row = 0; row < count; row++)
        {
            cut = truncated && row == count - 1 && episode.Terminated[row] == 0 ? (byte)1 : (byte)0;
            for (int i = 0; i < RemainingColumn; i++)
            {
                sources[i] = i == TruncatedColumn ? (nint)(&cut) : s_columns[i].BatchPointer!(episode) + (row * (nint)_columns[i].RowBytes);
                lengths[i] = _columns[i].Width;
            }

            AppendColumns(sources, lengths);
        }
    }

    /// <summary>Fills a batch with transitions drawn uniformly, with replacement, from all live ones.</summary>
    /// <param name="batch">Receives <paramref name="count"/> rows and, in <see cref="TransitionBatch.ReplayIndex"/>, their absolute numbers.</param>
    /// <param name="count">Rows wanted, 1 or more, within the batch's capacity.</param>
    /// <param name="seed">Philox key.</param>
    /// <param name="call">Number of this call: the third counter word.</param>
    /// <exception cref="ArgumentException">The shapes disagree or <paramref name="count"/> does not fit.</exception>
    /// <exception cref="InvalidOperationException">The buffer is empty.</exception>
    /// <remarks>
    /// Row i takes word i mod 4 of counter (i / 4, 0, call, <see cref="RandomPurpose.ReplaySampling"/>), mapped without bias; the rare word that the
    /// map refuses is replaced by the first accepted word of counters (i, 1, call), (i, 2, call) and so on.
    /// </remarks>
    public void Sample(TransitionBatch batch, int count, ulong seed, uint call) => Sample(batch, count, seed, call, RandomPurpose.ReplaySampling);

    /// <summary>
    /// Absolute number of the last transition, stored so far, of the episode that holds this one; the number itself when it is the last.
    /// </summary>
    /// <param name="index">Number of a live transition.</param>
    /// <returns>A live number, <paramref name="index"/> plus a multiple of N.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The transition is not live.</exception>
    /// <remarks>
    /// The result is live because <paramref name="index"/> is: overwriting takes the oldest numbers first, so live numbers are an interval that ends
    /// with the newest, and the end of an episode is at or after any of its transitions and has been stored. Everything between them is live too.
    /// </remarks>
    public long EpisodeEnd(long index)
    {
        CheckLive(index);
        int remaining = *(int*)_columns[RemainingColumn].Row(index % Capacity);
        return remaining == OpenEpisode
            ? TotalCount - EnvironmentCount + (index % EnvironmentCount)
            : index + ((long)remaining * EnvironmentCount);
    }

    /// <summary>The next state s' of a live transition.</summary>
    /// <param name="index">Its absolute number.</param>
    /// <returns><c>[S]</c>; valid until the slot is overwritten.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The transition is not live.</exception>
    public ReadOnlySpan<float> NextObservation(long index)
    {
        CheckLive(index);
        return new ReadOnlySpan<float>(NextObservationPointer(index), Shape.ObservationDimension);
    }

    /// <summary>Whether the task ended with a live transition.</summary>
    /// <param name="index">Its absolute number.</param>
    /// <returns>The flag that was stored.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The transition is not live.</exception>
    public bool IsTerminated(long index)
    {
        CheckLive(index);
        return *_columns[TerminatedColumn].Row(index % Capacity) != 0;
    }

    /// <summary>Whether a time limit cut the episode at a live transition.</summary>
    /// <param name="index">Its absolute number.</param>
    /// <returns>The flag that was stored.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The transition is not live.</exception>
    public bool IsTruncated(long index)
    {
        CheckLive(index);
        return *_columns[TruncatedColumn].Row(index % Capacity) != 0;
    }

    /// <summary>Whether a transition is stored and not overwritten.</summary>
    /// <param name="index">Absolute number.</param>
    /// <returns>True in [<see cref="TotalCount"/> - <see cref="Count"/>, <see cref="TotalCount"/>).</returns>
    public bool IsLive(long index) => index >= TotalCount - Count && index < TotalCount;

    /// <summary>Adds the live transitions to a checkpoint: one tensor per column, and <c>layout</c>, which says how to read them.</summary>
    /// <param name="writer">The checkpoint; it refers to this buffer's memory, which must not change until it is saved.</param>
    /// <param name="prefix">What the names start with.</param>
    public void SaveState(SafetensorsWriter writer, string prefix)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.Add<long>(prefix + "layout", [Capacity, EnvironmentCount, TotalCount], 3);

        // Until the ring is full the live transitions are in slots [0, Count); afterwards they are in all slots. Either way one piece.
        foreach (ReplayColumn column in _columns)
        {
            ReadOnlySpan<long> shape = column.Definition.IsMatrix ? [Count, column.Width] : [Count];
            string name = prefix + column.Definition.Name;
            switch (column.Definition.Type)
            {
                case TensorType.Float32:
                    writer.AddRows(name, (float*)column.Row(0), column.Stride, shape);
                    break;
                case TensorType.Int32:
                    writer.AddRows(name, (int*)column.Row(0), column.Stride, shape);
                    break;
                default:
                    writer.AddRows(name, column.Row(0), column.Stride, shape);
                    break;
            }
        }
    }

    /// <summary>Restores what <see cref="SaveState"/> wrote: sampling and episode ends continue exactly as they would have.</summary>
    /// <param name="file">The checkpoint.</param>
    /// <param name="prefix">What the names start with.</param>
    /// <exception cref="InvalidDataException">
    /// A tensor is missing or its shape, or the buffer's capacity or number of copies, disagrees, and nothing has changed; or a number is not finite
    /// or a flag neither 0 nor 1, and the buffer is empty.
    /// </exception>
    public void LoadState(SafetensorsFile file, string prefix)
    {
        ArgumentNullException.ThrowIfNull(file);
        Span<long> layout = stackalloc long[3];
        file.Require(prefix + "layout", TensorType.Int64, 3);
        file.Read(prefix + "layout", layout);
        long total = layout[2];
        if (layout[0] != Capacity || layout[1] != EnvironmentCount || total < 0 || total % EnvironmentCount != 0)
        {
            throw new InvalidDataException(
                $"{file.Path}: '{prefix}layout' describes a replay buffer of capacity {layout[0]} for {layout[1]} environment copies with {total} "
                + $"transitions; expected capacity {Capacity} for {EnvironmentCount} copies.");
        }

        long count = Math.Min(total, Capacity);
        foreach (ReplayColumn column in _columns)
        {
            ReadOnlySpan<long> shape = column.Definition.IsMatrix ? [count, column.Width] : [count];
            file.Require(prefix + column.Definition.Name, column.Definition.Type, shape);
        }

        CheckRemaining(file, prefix, total, count);
        TotalCount = 0;
        foreach (ReplayColumn column in _columns)
        {
            string name = prefix + column.Definition.Name;
            switch (column.Definition.Type)
            {
                case TensorType.Float32:
                    Read<float>(file, name, column, count);
                    break;
                case TensorType.Int32:
                    Read<int>(file, name, column, count);
                    break;
                default:
                    Read<byte>(file, name, column, count);
                    break;
            }
        }

        TotalCount = total;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _records.Dispose();
        _slots.Dispose();
    }

    /// <summary><see cref="Sample(TransitionBatch, int, ulong, uint)"/> with noise for another purpose, from an entry of its sequence on.</summary>
    internal void Sample(TransitionBatch batch, int count, ulong seed, uint call, RandomPurpose purpose, ulong firstEntry = 0)
    {
        ArgumentNullException.ThrowIfNull(batch);
        if (batch.Shape != Shape || count < 1 || count > batch.Capacity)
        {
            throw new ArgumentException(
                $"Cannot sample {count} transitions of {Shape} into a batch of {batch.Shape} with room for {batch.Capacity}.", nameof(batch));
        }

        if (TotalCount == 0)
        {
            throw new InvalidOperationException("Cannot sample from an empty replay buffer.");
        }

        batch.Count = count;
        Span<int> slots = SlotsFor(count);

        // A block is drawn before the last rows of the one before it are gathered, whose records are on their way meanwhile.
        int gathered = 0;
        for (int first = 0; first < count; first += BlockRows)
        {
            int end = Math.Min(first + BlockRows, count);
            Span<int> block = slots[first..end];
            UniformIndex.Fill(block, (uint)Count, seed, call, purpose, firstEntry + (uint)first);
            if (first == 0)
            {
                _gather?.Prefetch(block[..Math.Min(RecordGather.Lead, end)]);
            }

            WriteNumbers(block, batch.ReplayIndex[first..]);
            int ready = end == count ? count : end - RecordGather.Lead;
            Gather(slots, batch, gathered, ready);
            gathered = ready;
        }
    }

    /// <summary>Reads live transitions in the order of their numbers, for a copy of the buffer elsewhere.</summary>
    /// <param name="firstNumber">Number of the first; it and the others must be live.</param>
    /// <param name="batch">Receives them, as many as its capacity, or those up to the newest.</param>
    internal void Read(long firstNumber, TransitionBatch batch)
    {
        Debug.Assert(IsLive(firstNumber));
        int count = (int)Math.Min(batch.Capacity, TotalCount - firstNumber);
        batch.Count = count;
        Span<int> slots = SlotsFor(count);
        for (int i = 0; i < count; i++)
        {
            slots[i] = (int)((firstNumber + i) % Capacity);
        }

        WriteNumbers(slots, batch.ReplayIndex);
        Gather(slots, batch, 0, count);
    }

    /// <summary>Address of the next state of a transition that the caller knows to be live.</summary>
    internal float* NextObservationPointer(long index)
    {
        Debug.Assert(IsLive(index));
        return (float*)_columns[NextObservationColumn].Row(index % Capacity);
    }

    /// <summary>Address of the commanded task of a transition that the caller knows to be live.</summary>
    internal float* TaskPointer(long index)
    {
        Debug.Assert(IsLive(index));
        return (float*)_columns[TaskColumn].Row(index % Capacity);
    }

    // The record gather reads ahead of the slots it is given: slot 0 is always one of a record.
    private Span<int> SlotsFor(int count)
    {
        _slots.EnsureLength(count + RecordGather.Lead);
        _slots.Slice(count, RecordGather.Lead).Clear();
        return _slots.Slice(0, count);
    }

    // Rows [first, end) of the batch. Where the record gather may write one row too many, the last row of all is left to the columns.
    private void Gather(Span<int> slots, TransitionBatch batch, int first, int end)
    {
        if (_gather is not null)
        {
            int ahead = _gather.IsWhole ? end : Math.Min(end, slots.Length - 1);
            _gather.CopyRows(_slots.Pointer, batch, first, ahead);
            first = ahead;
        }

        if (first < end)
        {
            foreach (ReplayColumn column in _columns)
            {
                if (column.Definition.BatchPointer is { } pointer)
                {
                    column.Gather(slots[first..end], (byte*)pointer(batch) + ((nint)first * column.RowBytes));
                }
            }
        }
    }

    // Slot to absolute number: the slots before the next one to be written belong to the current lap, the others to the lap before.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void WriteNumbers(ReadOnlySpan<int> slots, Span<long> numbers)
    {
        long next = TotalCount % Capacity, lap = TotalCount - next, before = lap - Capacity;
        int i = 0;
        fixed (int* slot = slots)
        {
            fixed (long* number = numbers)
            {
                if (Vector512.IsHardwareAccelerated)
                {
                    Vector512<long> nexts = Vector512.Create(next), laps = Vector512.Create(lap), befores = Vector512.Create(before);
                    for (; i <= slots.Length - Vector512<long>.Count; i += Vector512<long>.Count)
                    {
                        Vector512<long> wide = Vector512.WidenLower(Vector256.Load(slot + i).ToVector512());
                        (wide + Vector512.ConditionalSelect(Vector512.LessThan(wide, nexts), laps, befores)).Store(number + i);
                    }
                }

                for (; i < slots.Length; i++)
                {
                    number[i] = slot[i] + (slot[i] < next ? lap : before);
                }
            }
        }
    }

    private static void Read<T>(SafetensorsFile file, string name, ReplayColumn column, long rows)
        where T : unmanaged
    {
        using NativeBuffer<T> values = new((long)ReadChunkRows * column.Width);
        for (long first = 0; first < rows; first += ReadChunkRows)
        {
            int count = (int)Math.Min(ReadChunkRows, rows - first);
            Span<T> part = values.Slice(0, count * column.Width);
            if (typeof(T) == typeof(float))
            {
                file.ReadFinite(name, MemoryMarshal.Cast<T, float>(part), first * column.Width);
            }
            else if (typeof(T) == typeof(byte))
            {
                file.ReadFlags(name, MemoryMarshal.AsBytes(part), first * column.Width);
            }
            else
            {
                file.Read(name, part, first * column.Width);
            }

            column.Write(first, values.Pointer, count);
        }
    }

    // Records up to a cache line are rounded up to a part of one, so that none lies across two.
    private static int RecordStride(int bytes) =>
        bytes <= CacheLine ? (int)BitOperations.RoundUpToPowerOf2((uint)bytes) : (bytes + (CacheLine / 2) - 1) / (CacheLine / 2) * (CacheLine / 2);

    private void AppendColumns(ReadOnlySpan<nint> sources, ReadOnlySpan<int> lengths)
    {
        Debug.Assert(sources.Length == RemainingColumn && lengths.Length == RemainingColumn);
        for (int i = 0; i < sources.Length; i++)
        {
            if (lengths[i] != EnvironmentCount * _columns[i].Width)
            {
                throw new ArgumentException(
                    $"The column {s_columns[i].Name} of a vector step has {EnvironmentCount} x {_columns[i].Width} entries; found {lengths[i]}.");
            }
        }

        for (int i = 0; i < sources.Length; i++)
        {
            CheckValues(i, (void*)sources[i], lengths[i]);
        }

        // Capacity and numbers are multiples of N, so the N rows of a step never wrap around.
        long slot = TotalCount % Capacity;
        for (int i = 0; i < sources.Length; i++)
        {
            _columns[i].Write(slot, (void*)sources[i], EnvironmentCount);
        }

        long first = TotalCount;
        TotalCount += EnvironmentCount;
        for (int copy = 0; copy < EnvironmentCount; copy++, slot++)
        {
            *(int*)_columns[RemainingColumn].Row(slot) = OpenEpisode;
            if ((*_columns[TerminatedColumn].Row(slot) | *_columns[TruncatedColumn].Row(slot)) != 0)
            {
                CloseEpisode(first + copy);
            }
        }
    }

    // What is wrong is found where it comes in, not when it happens to be sampled.
    private void CheckValues(int column, void* values, int length)
    {
        int wrong = s_columns[column].Type == TensorType.Float32
            ? IndexOfNonFinite(new ReadOnlySpan<float>(values, length))
            : new ReadOnlySpan<byte>(values, length).IndexOfAnyExceptInRange((byte)0, (byte)1);
        if (wrong >= 0)
        {
            (int copy, int entry) = Math.DivRem(wrong, _columns[column].Width);
            string what = s_columns[column].Type != TensorType.Float32 ? $"{((byte*)values)[wrong]}"
                : float.IsNaN(((float*)values)[wrong]) ? "NaN" : "an infinity";
            throw new InvalidDataException(
                $"The column {s_columns[column].Name} of a vector step holds {what} at copy {copy}, entry {entry}; expected "
                + $"{(s_columns[column].Type == TensorType.Float32 ? "finite numbers" : "0 or 1")}.");
        }

        static int IndexOfNonFinite(ReadOnlySpan<float> values)
        {
            if (TensorPrimitives.IsFiniteAll(values))
            {
                return -1;
            }

            int index = 0;
            while (float.IsFinite(values[index]))
            {
                index++;
            }

            return index;
        }
    }

    // Each transition is visited once in its life, so this is constant time per transition on average.
    private void CloseEpisode(long last)
    {
        int distance = 0;
        for (long index = last; IsLive(index); index -= EnvironmentCount, distance++)
        {
            int* remaining = (int*)_columns[RemainingColumn].Row(index % Capacity);
            if (*remaining != OpenEpisode)
            {
                break;
            }

            *remaining = distance;
        }
    }

    private void CheckLive(long index)
    {
        if (!IsLive(index))
        {
            throw new ArgumentOutOfRangeException(
                nameof(index), $"Transition {index} is not in the replay buffer, which holds {TotalCount - Count} to {TotalCount - 1}.");
        }
    }

    // A damaged distance would send lookups outside the ring, so it is refused before anything is changed.
    private void CheckRemaining(SafetensorsFile file, string prefix, long total, long count)
    {
        const int Chunk = 1 << 16;
        using NativeBuffer<int> values = new(Math.Min(Chunk, count));
        long next = total % Capacity, lap = total - next;
        for (long first = 0; first < count; first += Chunk)
        {
            Span<int> chunk = values.Slice(0, (int)Math.Min(Chunk, count - first));
            file.Read(prefix + s_columns[RemainingColumn].Name, chunk, first);
            for (int i = 0; i < chunk.Length; i++)
            {
                long slot = first + i, index = slot < next ? lap + slot : lap - Capacity + slot;
                if (chunk[i] < OpenEpisode || index + ((long)chunk[i] * EnvironmentCount) >= total)
                {
                    throw new InvalidDataException(
                        $"{file.Path}: '{prefix}{s_columns[RemainingColumn].Name}' says that transition {index} of {total} is {chunk[i]} steps "
                        + "from the end of its episode.");
                }
            }
        }
    }
}
