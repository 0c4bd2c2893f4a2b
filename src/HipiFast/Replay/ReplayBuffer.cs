using System.Diagnostics;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Random;
using HipiFast.Storage;

namespace HipiFast.Replay;

/// <summary>
/// A ring of the latest transitions of N environment copies, one record each in native memory, with episode boundaries.
/// </summary>
/// <remarks>
/// <para>Transitions have absolute numbers that never change: copy c at vector step t is number <c>t N + c</c>, kept in
/// slot <c>number mod Capacity</c>. The successor of a transition within its episode is therefore number + N. Live
/// numbers are <c>[TotalCount - Count, TotalCount)</c>.</para>
/// <para>Termination (the task ended) and truncation (a time limit cut the episode) are kept apart; both end an
/// episode. Episodes that are still running can be sampled and looked up like others: their last transition is their
/// copy's latest.</para>
/// <para>Memory is touched only as the buffer fills. Appending and sampling allocate nothing. One thread at a time
/// uses a buffer: what adds, draws, saves or restores transitions refuses company with an
/// <see cref="InvalidOperationException"/>. After <see cref="Dispose"/> all but <see cref="Shape"/>,
/// <see cref="Capacity"/> and <see cref="EnvironmentCount"/> throws <see cref="ObjectDisposedException"/>.</para>
/// </remarks>
public sealed unsafe class ReplayBuffer : IReplay
{
    private readonly RingNumbers _numbers;
    private readonly ReplayRecords _records;
    private readonly EpisodeEnds _ends;
    private readonly ReplaySampler _sampler;
    private UseGuard _use;

    /// <summary>Allocates a buffer.</summary>
    /// <param name="shape">Widths of state, action and task.</param>
    /// <param name="capacity">
    /// Most transitions kept, rounded down to a multiple of <paramref name="environmentCount"/>; that multiple must be
    /// 1 or more. At most 2^31 - 1.
    /// </param>
    /// <param name="environmentCount">N, environment copies that are stepped together.</param>
    /// <exception cref="ArgumentException">
    /// A width is below 1, or the capacity holds not even one transition of every copy.
    /// </exception>
    public ReplayBuffer(TransitionShape shape, long capacity, int environmentCount = 1)
    {
        shape.Validate();
        if (environmentCount < 1 || capacity < environmentCount || capacity > int.MaxValue)
        {
            throw new ArgumentException(
                "A replay buffer needs 1 or more environment copies and a capacity from one transition of each to "
                + $"{int.MaxValue}; "
                + $"found {environmentCount} copies and capacity {capacity}.");
        }

        Shape = shape;
        _numbers = new RingNumbers(capacity - (capacity % environmentCount), environmentCount);
        _records = new ReplayRecords(shape, _numbers.Capacity);
        _ends = new EpisodeEnds(_records, _numbers);
        _sampler = new ReplaySampler(_records, _numbers);
    }

    /// <summary>Widths of state, action and task.</summary>
    public TransitionShape Shape { get; }

    /// <summary>Most transitions kept, a multiple of <see cref="EnvironmentCount"/>.</summary>
    public long Capacity => _numbers.Capacity;

    /// <summary>N, environment copies.</summary>
    public int EnvironmentCount => _numbers.EnvironmentCount;

    /// <summary>Live transitions: stored and not overwritten, in [0, <see cref="Capacity"/>].</summary>
    public long Count
    {
        get
        {
            _use.ThrowIfDisposed(this);
            return _numbers.Count;
        }
    }

    /// <summary>
    /// All transitions ever added; live numbers are [<see cref="TotalCount"/> - <see cref="Count"/>,
    /// <see cref="TotalCount"/>).
    /// </summary>
    public long TotalCount
    {
        get
        {
            _use.ThrowIfDisposed(this);
            return _numbers.Total;
        }
    }

    /// <inheritdoc/>
    ReplayBuffer IReplay.Host => this;

    /// <inheritdoc/>
    public void Append(TransitionBatch step, ReadOnlySpan<byte> truncated)
    {
        ArgumentNullException.ThrowIfNull(step);
        using UseGuard.Scope use = _use.Enter(this), held = step.Share();
        if (step.Shape != Shape || step.Count != EnvironmentCount || truncated.Length != EnvironmentCount)
        {
            throw new ArgumentException(
                $"A vector step of {EnvironmentCount} environment copies has as many transitions of {Shape}, each with "
                + "a truncation; found "
                + $"{step.Count} of {step.Shape} with {truncated.Length}.");
        }

        Add(step, 0, truncated);
    }

    /// <summary>Adds the rows of a batch as one whole episode of a buffer with one environment copy.</summary>
    /// <param name="episode">
    /// Its transitions in the order in which they happened; tasks and rewards as they stand.
    /// </param>
    /// <param name="truncated">
    /// Whether a time limit ended the episode when its last row is not terminated; false leaves it open for more rows.
    /// </param>
    /// <exception cref="ArgumentException">
    /// The buffer has several copies, or the shapes disagree; nothing was added.
    /// </exception>
    /// <exception cref="InvalidDataException">
    /// A number is NaN or infinite, or a flag neither 0 nor 1; the rows before it were added.
    /// </exception>
    public void AppendEpisode(TransitionBatch episode, bool truncated = true)
    {
        ArgumentNullException.ThrowIfNull(episode);
        using UseGuard.Scope use = _use.Enter(this), held = episode.Share();
        if (EnvironmentCount != 1 || episode.Shape != Shape)
        {
            throw new ArgumentException(
                $"An episode of {episode.Shape} can be added to a buffer of one environment copy and the same shape; "
                + $"this one has {EnvironmentCount} and {Shape}.",
                nameof(episode));
        }

        int count = episode.Count;
        for (int row = 0; row < count; row++)
        {
            byte cut = truncated && row == count - 1 && episode.Terminated[row] == 0 ? (byte)1 : (byte)0;
            Add(episode, row, new ReadOnlySpan<byte>(in cut));
        }
    }

    /// <inheritdoc/>
    ITransitionBatch IReplay.CreateBatch(int capacity)
    {
        _use.ThrowIfDisposed(this);
        return new TransitionBatch(Shape, capacity);
    }

    /// <summary>Fills a batch with transitions drawn uniformly, with replacement, from all live ones.</summary>
    /// <param name="batch">
    /// One in host memory; receives <paramref name="count"/> rows and, in <see cref="TransitionBatch.ReplayIndex"/>,
    /// their absolute numbers.
    /// </param>
    /// <param name="count">Rows wanted, 1 or more, within the batch's capacity.</param>
    /// <param name="seed">Philox key.</param>
    /// <param name="call">Number of this call: the third counter word.</param>
    /// <exception cref="ArgumentException">
    /// The batch lies elsewhere, the shapes disagree or <paramref name="count"/> does not fit.
    /// </exception>
    /// <exception cref="InvalidOperationException">The buffer is empty.</exception>
    /// <remarks>
    /// Row i takes word i mod 4 of counter (i / 4, 0, call, <see cref="RandomPurpose.ReplaySampling"/>), mapped without
    /// bias; the rare word that the map refuses is replaced by the first accepted word of counters (i, 1, call), (i, 2,
    /// call) and so on.
    /// </remarks>
    public void Sample(ITransitionBatch batch, int count, ulong seed, uint call)
    {
        ArgumentNullException.ThrowIfNull(batch);
        _use.ThrowIfDisposed(this);
        if (batch is not TransitionBatch host)
        {
            throw new ArgumentException(
                "A replay buffer draws into a batch of host memory; this one lies elsewhere.", nameof(batch));
        }

        Sample(host, count, seed, call, RandomPurpose.ReplaySampling);
    }

    /// <summary>
    /// Absolute number of the last transition, stored so far, of the episode that holds this one; the number itself
    /// when it is the last.
    /// </summary>
    /// <param name="index">Number of a live transition.</param>
    /// <returns>A live number, <paramref name="index"/> plus a multiple of N.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The transition is not live.</exception>
    /// <remarks>
    /// The result is live because <paramref name="index"/> is: overwriting takes the oldest numbers first, so live
    /// numbers are an interval that ends with the newest, and the end of an episode is at or after any of its
    /// transitions and has been stored. Everything between them is live too.
    /// </remarks>
    public long EpisodeEnd(long index)
    {
        _use.ThrowIfDisposed(this);
        _numbers.CheckLive(index, nameof(index));
        return _ends.Find(index);
    }

    /// <summary>The next state s' of a live transition.</summary>
    /// <param name="index">Its absolute number.</param>
    /// <returns><c>[S]</c>; valid until the slot is overwritten or the buffer disposed of or collected.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The transition is not live.</exception>
    public ReadOnlySpan<float> NextObservation(long index)
    {
        _use.ThrowIfDisposed(this);
        _numbers.CheckLive(index, nameof(index));
        return new ReadOnlySpan<float>(NextObservationPointer(index), Shape.ObservationDimension);
    }

    /// <summary>Whether a transition is stored and not overwritten.</summary>
    /// <param name="index">Absolute number.</param>
    /// <returns>True in [<see cref="TotalCount"/> - <see cref="Count"/>, <see cref="TotalCount"/>).</returns>
    public bool IsLive(long index)
    {
        _use.ThrowIfDisposed(this);
        return _numbers.IsLive(index);
    }

    /// <summary>
    /// Adds the live transitions to a checkpoint: one tensor per column, and <c>layout</c>, which says how to read
    /// them.
    /// </summary>
    /// <param name="writer">
    /// The checkpoint; it refers to this buffer's memory, which must not change until it is saved.
    /// </param>
    /// <param name="prefix">What the names start with.</param>
    public void SaveState(SafetensorsWriter writer, string prefix)
    {
        ArgumentNullException.ThrowIfNull(writer);
        using UseGuard.Scope use = _use.Enter(this);
        writer.Add<long>(prefix + "layout", [Capacity, EnvironmentCount, TotalCount], 3);

        // Until the ring is full the live transitions are in slots [0, Count); afterwards they are in all slots. Either
        // way one piece.
        _records.SaveState(writer, prefix, Count);
    }

    /// <summary>
    /// Restores what <see cref="SaveState"/> wrote: sampling and episode ends continue exactly as they would have.
    /// </summary>
    /// <param name="file">The checkpoint.</param>
    /// <param name="prefix">What the names start with.</param>
    /// <exception cref="InvalidDataException">
    /// A tensor is missing or its shape, or the buffer's capacity or number of copies, disagrees, and nothing has
    /// changed; or a number is not finite or a flag neither 0 nor 1, and the buffer is empty.
    /// </exception>
    public void LoadState(SafetensorsFile file, string prefix)
    {
        ArgumentNullException.ThrowIfNull(file);
        using UseGuard.Scope use = _use.Enter(this);
        Span<long> layout = stackalloc long[3];
        file.Require(prefix + "layout", TensorType.Int64, 3);
        file.Read(prefix + "layout", layout);
        long total = layout[2];
        if (layout[0] != Capacity || layout[1] != EnvironmentCount || total < 0 || total % EnvironmentCount != 0)
        {
            throw new InvalidDataException(
                $"{file.Path}: '{prefix}layout' describes a replay buffer of capacity {layout[0]} for {layout[1]} "
                + $"environment copies with {total} "
                + $"transitions; expected capacity {Capacity} for {EnvironmentCount} copies.");
        }

        long count = Math.Min(total, Capacity);
        _records.Require(file, prefix, count);
        _ends.Check(file, prefix, total);
        _numbers.Total = 0;
        _records.LoadState(file, prefix, count);
        _numbers.Total = total;
    }

    /// <summary>Gives the memory back; a second call does nothing.</summary>
    /// <exception cref="InvalidOperationException">A call is under way.</exception>
    public void Dispose()
    {
        if (_use.Close(this))
        {
            _records.Dispose();
            _sampler.Dispose();
        }
    }

    /// <summary>Whether the task ended with a live transition: the flag that was stored.</summary>
    internal bool IsTerminated(long index)
    {
        _numbers.CheckLive(index, nameof(index));
        return *_records.Terminated.Row(_numbers.Slot(index)) != 0;
    }

    /// <summary>Whether a time limit cut the episode at a live transition: the flag that was stored.</summary>
    internal bool IsTruncated(long index)
    {
        _numbers.CheckLive(index, nameof(index));
        return *_records.Truncated.Row(_numbers.Slot(index)) != 0;
    }

    /// <summary>
    /// <see cref="Sample(ITransitionBatch, int, ulong, uint)"/> with noise for another purpose, from an entry of its
    /// sequence on.
    /// </summary>
    internal void Sample(
        TransitionBatch batch, int count, ulong seed, uint call, RandomPurpose purpose, ulong firstEntry = 0)
    {
        ArgumentNullException.ThrowIfNull(batch);
        using UseGuard.Scope use = _use.Enter(this), held = batch.Enter();
        if (batch.Shape != Shape || count < 1 || count > batch.Capacity)
        {
            throw new ArgumentException(
                $"Cannot sample {count} transitions of {Shape} into a batch of {batch.Shape} with room for "
                + $"{batch.Capacity}.",
                nameof(batch));
        }

        if (TotalCount == 0)
        {
            throw new InvalidOperationException("Cannot sample from an empty replay buffer.");
        }

        batch.Count = count;
        _sampler.Draw(batch, seed, call, purpose, firstEntry);
    }

    /// <summary>Reads live transitions in the order of their numbers, for a copy of the buffer elsewhere.</summary>
    /// <param name="firstNumber">Number of the first; it and the others must be live.</param>
    /// <param name="batch">Receives them, as many as its capacity, or those up to the newest.</param>
    internal void Read(long firstNumber, TransitionBatch batch)
    {
        using UseGuard.Scope use = _use.Enter(this), held = batch.Enter();
        Debug.Assert(IsLive(firstNumber));
        batch.Count = (int)Math.Min(batch.Capacity, TotalCount - firstNumber);
        _sampler.Read(batch, firstNumber);
    }

    /// <summary>Adds one row of a batch to a buffer of one environment copy.</summary>
    /// <param name="source">A batch of the same shape.</param>
    /// <param name="row">The row.</param>
    /// <param name="truncated">Whether its episode ends there, though its task does not.</param>
    internal void AppendRow(TransitionBatch source, int row, bool truncated)
    {
        Debug.Assert(EnvironmentCount == 1 && source.Shape == Shape);
        using UseGuard.Scope use = _use.Enter(this);
        byte cut = truncated ? (byte)1 : (byte)0;
        Add(source, row, new ReadOnlySpan<byte>(in cut));
    }

    /// <summary>Begins a call that reads transitions by their addresses; see <see cref="UseGuard.Share"/>.</summary>
    internal UseGuard.Scope Share() => _use.Share(this);

    /// <summary>Address of the next state of a transition that the caller knows to be live.</summary>
    internal float* NextObservationPointer(long index)
    {
        Debug.Assert(IsLive(index));
        return (float*)_records.NextObservation.Row(_numbers.Slot(index));
    }

    /// <summary>Address of the commanded task of a transition that the caller knows to be live.</summary>
    internal float* TaskPointer(long index)
    {
        Debug.Assert(IsLive(index));
        return (float*)_records.Task.Row(_numbers.Slot(index));
    }

    // Capacity and numbers are multiples of N, so the N rows of a step never wrap around.
    private void Add(TransitionBatch source, int firstRow, ReadOnlySpan<byte> truncated)
    {
        CheckValues(source, firstRow, truncated);
        long first = TotalCount;
        _records.Write(_numbers.Slot(first), source, firstRow, truncated);
        _numbers.Total += EnvironmentCount;
        for (int copy = 0; copy < EnvironmentCount; copy++)
        {
            _ends.Add(first + copy);
        }
    }

    // What is wrong is found where it comes in, not when it happens to be sampled.
    private static void CheckValues(TransitionBatch source, int firstRow, ReadOnlySpan<byte> truncated)
    {
        if (source.FindNonFinite(firstRow, truncated.Length, withOutcome: true) is NonFiniteEntry entry)
        {
            string what = float.IsNaN(entry.Value) ? "NaN" : "an infinity";
            throw Wrong(entry.Column.Name, what, entry.Row - firstRow, entry.Position, "finite numbers");
        }

        foreach (TransitionColumn column in TransitionBatch.Columns)
        {
            if (column.IsFlag)
            {
                CheckFlags(column.Name, source.Flags(column, firstRow, truncated.Length), source.Width(column));
            }
        }

        CheckFlags("truncated", truncated, 1);
    }

    private static void CheckFlags(string name, ReadOnlySpan<byte> flags, int width)
    {
        int wrong = flags.IndexOfAnyExceptInRange((byte)0, (byte)1);
        if (wrong >= 0)
        {
            throw Wrong(name, $"{flags[wrong]}", wrong / width, wrong % width, "0 or 1");
        }
    }

    private static InvalidDataException Wrong(string name, string what, int copy, int entry, string expected) => new(
        $"The column {name} of a vector step holds {what} at copy {copy}, entry {entry}; expected {expected}.");
}
