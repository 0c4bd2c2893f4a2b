using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using HipiFast.Kernels.Numerics;
using HipiFast.Kernels.Threading;

namespace HipiFast.Kernels.LogPartition;

/// <summary>
/// Log partition with 16 columns to a vector. A block of rows is read twice, for its maximum and for its sum, while it is still in the
/// first-level cache; so every entry costs one exponential and the sum is rescaled once per block.
/// </summary>
/// <remarks>
/// A column's arithmetic never depends on its neighbours or on how columns are dealt to threads: the same bits for any thread count. Within
/// a call, blocks join the running sum by Kahan's compensated addition: plain fp32 addition drifts by 1e-4 nats over a million equal rows. What the
/// last addition of a call rounded away is not carried to the next call, so the last bits depend on how rows are dealt to calls.
/// </remarks>
internal sealed unsafe class ManagedLogPartition(int maxThreads) : ILogPartitionKernel, IParallelWork
{
    /// <summary>Rows between two rescalings: 64 rows of one vector are 4 KiB, well inside the first-level cache.</summary>
    private const int RowBlock = 64;

    /// <summary>Most columns of a chunk: 256 consecutive bytes of each row.</summary>
    private const int MaxChunkColumns = 4 * VectorMath.LaneCount;

    /// <summary>Entries below which handing work to another thread costs more than it saves.</summary>
    private const int ParallelThreshold = 1 << 14;

    private const int FinishStrip = 256;

    private float* _softQ;
    private float* _runningMax;
    private float* _runningSum;
    private int _rows;
    private int _candidates;
    private int _chunkColumns;

    public void Accumulate(ReadOnlySpan<float> softQ, int rows, int candidates, Span<float> runningMax, Span<float> runningSum)
    {
        LogPartitionArguments.CheckAccumulate(softQ, rows, candidates, runningMax, runningSum);
        fixed (float* softQPointer = softQ, maxPointer = runningMax, sumPointer = runningSum)
        {
            _softQ = softQPointer;
            _runningMax = maxPointer;
            _runningSum = sumPointer;
            _rows = rows;
            _candidates = candidates;
            int threads = (long)rows * candidates < ParallelThreshold ? 1 : maxThreads;
            int vectors = (candidates + VectorMath.LaneCount - 1) / VectorMath.LaneCount;
            _chunkColumns = Math.Clamp((vectors + threads - 1) / threads * VectorMath.LaneCount, VectorMath.LaneCount, MaxChunkColumns);
            WorkerPool.Shared.Run(this, (candidates + _chunkColumns - 1) / _chunkColumns, threads);
        }
    }

    public void Finish(ReadOnlySpan<float> runningMax, ReadOnlySpan<float> runningSum, long totalRows, Span<float> logPartition)
    {
        LogPartitionArguments.CheckFinish(runningMax, runningSum, totalRows, logPartition);
        float logRows = (float)Math.Log(totalRows);
        Span<float> strip = stackalloc float[FinishStrip];
        for (int first = 0; first < logPartition.Length; first += FinishStrip)
        {
            int count = Math.Min(FinishStrip, logPartition.Length - first);
            Span<float> logSum = strip[..count];
            TensorPrimitives.Log(runningSum.Slice(first, count), logSum);
            TensorPrimitives.Subtract(logSum, logRows, logSum);
            TensorPrimitives.Add(runningMax.Slice(first, count), logSum, logPartition.Slice(first, count));
        }
    }

    void IParallelWork.Execute(int chunk, int worker)
    {
        int first = chunk * _chunkColumns, columns = Math.Min(_chunkColumns, _candidates - first);
        float* compensation = stackalloc float[MaxChunkColumns];
        new Span<float>(compensation, MaxChunkColumns).Clear();
        for (int row = 0; row < _rows; row += RowBlock)
        {
            int rows = Math.Min(RowBlock, _rows - row);
            for (int done = 0; done < columns; done += VectorMath.LaneCount)
            {
                int column = first + done;
                AccumulateBlock(
                    _softQ + ((long)row * _candidates) + column,
                    rows,
                    _candidates,
                    Math.Min(VectorMath.LaneCount, columns - done),
                    _runningMax + column,
                    _runningSum + column,
                    compensation + done);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AccumulateBlock(
        float* softQ, int rows, int stride, int columns, float* runningMax, float* runningSum, float* compensation)
    {
        Vector512<float> oldMax = VectorMath.LoadPartial(runningMax, columns);
        Vector512<float> max = oldMax, nan = ~Vector512.Equals(oldMax, oldMax);
        float* entry = softQ;
        for (int row = 0; row < rows; row++, entry += stride)
        {
            Vector512<float> q = VectorMath.LoadPartial(entry, columns);
            max = Vector512.MaxNative(q, max);
            nan |= ~Vector512.Equals(q, q);
        }

        // With a maximum of -inf a shift of 0 keeps -inf - (-inf) from happening, so that exp gives the 0 it should.
        Vector512<float> finite = Vector512.LessThan(Vector512.Abs(max), Vector512.Create(float.PositiveInfinity));
        Vector512<float> shift = Vector512.ConditionalSelect(finite, max, Vector512<float>.Zero);
        Vector512<float> factor = VectorMath.ExpNonPositive(oldMax - shift);
        Vector512<float> sum = VectorMath.LoadPartial(runningSum, columns) * factor;
        Vector512<float> blockSum = Vector512<float>.Zero;
        entry = softQ;
        for (int row = 0; row < rows; row++, entry += stride)
        {
            blockSum += VectorMath.ExpNonPositive(VectorMath.LoadPartial(entry, columns) - shift);
        }

        // Kahan: what the last addition rounded away is made good by this one.
        blockSum -= Vector512.Load(compensation) * factor;
        Vector512<float> total = sum + blockSum;
        (total - sum - blockSum).Store(compensation);
        sum = total;

        // +inf or NaN in the maximum decides the result; the sum, of no meaning then, must not disturb it.
        Vector512<float> infinite = Vector512.Equals(max, Vector512.Create(float.PositiveInfinity));
        sum = Vector512.ConditionalSelect(infinite, Vector512<float>.One, sum);
        Vector512<float> notANumber = Vector512.Create(float.NaN);
        VectorMath.StorePartial(Vector512.ConditionalSelect(nan, notANumber, max), runningMax, columns);
        VectorMath.StorePartial(Vector512.ConditionalSelect(nan, notANumber, sum), runningSum, columns);
    }
}
