using HipiFast.Kernels.Devices.LogPartition;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Ilgpu.Numerics;
using ILGPU;
using ILGPU.Util;

namespace HipiFast.Kernels.Ilgpu.LogPartition;

/// <summary>
/// Column-wise logsumexp: groups sum segments of rows, threads of a group beside each other in a row (neighbouring
/// threads, neighbouring columns) and below each other in a column; a tree joins the latter, a second kernel the
/// segments in the same way: the same bits every time. Kernels that make the matrix may leave the segments themselves,
/// so that nobody reads it for them.
/// </summary>
/// <remarks>
/// Sums are compensated (Kahan), as a million equal rows would drift otherwise. Reductions of ILGPU.Algorithms would
/// need a launch for each column.
/// </remarks>
public static class LogPartitionKernels
{
    /// <summary>Maximum and sum of every column over each segment of rows.</summary>
    /// <param name="softQ"><c>[rows, K]</c>.</param>
    /// <param name="segments">Receives maxima <c>[segments, K]</c>, then sums.</param>
    /// <param name="shape">Sizes.</param>
    [DeviceKernel(DeviceKernelNames.LogPartitionSegments)]
    public static void Segments(ArrayView<float> softQ, ArrayView<float> segments, LogPartitionShape shape)
    {
        ArrayView<ExponentialSum> shared = SharedMemory.Allocate<ExponentialSum>(GroupLimits.MaxThreads);
        int width = Group.DimX / shape.Lanes, lane = Group.IdxX / width;
        int across = (shape.Candidates + width - 1) / width;
        for (int part = Grid.IdxX; part < across * shape.Segments; part += Grid.DimX)
        {
            int segment = part / across, column = ((part - (segment * across)) * width) + Group.IdxX - (lane * width);
            ExponentialSum sum = ExponentialSum.Empty;
            if (column < shape.Candidates)
            {
                int first = segment * shape.SegmentRows, end = Math.Min(first + shape.SegmentRows, shape.Rows);
                sum = Sum(softQ, column, first + lane, end, shape);
            }

            JoinLanes(shared, sum, lane, width, shape);
            if (lane == 0 && column < shape.Candidates)
            {
                long at = ((long)segment * shape.Candidates) + column;
                segments[at] = shared[Group.IdxX].Maximum;
                segments[at + ((long)shape.Segments * shape.Candidates)] = shared[Group.IdxX].Sum;
            }

            Group.Barrier();
        }
    }

    /// <summary>Joins the segments to the running statistics.</summary>
    /// <param name="segments">Maxima <c>[segments, K]</c>, then sums.</param>
    /// <param name="running">
    /// Maxima <c>[K]</c>, sums <c>[K]</c> and what the sums' last addition rounded away <c>[K]</c>.
    /// </param>
    /// <param name="shape">Sizes.</param>
    [DeviceKernel(DeviceKernelNames.LogPartitionMerge)]
    public static void Merge(ArrayView<float> segments, ArrayView<float> running, LogPartitionShape shape)
    {
        ArrayView<ExponentialSum> shared = SharedMemory.Allocate<ExponentialSum>(GroupLimits.MaxThreads);
        int width = Group.DimX / shape.Lanes, lane = Group.IdxX / width;
        int across = (shape.Candidates + width - 1) / width;
        for (int part = Grid.IdxX; part < across; part += Grid.DimX)
        {
            int column = (part * width) + Group.IdxX - (lane * width);
            ExponentialSum sum = ExponentialSum.Empty;
            if (column < shape.Candidates)
            {
                sum = Join(segments, column, lane, shape);
            }

            JoinLanes(shared, sum, lane, width, shape);
            if (lane == 0 && column < shape.Candidates)
            {
                ExponentialSum total = shared[Group.IdxX];
                if (shape.Begins == 0)
                {
                    total = ExponentialSum.Join(
                        new ExponentialSum(
                            running[column], running[column + shape.Candidates],
                            running[column + (2L * shape.Candidates)]), total);
                }

                running[column] = total.Maximum;
                running[column + shape.Candidates] = total.Sum;
                running[column + (2L * shape.Candidates)] = total.Lost;
            }

            Group.Barrier();
        }
    }

    /// <summary><c>logZ = max + log sum - log B</c>.</summary>
    /// <param name="running">The running statistics.</param>
    /// <param name="logPartition">Receives <c>[K]</c>.</param>
    /// <param name="shape">Sizes.</param>
    [DeviceKernel(DeviceKernelNames.LogPartitionFinish)]
    public static void Finish(ArrayView<float> running, ArrayView<float> logPartition, LogPartitionShape shape)
    {
        int step = Grid.DimX * Group.DimX;
        for (int column = (Grid.IdxX * Group.DimX) + Group.IdxX; column < shape.Candidates; column += step)
        {
            // A sum of 0 has no logarithm, but then the maximum is -inf.
            float logSum = DeviceMath.Log(running[column + shape.Candidates]);
            logPartition[column] = running[column] + (logSum - shape.LogRows);
        }
    }

    // Joins what the threads of each column have; the first of them finds the whole in its place. All threads of the
    // group call it together.
    private static void JoinLanes(
        ArrayView<ExponentialSum> shared, ExponentialSum sum, int lane, int width, in LogPartitionShape shape)
    {
        shared[Group.IdxX] = sum;
        for (int half = shape.Lanes / 2; half > 0; half /= 2)
        {
            Group.Barrier();
            if (lane < half)
            {
                shared[Group.IdxX] = ExponentialSum.Join(shared[Group.IdxX], shared[Group.IdxX + (half * width)]);
            }
        }

        Group.Barrier();
    }

    // Every so many segments of a column. Their maximum first, so that no exponential waits for the one before.
    private static ExponentialSum Join(ArrayView<float> segments, int column, int lane, in LogPartitionShape shape)
    {
        float maximum = float.NegativeInfinity;
        for (int segment = lane; segment < shape.Segments; segment += shape.Lanes)
        {
            maximum = ExponentialSum.Larger(maximum, segments[((long)segment * shape.Candidates) + column]);
        }

        long sums = (long)shape.Segments * shape.Candidates;
        float shift = ExponentialSum.Shift(maximum), sum = 0f, lost = 0f;
        for (int segment = lane; segment < shape.Segments; segment += shape.Lanes)
        {
            long at = ((long)segment * shape.Candidates) + column;
            float part = segments[at + sums] * ExponentialSum.Factor(segments[at], maximum, shift);
            float term = part - lost, total = sum + term;
            lost = (total - sum) - term;
            sum = total;
        }

        return Close(maximum, sum, lost);
    }

    // An infinite maximum decides by itself.
    private static ExponentialSum Close(float maximum, float sum, float lost)
    {
        bool isInfinite = maximum == float.PositiveInfinity;
        return new ExponentialSum(
            maximum, Utilities.Select(isInfinite, 1f, sum), Utilities.Select(isInfinite, 0f, lost));
    }

    private static ExponentialSum Sum(
        ArrayView<float> softQ, int column, int first, int end, in LogPartitionShape shape)
    {
        float maximum = float.NegativeInfinity;
        for (int row = first; row < end; row += shape.Lanes)
        {
            maximum = ExponentialSum.Larger(maximum, softQ[((long)row * shape.Candidates) + column]);
        }

        float shift = ExponentialSum.Shift(maximum), sum = 0f, lost = 0f;
        for (int row = first; row < end; row += shape.Lanes)
        {
            float part = DeviceMath.Exp(softQ[((long)row * shape.Candidates) + column] - shift);
            float term = part - lost, total = sum + term;
            lost = (total - sum) - term;
            sum = total;
        }

        return Close(maximum, sum, lost);
    }
}
