using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Threading;

namespace HipiFast.Benchmarking.Machine;

/// <summary>
/// The rate at which several threads stream through memory, in bursts of a few milliseconds. Each burst takes the next
/// window of a buffer that is larger than the caches, so that nothing is found in them again.
/// </summary>
internal sealed unsafe class MemoryBandwidth : IParallelWork, IDisposable
{
    private const long BufferBytes = 512L << 20;
    private const long WindowBytes = 32L << 20;
    private const long ChunkBytes = 256L << 10;
    private const int ChunksPerWindow = (int)(WindowBytes / ChunkBytes);

    private readonly NativeBuffer<float> _buffer = new(BufferBytes / sizeof(float));
    private readonly int _threads;
    private long _window;
    private bool _writes;
    private float _sink;

    /// <summary>Takes the memory and touches all of it.</summary>
    /// <param name="threads">Threads that run at once.</param>
    public MemoryBandwidth(int threads)
    {
        _threads = threads;
        for (long window = 0; window < BufferBytes / WindowBytes; window++)
        {
            Update();
        }
    }

    /// <summary>Reads a window.</summary>
    /// <returns>Bytes per second.</returns>
    public double Read() => WindowBytes / Time(writes: false);

    /// <summary>Reads a window and writes it back.</summary>
    /// <returns>Bytes per second, those read and those written.</returns>
    public double Update() => 2 * WindowBytes / Time(writes: true);

    /// <inheritdoc/>
    public void Execute(int chunk, int worker)
    {
        float* first = _buffer.Pointer + (((_window * WindowBytes) + (chunk * ChunkBytes)) / sizeof(float));
        if (_writes)
        {
            UpdateChunk(first, ChunkBytes / sizeof(float));
        }
        else
        {
            Volatile.Write(ref _sink, ReadChunk(first, ChunkBytes / sizeof(float)));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _buffer.Dispose();

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static float ReadChunk(float* first, long count)
    {
        Vector<float> s0 = default, s1 = default, s2 = default, s3 = default;
        for (long i = 0; i < count; i += 4 * Vector<float>.Count)
        {
            s0 += Vector.Load(first + i);
            s1 += Vector.Load(first + i + Vector<float>.Count);
            s2 += Vector.Load(first + i + (2 * Vector<float>.Count));
            s3 += Vector.Load(first + i + (3 * Vector<float>.Count));
        }

        return Vector.Sum(s0 + s1 + s2 + s3);
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void UpdateChunk(float* first, long count)
    {
        for (long i = 0; i < count; i += Vector<float>.Count)
        {
            Vector.Store(Vector.Load(first + i) + Vector<float>.One, first + i);
        }
    }

    private double Time(bool writes)
    {
        _writes = writes;
        long start = Stopwatch.GetTimestamp();
        WorkerPool.Shared.Run(this, ChunksPerWindow, _threads);
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        _window = (_window + 1) % (BufferBytes / WindowBytes);
        return seconds;
    }
}
