using System.Diagnostics;
using HipiFast.Kernels.Threading;

namespace HipiFast.Benchmarking.Machine;

/// <summary>
/// The rate of a loop on registers alone (multiply-adds, exponentials) on several threads at once, in short bursts.
/// </summary>
internal sealed class RegisterPeak : IParallelWork
{
    // Chunks are handed out as they are finished, as the kernels' are: a core that is slower than the other one does
    // less.
    private const double ChunkSeconds = 30e-6;

    private readonly Func<int, double> _loop;
    private readonly int _threads;
    private readonly int _iterations = 256;
    private readonly double _amountPerChunk;
    private readonly double _chunkSeconds;

    /// <summary>Finds out how long a chunk has to be.</summary>
    /// <param name="loop">Runs so many iterations and returns what they come to: operations, or entries.</param>
    /// <param name="threads">Threads that run at once.</param>
    public RegisterPeak(Func<int, double> loop, int threads)
    {
        _loop = loop;
        _threads = threads;
        loop(_iterations);
        while (true)
        {
            long start = Stopwatch.GetTimestamp();
            _amountPerChunk = loop(_iterations);
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
    /// <returns>10^9 operations or entries per second, over all threads.</returns>
    public double Burst(double seconds)
    {
        // Wakes the threads; they are still spinning when the burst begins.
        WorkerPool.Shared.Run(this, _threads, _threads);
        int chunks = Math.Max(1, (int)(seconds / _chunkSeconds)) * _threads;
        long start = Stopwatch.GetTimestamp();
        WorkerPool.Shared.Run(this, chunks, _threads);
        return chunks * _amountPerChunk / Stopwatch.GetElapsedTime(start).TotalSeconds * 1e-9;
    }

    /// <inheritdoc/>
    public void Execute(int chunk, int worker) => _loop(_iterations);
}
