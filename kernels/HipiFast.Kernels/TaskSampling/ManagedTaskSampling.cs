using System.Runtime.CompilerServices;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Numerics;
using HipiFast.Kernels.Threading;

namespace HipiFast.Kernels.TaskSampling;

/// <summary>
/// Gumbel-max sampling on one kind of vector: one pass over Q~ scores a strip of entries; their noise is made in
/// registers, and the posterior's normaliser and entropy come from a second look at the strip, which is still in the
/// first-level cache. This file deals the work out; the arithmetic is in
/// <see cref="TaskSamplingLoops{TSimd, TVector}"/>.
/// </summary>
/// <remarks>
/// Long rows are cut into segments of a fixed length that are merged in order, and long columns likewise: the cuts do
/// not depend on the number of threads, and so neither do the results.
/// </remarks>
internal sealed unsafe class ManagedTaskSampling<TSimd, TVector> : ITaskSamplingKernel, IDisposable
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <summary>
    /// Entries below which handing work to another thread costs more than it saves (about 20 microseconds of work).
    /// </summary>
    private const int ParallelThreshold = 1 << 14;

    /// <summary>Entries that one chunk of whole rows should hold.</summary>
    private const int ChunkEntries = 1 << 13;

    /// <summary>
    /// Tasks in a segment of a long row: short enough that threads share a few rows, long enough that what starts anew
    /// is nothing.
    /// </summary>
    private const int TaskSegment = 1 << 14;

    /// <summary>Rows in a segment of a long column.</summary>
    private const int RowSegment = 512;

    private readonly int _maxThreads;
    private readonly TaskWork _taskWork = new();
    private readonly RowWork _rowWork = new();
    private readonly ExactTaskWork _exactTaskWork = new();
    private readonly ExactRowWork _exactRowWork = new();
    private readonly NativeBuffer<RowStatistics> _rowStatistics = new(0);
    private readonly NativeBuffer<float> _columnBest = new(0);
    private readonly NativeBuffer<int> _columnIndex = new(0);

    private UseGuard _use;

    public ManagedTaskSampling(int maxThreads) => _maxThreads = maxThreads;

    public void SampleTasks(in TaskPosterior posterior, in TaskSamples samples)
    {
        using UseGuard.Scope use = _use.Enter(UseGuard.Session);
        posterior.Validate(samples);
        fixed (float* softQ = posterior.SoftQ, logPartition = posterior.LogPartition, logPrior = posterior.LogPrior)
        fixed (int* index = samples.Index, mode = samples.Mode)
        fixed (float* entropy = samples.Entropy, logNormalizer = samples.LogNormalizer)
        {
            int rows = posterior.Rows, candidates = posterior.Candidates;
            int segments = (int)(((long)candidates + TaskSegment - 1) / TaskSegment);
            TaskWork work = _taskWork;
            work.Scores = Scores(posterior, softQ, logPartition, logPrior);
            work.Output = new SampleOutput(index, mode, entropy, logNormalizer, MathF.Log(candidates));
            work.Rows = rows;
            work.Segments = segments;
            int threads = (long)rows * candidates < ParallelThreshold ? 1 : _maxThreads;
            if (segments == 1)
            {
                work.RowsPerChunk = Math.Max(1, ChunkEntries / (2 * candidates)) * 2;
                WorkerPool.Shared.Run(work, (rows + work.RowsPerChunk - 1) / work.RowsPerChunk, threads);
                return;
            }

            _rowStatistics.EnsureLength((long)rows * segments);
            work.Statistics = _rowStatistics.Pointer;
            WorkerPool.Shared.Run(work, rows * ((segments + 1) / 2), threads);
            MergeSegments(work, threads);
        }
    }

    public void SampleRows(in TaskPosterior posterior, Span<int> rowIndex)
    {
        using UseGuard.Scope use = _use.Enter(UseGuard.Session);
        posterior.Validate(rowIndex);
        fixed (float* softQ = posterior.SoftQ)
        fixed (int* index = rowIndex)
        {
            int rows = posterior.Rows, candidates = posterior.Candidates;
            int segments = (rows + RowSegment - 1) / RowSegment;
            long length = (long)segments * candidates;
            _columnBest.EnsureLength(length);
            if (segments > 1)
            {
                _columnIndex.EnsureLength(length);
            }

            RowWork work = _rowWork;
            work.Scores = Scores(posterior, softQ, null, null);
            work.Rows = rows;
            const int Strip = TaskSamplingLoops<TSimd, TVector>.ColumnStrip;
            work.Strips = (int)(((long)candidates + Strip - 1) / Strip);
            work.Best = _columnBest.Pointer;
            work.Index = segments > 1 ? _columnIndex.Pointer : index;
            int threads = (long)rows * candidates < ParallelThreshold ? 1 : _maxThreads;
            WorkerPool.Shared.Run(work, work.Strips * segments, threads);
            MergeColumns(work, segments, threads, index);
        }
    }

    public void Dispose()
    {
        if (!_use.Close(UseGuard.Session))
        {
            return;
        }

        _rowStatistics.Dispose();
        _columnBest.Dispose();
        _columnIndex.Dispose();
    }

    private void MergeSegments(TaskWork work, int threads)
    {
        bool isPlain = true;
        for (int row = 0; row < work.Rows; row++)
        {
            RowStatistics* statistics = work.Statistics + ((long)row * work.Segments);
            for (int segment = 1; segment < work.Segments; segment++)
            {
                statistics->Merge(statistics[segment]);
            }

            if (statistics->IsPlain(work.Scores))
            {
                work.Output.Write(row, *statistics, work.Scores);
            }
            else
            {
                isPlain = false;
            }
        }

        if (!isPlain)
        {
            _exactTaskWork.Work = work;
            WorkerPool.Shared.Run(_exactTaskWork, work.Rows, threads);
        }
    }

    private void MergeColumns(RowWork work, int segments, int threads, int* index)
    {
        bool isPlain = true;
        int candidates = work.Scores.Candidates;
        for (int i = 0; i < candidates; i++)
        {
            float best = work.Best[i];
            int row = work.Index[i];
            for (int segment = 1; segment < segments; segment++)
            {
                long at = ((long)segment * candidates) + i;
                if (work.Best[at] > best)
                {
                    (best, row) = (work.Best[at], work.Index[at]);
                }
            }

            // -inf: no finite entry; +inf: the mark of a column that holds NaN or +inf. Without noise there is no
            // rounding either.
            work.Best[i] = best;
            index[i] = float.IsFinite(best) ? row : -1;
            isPlain &= work.IsPlain(best);
        }

        if (!isPlain)
        {
            _exactRowWork.Work = work;
            _exactRowWork.Result = index;
            WorkerPool.Shared.Run(_exactRowWork, candidates, threads);
        }
    }

    private static ScoreSource Scores(in TaskPosterior posterior, float* softQ, float* logPartition, float* logPrior) =>
        new(
        softQ,
        logPartition,
        logPrior,
        posterior.Candidates,
        posterior.Temperature,
        ExactScores.PlainLimit(posterior.LogPrior),
        posterior.Seed,
        posterior.Call,
        posterior.FirstRow);

    private sealed class TaskWork : IParallelWork
    {
        public ScoreSource Scores;
        public SampleOutput Output;
        public RowStatistics* Statistics;
        public int Rows;
        public int RowsPerChunk;
        public int Segments;

        [SkipLocalsInit]
        public void Execute(int chunk, int worker)
        {
            float* scratch = stackalloc float[TaskSamplingLoops<TSimd, TVector>.ScratchLength];
            TaskSamplingLoops<TSimd, TVector>.Prepare(Scores.Seed, scratch);
            bool wantsMode = Output.WantsMode, wantsStatistics = Output.WantsStatistics;
            if (Segments > 1)
            {
                // Two segments that follow each other.
                int pairs = (Segments + 1) / 2, row = chunk / pairs, segment = chunk % pairs * 2;
                RowStatistics* result = Statistics + ((long)row * Segments) + segment;
                TaskSamplingLoops<TSimd, TVector>.Scan(
                    Scores,
                    Segment(row, segment),
                    Segment(row, segment + 1),
                    wantsMode,
                    wantsStatistics,
                    scratch,
                    out *result,
                    out RowStatistics second);
                if (segment + 1 < Segments)
                {
                    result[1] = second;
                }

                return;
            }

            int firstRow = chunk * RowsPerChunk, end = firstRow + Math.Min(RowsPerChunk, Rows - firstRow);
            for (int row = firstRow; row < end; row += 2)
            {
                bool hasSecond = row + 1 < end;
                TaskSamplingLoops<TSimd, TVector>.Scan(
                    Scores,
                    new RowSegment(row, 0, Scores.Candidates),
                    new RowSegment(row + 1, 0, hasSecond ? Scores.Candidates : 0),
                    wantsMode,
                    wantsStatistics,
                    scratch,
                    out RowStatistics first,
                    out RowStatistics second);
                Write(row, first);
                if (hasSecond)
                {
                    Write(row + 1, second);
                }
            }
        }

        private void Write(int row, in RowStatistics statistics)
        {
            if (statistics.IsPlain(Scores))
            {
                Output.Write(row, statistics, Scores);
            }
            else
            {
                ExactTaskSampling.SampleTask(Scores, row, Output);
            }
        }

        private RowSegment Segment(int row, int segment)
        {
            int first = segment < Segments ? segment * TaskSegment : Scores.Candidates;
            return new RowSegment(row, first, Math.Min(Scores.Candidates - first, TaskSegment));
        }
    }

    private sealed class RowWork : IParallelWork
    {
        public ScoreSource Scores;
        public float* Best;
        public int* Index;
        public int Rows;
        public int Strips;

        /// <summary>Whether fp32 is good enough for a column with this best noisy score.</summary>
        public bool IsPlain(float best) =>
            Scores.Temperature == 0 || MathF.Abs(best) <= ExactScores.LargestPlainScore;

        public void Execute(int chunk, int worker)
        {
            int segment = chunk / Strips, column = chunk % Strips * TaskSamplingLoops<TSimd, TVector>.ColumnStrip;
            int row = segment * RowSegment;
            long at = ((long)segment * Scores.Candidates) + column;
            TaskSamplingLoops<TSimd, TVector>.ScanColumns(
                Scores,
                row,
                Math.Min(RowSegment, Rows - row),
                column,
                Math.Min(TaskSamplingLoops<TSimd, TVector>.ColumnStrip, Scores.Candidates - column),
                Best + at,
                Index + at);
        }
    }

    /// <summary>
    /// The rows of a <see cref="TaskWork"/> in segments that fp32 is not good enough for, a row to a chunk.
    /// </summary>
    private sealed class ExactTaskWork : IParallelWork
    {
        public TaskWork Work = null!;

        public void Execute(int chunk, int worker)
        {
            if (!Work.Statistics[(long)chunk * Work.Segments].IsPlain(Work.Scores))
            {
                ExactTaskSampling.SampleTask(Work.Scores, chunk, Work.Output);
            }
        }
    }

    /// <summary>The columns of a <see cref="RowWork"/> that fp32 is not good enough for, a column to a chunk.</summary>
    private sealed class ExactRowWork : IParallelWork
    {
        public RowWork Work = null!;
        public int* Result;

        public void Execute(int chunk, int worker)
        {
            if (!Work.IsPlain(Work.Best[chunk]))
            {
                Result[chunk] = ExactTaskSampling.SampleRow(Work.Scores, Work.Rows, chunk);
            }
        }
    }
}
