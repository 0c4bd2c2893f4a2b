using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Random;

namespace HipiFast.Replay;

/// <summary>Draws transitions of a replay ring and brings them into batches.</summary>
/// <param name="records">The ring's memory.</param>
/// <param name="numbers">The ring's numbers.</param>
internal sealed unsafe class ReplaySampler(ReplayRecords records, RingNumbers numbers) : IDisposable
{
    /// <summary>Rows drawn at once: their slots stay in the first-level cache until they are gathered.</summary>
    private const int BlockRows = 1024;

    private readonly NativeBuffer<int> _slots = new(0);

    /// <summary>
    /// Draws all rows of a batch; see <see cref="ReplayBuffer.Sample(ITransitionBatch, int, ulong, uint)"/>.
    /// </summary>
    /// <param name="batch">Receives the rows in use.</param>
    /// <param name="seed">Philox key.</param>
    /// <param name="call">Number of the call.</param>
    /// <param name="purpose">Fourth counter word.</param>
    /// <param name="firstEntry">Entry of the sequence of draws that comes first.</param>
    public void Draw(TransitionBatch batch, ulong seed, uint call, RandomPurpose purpose, ulong firstEntry)
    {
        int count = batch.Count;
        Span<int> slots = SlotsFor(count);

        // A block is drawn before the last rows of the one before it are gathered, whose records are on their way
        // meanwhile.
        int gathered = 0;
        for (int first = 0; first < count; first += BlockRows)
        {
            int end = Math.Min(first + BlockRows, count);
            Span<int> block = slots[first..end];
            UniformIndex.Fill(block, (uint)numbers.Count, seed, call, purpose, firstEntry + (uint)first);
            if (first == 0)
            {
                records.Prefetch(block);
            }

            WriteNumbers(block, batch.ReplayIndex[first..]);
            int ready = end == count ? count : end - RecordGather.Lead;
            records.Gather(slots, batch, gathered, ready);
            gathered = ready;
        }
    }

    /// <summary>Fills the rows of a batch with consecutive transitions.</summary>
    /// <param name="batch">Receives the rows in use.</param>
    /// <param name="firstNumber">Number of the first; all are live.</param>
    public void Read(TransitionBatch batch, long firstNumber)
    {
        Span<int> slots = SlotsFor(batch.Count);
        for (int i = 0; i < slots.Length; i++)
        {
            slots[i] = (int)numbers.Slot(firstNumber + i);
        }

        WriteNumbers(slots, batch.ReplayIndex);
        records.Gather(slots, batch, 0, slots.Length);
    }

    /// <inheritdoc/>
    public void Dispose() => _slots.Dispose();

    // The record gather reads ahead of the slots it is given: slot 0 is always one of a record.
    private Span<int> SlotsFor(int count)
    {
        _slots.EnsureLength(count + RecordGather.Lead);
        _slots.Slice(count, RecordGather.Lead).Clear();
        return _slots.Slice(0, count);
    }

    // Slot to absolute number: the slots before the next one to be written belong to the current lap, the others to the
    // lap before.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void WriteNumbers(ReadOnlySpan<int> slots, Span<long> target)
    {
        long next = numbers.Slot(numbers.Total), lap = numbers.Total - next, before = lap - numbers.Capacity;
        int i = 0;
        fixed (int* slot = slots)
        {
            fixed (long* number = target)
            {
                if (Vector512.IsHardwareAccelerated)
                {
                    Vector512<long> nexts = Vector512.Create(next), laps = Vector512.Create(lap),
                        befores = Vector512.Create(before);
                    for (; i <= slots.Length - Vector512<long>.Count; i += Vector512<long>.Count)
                    {
                        Vector512<long> wide = Vector512.WidenLower(Vector256.Load(slot + i).ToVector512());
                        (wide + Vector512.ConditionalSelect(
                            Vector512.LessThan(wide, nexts), laps, befores)).Store(number + i);
                    }
                }

                for (; i < slots.Length; i++)
                {
                    number[i] = slot[i] + (slot[i] < next ? lap : before);
                }
            }
        }
    }
}
