using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Networks;
using HipiFast.Kernels.Threading;

namespace HipiFast.Kernels.SoftQ;

/// <summary>phi(psi) of all tasks of a call: a task encoder by tiles of 48 tasks, spread over threads.</summary>
internal sealed unsafe class TaskEncoding : IParallelWork, IDisposable
{
    private const int TilesPerChunk = 8;
    private const int Tile = SoftQTiles.TileStride;

    private readonly LayeredMicroKernel _kernel;
    private readonly WorkerPool _pool;
    private readonly int _maxThreads;
    private readonly int _inputs;
    private readonly PackedLayers _layers;
    private readonly double _flops;
    private readonly NativeBuffer<float> _scratch = new(0);
    private readonly NativeBuffer<float> _encoded = new(0);
    private float* _tasks;
    private int _count;

    /// <summary>Packs an encoder.</summary>
    /// <param name="encoder">phi.</param>
    /// <param name="kernel">Does the layers.</param>
    /// <param name="maxThreads">Most threads.</param>
    /// <param name="pool">Threads.</param>
    public TaskEncoding(LayeredNetwork encoder, LayeredMicroKernel kernel, int maxThreads, WorkerPool pool)
    {
        _kernel = kernel;
        _pool = pool;
        _maxThreads = maxThreads;
        _inputs = encoder.Inputs;
        Outputs = encoder.Outputs;
        _layers = new PackedLayers(encoder, 0);
        _flops = 2.0 * encoder.Layers.Sum(layer => (double)layer.Inputs * layer.Outputs);
    }

    /// <summary>E, entries of an encoded task.</summary>
    public int Outputs { get; }

    private long ScratchFloats => 2 * PackedLayers.TileFloats(Math.Max(_inputs, _layers.Widest));

    /// <summary>Encodes tasks.</summary>
    /// <param name="tasks">psi, <c>[K, P]</c>.</param>
    /// <param name="count">K.</param>
    /// <returns>phi(psi), <c>[K, E]</c>; good until the next call.</returns>
    public float* Encode(float* tasks, int count)
    {
        int threads = (int)Math.Clamp(_flops * count / SoftQTiles.FlopsPerThread, 1, _maxThreads);
        _scratch.EnsureLength(threads * ScratchFloats);
        _encoded.EnsureLength((long)count * Outputs);
        _tasks = tasks;
        _count = count;
        _pool.Run(this, (count + (Tile * TilesPerChunk) - 1) / (Tile * TilesPerChunk), threads);
        _tasks = null;
        return _encoded.Pointer;
    }

    void IParallelWork.Execute(int chunk, int worker)
    {
        float* scratch = _scratch.Pointer + (worker * ScratchFloats), other = scratch + (ScratchFloats / 2);
        int end = Math.Min(_count, (chunk + 1) * Tile * TilesPerChunk);
        for (int first = chunk * Tile * TilesPerChunk; first < end; first += Tile)
        {
            int tasks = Math.Min(Tile, end - first),
                vectors = (tasks + SoftQTiles.LaneBlock - 1) / SoftQTiles.LaneBlock;
            for (int task = 0; task < vectors * SoftQTiles.LaneBlock; task++)
            {
                // Lanes beyond the end repeat the last task, so that nothing computes with leftovers.
                float* from = _tasks + ((long)(first + Math.Min(task, tasks - 1)) * _inputs);
                for (int i = 0; i < _inputs; i++)
                {
                    scratch[(i * Tile) + task] = from[i];
                }
            }

            float* result = _kernel.Through(_layers.Layers, vectors, scratch, other);
            for (int task = 0; task < tasks; task++)
            {
                float* to = _encoded.Pointer + ((long)(first + task) * Outputs);
                for (int i = 0; i < Outputs; i++)
                {
                    to[i] = result[(i * Tile) + task];
                }
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _layers.Dispose();
        _scratch.Dispose();
        _encoded.Dispose();
    }
}
