using System.Runtime.CompilerServices;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Numerics;
using HipiFast.Kernels.Threading;

namespace HipiFast.Kernels.LogPartition;

/// <summary>
/// Log partition with one column to a lane. Eight rows of a vector of columns are held in registers for their maximum
/// and their sum, so that every entry is read once and costs one exponential; the sum so far is rescaled only when its
/// maximum moves.
/// </summary>
/// <remarks>
/// A column's arithmetic never depends on its neighbours or on how work is dealt to threads: the same bits for any
/// thread count. Within a segment of rows, blocks join the running sum by Kahan's compensated addition, and segments
/// are joined in double: plain fp32 addition drifts by 1e-4 nats over a million equal rows. What the last addition of a
/// call rounded away is not carried to the next call, so the last bits depend on how rows are dealt to calls.
/// </remarks>
internal sealed unsafe class ManagedLogPartition<TSimd, TVector>(int maxThreads)
    : ILogPartitionKernel, IParallelWork, IDisposable
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <summary>Rows in registers at once.</summary>
    private const int RowBlock = 8;

    /// <summary>
    /// Rows that are summed apart where there are more, so that a few columns can be shared among threads.
    /// </summary>
    private const int RowSegment = 4096;

    /// <summary>
    /// Most columns of a chunk: 4 KiB of each row, enough for the processor to see a stream, and few enough for the
    /// first-level cache.
    /// </summary>
    private const int MaxChunkColumns = 1024;

    /// <summary>Entries below which handing work to another thread costs more than it saves.</summary>
    private const int ParallelThreshold = 1 << 14;

    private readonly NativeBuffer<float> _segments = new(0);

    private UseGuard _use;
    private float* _softQ;
    private float* _runningMax;
    private float* _runningSum;
    private int _rows;
    private int _candidates;
    private int _chunkColumns;
    private int _chunksAcross;
    private int _segmentCount;

    public void Accumulate(
        ReadOnlySpan<float> softQ, int rows, int candidates, Span<float> runningMax, Span<float> runningSum)
    {
        using UseGuard.Scope use = _use.Enter(UseGuard.Session);
        LogPartitionArguments.CheckAccumulate(softQ, rows, candidates, runningMax, runningSum);
        fixed (float* softQPointer = softQ, maxPointer = runningMax, sumPointer = runningSum)
        {
            _softQ = softQPointer;
            _runningMax = maxPointer;
            _runningSum = sumPointer;
            _rows = rows;
            _candidates = candidates;
            _segmentCount = (int)(((long)rows + RowSegment - 1) / RowSegment);
            if (_segmentCount > 1)
            {
                _segments.EnsureLength(2L * _segmentCount * candidates);
            }

            int threads = (long)rows * candidates < ParallelThreshold ? 1 : maxThreads;
            int vectors = (candidates + TSimd.Count - 1) / TSimd.Count;
            _chunkColumns = Math.Clamp((vectors + threads - 1) / threads * TSimd.Count, TSimd.Count, MaxChunkColumns);
            _chunksAcross = (candidates + _chunkColumns - 1) / _chunkColumns;
            WorkerPool.Shared.Run(this, _chunksAcross * _segmentCount, threads);
            if (_segmentCount > 1)
            {
                MergeSegments();
            }
        }
    }

    public void Finish(
        ReadOnlySpan<float> runningMax, ReadOnlySpan<float> runningSum, long totalRows, Span<float> logPartition)
    {
        _use.ThrowIfDisposed(UseGuard.Session);
        LogPartitionArguments.CheckFinish(runningMax, runningSum, totalRows, logPartition);
        fixed (float* max = runningMax, sum = runningSum, result = logPartition)
        {
            Finish(max, sum, (float)Math.Log(totalRows), result, logPartition.Length);
        }
    }

    public void Dispose()
    {
        if (_use.Close(UseGuard.Session))
        {
            _segments.Dispose();
        }
    }

    void IParallelWork.Execute(int chunk, int worker)
    {
        int segment = chunk / _chunksAcross, first = chunk % _chunksAcross * _chunkColumns, columns = Math.Min(
            _chunkColumns, _candidates - first);
        int row = segment * RowSegment, end = row + Math.Min(RowSegment, _rows - row);
        float* max = _runningMax + first, sum = _runningSum + first;
        if (_segmentCount > 1)
        {
            max = SegmentMax(segment) + first;
            sum = SegmentSum(segment) + first;
            new Span<float>(max, columns).Fill(float.NegativeInfinity);
            new Span<float>(sum, columns).Clear();
        }

        float* compensation = stackalloc float[MaxChunkColumns];
        for (; row < end; row += RowBlock)
        {
            float* softQ = _softQ + ((long)row * _candidates) + first;
            if (end - row >= RowBlock)
            {
                AccumulateRows(softQ, _candidates, columns, max, sum, compensation);
            }
            else
            {
                AccumulateFewRows(softQ, end - row, _candidates, columns, max, sum, compensation);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Finish(float* max, float* sum, float logRows, float* result, int columns)
    {
        for (int i = 0; i < columns; i += TSimd.Count)
        {
            // A sum of 0 has no logarithm, but then the maximum is -inf.
            int lanes = columns - i;
            TVector logSum = TSimd.Subtract(
                VectorMath<TSimd, TVector>.Log(Load(sum + i, lanes)), TSimd.Broadcast(logRows));
            Store(TSimd.Add(Load(max + i, lanes), logSum), result + i, lanes);
        }
    }

    /// <summary>Folds <see cref="RowBlock"/> rows in.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AccumulateRows(
        float* softQ, int stride, int columns, float* runningMax, float* runningSum, float* compensation)
    {
        for (int i = 0; i < columns; i += TSimd.Count)
        {
            int lanes = columns - i;
            float* entry = softQ + i;
            TVector q0 = Load(entry, lanes), q1 = Load(entry += stride, lanes), q2 = Load(entry += stride, lanes),
                q3 = Load(entry += stride, lanes);
            TVector q4 = Load(entry += stride, lanes), q5 = Load(entry += stride, lanes);
            TVector q6 = Load(entry += stride, lanes), q7 = Load(entry + stride, lanes);
            TVector oldMax = Load(runningMax + i, lanes);
            TVector low = TSimd.Max(
                TSimd.Max(q0, q1), TSimd.Max(q2, q3)), high = TSimd.Max(TSimd.Max(q4, q5), TSimd.Max(q6, q7));
            TVector max = TSimd.Max(TSimd.Max(low, high), oldMax), shift = Shift(max);
            TVector sum0 = TSimd.Add(Exp(q0, shift), Exp(q1, shift)), sum1 = TSimd.Add(Exp(q2, shift), Exp(q3, shift));
            TVector sum2 = TSimd.Add(Exp(q4, shift), Exp(q5, shift)), sum3 = TSimd.Add(Exp(q6, shift), Exp(q7, shift));
            TVector blockSum = TSimd.Add(TSimd.Add(sum0, sum1), TSimd.Add(sum2, sum3));
            Join(
                softQ + i, RowBlock, stride, lanes, oldMax, max, shift, blockSum, runningMax + i, runningSum + i,
                compensation + i);
        }
    }

    /// <summary>Folds the rows in that are left.</summary>
    private static void AccumulateFewRows(
        float* softQ, int rows, int stride, int columns, float* runningMax, float* runningSum, float* compensation)
    {
        for (int i = 0; i < columns; i += TSimd.Count)
        {
            int lanes = columns - i;
            TVector oldMax = Load(runningMax + i, lanes), max = oldMax, blockSum = TSimd.Zero;
            for (int row = 0; row < rows; row++)
            {
                max = TSimd.Max(Load(softQ + i + ((long)row * stride), lanes), max);
            }

            TVector shift = Shift(max);
            for (int row = 0; row < rows; row++)
            {
                blockSum = TSimd.Add(blockSum, Exp(Load(softQ + i + ((long)row * stride), lanes), shift));
            }

            Join(
                softQ + i, rows, stride, lanes, oldMax, max, shift, blockSum, runningMax + i, runningSum + i,
                compensation + i);
        }
    }

    /// <summary>Adds a block's sum under <paramref name="shift"/> to the running one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Join(
        float* softQ, int rows, int stride, int lanes, TVector oldMax, TVector max, TVector shift, TVector blockSum,
        float* runningMax,
        float* runningSum, float* compensation)
    {
        TVector sum = Load(runningSum, lanes), lost = TSimd.Load(compensation);
        if (TSimd.Any(TSimd.Xor(TSimd.Equal(oldMax, max), TSimd.BroadcastBits(uint.MaxValue))))
        {
            TVector factor = Exp(oldMax, shift);
            sum = TSimd.Multiply(sum, factor);
            lost = TSimd.Multiply(lost, factor);
        }

        // Kahan: what the last addition rounded away is made good by this one.
        blockSum = TSimd.Subtract(blockSum, lost);
        TVector total = TSimd.Add(sum, blockSum);
        TSimd.Store(TSimd.Subtract(TSimd.Subtract(total, sum), blockSum), compensation);

        // NaN and +inf among the entries make the sum NaN, and then a second look decides.
        if (TSimd.Any(TSimd.Xor(TSimd.Equal(total, total), TSimd.BroadcastBits(uint.MaxValue))))
        {
            Decide(softQ, rows, stride, lanes, oldMax, ref max, ref total);
        }

        Store(max, runningMax, lanes);
        Store(total, runningSum, lanes);
    }

    /// <summary>
    /// A column that holds NaN gets NaN; one that holds +inf gets +inf and a sum of 1, which must not disturb it.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Decide(
        float* softQ, int rows, int stride, int lanes, TVector oldMax, ref TVector max, ref TVector sum)
    {
        TVector positiveInfinity = TSimd.Broadcast(float.PositiveInfinity), notANumber = TSimd.Broadcast(float.NaN);
        TVector numbers = TSimd.Equal(oldMax, oldMax), infinite = TSimd.Equal(oldMax, positiveInfinity);
        for (int row = 0; row < rows; row++)
        {
            TVector q = Load(softQ + ((long)row * stride), lanes);
            numbers = TSimd.And(numbers, TSimd.Equal(q, q));
            infinite = TSimd.Or(infinite, TSimd.Equal(q, positiveInfinity));
        }

        max = TSimd.Select(numbers, TSimd.Select(infinite, positiveInfinity, max), notANumber);
        sum = TSimd.Select(numbers, TSimd.Select(infinite, TSimd.Broadcast(1f), sum), notANumber);
    }

    // With a maximum of -inf a shift of 0 keeps -inf - (-inf) from happening, so that exp gives the 0 it should. A
    // shift of +inf or NaN makes NaN of the sum, which is looked into.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Shift(TVector max) =>
        TSimd.Select(TSimd.Equal(max, TSimd.Broadcast(float.NegativeInfinity)), TSimd.Zero, max);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Exp(TVector q, TVector shift) =>
        VectorMath<TSimd, TVector>.ExpNonPositive(TSimd.Subtract(q, shift));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Load(float* source, int lanes) => lanes >= TSimd.Count
        ? TSimd.Load(source)
        : TSimd.LoadPartial(source, lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(TVector value, float* destination, int lanes)
    {
        if (lanes >= TSimd.Count)
        {
            TSimd.Store(value, destination);
        }
        else
        {
            TSimd.StorePartial(value, destination, lanes);
        }
    }

    private float* SegmentMax(int segment) => _segments.Pointer + (2L * segment * _candidates);

    private float* SegmentSum(int segment) => SegmentMax(segment) + _candidates;

    private void MergeSegments()
    {
        for (int i = 0; i < _candidates; i++)
        {
            float max = _runningMax[i];
            for (int segment = 0; segment < _segmentCount; segment++)
            {
                max = MathF.Max(max, SegmentMax(segment)[i]);
            }

            // An infinite maximum decides the result by itself; a shift of 0 keeps inf - inf out of the sum.
            double shift = float.IsFinite(max) ? max : 0, sum = _runningSum[i] * Math.Exp(_runningMax[i] - shift);
            for (int segment = 0; segment < _segmentCount; segment++)
            {
                sum += SegmentSum(segment)[i] * Math.Exp(SegmentMax(segment)[i] - shift);
            }

            _runningMax[i] = max;
            _runningSum[i] = float.IsPositiveInfinity(max) ? 1 : (float)sum;
        }
    }
}
