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
            ulong entry = draw.FirstEntry + (ulong)row;
            PhiloxBlock block = Philox.Next((uint)(entry / 4), 0, draw.Call, draw.Purpose, draw.Seed);
            bool isAccepted = UniformIndex.TryMap(block[(int)(entry % 4)], draw.Bound, out uint slot);
            for (uint attempt = 1; !isAccepted; attempt++)
            {
                block = Philox.Next((uint)entry, attempt, draw.Call, draw.Purpose, draw.Seed);
                isAccepted = UniformIndex.TryMap(block.X, draw.Bound, out slot);
            }

            // Slots from the next one on still hold the lap before.
            slots[row] = (int)slot;
            numbers[row] = slot + draw.Lap - (slot < draw.NextSlot ? 0L : draw.Capacity);
        }
    }

    /// <summary>
    /// Copies records to the columns of a batch: neighbouring threads, neighbouring floats of a record.
    /// </summary>
    /// <param name="records">The ring, <c>[slots, Stride]</c>: s, a, s', psi, r, termination.</param>
    /// <param name="slots">Which, <c>[B]</c>.</param>
    /// <param name="observation">Receives <c>[B, S]</c>.</param>
    /// <param name="action">Receives <c>[B, A]</c>.</param>
    /// <param name="nextObservation">Receives <c>[B, S]</c>.</param>
    /// <param name="task">Receives <c>[B, P]</c>.</param>
    /// <param name="reward">Receives <c>[B]</c>.</param>
    /// <param name="terminated">Receives <c>[B]</c>: 1 or 0.</param>
    /// <param name="shape">Sizes.</param>
    [DeviceKernel(DeviceKernelNames.ReplayGather)]
    public static void Gather(
        ArrayView<float> records, ArrayView<int> slots, ArrayView<float> observation, ArrayView<float> action,
        ArrayView<float> nextObservation,
        ArrayView<float> task, ArrayView<float> reward, ArrayView<int> terminated, ReplayShape shape)
    {
        int action0 = shape.ObservationDimension, next0 = action0 + shape.ActionDimension,
            task0 = next0 + shape.ObservationDimension;
        int reward0 = task0 + shape.TaskDimension, width = reward0 + 2;
        long total = (long)shape.Rows * width, step = (long)Grid.DimX * Group.DimX;
        for (long item = ((long)Grid.IdxX * Group.DimX) + Group.IdxX; item < total; item += step)
        {
            long row = item / width;
            int column = (int)(item - (row * width));
            float value = records[((long)slots[row] * shape.Stride) + column];
            if (column < action0)
            {
                observation[(row * shape.ObservationDimension) + column] = value;
            }
            else if (column < next0)
            {
                action[(row * shape.ActionDimension) + column - action0] = value;
            }
            else if (column < task0)
            {
                nextObservation[(row * shape.ObservationDimension) + column - next0] = value;
            }
            else if (column < reward0)
            {
                task[(row * shape.TaskDimension) + column - task0] = value;
            }
            else if (column == reward0)
            {
                reward[row] = value;
            }
            else
            {
                terminated[row] = value != 0f ? 1 : 0;
            }
        }
    }
}
