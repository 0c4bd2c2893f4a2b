using HipiFast.Kernels.Memory;
using HipiFast.Storage;

namespace HipiFast.Replay;

/// <summary>Where the episodes of a replay ring end.</summary>
/// <remarks>
/// Every transition keeps the steps to the last one of its episode, 0 for the last itself, <see cref="Open"/> while the
/// episode runs. They are written backwards over the episode when it ends, so that looking up an end takes one read
/// however long the episode is.
/// </remarks>
/// <param name="records">The ring's memory.</param>
/// <param name="numbers">The ring's numbers.</param>
internal sealed unsafe class EpisodeEnds(ReplayRecords records, RingNumbers numbers)
{
    private const int Open = -1;

    private readonly ReplayColumn _remaining = records.Remaining;

    /// <summary>Takes note of a transition that was written.</summary>
    /// <param name="number">Its number, the newest of its copy.</param>
    public void Add(long number)
    {
        long slot = numbers.Slot(number);
        *Remaining(slot) = Open;
        if ((*records.Terminated.Row(slot) | *records.Truncated.Row(slot)) != 0)
        {
            Close(number);
        }
    }

    /// <summary>Number of the last transition, stored so far, of the episode that holds a live one.</summary>
    /// <param name="number">Number of the live one.</param>
    /// <returns>A live number.</returns>
    public long Find(long number)
    {
        int remaining = *Remaining(numbers.Slot(number));
        return remaining == Open
            ? numbers.Total - numbers.EnvironmentCount + (number % numbers.EnvironmentCount)
            : number + ((long)remaining * numbers.EnvironmentCount);
    }

    /// <summary>
    /// Throws unless what a checkpoint says lies within its ring: a damaged distance would send lookups outside.
    /// </summary>
    /// <param name="file">The checkpoint.</param>
    /// <param name="prefix">What the names start with.</param>
    /// <param name="total">All transitions ever added to its ring.</param>
    /// <exception cref="InvalidDataException">A distance leads out of the ring.</exception>
    public void Check(SafetensorsFile file, string prefix, long total)
    {
        const int Chunk = 1 << 16;
        string name = prefix + _remaining.Definition.Name;
        long count = Math.Min(total, numbers.Capacity), next = total % numbers.Capacity, lap = total - next;
        using NativeBuffer<int> values = new(Math.Min(Chunk, count));
        for (long first = 0; first < count; first += Chunk)
        {
            Span<int> chunk = values.Slice(0, (int)Math.Min(Chunk, count - first));
            file.Read(name, chunk, first);
            for (int i = 0; i < chunk.Length; i++)
            {
                long slot = first + i, number = slot < next ? lap + slot : lap - numbers.Capacity + slot;
                if (chunk[i] < Open || number + ((long)chunk[i] * numbers.EnvironmentCount) >= total)
                {
                    throw new InvalidDataException(
                        $"{file.Path}: '{name}' says that transition {number} of {total} is {chunk[i]} steps from the "
                        + "end of its episode.");
                }
            }
        }
    }

    // Each transition is visited once in its life, so this is constant time per transition on average.
    private void Close(long last)
    {
        int distance = 0;
        for (long number = last; numbers.IsLive(number); number -= numbers.EnvironmentCount, distance++)
        {
            int* remaining = Remaining(numbers.Slot(number));
            if (*remaining != Open)
            {
                break;
            }

            *remaining = distance;
        }
    }

    private int* Remaining(long slot) => (int*)_remaining.Row(slot);
}
