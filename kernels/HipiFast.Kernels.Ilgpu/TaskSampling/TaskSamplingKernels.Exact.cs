using HipiFast.Kernels.Devices.SoftQ;
using HipiFast.Kernels.Devices.TaskSampling;
using HipiFast.Kernels.Ilgpu.Numerics;
using HipiFast.Kernels.Random;
using HipiFast.Kernels.TaskSampling;
using ILGPU;
using ILGPU.Util;

namespace HipiFast.Kernels.Ilgpu.TaskSampling;

/// <summary>Rows and columns whose scores are too large for fp32, or hold NaN or infinities.</summary>
public static partial class TaskSamplingKernels
{
    // Whether fp32 is good enough for a row.
    private static bool IsPlain(in CallNumbers numbers, in RowState state)
    {
        float best = Utilities.Select(numbers.InverseTemperature > 0f, state.Sample.Value, state.Mode.Value);
        return state.Poison == 0f && DeviceMath.Abs(best) <= numbers.PlainLimit;
    }

    // The best of a thread's candidates.
    private static ExactScore FindBest(
        in CallNumbers numbers, ArrayView<float> softQ, ArrayView<float> logPartition, ArrayView<float> logPrior,
        in SamplingShape shape, int row)
    {
        ExactScore best = ExactScore.Empty;
        for (int task = Group.IdxX; task < shape.Candidates; task += Group.DimX)
        {
            ExactScore score = ScoreOf(numbers, softQ, logPartition, logPrior, shape, row, task);
            best = ExactScore.Better(numbers, best, score);
        }

        return best;
    }

    private static Choice Mode(in CallNumbers numbers, in ExactScore best) => best.Index == Choice.None
        ? Choice.Empty
        : new Choice(ExactScore.Value(numbers, best), best.Prior, best.Index);

    // Sums and the sample, all relative to the best score.
    private static RowSums ExactSum(
        in CallNumbers numbers, ArrayView<float> softQ, ArrayView<float> logPartition, ArrayView<float> logPrior,
        ArrayView<float> candidates,
        ArrayView<float> commanded, in SamplingShape shape, int row, in ExactScore best)
    {
        RowSums sums = RowSums.Empty;
        if (!(numbers.InverseTemperature > 0f) || best.Index == Choice.None || best.Poison != 0f)
        {
            return sums;
        }

        float lostSum = 0f, lostWeighted = 0f;
        for (int task = Group.IdxX; task < shape.Candidates; task += Group.DimX)
        {
            ExactScore score = ScoreOf(numbers, softQ, logPartition, logPrior, shape, row, task);
            if (score.Index == Choice.None)
            {
                continue;
            }

            float distance = ExactScore.Distance(numbers, score, best);
            sums.Add(distance, ref lostSum, ref lostWeighted);

            // From further below no noise reaches what the best score has at least.
            if (distance + ExactScores.LargestNoise > ExactScores.SmallestNoise)
            {
                PhiloxBlock noise = Philox.Next(
                    (uint)task / BlockTasks, numbers.FirstRow + (uint)(shape.FirstRow + row), numbers.Call,
                    (uint)RandomPurpose.TaskSampling, numbers.Seed);
                float noisy = distance + DeviceMath.ToGumbel(Word(noise, (task & 1) == 0, (task & 3) < 2));
                sums.Sample = Choice.Better(sums.Sample, new Choice(noisy, 0f, task));
            }

            if (shape.TaskDimension > 0 && AreEqual(candidates, task, commanded, row, shape.TaskDimension))
            {
                sums.Commanded = ExponentialSum.Join(sums.Commanded, new ExponentialSum(distance, 1f, 0f));
            }
        }

        return sums;
    }

    // The row that a column picks at a temperature above 0; -1 where it holds NaN or +inf, or nothing finite.
    private static int ExactRowIndex(
        in CallNumbers numbers, ArrayView<float> softQ, in SamplingShape shape, int column)
    {
        float largest = float.NegativeInfinity, poison = 0f;
        for (int row = 0; row < shape.Rows; row++)
        {
            float q = softQ[((long)row * shape.Candidates) + column];
            poison = Utilities.Select(q < float.PositiveInfinity, poison, 1f);
            largest = Math.Max(largest, q);
        }

        float scale = ExactScore.ScaleOf(numbers), temperature = numbers.Temperature * scale;
        Choice best = Choice.Empty;
        for (int row = 0; row < shape.Rows && poison == 0f; row++)
        {
            float q = softQ[((long)row * shape.Candidates) + column];
            PhiloxBlock noise = Philox.Next(
                (uint)column / BlockTasks, numbers.FirstRow + (uint)(shape.FirstRow + row), numbers.Call,
                (uint)RandomPurpose.RowSampling, numbers.Seed);
            float noisy = (((q * scale) - (largest * scale)) / temperature)
                + DeviceMath.ToGumbel(Word(noise, (column & 1) == 0, (column & 3) < 2));
            best = Choice.Better(best, new Choice(noisy, 0f, row));
        }

        return best.Index == Choice.None ? -1 : best.Index;
    }

    private static ExactScore ScoreOf(
        in CallNumbers numbers, ArrayView<float> softQ, ArrayView<float> logPartition, ArrayView<float> logPrior,
        in SamplingShape shape, int row, int task)
    {
        float q = softQ[((long)row * shape.Candidates) + task], prior = shape.HasPrior == 0 ? 0f : logPrior[task];
        return ExactScore.Of(numbers, q, logPartition, prior, shape, task);
    }

    // A word of a block, by the parity of its number and the half it lies in; unlike the block's own indexer without
    // branches.
    private static uint Word(in PhiloxBlock block, bool isEven, bool isLow)
    {
        uint low = Utilities.Select(isEven, block.X, block.Y), high = Utilities.Select(isEven, block.Z, block.W);
        return Utilities.Select(isLow, low, high);
    }
}
