using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using HipiFast.Kernels.Tasks;

namespace HipiFast.Replay;

/// <summary>
/// Copies records of a replay buffer to the columns of a batch, all columns of a row at once: those that every learner
/// reads.
/// </summary>
/// <remarks>
/// A column is copied in one block of 4, 8, 16, 32 or 64 bytes, the smallest that holds its row, so that a row is
/// straight-line code. What a block reads behind its row is discarded: the next row of the column overwrites it, rows
/// being written in ascending order.
/// </remarks>
internal sealed unsafe class RecordGather
{
    /// <summary>
    /// Bytes of the widest block: what must be readable behind the last record, and the widest column that can be
    /// gathered.
    /// </summary>
    public const int WidestBlock = 64;

    /// <summary>
    /// Rows between the record that is copied and the one that is asked of memory meanwhile: about twice what arrives
    /// during one latency of the last-level cache. More crowd the first-level cache, which the batch's rows pass
    /// through too.
    /// </summary>
    public const int Lead = 32;

    private readonly byte* _records;
    private readonly nint _stride;
    private readonly nint _terminatedOffset;
    private readonly ReplayColumn _observation;
    private readonly ReplayColumn _action;
    private readonly ReplayColumn _task;
    private readonly delegate*<RecordGather, int*, TransitionBatch, nint, nint, void> _copyRows;

    /// <summary>Chooses the code for the widths of the columns, each at most <see cref="WidestBlock"/> bytes.</summary>
    public RecordGather(ReplayColumn observation, ReplayColumn action, ReplayColumn task, ReplayColumn terminated)
    {
        _observation = observation;
        _action = action;
        _task = task;
        _records = observation.Row(0);
        _stride = observation.Stride;
        _terminatedOffset = (nint)(terminated.Row(0) - _records);
        IsWhole = BitOperations.IsPow2(observation.RowBytes) && BitOperations.IsPow2(action.RowBytes)
            && BitOperations.IsPow2(task.RowBytes);
        _copyRows = IsWhole
            ? Choose<WholeBlocks>(Block(observation), Block(action), Block(task))
            : Choose<AnyWidths>(Block(observation), Block(action), Block(task));
    }

    /// <summary>Whether every column's row fills its block, so that nothing is written behind the last row.</summary>
    public bool IsWhole { get; }

    /// <summary>Whether it copies a column; others are gathered one by one.</summary>
    /// <param name="column">A column of a batch.</param>
    public static bool Copies(TransitionColumn column) =>
        column == TransitionBatch.ObservationColumn || column == TransitionBatch.ActionColumn
        || column == TransitionBatch.NextObservationColumn || column == TransitionBatch.TaskColumn
        || column == TransitionBatch.RewardColumn || column == TransitionBatch.TerminatedColumn;

    /// <summary>Asks the cache for records that are about to be copied; changes nothing.</summary>
    /// <param name="slots">Slots of the records.</param>
    public void Prefetch(ReadOnlySpan<int> slots)
    {
        foreach (int slot in slots)
        {
            Prefetch(_records, _stride, slot);
        }
    }

    /// <summary>
    /// Copies records to the rows [<paramref name="first"/>, <paramref name="end"/>) of a batch, in ascending order,
    /// and asks the cache for those <see cref="Lead"/> rows further on. Unless <see cref="IsWhole"/>, row
    /// <paramref name="end"/> must be one of the batch's too: it may be written, with anything.
    /// </summary>
    /// <param name="slots">
    /// Slot of the record of each row; entry i belongs to row i. <see cref="Lead"/> more than are copied, each of a
    /// record.
    /// </param>
    /// <param name="batch">Receives the rows.</param>
    /// <param name="first">First row.</param>
    /// <param name="end">Row behind the last.</param>
    public void CopyRows(int* slots, TransitionBatch batch, int first, int end) =>
        _copyRows(this, slots, batch, first, end);

    private static int Block(ReplayColumn column) => (int)BitOperations.RoundUpToPowerOf2((uint)column.RowBytes);

    private static delegate*<RecordGather, int*, TransitionBatch, nint, nint, void> Choose<TWidths>(
        int observation, int action, int task)
        where TWidths : struct =>
        observation switch
        {
            4 => Choose<TWidths, int>(action, task),
            8 => Choose<TWidths, long>(action, task),
            16 => Choose<TWidths, Vector128<byte>>(action, task),
            32 => Choose<TWidths, Vector256<byte>>(action, task),
            _ => Choose<TWidths, Vector512<byte>>(action, task),
        };

    private static delegate*<RecordGather, int*, TransitionBatch, nint, nint, void> Choose<TWidths, TObservation>(
        int action, int task)
        where TWidths : struct
        where TObservation : unmanaged =>
        action switch
        {
            4 => Choose<TWidths, TObservation, int>(task),
            8 => Choose<TWidths, TObservation, long>(task),
            16 => Choose<TWidths, TObservation, Vector128<byte>>(task),
            32 => Choose<TWidths, TObservation, Vector256<byte>>(task),
            _ => Choose<TWidths, TObservation, Vector512<byte>>(task),
        };

    private static delegate*<RecordGather, int*, TransitionBatch, nint, nint, void>
        Choose<TWidths, TObservation, TAction>(int task)
        where TWidths : struct
        where TObservation : unmanaged
        where TAction : unmanaged =>
        task switch
        {
            4 => &CopyRows<TWidths, TObservation, TAction, int>,
            8 => &CopyRows<TWidths, TObservation, TAction, long>,
            16 => &CopyRows<TWidths, TObservation, TAction, Vector128<byte>>,
            32 => &CopyRows<TWidths, TObservation, TAction, Vector256<byte>>,
            _ => &CopyRows<TWidths, TObservation, TAction, Vector512<byte>>,
        };

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CopyRows<TWidths, TObservation, TAction, TTask>(
        RecordGather gather, int* slots, TransitionBatch batch, nint first, nint end)
        where TWidths : struct
        where TObservation : unmanaged
        where TAction : unmanaged
        where TTask : unmanaged
    {
        // Constants where they can be: there are not registers enough for all of them.
        bool whole = typeof(TWidths) == typeof(WholeBlocks);
        nint observationBytes = whole ? sizeof(TObservation) : gather._observation.RowBytes;
        nint actionBytes = whole ? sizeof(TAction) : gather._action.RowBytes;
        nint taskBytes = whole ? sizeof(TTask) : gather._task.RowBytes;
        nint fromNext = observationBytes + actionBytes, fromTask = fromNext + observationBytes,
            fromReward = fromTask + taskBytes;
        nint fromTerminated = gather._terminatedOffset;
        byte* records = gather._records;
        nint stride = gather._stride;
        TransitionPointers pointers = batch.Pointers;
        byte* observation = (byte*)pointers.Observation, action = (byte*)pointers.Action,
            next = (byte*)pointers.NextObservation;
        byte* task = (byte*)batch.TaskPointer;
        float* reward = batch.RewardPointer;
        byte* terminated = batch.TerminatedPointer;
        nint row = first;

        // Four rows at a time where rows lie side by side without gaps: a store of four rows is as dear as a store of
        // one, and each of them may hold up loads that agree with it in the lower half of their addresses.
        for (; whole && row <= end - 4; row += 4)
        {
            int* slot = slots + row;
            Prefetch(records, stride, slot[Lead]);
            Prefetch(records, stride, slot[Lead + 1]);
            Prefetch(records, stride, slot[Lead + 2]);
            Prefetch(records, stride, slot[Lead + 3]);
            byte* a = records + (slot[0] * stride), b = records + (slot[1] * stride);
            byte* c = records + (slot[2] * stride), d = records + (slot[3] * stride);
            Copy4<TObservation>(a, b, c, d, observation + (row * observationBytes));
            Copy4<TObservation>(
                a + fromNext, b + fromNext, c + fromNext, d + fromNext, next + (row * observationBytes));
            Copy4<TAction>(
                a + observationBytes, b + observationBytes, c + observationBytes, d + observationBytes,
                action + (row * actionBytes));
            Copy4<TTask>(a + fromTask, b + fromTask, c + fromTask, d + fromTask, task + (row * taskBytes));
            Copy4<float>(a + fromReward, b + fromReward, c + fromReward, d + fromReward, (byte*)(reward + row));
            *(int*)(terminated + row) =
                a[fromTerminated] | (b[fromTerminated] << 8) | (c[fromTerminated] << 16) | (d[fromTerminated] << 24);
        }

        for (; row < end; row++)
        {
            Prefetch(records, stride, slots[row + Lead]);
            byte* record = records + (slots[row] * stride);

            // All loads before the stores, which the processor must otherwise tell apart one by one.
            TObservation state = Unsafe.ReadUnaligned<TObservation>(record),
                reached = Unsafe.ReadUnaligned<TObservation>(record + fromNext);
            TAction acted = Unsafe.ReadUnaligned<TAction>(record + observationBytes);
            TTask command = Unsafe.ReadUnaligned<TTask>(record + fromTask);
            float paid = *(float*)(record + fromReward);
            byte ended = record[fromTerminated];
            Unsafe.WriteUnaligned(observation + (row * observationBytes), state);
            Unsafe.WriteUnaligned(next + (row * observationBytes), reached);
            Unsafe.WriteUnaligned(action + (row * actionBytes), acted);
            Unsafe.WriteUnaligned(task + (row * taskBytes), command);
            reward[row] = paid;
            terminated[row] = ended;
        }
    }

    // One request at a time, among the copying: a burst of them fills the buffers for lines under way, and everything
    // behind it waits.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(byte* records, nint stride, int slot)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(records + (slot * stride));
        }
    }

    // Four blocks from four places to one, in as few stores as there are vectors wide enough.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy4<T>(byte* a, byte* b, byte* c, byte* d, byte* destination)
        where T : unmanaged
    {
        if (sizeof(T) == sizeof(int))
        {
            Vector128.Create(*(float*)a, *(float*)b, *(float*)c, *(float*)d).Store((float*)destination);
        }
        else if (sizeof(T) == sizeof(long))
        {
            Vector128<long> lower = Vector128.Create(*(long*)a, *(long*)b),
                upper = Vector128.Create(*(long*)c, *(long*)d);
            lower.Store((long*)destination);
            upper.Store((long*)destination + 2);
        }
        else if (sizeof(T) == Vector128<byte>.Count && Vector256.IsHardwareAccelerated)
        {
            Vector256<byte> lower = Vector256.Create(Vector128.Load(a), Vector128.Load(b));
            Vector256<byte> upper = Vector256.Create(Vector128.Load(c), Vector128.Load(d));
            lower.Store(destination);
            upper.Store(destination + Vector256<byte>.Count);
        }
        else
        {
            T first = Unsafe.ReadUnaligned<T>(a), second = Unsafe.ReadUnaligned<T>(b);
            T third = Unsafe.ReadUnaligned<T>(c), fourth = Unsafe.ReadUnaligned<T>(d);
            Unsafe.WriteUnaligned(destination, first);
            Unsafe.WriteUnaligned(destination + sizeof(T), second);
            Unsafe.WriteUnaligned(destination + (2 * sizeof(T)), third);
            Unsafe.WriteUnaligned(destination + (3 * sizeof(T)), fourth);
        }
    }

    /// <summary>
    /// Every row of observation, action and task is a whole block: their widths are constants of the code.
    /// </summary>
    private struct WholeBlocks;

    /// <summary>Some row is narrower than its block.</summary>
    private struct AnyWidths;
}
