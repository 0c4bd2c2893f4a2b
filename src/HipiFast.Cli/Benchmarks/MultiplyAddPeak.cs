using System.Diagnostics;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Threading;

namespace HipiFast.Cli.Benchmarks;

/// <summary>The multiply-add rate of a backend's units on several threads at once, in short bursts.</summary>
internal sealed class MultiplyAddPeak : IParallelWork
{
    // Chunks are handed out as they are finished, as the kernels' are: a core that is slower than the other one does less.
    private const double ChunkSeconds = 30e-6;

    private readonly IMultiplyAddLoop _loop;
    private readonly int _threads;
    private readonly int _iterations = 256;
    private readonly double _flopsPerChunk;
    private readonly double _chunkSeconds;

    /// <summary>Finds out how long a chunk has to be.</summary>
    /// <param name="loop">The multiply-adds.</param>
    /// <param name="threads">Threads that run at once.</param>
    public MultiplyAddPeak(IMultiplyAddLoop loop, int threads)
    {
        _loop = loop;
        _threads = threads;
        loop.Run(_iterations);
        while (true)
        {
            long start = Stopwatch.GetTimestamp();
            _flopsPerChunk = loop.Run(_iterations);
            _chunkSeconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            if (_chunkSeconds > ChunkSeconds)
            {
                return;
            }

            _iterations *= 2;
        }
    }

    /// <summary>One burst.</summary>
    /// <param name="seconds">About how long.</param>
    /// <returns>GFLOP/s over all threads, two operations per multiply-add.</returns>
    public double Burst(double seconds)
    {
        // Wakes the threads; they are still spinning when the burst begins.
        WorkerPool.Shared.Run(this, _threads, _threads);
        int chunks = Math.Max(1, (int)(seconds / _chunkSeconds)) * _threads;
        long start = Stopwatch.GetTimestamp();
        WorkerPool.Shared.Run(this, chunks, _threads);
        return chunks * _flopsPerChunk / Stopwatch.GetElapsedTime(start).TotalSeconds * 1e-9;
    }

    /// <inheritdoc/>
    public void Execute(int chunk, int worker) => _loop.Run(_iterations);
}
