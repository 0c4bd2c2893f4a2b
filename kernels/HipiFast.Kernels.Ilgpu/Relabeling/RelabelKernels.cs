using HipiFast.Kernels.Devices.Relabeling;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Devices.SoftQ;
using HipiFast.Kernels.Devices.TaskSampling;
using HipiFast.Kernels.Ilgpu.Numerics;
using HipiFast.Kernels.Random;
using HipiFast.Kernels.Relabeling;
using HipiFast.Kernels.Tasks;
using ILGPU;

namespace HipiFast.Kernels.Ilgpu.Relabeling;

/// <summary>
/// What surrounds the inference of a relabel call: reached tasks as candidates, new tasks, their rewards, and the call
/// in numbers.
/// </summary>
public static class RelabelKernels
{
    /// <summary>The tasks that states achieve.</summary>
    /// <typeparam name="TFamily">The task family.</typeparam>
    /// <param name="observation">The states, <c>[B, S]</c>.</param>
    /// <param name="commanded">The commanded tasks, <c>[B, P]</c>.</param>
    /// <param name="reached">Receives the tasks, <c>[B, P]</c>.</param>
    /// <param name="shape">Sizes.</param>
    /// <param name="family">The family.</param>
    /// <param name="constants">Its constants.</param>
    [DeviceKernel(DeviceKernelNames.ReachedTasks)]
    public static void Reach<TFamily>(
        ArrayView<float> observation, ArrayView<float> commanded, ArrayView<float> reached, AssignmentShape shape,
        TFamily family,
        ArrayView<float> constants)
        where TFamily : unmanaged, ITaskFamily
    {
        long total = (long)shape.Rows * shape.TaskDimension, step = (long)Grid.DimX * Group.DimX;
        for (long item = ((long)Grid.IdxX * Group.DimX) + Group.IdxX; item < total; item += step)
        {
            long row = item / shape.TaskDimension;
            reached[item] = family.AchievedTask(
                new DeviceVector(observation, row * shape.ObservationDimension, shape.ObservationDimension),
                new DeviceVector(commanded, row * shape.TaskDimension, shape.TaskDimension),
                new DeviceVector(constants, 0, (int)constants.Length),
                (int)(item - (row * shape.TaskDimension)));
        }
    }

    /// <summary>
    /// Gives every row its task: its candidate where inverse RL serves it, its goal where the goal mix does, else the
    /// commanded one (the counters of <see cref="RandomPurpose.Mixing"/> decide, as on the host); and judges every row
    /// under it.
    /// </summary>
    /// <typeparam name="TFamily">The task family.</typeparam>
    /// <param name="call">The call's numbers.</param>
    /// <param name="observation">s, <c>[B, S]</c>.</param>
    /// <param name="action">a, <c>[B, A]</c>.</param>
    /// <param name="nextObservation">s', <c>[B, S]</c>.</param>
    /// <param name="commanded">The commanded tasks, <c>[B, P]</c>.</param>
    /// <param name="candidates">psi, <c>[K, P]</c>.</param>
    /// <param name="integers">The sampling kernel's results.</param>
    /// <param name="block">
    /// The call's block: goals go in; task indices, tasks, rewards and terminations come out.
    /// </param>
    /// <param name="shape">Sizes, and places in the block.</param>
    /// <param name="family">The family.</param>
    /// <param name="constants">Its constants.</param>
    [DeviceKernel(DeviceKernelNames.AssignTasks)]
    public static void Assign<TFamily>(
        ArrayView<CallNumbers> call, ArrayView<float> observation, ArrayView<float> action,
        ArrayView<float> nextObservation, ArrayView<float> commanded, ArrayView<float> candidates,
        ArrayView<int> integers, ArrayView<float> block, AssignmentShape shape, TFamily family,
        ArrayView<float> constants)
        where TFamily : unmanaged, ITaskFamily
    {
        ArrayView<int> words = block.Cast<int>();
        CallNumbers numbers = call[0];
        int step = Grid.DimX * Group.DimX;
        for (int row = (Grid.IdxX * Group.DimX) + Group.IdxX; row < shape.Rows; row += step)
        {
            RowService service = ServiceOf(numbers, row);
            int index = service == RowService.Infer ? integers[((long)RowResult.Index * shape.Rows) + row] : -1;
            words[shape.TaskIndex + row] = index;
            long own = (long)row * shape.TaskDimension, sampled = (long)index * shape.TaskDimension;
            for (int i = 0; i < shape.TaskDimension; i++)
            {
                float entry;
                if (index >= 0)
                {
                    entry = candidates[sampled + i];
                }
                else if (service == RowService.Goal)
                {
                    entry = block[shape.Goals + own + i];
                }
                else
                {
                    entry = commanded[own + i];
                }

                block[shape.NewTask + own + i] = entry;
            }

            TaskPair<DeviceVector> pair = new(
                new DeviceVector(observation, (long)row * shape.ObservationDimension, shape.ObservationDimension),
                new DeviceVector(action, (long)row * shape.ActionDimension, shape.ActionDimension),
                new DeviceVector(nextObservation, (long)row * shape.ObservationDimension, shape.ObservationDimension),
                new DeviceVector(block, shape.NewTask + own, shape.TaskDimension),
                new DeviceVector(constants, 0, (int)constants.Length));
            block[shape.Reward + row] = family.Reward(pair);
            words[shape.Terminated + row] = family.Terminates(pair) ? 1 : 0;
        }
    }

    /// <summary>Adds the rows' numbers up. One group.</summary>
    /// <param name="call">The call's numbers.</param>
    /// <param name="integers">The sampling kernel's results.</param>
    /// <param name="floats">Its floats.</param>
    /// <param name="logPartition"><c>[K]</c>.</param>
    /// <param name="block">The call's block, after <see cref="Assign{TFamily}"/>.</param>
    /// <param name="summary">Receives a <see cref="DeviceSummary"/>, in words.</param>
    /// <param name="shape">Sizes, and places in the block.</param>
    [DeviceKernel(DeviceKernelNames.Summarize)]
    public static void Summarize(
        ArrayView<CallNumbers> call, ArrayView<int> integers, ArrayView<float> floats, ArrayView<float> logPartition,
        ArrayView<float> block, ArrayView<int> summary, AssignmentShape shape)
    {
        CallNumbers numbers = call[0];
        ArrayView<DeviceSummary> shared = SharedMemory.Allocate<DeviceSummary>(GroupLimits.MaxThreads);
        DeviceSummary own = default;
        own.BadRow = int.MaxValue;
        own.UnsampledRow = int.MaxValue;
        own.BadRewardRow = int.MaxValue;
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

            float reward = block[shape.Reward + row];
            if (!DeviceMath.IsFinite(reward) && row < own.BadRewardRow)
            {
                own.BadRewardRow = row;
                own.BadReward = reward;
            }

            if (ServiceOf(numbers, row) != RowService.Keep)
            {
                own.RelabeledTerminated += block.Cast<int>()[shape.Terminated + row];
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
            own.BadRow = own.BadRow == int.MaxValue ? -1 : own.BadRow;
            own.UnsampledRow = own.UnsampledRow == int.MaxValue ? -1 : own.UnsampledRow;
            own.BadRewardRow = own.BadRewardRow == int.MaxValue ? -1 : own.BadRewardRow;
            own.IsRefused = own.BadRow >= 0 || own.UnsampledRow >= 0 || own.BadRewardRow >= 0 ? 1 : 0;
            Write(own, summary);
        }
    }

    /// <summary>
    /// Gives a batch that lies on the device what <see cref="Assign{TFamily}"/> made, unless the summary shows that the
    /// call is to be refused, or it is a rehearsal.
    /// </summary>
    /// <param name="call">The call's numbers.</param>
    /// <param name="summary">Of <see cref="Summarize"/>.</param>
    /// <param name="block">The call's block.</param>
    /// <param name="task">The batch's tasks, <c>[B, P]</c>.</param>
    /// <param name="reward">Its rewards, <c>[B]</c>.</param>
    /// <param name="terminated">Its terminations, <c>[B]</c>.</param>
    /// <param name="shape">Sizes, and places in the block.</param>
    [DeviceKernel(DeviceKernelNames.CommitBatch)]
    public static void Commit(
        ArrayView<CallNumbers> call, ArrayView<int> summary, ArrayView<float> block, ArrayView<float> task,
        ArrayView<float> reward, ArrayView<int> terminated, AssignmentShape shape)
    {
        bool isGood = summary[0] == 0;
        long total = isGood && call[0].Commits != 0
            ? (long)shape.Rows * shape.TaskDimension
            : 0, step = (long)Grid.DimX * Group.DimX;
        for (long item = ((long)Grid.IdxX * Group.DimX) + Group.IdxX; item < total; item += step)
        {
            task[item] = block[shape.NewTask + item];
            if (item < shape.Rows)
            {
                reward[item] = block[shape.Reward + item];
                terminated[item] = block.Cast<int>()[shape.Terminated + item];
            }
        }
    }

    // Field by field, in their order: a view of structs would have to begin at a multiple of their size.
    private static void Write(DeviceSummary sums, ArrayView<int> summary)
    {
        int word = 0;
        summary[word++] = sums.IsRefused;
        summary[word++] = (int)Interop.FloatAsInt(sums.Entropy);
        summary[word++] = (int)Interop.FloatAsInt(sums.Surprise);
        summary[word++] = sums.SurpriseCount;
        summary[word++] = sums.CommandedIsMode;
        summary[word++] = (int)Interop.FloatAsInt(sums.LogPartitionMin);
        summary[word++] = (int)Interop.FloatAsInt(sums.LogPartitionMax);
        summary[word++] = sums.BadRow;
        summary[word++] = sums.BadCandidate;
        summary[word++] = (int)Interop.FloatAsInt(sums.BadValue);
        summary[word++] = sums.UnsampledRow;
        summary[word++] = sums.BadRewardRow;
        summary[word++] = (int)Interop.FloatAsInt(sums.BadReward);
        summary[word] = sums.RelabeledTerminated;
    }

    private static RowService ServiceOf(CallNumbers numbers, int row)
    {
        PhiloxBlock block = ServiceRule.Draw(row, numbers.Call, numbers.Seed);
        return ServiceRule.Choose(
            DeviceMath.ToUniform(block.X), DeviceMath.ToUniform(block.Y), numbers.RelabelFraction, numbers.GoalMix);
    }

    private static DeviceSummary Join(DeviceSummary a, DeviceSummary b)
    {
        DeviceSummary sum = b.BadRow < a.BadRow ? b : a;
        bool isSecond = b.BadRewardRow < a.BadRewardRow;
        sum.BadRewardRow = isSecond ? b.BadRewardRow : a.BadRewardRow;
        sum.BadReward = isSecond ? b.BadReward : a.BadReward;
        sum.RelabeledTerminated = a.RelabeledTerminated + b.RelabeledTerminated;
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
