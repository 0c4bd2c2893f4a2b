using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using HipiFast.Kernels.Tasks;

namespace HipiFast.Replay;

/// <summary>Copies records of a replay buffer to the columns of a batch, all columns of a row at once.</summary>
/// <remarks>
/// A column is copied in one block of 4, 8, 16, 32 or 64 bytes, the smallest that holds its row, so that a row is straight-line code. What a
/// block reads behind its row is discarded: the next row of the column overwrites it, rows being written in ascending order.
/// </remarks>
internal sealed unsafe class RecordGather
{
    /// <summary>Bytes of the widest block: what must be readable behind the last record, and the widest column that can be gathered.</summary>
    public const int WidestBlock = 64;

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
        bool whole = BitOperations.IsPow2(observation.RowBytes) && BitOperations.IsPow2(action.RowBytes) && BitOperations.IsPow2(task.RowBytes);
        _copyRows = whole
            ? Choose<WholeBlocks>(Block(observation), Block(action), Block(task))
            : Choose<AnyWidths>(Block(observation), Block(action), Block(task));
    }

    /// <summary>Asks the cache for records that are about to be copied; changes nothing.</summary>
    /// <param name="slots">Slots of the records.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Prefetch(ReadOnlySpan<int> slots)
    {
        if (!Sse.IsSupported)
        {
            return;
        }

        byte* records = _records;
        nint stride = _stride;
        foreach (int slot in slots)
        {
            Sse.Prefetch0(records + (slot * stride));
        }
    }

    /// <summary>
    /// Copies records to the rows [<paramref name="first"/>, <paramref name="end"/>) of a batch, in ascending order. Row <paramref name="end"/>
    /// must be one of the batch's too: it may be written, with anything.
    /// </summary>
    /// <param name="slots">Slot of the record of each row; entry i belongs to row i.</param>
    /// <param name="batch">Receives the rows.</param>
    /// <param name="first">First row.</param>
    /// <param name="end">Row behind the last.</param>
    public void CopyRows(int* slots, TransitionBatch batch, int first, int end) => _copyRows(this, slots, batch, first, end);

    private static int Block(ReplayColumn column) => (int)BitOperations.RoundUpToPowerOf2((uint)column.RowBytes);

    private static delegate*<RecordGather, int*, TransitionBatch, nint, nint, void> Choose<TWidths>(int observation, int action, int task)
        where TWidths : struct =>
        observation switch
        {
            4 => Choose<TWidths, int>(action, task),
            8 => Choose<TWidths, long>(action, task),
            16 => Choose<TWidths, Vector128<byte>>(action, task),
            32 => Choose<TWidths, Vector256<byte>>(action, task),
            _ => Choose<TWidths, Vector512<byte>>(action, task),
        };

    private static delegate*<RecordGather, int*, TransitionBatch, nint, nint, void> Choose<TWidths, TObservation>(int action, int task)
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

    private static delegate*<RecordGather, int*, TransitionBatch, nint, nint, void> Choose<TWidths, TObservation, TAction>(int task)
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
    private static void CopyRows<TWidths, TObservation, TAction, TTask>(RecordGather gather, int* slots, TransitionBatch batch, nint first, nint end)
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
        nint fromNext = observationBytes + actionBytes, fromTask = fromNext + observationBytes, fromReward = fromTask + taskBytes;
        nint fromTerminated = gather._terminatedOffset;
        byte* records = gather._records;
        nint stride = gather._stride;
        TransitionPointers pointers = batch.Pointers;
        byte* observation = (byte*)pointers.Observation, action = (byte*)pointers.Action, next = (byte*)pointers.NextObservation;
        byte* task = (byte*)batch.TaskPointer;
        float* reward = batch.RewardPointer;
        byte* terminated = batch.TerminatedPointer;
        for (nint row = first; row < end; row++)
        {
            byte* record = records + (slots[row] * stride);

            // All loads before the stores, which the processor must otherwise tell apart one by one.
            TObservation state = Unsafe.ReadUnaligned<TObservation>(record), reached = Unsafe.ReadUnaligned<TObservation>(record + fromNext);
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

    /// <summary>Every row of observation, action and task is a whole block: their widths are constants of the code.</summary>
    private struct WholeBlocks;

    /// <summary>Some row is narrower than its block.</summary>
    private struct AnyWidths;
}
