using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Devices.SoftQ;
using HipiFast.Kernels.Devices.TaskSampling;
using HipiFast.Kernels.Ilgpu.Numerics;
using HipiFast.Kernels.Random;
using HipiFast.Kernels.TaskSampling;
using ILGPU;
using ILGPU.Util;

namespace HipiFast.Kernels.Ilgpu.TaskSampling;

/// <summary>Gumbel-max sampling along rows and down columns, with the noise made in registers.</summary>
public static partial class TaskSamplingKernels
{
    private const int BlockTasks = SamplingShape.BlockTasks;

    /// <summary>
    /// A group to a row: the sampled and the most likely task, the entropy and the normaliser of the row's posterior,
    /// how surprising the commanded task is, and the first entry of Q~ that is not finite.
    /// </summary>
    /// <param name="call">The call's numbers.</param>
    /// <param name="softQ"><c>[rows, K]</c>.</param>
    /// <param name="logPartition"><c>[K]</c>.</param>
    /// <param name="logPrior"><c>[K]</c>.</param>
    /// <param name="candidates">psi, <c>[K, P]</c>.</param>
    /// <param name="commanded">The rows' own tasks, <c>[rows, P]</c>.</param>
    /// <param name="integers">
    /// Receives the planes of <see cref="RowResult"/>, each of <see cref="SamplingShape.ResultRows"/> entries.
    /// </param>
    /// <param name="floats">Receives the planes of floats.</param>
    /// <param name="shape">Sizes.</param>
    [DeviceKernel(DeviceKernelNames.SampleTasks)]
    public static void SampleTasks(
        ArrayView<CallNumbers> call, ArrayView<float> softQ, ArrayView<float> logPartition, ArrayView<float> logPrior,
        ArrayView<float> candidates,
        ArrayView<float> commanded, ArrayView<int> integers, ArrayView<float> floats, SamplingShape shape)
    {
        ArrayView<RowState> shared = SharedMemory.Allocate<RowState>(GroupLimits.MaxThreads);
        ArrayView<RowSums> sharedSums = SharedMemory.Allocate<RowSums>(GroupLimits.MaxThreads);
        ArrayView<ExactScore> sharedBest = SharedMemory.Allocate<ExactScore>(GroupLimits.MaxThreads);
        CallNumbers numbers = call[0];
        int thread = Group.IdxX;
        for (int row = Grid.IdxX; row < shape.Rows; row += Grid.DimX)
        {
            shared[thread] = Scan(numbers, softQ, logPartition, logPrior, shape, row);
            for (int half = Group.DimX / 2; half > 0; half /= 2)
            {
                Group.Barrier();
                if (thread < half)
                {
                    shared[thread] = RowState.Join(shared[thread], shared[thread + half]);
                }
            }

            Group.Barrier();
            RowState state = shared[0];
            bool isPlain = IsPlain(numbers, state);
            if (isPlain)
            {
                sharedSums[thread] = Sum(
                    numbers, softQ, logPartition, logPrior, candidates, commanded, shape, row, state.Mode.Value);
            }
            else
            {
                sharedBest[thread] = FindBest(numbers, softQ, logPartition, logPrior, shape, row);
                for (int half = Group.DimX / 2; half > 0; half /= 2)
                {
                    Group.Barrier();
                    if (thread < half)
                    {
                        sharedBest[thread] = ExactScore.Better(
                            numbers, sharedBest[thread], sharedBest[thread + half]);
                    }
                }

                Group.Barrier();
                ExactScore best = sharedBest[0];
                sharedSums[thread] = ExactSum(
                    numbers, softQ, logPartition, logPrior, candidates, commanded, shape, row, best);
                state.Poison = best.Poison;
                state.Mode = Mode(numbers, best);
            }

            for (int half = Group.DimX / 2; half > 0; half /= 2)
            {
                Group.Barrier();
                if (thread < half)
                {
                    sharedSums[thread] = RowSums.Join(sharedSums[thread], sharedSums[thread + half]);
                }
            }

            Group.Barrier();
            if (thread == 0)
            {
                Store(
                    numbers, softQ, candidates, commanded, integers, floats, shape, row, state, sharedSums[0], isPlain);
            }

            Group.Barrier();
        }
    }

    /// <summary>
    /// For each column the best row. A thread takes four columns, which share their noise, and every so many rows.
    /// </summary>
    /// <param name="call">The call's numbers.</param>
    /// <param name="softQ"><c>[rows, K]</c>.</param>
    /// <param name="rowIndex">Receives <c>[K]</c>.</param>
    /// <param name="shape">Sizes.</param>
    [DeviceKernel(DeviceKernelNames.SampleRows)]
    public static void SampleRows(
        ArrayView<CallNumbers> call, ArrayView<float> softQ, ArrayView<int> rowIndex, SamplingShape shape)
    {
        ArrayView<Choice> shared = SharedMemory.Allocate<Choice>(GroupLimits.MaxThreads * BlockTasks);
        CallNumbers numbers = call[0];
        int width = Group.DimX / shape.Lanes, lane = Group.IdxX / width;
        int blocks = (shape.Candidates + BlockTasks - 1) / BlockTasks;
        int across = (blocks + width - 1) / width;
        for (int part = Grid.IdxX; part < across; part += Grid.DimX)
        {
            int block = (part * width) + Group.IdxX - (lane * width);
            Choice c0 = Choice.Empty, c1 = Choice.Empty, c2 = Choice.Empty, c3 = Choice.Empty;
            for (int row = lane; row < shape.Rows && block < blocks; row += shape.Lanes)
            {
                PhiloxBlock noise = default;
                if (numbers.InverseTemperature > 0f)
                {
                    noise = Philox.Next(
                        (uint)block, numbers.FirstRow + (uint)(shape.FirstRow + row), numbers.Call,
                        (uint)RandomPurpose.RowSampling, numbers.Seed);
                }

                c0 = Choice.Better(c0, Entry(numbers, softQ, shape, row, block * BlockTasks, noise.X));
                c1 = Choice.Better(c1, Entry(numbers, softQ, shape, row, (block * BlockTasks) + 1, noise.Y));
                c2 = Choice.Better(c2, Entry(numbers, softQ, shape, row, (block * BlockTasks) + 2, noise.Z));
                c3 = Choice.Better(c3, Entry(numbers, softQ, shape, row, (block * BlockTasks) + 3, noise.W));
            }

            int at = Group.IdxX * BlockTasks;
            shared[at] = c0;
            shared[at + 1] = c1;
            shared[at + 2] = c2;
            shared[at + 3] = c3;
            for (int half = shape.Lanes / 2; half > 0; half /= 2)
            {
                Group.Barrier();
                for (int word = 0; word < BlockTasks && lane < half; word++)
                {
                    shared[at + word] = Choice.Better(
                        shared[at + word], shared[at + (half * width * BlockTasks) + word]);
                }
            }

            Group.Barrier();
            for (int word = 0; word < BlockTasks && lane == 0; word++)
            {
                int column = (block * BlockTasks) + word;
                if (column < shape.Candidates)
                {
                    Choice best = shared[at + word];
                    bool isPlain = !(numbers.InverseTemperature > 0f)
                        || DeviceMath.Abs(best.Value) <= ExactScores.LargestPlainScore;
                    bool isChosen = best.Value < float.PositiveInfinity && best.Index != Choice.None;
                    rowIndex[column] = !isPlain ? ExactRowIndex(numbers, softQ, shape, column)
                        : isChosen ? best.Index : -1;
                }
            }

            Group.Barrier();
        }
    }

    // An entry of a column with its noise. NaN and +inf beat everything, and are known by that: the column has no
    // choice.
    private static Choice Entry(
        in CallNumbers numbers, ArrayView<float> softQ, in SamplingShape shape, int row, int column, uint bits)
    {
        if (column >= shape.Candidates)
        {
            return Choice.Empty;
        }

        float q = softQ[((long)row * shape.Candidates) + column], value = q;
        if (numbers.InverseTemperature > 0f)
        {
            value = DeviceMath.MultiplyAdd(q, numbers.InverseTemperature, DeviceMath.ToGumbel(bits));
        }

        return new Choice(Utilities.Select(q < float.PositiveInfinity, value, float.PositiveInfinity), 0f, row);
    }

    private static RowState Scan(
        in CallNumbers numbers, ArrayView<float> softQ, ArrayView<float> logPartition, ArrayView<float> logPrior,
        in SamplingShape shape, int row)
    {
        RowState state = RowState.Empty;
        bool noisy = numbers.InverseTemperature > 0f;
        for (int block = Group.IdxX; block * BlockTasks < shape.Candidates; block += Group.DimX)
        {
            PhiloxBlock noise = default;
            if (noisy)
            {
                noise = Philox.Next(
                    (uint)block, numbers.FirstRow + (uint)(shape.FirstRow + row), numbers.Call,
                    (uint)RandomPurpose.TaskSampling, numbers.Seed);
            }

            int end = Math.Min(BlockTasks, shape.Candidates - (block * BlockTasks));
            for (int word = 0; word < end; word++)
            {
                int task = (block * BlockTasks) + word;
                float q = softQ[((long)row * shape.Candidates) + task];
                float prior = shape.HasPrior == 0 ? 0f : logPrior[task];
                float score = Score(numbers, q, logPartition, prior, shape, task), noisyScore = score;
                if (!DeviceMath.IsFinite(q))
                {
                    state.BadCandidate = Math.Min(state.BadCandidate, task);
                }

                if (!(score < float.PositiveInfinity))
                {
                    state.Poison += score;
                }

                if (noisy)
                {
                    noisyScore += DeviceMath.ToGumbel(Word(noise, (word & 1) == 0, word < 2));
                    prior = 0f;
                }

                state.Sample = Choice.Better(state.Sample, new Choice(noisyScore, prior, task));
                state.Mode = Choice.Better(state.Mode, new Choice(score, prior, task));
            }
        }

        return state;
    }

    private static RowSums Sum(
        in CallNumbers numbers, ArrayView<float> softQ, ArrayView<float> logPartition, ArrayView<float> logPrior,
        ArrayView<float> candidates,
        ArrayView<float> commanded, in SamplingShape shape, int row, float mode)
    {
        RowSums sums = RowSums.Empty;
        if (!(numbers.InverseTemperature > 0f) || !DeviceMath.IsFinite(mode))
        {
            return sums;
        }

        float lostSum = 0f, lostWeighted = 0f;
        for (int task = Group.IdxX; task < shape.Candidates; task += Group.DimX)
        {
            float q = softQ[((long)row * shape.Candidates) + task], prior = shape.HasPrior == 0 ? 0f : logPrior[task];
            float score = Score(numbers, q, logPartition, prior, shape, task);
            sums.Add(score - mode, ref lostSum, ref lostWeighted);
            if (shape.TaskDimension > 0 && AreEqual(candidates, task, commanded, row, shape.TaskDimension))
            {
                sums.Commanded = ExponentialSum.Join(sums.Commanded, new ExponentialSum(score, 1f, 0f));
            }
        }

        return sums;
    }

    private static void Store(
        in CallNumbers numbers, ArrayView<float> softQ, ArrayView<float> candidates, ArrayView<float> commanded,
        ArrayView<int> integers,
        ArrayView<float> floats, in SamplingShape shape, int row, in RowState state, in RowSums sums, bool isPlain)
    {
        long at = shape.FirstRow + row, plane = shape.ResultRows;
        int sample = isPlain ? state.Sample.Index : sums.Sample.Index;
        bool noisy = numbers.InverseTemperature > 0f, valid = state.Poison == 0f && state.Mode.Index != Choice.None;
        float normalizer = state.Mode.Value, entropy = 0f, surprise = float.NaN;
        if (noisy)
        {
            float logSum = DeviceMath.Log(sums.Sum);
            normalizer += logSum;
            entropy = Math.Min(Math.Max(logSum - (sums.Weighted / sums.Sum), 0f), shape.LogCandidates);
            if (sums.Commanded.Sum > 0f)
            {
                float origin = Utilities.Select(isPlain, normalizer, logSum);
                surprise = Math.Max(origin - sums.Commanded.Maximum - DeviceMath.Log(sums.Commanded.Sum), 0f);
            }
        }

        if (!valid)
        {
            entropy = float.NaN;
            surprise = float.NaN;
            normalizer = state.Poison == 0f ? float.NegativeInfinity : state.Poison;
        }

        integers[(RowResult.Index * plane) + at] = valid ? (noisy ? sample : state.Mode.Index) : -1;
        integers[(RowResult.Mode * plane) + at] = valid ? state.Mode.Index : -1;
        bool commandedIsMode = valid && shape.TaskDimension > 0 && AreEqual(
            candidates, state.Mode.Index, commanded, row, shape.TaskDimension);
        integers[(RowResult.CommandedIsMode * plane) + at] = commandedIsMode ? 1 : 0;
        bool bad = state.BadCandidate != Choice.None;
        integers[(RowResult.BadCandidate * plane) + at] = bad ? state.BadCandidate : -1;
        floats[(RowResult.Entropy * plane) + at] = entropy;
        floats[(RowResult.LogNormalizer * plane) + at] = normalizer;
        floats[(RowResult.Surprise * plane) + at] = surprise;
        floats[(RowResult.BadValue * plane) + at] = bad
            ? softQ[((long)row * shape.Candidates) + state.BadCandidate]
            : 0f;
    }

    // (Q~ - logZ) / temperature + log p; at temperature 0 the raw Q~ - logZ of the tasks that the prior allows at all.
    private static float Score(
        in CallNumbers numbers, float q, ArrayView<float> logPartition, float prior, in SamplingShape shape, int task)
    {
        float raw = q;
        if (shape.HasPartition != 0 && q != float.NegativeInfinity)
        {
            raw = q - logPartition[task];
        }

        return numbers.InverseTemperature > 0f
            ? DeviceMath.MultiplyAdd(raw, numbers.InverseTemperature, prior)
            : Utilities.Select(DeviceMath.IsFinite(prior), raw, raw + prior);
    }

    private static bool AreEqual(
        ArrayView<float> candidates, int candidate, ArrayView<float> commanded, int row, int dimension)
    {
        bool equal = true;
        for (int i = 0; i < dimension && equal; i++)
        {
            equal = candidates[((long)candidate * dimension) + i] == commanded[((long)row * dimension) + i];
        }

        return equal;
    }
}
