using HipiFast.Kernels.Devices;
using HipiFast.Kernels.Ilgpu.Numerics;
using HipiFast.Kernels.Random;
using HipiFast.Kernels.Tasks;
using ILGPU;

namespace HipiFast.Kernels.Ilgpu.Relabeling;

/// <summary>The end of a relabel call: new tasks, their rewards, and the call in numbers.</summary>
public static class RelabelKernels
{
    /// <summary>
    /// Gives every row that inverse RL serves its sampled task (the counters of <see cref="RandomPurpose.Mixing"/> decide, as on the host) and judges
    /// every row under its new task.
    /// </summary>
    /// <typeparam name="TFamily">The task family.</typeparam>
    /// <param name="call">The call's numbers.</param>
    /// <param name="observation">s, <c>[B, S]</c>.</param>
    /// <param name="action">a, <c>[B, A]</c>.</param>
    /// <param name="nextObservation">s', <c>[B, S]</c>.</param>
    /// <param name="candidates">psi, <c>[K, P]</c>.</param>
    /// <param name="integers">The sampling kernel's results.</param>
    /// <param name="taskIndex">Receives <c>[B]</c>: the sampled task; -1 where inverse RL does not serve.</param>
    /// <param name="newTask"><c>[B, P]</c>: tasks of the rows that inverse RL does not serve; receives those of the others.</param>
    /// <param name="reward">Receives <c>[B]</c>.</param>
    /// <param name="terminated">Receives <c>[B]</c>: 1 or 0.</param>
    /// <param name="shape">Sizes.</param>
    /// <param name="family">The family.</param>
    /// <param name="constants">Its constants.</param>
    [DeviceKernel(DeviceKernelNames.AssignTasks)]
    public static void Assign<TFamily>(
        ArrayView<CallNumbers> call, ArrayView<float> observation, ArrayView<float> action, ArrayView<float> nextObservation,
        ArrayView<float> candidates, ArrayView<int> integers, ArrayView<int> taskIndex, ArrayView<float> newTask, ArrayView<float> reward,
        ArrayView<int> terminated, AssignmentShape shape, TFamily family, ArrayView<float> constants)
        where TFamily : unmanaged, ITaskFamily
    {
        CallNumbers numbers = call[0];
        int step = Grid.DimX * Group.DimX;
        for (int row = (Grid.IdxX * Group.DimX) + Group.IdxX; row < shape.Rows; row += step)
        {
            PhiloxBlock block = Philox.Next((uint)row, 0, numbers.Call, (uint)RandomPurpose.Mixing, numbers.Seed);
            bool infers = DeviceMath.ToUniform(block.X) < numbers.RelabelFraction && !(DeviceMath.ToUniform(block.Y) < numbers.GoalMix);
            int index = infers ? integers[((long)RowResult.Index * shape.Rows) + row] : -1;
            taskIndex[row] = index;
            for (int i = 0; i < shape.TaskDimension && index >= 0; i++)
            {
                newTask[((long)row * shape.TaskDimension) + i] = candidates[((long)index * shape.TaskDimension) + i];
            }

            TaskPair<DeviceVector> pair = new(
                new DeviceVector(observation, (long)row * shape.ObservationDimension, shape.ObservationDimension),
                new DeviceVector(action, (long)row * shape.ActionDimension, shape.ActionDimension),
                new DeviceVector(nextObservation, (long)row * shape.ObservationDimension, shape.ObservationDimension),
                new DeviceVector(newTask, (long)row * shape.TaskDimension, shape.TaskDimension),
                new DeviceVector(constants, 0, (int)constants.Length));
            reward[row] = family.Reward(pair);
            terminated[row] = family.Terminates(pair) ? 1 : 0;
        }
    }

    /// <summary>Adds the rows' numbers up. One group.</summary>
    /// <param name="integers">The sampling kernel's results.</param>
    /// <param name="floats">Its floats.</param>
    /// <param name="logPartition"><c>[K]</c>.</param>
    /// <param name="summary">Receives the fields of a <see cref="RelabelSummary"/> in their order, floats by their bits.</param>
    /// <param name="shape">Sizes.</param>
    [DeviceKernel(DeviceKernelNames.Summarize)]
    public static void Summarize(
        ArrayView<int> integers, ArrayView<float> floats, ArrayView<float> logPartition, ArrayView<int> summary, AssignmentShape shape)
    {
        ArrayView<RelabelSummary> shared = SharedMemory.Allocate<RelabelSummary>(GroupLimits.MaxThreads);
        RelabelSummary own = default;
        own.BadRow = int.MaxValue;
        own.UnsampledRow = int.MaxValue;
        own.LogPartitionMin = float.PositiveInfinity;
        own.LogPartitionMax = float.NegativeInfinity;
        long rows = shape.Rows;
        float lostEntropy = 0f, lostSurprise = 0f;
        for (int row = Group.IdxX; row < shape.Rows; row += Group.DimX)
        {
            // Kahan, so that a million rows lose nothing.
            float term = floats[(RowResult.Entropy * rows) + row] - lostEntropy, total = own.Entropy + term;
            lostEntropy = (total - own.Entropy) - term;
            own.Entropy = total;
            float surprise = floats[(RowResult.Surprise * rows) + row];
            if (!float.IsNaN(surprise))
            {
                term = surprise - lostSurprise;
                total = own.Surprise + term;
                lostSurprise = (total - own.Surprise) - term;
                own.Surprise = total;
                own.SurpriseCount++;
            }

            own.CommandedIsMode += integers[(RowResult.CommandedIsMode * rows) + row];
            int bad = integers[(RowResult.BadCandidate * rows) + row];
            if (bad >= 0 && row < own.BadRow)
            {
                own.BadRow = row;
                own.BadCandidate = bad;
                own.BadValue = floats[(RowResult.BadValue * rows) + row];
            }

            if (integers[(RowResult.Index * rows) + row] < 0)
            {
                own.UnsampledRow = Math.Min(own.UnsampledRow, row);
            }
        }

        for (int task = Group.IdxX; task < shape.Candidates && shape.HasPartition != 0; task += Group.DimX)
        {
            own.LogPartitionMin = Math.Min(own.LogPartitionMin, logPartition[task]);
            own.LogPartitionMax = Math.Max(own.LogPartitionMax, logPartition[task]);
        }

        int thread = Group.IdxX;
        shared[thread] = own;
        for (int half = Group.DimX / 2; half > 0; half /= 2)
        {
            Group.Barrier();
            if (thread < half)
            {
                shared[thread] = Join(shared[thread], shared[thread + half]);
            }
        }

        Group.Barrier();
        if (thread == 0)
        {
            own = shared[0];
            summary[0] = (int)Interop.FloatAsInt(own.Entropy);
            summary[1] = (int)Interop.FloatAsInt(own.Surprise);
            summary[2] = own.SurpriseCount;
            summary[3] = own.CommandedIsMode;
            summary[4] = (int)Interop.FloatAsInt(own.LogPartitionMin);
            summary[5] = (int)Interop.FloatAsInt(own.LogPartitionMax);
            summary[6] = own.BadRow == int.MaxValue ? -1 : own.BadRow;
            summary[7] = own.BadCandidate;
            summary[8] = (int)Interop.FloatAsInt(own.BadValue);
            summary[9] = own.UnsampledRow == int.MaxValue ? -1 : own.UnsampledRow;
        }
    }

    private static RelabelSummary Join(RelabelSummary a, RelabelSummary b)
    {
        RelabelSummary sum = b.BadRow < a.BadRow ? b : a;
        sum.Entropy = a.Entropy + b.Entropy;
        sum.Surprise = a.Surprise + b.Surprise;
        sum.SurpriseCount = a.SurpriseCount + b.SurpriseCount;
        sum.CommandedIsMode = a.CommandedIsMode + b.CommandedIsMode;
        sum.LogPartitionMin = Math.Min(a.LogPartitionMin, b.LogPartitionMin);
        sum.LogPartitionMax = Math.Max(a.LogPartitionMax, b.LogPartitionMax);
        sum.UnsampledRow = Math.Min(a.UnsampledRow, b.UnsampledRow);
        return sum;
    }
}
