using System.Numerics;
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
/// <para>A record holds s, a, s', psi, r and the termination side by side, so that an append is one copy. Transitions
/// have absolute numbers that never change, kept in slot <c>number mod Capacity</c>; live are the last
/// <see cref="Count"/> of <see cref="TotalCount"/>.</para>
/// <para>A batch sees exactly what was appended before it was drawn. Only where live records are overwritten (the ring
/// is full) does an upload wait for the gather before it. Not thread-safe. Appending and sampling allocate
/// nothing.</para>
/// </remarks>
public sealed unsafe class DeviceReplay : TransitionRing
{
    /// <summary>Records are padded to what one memory transaction of a GPU brings.</summary>
    private const int SectorFloats = 8;

    /// <summary>Bytes of a pinned block; longer appends go through the blocks one after another.</summary>
    private const int BlockBytes = 1 << 20;
    private const int Blocks = 4;
    private const int MaxGroup = 256;

    /// <summary>Groups for each multiprocessor: enough to hide the latency of memory.</summary>
    private const int GroupsPerMultiprocessor = 8;

    private readonly DeviceRuntime _runtime;
    private readonly DeviceKernel _sample;
    private readonly DeviceKernel _gather;
    private readonly DeviceStream _uploads;
    private readonly DeviceBuffer _records;
    private readonly PinnedBuffer _staging;
    private readonly DeviceEvent[] _uploaded = new DeviceEvent[Blocks];
    private readonly DeviceEvent _gathered;
    private readonly LaunchArguments _arguments = new();
    private readonly int _blockRows;
    private readonly int _stride;
    private DeviceBuffer? _slots;
    private DeviceBuffer? _batchMemory;
    private DeviceBatch? _batch;
    private long _blocksUsed;
    private bool _hasGathered;
    private int _batchCapacity;
    private int _slotCapacity;

    /// <summary>Allocates the ring.</summary>
    /// <param name="runtime">The device; it must outlive the ring.</param>
    /// <param name="observationDimension">S, 1 or more.</param>
    /// <param name="actionDimension">A, 1 or more.</param>
    /// <param name="taskDimension">P, 1 or more.</param>
    /// <param name="capacity">Slots, in [1, 2^31 - 1].</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is out of range.</exception>
    /// <exception cref="DeviceOutOfMemoryException">The ring does not fit.</exception>
    public DeviceReplay(
        DeviceRuntime runtime, int observationDimension, int actionDimension, int taskDimension, long capacity)
    {
        ArgumentNullException.ThrowIfNull(runtime);
        ArgumentOutOfRangeException.ThrowIfLessThan(observationDimension, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(actionDimension, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(taskDimension, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(capacity, int.MaxValue);
        _runtime = runtime;
        ObservationDimension = observationDimension;
        ActionDimension = actionDimension;
        TaskDimension = taskDimension;
        Capacity = capacity;
        _stride = (RecordFloats + SectorFloats - 1) / SectorFloats * SectorFloats;
        _blockRows = Math.Max(1, BlockBytes / (_stride * sizeof(float)));
        _sample = runtime.Load(DeviceKernelNames.ReplaySample);
        _gather = runtime.Load(DeviceKernelNames.ReplayGather);
        _records = runtime.Allocate(capacity * _stride * sizeof(float));
        _staging = runtime.AllocatePinned((long)Blocks * _blockRows * _stride * sizeof(float));
        _uploads = runtime.CreateStream();
        _gathered = runtime.CreateEvent();
        for (int i = 0; i < Blocks; i++)
        {
            _uploaded[i] = runtime.CreateEvent();
        }
    }

    /// <summary>S.</summary>
    public int ObservationDimension { get; }

    /// <summary>A.</summary>
    public int ActionDimension { get; }

    /// <summary>P.</summary>
    public int TaskDimension { get; }

    /// <inheritdoc/>
    public override long Capacity { get; }

    /// <summary>Live transitions, in [0, <see cref="Capacity"/>].</summary>
    public long Count => Math.Min(TotalCount, Capacity);

    /// <summary>All transitions ever added.</summary>
    public long TotalCount { get; private set; }

    private int RecordFloats => (2 * ObservationDimension) + ActionDimension + TaskDimension + 2;

    /// <inheritdoc/>
    public override void Append(
        ReadOnlySpan<float> observation, ReadOnlySpan<float> action, ReadOnlySpan<float> nextObservation,
        ReadOnlySpan<float> task,
        ReadOnlySpan<float> reward, ReadOnlySpan<byte> terminated)
    {
        int rows = reward.Length;
        Check(observation.Length, rows, ObservationDimension, "states");
        Check(action.Length, rows, ActionDimension, "actions");
        Check(nextObservation.Length, rows, ObservationDimension, "next states");
        Check(task.Length, rows, TaskDimension, "tasks");
        Check(terminated.Length, rows, 1, "terminations");
        for (int first = 0; first < rows;)
        {
            // Neither across the end of a block nor across the end of the ring.
            long slot = TotalCount % Capacity;
            int part = (int)Math.Min(
                Math.Min(rows - first, _blockRows), Capacity - slot), block = (int)(_blocksUsed % Blocks);
            if (_blocksUsed >= Blocks)
            {
                _runtime.Synchronize(_uploaded[block]);
            }

            long offset = (long)block * _blockRows * _stride * sizeof(float);
            Span<float> records = _staging.Span<float>(offset, part * _stride);
            for (int i = 0; i < part; i++)
            {
                int row = first + i;
                Span<float> record = records.Slice(i * _stride, _stride);
                record = Put(record, observation.Slice(row * ObservationDimension, ObservationDimension));
                record = Put(record, action.Slice(row * ActionDimension, ActionDimension));
                record = Put(record, nextObservation.Slice(row * ObservationDimension, ObservationDimension));
                record = Put(record, task.Slice(row * TaskDimension, TaskDimension));
                record[0] = reward[row];
                record[1] = terminated[row] != 0 ? 1f : 0f;
            }

            // No batch that was drawn before looks into slots that were never filled, so until the ring is full nothing
            // is waited for.
            if (TotalCount >= Capacity && _hasGathered)
            {
                _runtime.Wait(_gathered, _uploads);
            }

            long bytes = (long)part * _stride * sizeof(float);
            _runtime.UploadAsync(_staging, offset, _records.View<float>(
                slot * _stride * sizeof(float), (long)part * _stride), bytes, _uploads);
            _runtime.Record(_uploaded[block], _uploads);
            _blocksUsed++;
            TotalCount += part;
            first += part;
        }
    }

    /// <inheritdoc/>
    public override DeviceBatch Sample(int rows, ulong seed, uint call)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        if (_batch?.Rows != rows)
        {
            _batch = null;
            _batch = Batch(rows);
        }

        Sample(_batch, seed, call);
        return _batch;
    }

    /// <summary>
    /// Draws into memory of the caller's, such as tensors of libtorch (<see cref="DeviceRuntime.Share"/>). Queued on
    /// the main stream; what others do with that memory must wait for it (<see cref="DeviceRuntime.Record"/>).
    /// </summary>
    /// <param name="batch">Where to: views of B rows each.</param>
    /// <param name="seed">Philox key.</param>
    /// <param name="call">Number of the call: third counter word.</param>
    /// <param name="purpose">Fourth counter word.</param>
    /// <param name="firstEntry">Entry of the sequence of draws that comes first.</param>
    /// <exception cref="ArgumentException">A view has another number of elements than its share of a batch.</exception>
    /// <exception cref="InvalidOperationException">The ring is empty.</exception>
    public void Sample(
        DeviceBatch batch, ulong seed, uint call, RandomPurpose purpose = RandomPurpose.ReplaySampling,
        ulong firstEntry = 0)
    {
        if (TotalCount == 0)
        {
            throw new InvalidOperationException("Cannot sample from an empty replay ring.");
        }

        int rows = CheckBatch(batch);
        if (rows > _slotCapacity)
        {
            _runtime.Synchronize();
            _slots?.Dispose();
            _slotCapacity = 0;
            _slots = _runtime.Allocate((long)rows * sizeof(int));
            _slotCapacity = rows;
        }

        DeviceView slots = _slots!.View<int>(0, rows);
        long next = TotalCount % Capacity;
        ReplayDraw draw = new()
        {
            Seed = seed,
            FirstEntry = firstEntry,
            NextSlot = next,
            Lap = TotalCount - next,
            Capacity = Capacity,
            Call = call,
            Purpose = (uint)purpose,
            Bound = (uint)Count,
            Rows = rows,
        };
        _runtime.Launch(_sample, Spread(rows), _arguments.Clear().Add(slots).Add(batch.ReplayIndex).Add(draw));

        ReplayShape shape = new()
        {
            Rows = rows,
            Stride = _stride,
            ObservationDimension = ObservationDimension,
            ActionDimension = ActionDimension,
            TaskDimension = TaskDimension,
        };
        _runtime.Wait(_uploaded[(_blocksUsed - 1) % Blocks]);
        _arguments.Clear().Add(_records.View<float>()).Add(slots);
        _arguments.Add(batch.Observation)
            .Add(batch.Action)
            .Add(batch.NextObservation)
            .Add(batch.Task)
            .Add(batch.Reward)
            .Add(batch.Terminated);
        _runtime.Launch(_gather, Spread((long)rows * RecordFloats), _arguments.Add(shape));
        _runtime.Record(_gathered);
        _hasGathered = true;
    }

    /// <inheritdoc/>
    public override void Restart(long firstNumber)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(firstNumber);
        TotalCount = firstNumber;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _arguments.Dispose();
        _slots?.Dispose();
        _batchMemory?.Dispose();
        _records.Dispose();
        _staging.Dispose();
        _gathered.Dispose();
        foreach (DeviceEvent mark in _uploaded)
        {
            mark.Dispose();
        }

        _uploads.Dispose();
    }

    private static Span<float> Put(Span<float> record, ReadOnlySpan<float> values)
    {
        values.CopyTo(record);
        return record[values.Length..];
    }

    private static void Check(long length, int rows, int width, string what)
    {
        if (length != (long)rows * width)
        {
            throw new ArgumentException(
                $"{rows} transitions have {rows} x {width} = {(long)rows * width} entries of {what}; found {length}.");
        }
    }

    // Views into one allocation, each from a multiple of 256 bytes on.
    private DeviceBatch Batch(int rows)
    {
        if (rows > _batchCapacity)
        {
            _runtime.Synchronize();
            _batchMemory?.Dispose();
            _batchCapacity = 0;
            _batchMemory = _runtime.Allocate(
                Place(rows, sizeof(long)) + (2 * Place(rows, sizeof(float))) + (2 * Place(
                    rows, ObservationDimension * sizeof(float)))
                + Place(rows, ActionDimension * sizeof(float)) + Place(rows, TaskDimension * sizeof(float)));
            _batchCapacity = rows;
        }

        long at = 0;
        return new DeviceBatch(
            Take(ObservationDimension), Take(ActionDimension), Take(ObservationDimension), Take(TaskDimension), Take(1),
            _batchMemory!.View<int>(Next(sizeof(int)), rows),
            _batchMemory!.View<long>(Next(sizeof(long)), rows));

        DeviceView Take(int width) => _batchMemory!.View<float>(Next(width * sizeof(float)), (long)rows * width);

        long Next(int rowBytes)
        {
            long begin = at;
            at += Place(_batchCapacity, rowBytes);
            return begin;
        }
    }

    private int CheckBatch(DeviceBatch batch)
    {
        int rows = checked((int)batch.Reward.Length);
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        Check(batch.Observation.Length, rows, ObservationDimension, "states");
        Check(batch.Action.Length, rows, ActionDimension, "actions");
        Check(batch.NextObservation.Length, rows, ObservationDimension, "next states");
        Check(batch.Task.Length, rows, TaskDimension, "tasks");
        Check(batch.Terminated.Length, rows, 1, "terminations");
        Check(batch.ReplayIndex.Length, rows, 1, "replay numbers");
        return rows;
    }

    private static long Place(int rows, int rowBytes)
    {
        const int Alignment = 256;
        return (((long)rows * rowBytes) + Alignment - 1) / Alignment * Alignment;
    }

    // One thread to an item, as far as the device has room; the kernels go on from there.
    private LaunchShape Spread(long items)
    {
        int group = Math.Min(
            MaxGroup, (int)BitOperations.RoundUpToPowerOf2((uint)_runtime.Device.MaxGroupSize + 1) / 2);
        long groups = Math.Min(
            (items + group - 1) / group, (long)Math.Max(1, _runtime.Device.Multiprocessors) * GroupsPerMultiprocessor);
        return new LaunchShape(new DeviceExtent((int)groups), new DeviceExtent(group));
    }
}
