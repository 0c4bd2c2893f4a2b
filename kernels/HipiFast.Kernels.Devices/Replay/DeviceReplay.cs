using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Random;
using HipiFast.Kernels.Replay;

namespace HipiFast.Kernels.Devices.Replay;

/// <summary>
/// A ring of the latest transitions that lies on a device: what is appended goes up on a stream of its own while
/// kernels run, and batches are drawn and gathered there. The draws are those of a replay ring of the same capacity on
/// the host, row for row.
/// </summary>
/// <remarks>
/// <para>A record holds the columns of a transition side by side, in words of 32 bits, so that an append is one copy;
/// what the words mean matters to those who read a batch, not to the ring. Transitions have absolute numbers that never
/// change, kept in slot <c>number mod Capacity</c>; live are the last <see cref="Count"/> of
/// <see cref="TotalCount"/>.</para>
/// <para>A batch sees exactly what was appended before it was drawn. Only where records are overwritten that it may
/// still be reading (the ring is full, or began anew) does an upload wait for the gather before it. Appending and
/// sampling allocate nothing. One thread at a time in the ring and in the session's kernels: a second is refused with
/// an <see cref="InvalidOperationException"/>.</para>
/// </remarks>
internal sealed unsafe class DeviceReplay : TransitionRing
{
    /// <summary>Records are padded to what one memory transaction of a GPU brings.</summary>
    private const int SectorWords = 8;

    /// <summary>Bytes of a pinned block; longer appends go through the blocks one after another.</summary>
    private const int BlockBytes = 1 << 20;
    private const int Blocks = 4;

    /// <summary>Columns of a batch begin at multiples of so many bytes, and so at so many rows of a word.</summary>
    private const int ColumnAlignment = 256;
    private const int PitchRows = ColumnAlignment / sizeof(int);

    private readonly DeviceLauncher _launcher;
    private readonly DeviceRuntime _runtime;
    private readonly DeviceKernel _sample;
    private readonly DeviceKernel _gather;
    private readonly DeviceStream _uploads;
    private readonly DeviceBuffer _records;
    private readonly DeviceBuffer _columns;
    private readonly PinnedBuffer _staging;
    private readonly DeviceEvent[] _uploaded = new DeviceEvent[Blocks];
    private readonly DeviceEvent _gathered;

    // Words of each column of a record.
    private readonly int[] _words;
    private readonly int _blockRows;
    private readonly int _stride;
    private UseGuard _use;
    private DeviceBuffer? _slots;
    private DeviceBuffer? _batchMemory;
    private DeviceBatch? _batch;

    // Number of the first transition that the ring was given since it began, or began anew.
    private long _firstNumber;
    private long _blocksUsed;
    private bool _hasGathered;

    /// <summary>Allocates the ring.</summary>
    /// <param name="launcher">Launches kernels on the device; it must outlive the ring.</param>
    /// <param name="columns">Form of the columns, those of <see cref="KernelColumn"/> first.</param>
    /// <param name="capacity">Slots, in [1, 2^31 - 1].</param>
    /// <exception cref="ArgumentException">
    /// A column that kernels know is missing or has another form, or a size is out of range.
    /// </exception>
    /// <exception cref="DeviceOutOfMemoryException">The ring does not fit.</exception>
    public DeviceReplay(DeviceLauncher launcher, ReadOnlySpan<ColumnRows> columns, long capacity)
    {
        ArgumentNullException.ThrowIfNull(launcher);
        CheckForms(columns);
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(capacity, int.MaxValue);
        _launcher = launcher;
        _runtime = launcher.Runtime;
        Capacity = capacity;
        _words = new int[columns.Length];
        for (int i = 0; i < columns.Length; i++)
        {
            _words[i] = columns[i].Words;
            RecordWords += _words[i];
        }

        _stride = (RecordWords + SectorWords - 1) / SectorWords * SectorWords;
        _blockRows = Math.Max(1, BlockBytes / (_stride * sizeof(int)));
        _sample = _runtime.Load(DeviceKernelNames.ReplaySample);
        _gather = _runtime.Load(DeviceKernelNames.ReplayGather);
        int[] places = Places();
        try
        {
            _records = _runtime.Allocate(capacity * _stride * sizeof(int));
            _columns = _runtime.Allocate(places.Length * sizeof(int));
            _runtime.Upload<int>(places, _columns.View<int>());
            _staging = _runtime.AllocatePinned((long)Blocks * _blockRows * _stride * sizeof(int));
            _uploads = _runtime.CreateStream();
            _gathered = _runtime.CreateEvent();
            for (int i = 0; i < Blocks; i++)
            {
                _uploaded[i] = _runtime.CreateEvent();
            }
        }
        catch
        {
            Free();
            throw;
        }
    }

    /// <summary>Words of 32 bits of a transition.</summary>
    public int RecordWords { get; }

    /// <inheritdoc/>
    public override long Capacity { get; }

    /// <summary>Live transitions, in [0, <see cref="Capacity"/>].</summary>
    public long Count => Math.Min(TotalCount, Capacity);

    /// <summary>All transitions ever added.</summary>
    public long TotalCount { get; private set; }

    /// <inheritdoc/>
    public override void Append(ReadOnlySpan<ColumnRows> columns, int rows)
    {
        using UseGuard.Scope use = _use.Enter(this), session = _launcher.Enter();
        Check(columns);
        for (int first = 0; first < rows;)
        {
            // Neither across the end of a block nor across the end of the ring.
            long slot = TotalCount % Capacity;
            int part = (int)Math.Min(Math.Min(rows - first, _blockRows), Capacity - slot);
            int block = (int)(_blocksUsed % Blocks);
            if (_blocksUsed >= Blocks)
            {
                _runtime.Synchronize(_uploaded[block]);
            }

            long offset = (long)block * _blockRows * _stride * sizeof(int);
            fixed (int* records = _staging.Span<int>(offset, part * _stride))
            {
                int* words = records;
                foreach (ColumnRows column in columns)
                {
                    column.WriteTo(first, part, words, _stride);
                    words += column.Words;
                }
            }

            // No batch that was drawn before looks into slots that were never filled, so until the ring is full nothing
            // is waited for.
            if (TotalCount >= Capacity && _hasGathered)
            {
                _runtime.Wait(_gathered, _uploads);
            }

            long bytes = (long)part * _stride * sizeof(int);
            _runtime.UploadAsync(_staging, offset, _records.View<int>(
                slot * _stride * sizeof(int), (long)part * _stride), bytes, _uploads);
            _runtime.Record(_uploaded[block], _uploads);
            _blocksUsed++;
            TotalCount += part;
            first += part;
        }
    }

    /// <inheritdoc/>
    public override DeviceBatch Sample(int rows, ulong seed, uint call)
    {
        using UseGuard.Scope use = _use.Enter(this), session = _launcher.Enter();
        if (TotalCount == 0)
        {
            throw new InvalidOperationException("Cannot sample from an empty replay ring.");
        }

        if (TotalCount - _firstNumber < Count)
        {
            throw new InvalidOperationException(
                $"The replay ring began anew with transition {_firstNumber} and has {TotalCount - _firstNumber} since; "
                + $"expected {Count} before it is sampled.");
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        if (_batch?.Rows != rows)
        {
            _batch = null;
            _batch = Batch(rows);
        }

        DeviceView slots = _slots!.View<int>(0, rows);
        long next = TotalCount % Capacity;
        ReplayDraw draw = new()
        {
            Seed = seed,
            NextSlot = next,
            Lap = TotalCount - next,
            Capacity = Capacity,
            Call = call,
            Purpose = (uint)RandomPurpose.ReplaySampling,
            Bound = (uint)Count,
            Rows = rows,
        };
        _launcher.Arguments.Clear().Add(slots).Add(_batch.ReplayIndex).Add(draw);
        _launcher.RunEntries(_sample, rows);

        ReplayShape shape = new() { Rows = rows, Pitch = Pitch(rows), Words = RecordWords, Stride = _stride };
        _runtime.Wait(_uploaded[(_blocksUsed - 1) % Blocks]);
        _launcher.Arguments.Clear()
            .Add(_records.View<int>())
            .Add(slots)
            .Add(_columns.View<int>())
            .Add(_batchMemory!.View<int>(0, (long)Pitch(rows) * RecordWords))
            .Add(shape);
        _launcher.RunEntries(_gather, (long)rows * RecordWords);
        _runtime.Record(_gathered);
        _hasGathered = true;
        return _batch;
    }

    /// <inheritdoc/>
    public override void Restart(long firstNumber)
    {
        using UseGuard.Scope use = _use.Enter(this), session = _launcher.Enter();
        ArgumentOutOfRangeException.ThrowIfNegative(firstNumber);
        if (_hasGathered)
        {
            // The records that come now lie where a batch may still be reading, whether the ring was full or not.
            _runtime.Wait(_gathered, _uploads);
        }

        TotalCount = firstNumber;
        _firstNumber = firstNumber;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (_use.Close(this))
        {
            Free();
        }
    }

    // Those that kernels read are floats, and a flag of its own.
    private static void CheckForms(ReadOnlySpan<ColumnRows> columns)
    {
        const int Known = (int)KernelColumn.Terminated + 1;
        if (columns.Length < Known)
        {
            throw new ArgumentException(
                $"Kernels know {Known} columns of a transition; found {columns.Length}.", nameof(columns));
        }

        for (int i = 0; i < columns.Length; i++)
        {
            (int width, int bytes) = (columns[i].Width, columns[i].EntryBytes);
            ArgumentOutOfRangeException.ThrowIfLessThan(width, 1, nameof(columns));
            (int expectedWidth, int expectedBytes) = (KernelColumn)i switch
            {
                KernelColumn.Terminated => (1, sizeof(byte)),
                KernelColumn.Reward => (1, sizeof(float)),
                KernelColumn.NextObservation => (columns[(int)KernelColumn.Observation].Width, sizeof(float)),
                < KernelColumn.Terminated => (width, sizeof(float)),
                _ => (width, bytes is sizeof(byte) or sizeof(long) ? bytes : sizeof(int)),
            };
            if (width != expectedWidth || bytes != expectedBytes)
            {
                throw new ArgumentException(
                    $"Column {i} of a transition has {width} entries of {bytes} bytes; expected {expectedWidth} of "
                    + $"{expectedBytes}.",
                    nameof(columns));
            }
        }
    }

    // Rows of a batch's columns, with room so that all are aligned.
    private static int Pitch(int rows) => checked((rows + PitchRows - 1) / PitchRows * PitchRows);

    // Of every word of a record the first word of its column, and how many the column has.
    private int[] Places()
    {
        int[] places = new int[2 * RecordWords];
        int first = 0;
        foreach (int words in _words)
        {
            for (int word = first; word < first + words; word++)
            {
                places[2 * word] = first;
                places[(2 * word) + 1] = words;
            }

            first += words;
        }

        return places;
    }

    // What there is: a ring that does not fit has only some of it.
    private void Free()
    {
        _slots?.Dispose();
        _batchMemory?.Dispose();
        _records?.Dispose();
        _columns?.Dispose();
        _staging?.Dispose();
        _gathered?.Dispose();
        foreach (DeviceEvent? mark in _uploaded)
        {
            mark?.Dispose();
        }

        _uploads?.Dispose();
    }

    private void Check(ReadOnlySpan<ColumnRows> columns)
    {
        if (columns.Length != _words.Length)
        {
            throw new ArgumentException(
                $"The ring holds {_words.Length} columns; found {columns.Length}.", nameof(columns));
        }

        for (int i = 0; i < columns.Length; i++)
        {
            if (columns[i].Words != _words[i])
            {
                throw new ArgumentException(
                    $"Column {i} of the ring takes {_words[i]} words of a row; found {columns[i].Words}.",
                    nameof(columns));
            }
        }
    }

    // Views into one allocation: the columns one after the other, then the numbers.
    private DeviceBatch Batch(int rows)
    {
        long pitch = Pitch(rows), bytes = pitch * ((RecordWords * sizeof(int)) + sizeof(long));
        if (_batchMemory is null || bytes > _batchMemory.Bytes)
        {
            _runtime.Synchronize();
            _batchMemory?.Dispose();
            _slots?.Dispose();
            _batchMemory = null;
            _slots = null;
            _slots = _runtime.Allocate(pitch * sizeof(int));
            _batchMemory = _runtime.Allocate(bytes);
        }

        DeviceBuffer memory = _batchMemory;
        long at = 0;
        DeviceView[] columns = new DeviceView[_words.Length];
        for (int i = 0; i < columns.Length; i++)
        {
            columns[i] = i == (int)KernelColumn.Terminated
                ? memory.View<int>(at, rows)
                : memory.View<float>(at, (long)rows * _words[i]);
            at += pitch * _words[i] * sizeof(int);
        }

        return new DeviceBatch(
            columns[(int)KernelColumn.Observation], columns[(int)KernelColumn.Action],
            columns[(int)KernelColumn.NextObservation], columns[(int)KernelColumn.Task],
            columns[(int)KernelColumn.Reward], columns[(int)KernelColumn.Terminated], memory.View<long>(at, rows))
        {
            Others = columns[((int)KernelColumn.Terminated + 1)..],
        };
    }
}
