using HipiFast.Kernels.Devices.Replay;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Random;
using ILGPU;

namespace HipiFast.Kernels.Ilgpu.Replay;

/// <summary>Drawing and gathering of a replay ring that lies on the device (<see cref="DeviceReplay"/>).</summary>
public static class ReplayKernels
{
    /// <summary>Draws slots: the sequence of <see cref="UniformIndex.Fill"/>, entry by entry.</summary>
    /// <param name="slots">Receives <c>[B]</c>.</param>
    /// <param name="numbers">Receives <c>[B]</c>: absolute numbers of the transitions in those slots.</param>
    /// <param name="draw">What is drawn.</param>
    [DeviceKernel(DeviceKernelNames.ReplaySample)]
    public static void Sample(ArrayView<int> slots, ArrayView<long> numbers, ReplayDraw draw)
    {
        int step = Grid.DimX * Group.DimX;
        for (int row = (Grid.IdxX * Group.DimX) + Group.IdxX; row < draw.Rows; row += step)
        {
            PhiloxBlock block = Philox.Next((uint)row / PhiloxBlock.Words, 0, draw.Call, draw.Purpose, draw.Seed);
            bool isAccepted = UniformIndex.TryMap(block[row], draw.Bound, out uint slot);
            for (uint attempt = 1; !isAccepted; attempt++)
            {
                block = Philox.Next((uint)row, attempt, draw.Call, draw.Purpose, draw.Seed);
                isAccepted = UniformIndex.TryMap(block.X, draw.Bound, out slot);
            }

            // Slots from the next one on still hold the lap before.
            slots[row] = (int)slot;
            numbers[row] = slot + draw.Lap - (slot < draw.NextSlot ? 0L : draw.Capacity);
        }
    }

    /// <summary>
    /// Copies records to the columns of a batch: neighbouring threads, neighbouring words of a record.
    /// </summary>
    /// <param name="records">The ring, <c>[slots, Stride]</c>: the columns of a transition side by side.</param>
    /// <param name="slots">Which, <c>[B]</c>.</param>
    /// <param name="columns">
    /// Of every word of a record, <c>[Words, 2]</c>: the first word of its column, and how many the column has.
    /// </param>
    /// <param name="batch">
    /// Receives the columns one after the other, in the order of the record: the column whose first word is f begins at
    /// word f Pitch.
    /// </param>
    /// <param name="shape">Sizes.</param>
    [DeviceKernel(DeviceKernelNames.ReplayGather)]
    public static void Gather(
        ArrayView<int> records, ArrayView<int> slots, ArrayView<int> columns, ArrayView<int> batch, ReplayShape shape)
    {
        long total = (long)shape.Rows * shape.Words, step = (long)Grid.DimX * Group.DimX;
        for (long item = ((long)Grid.IdxX * Group.DimX) + Group.IdxX; item < total; item += step)
        {
            long row = item / shape.Words;
            int word = (int)(item - (row * shape.Words)), first = columns[2 * word], width = columns[(2 * word) + 1];
            batch[((long)first * shape.Pitch) + (row * width) + word - first] =
                records[((long)slots[row] * shape.Stride) + word];
        }
    }
}
