using HipiFast.Benchmarking.Cases;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Networks;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Threading;

namespace HipiFast.Benchmarking.Work;

/// <summary>
/// All tiles of a matrix, from shares of the first layer that lie ready; a chunk is one block of 16 tasks against a few
/// transitions.
/// </summary>
internal sealed unsafe class SoftQTileWork : BenchmarkWork, IParallelWork
{
    private const int RowsPerChunk = 12;

    private readonly int _rows;
    private readonly int _laneBlocks;
    private readonly int _threads;
    private readonly int _stride;
    private readonly long _scratchFloats;
    private readonly MlpParameters _parameters;
    private readonly MlpMicroKernel _kernel;
    private readonly MlpSoftQNetwork _network;
    private readonly NativeBuffer<float> _state;
    private readonly NativeBuffer<float> _task;
    private readonly NativeBuffer<float> _scratch;
    private readonly NativeBuffer<float> _values;
    private readonly float[] _taskInOrder;

    public SoftQTileWork(BenchmarkCase benchmark, KernelBackend backend, int threads)
    {
        using ComputeSession session = backend.CreateSession(new SessionOptions(threads));
        _kernel = ((ManagedSoftQ)session.SoftQ).Kernel;
        _parameters = new MlpParameters(new MlpShape(1, benchmark.Hidden, 1));
        _parameters.Initialize(BenchmarkData.Seed, 0);
        _network = _kernel.CreateNetwork();
        _network.Update(_parameters);
        _rows = benchmark.Batch;
        _laneBlocks = (benchmark.Candidates + SoftQTiles.LaneBlock - 1) / SoftQTiles.LaneBlock;
        _threads = threads;
        _stride = _parameters.Shape.HiddenStride;
        _scratchFloats = MlpShape.RoundUp((int)_kernel.ScratchFloats(_parameters.Shape));
        _state = new NativeBuffer<float>((long)_rows * _stride);
        _task = new NativeBuffer<float>((long)_laneBlocks * SoftQTiles.LaneBlock * _stride);
        _scratch = new NativeBuffer<float>(_threads * _scratchFloats);
        _values = new NativeBuffer<float>((long)_rows * _laneBlocks * SoftQTiles.LaneBlock);
        BenchmarkData.Fill(_state.Span, 5, 1f);
        BenchmarkData.Fill(_task.Span, 6, 1f);
        _taskInOrder = _task.Span.ToArray();
        for (int block = 0; block < _laneBlocks; block++)
        {
            _kernel.ArrangeLanes(_task.Pointer + ((long)block * SoftQTiles.LaneBlock * _stride), _stride);
        }
    }

    private int RowChunks => (_rows + RowsPerChunk - 1) / RowsPerChunk;

    public override void Call() => WorkerPool.Shared.Run(this, RowChunks * _laneBlocks, _threads);

    public override void Verify(BenchmarkCheck check)
    {
        // A critic whose first layer passes its positive inputs on, as the shares lie ready.
        int hidden = _parameters.Shape.Hidden;
        using MlpParameters passing = new(new MlpShape(hidden, hidden, 1));
        for (int i = 0; i < hidden; i++)
        {
            passing.WeightRow(0, i)[i] = 1;
            _parameters.WeightRow(1, i).CopyTo(passing.WeightRow(1, i));
            passing.WeightRow(2, i)[0] = _parameters.WeightRow(2, i)[0];
        }

        _parameters.Bias(1).CopyTo(passing.Bias(1));
        passing.Bias(2)[0] = _parameters.Bias(2)[0];
        Call();
        float[] sum = new float[_rows * hidden];
        foreach (int block in BenchmarkCheck.Spread(_laneBlocks, 2))
        {
            // Observations are the states' shares, and a task's share is added to each of them: one problem per task.
            foreach (int lane in BenchmarkCheck.Spread(SoftQTiles.LaneBlock, 3))
            {
                int task = (block * SoftQTiles.LaneBlock) + lane;
                for (int i = 0; i < sum.Length; i++)
                {
                    int unit = i % hidden;
                    sum[i] = _state[((long)(i / hidden) * _stride) + unit]
                        + _taskInOrder[(((block * _stride) + unit) * SoftQTiles.LaneBlock) + lane];
                }

                (int Row, int Task)[] pairs = [.. BenchmarkCheck.Spread(_rows, 8).Select(row => (row, 0))];
                double[] expected = check.ExpectedSoftQ(
                    new SoftQProblem
                    {
                        Observation = sum,
                        Action = [],
                        Task = [],
                        Rows = _rows,
                        Candidates = 1,
                        ObservationDimension = hidden,
                        ActionDimension = 0,
                        TaskDimension = 0,
                        Estimator = SoftQEstimator.Critic,
                        Critic1 = passing,
                    },
                    pairs);
                for (int i = 0; i < pairs.Length; i++)
                {
                    float found = _values[((((long)block * _rows) + pairs[i].Row) * SoftQTiles.LaneBlock) + lane];
                    check.Close(
                        $"the value of ({pairs[i].Row}, {task})", expected[i], found, check.Tolerance(expected));
                }
            }
        }
    }

    public void Execute(int chunk, int worker)
    {
        int block = chunk / RowChunks, first = chunk % RowChunks * RowsPerChunk, end = Math.Min(
            _rows, first + RowsPerChunk);
        float* scratch = _scratch.Pointer + (worker * _scratchFloats),
            lanes = _task.Pointer + ((long)block * SoftQTiles.LaneBlock * _stride);
        PairVector* pairs = stackalloc PairVector[_kernel.TileVectors];
        for (int row = first; row < end; row += _kernel.TileVectors)
        {
            int vectors = Math.Min(_kernel.TileVectors, end - row);
            for (int vector = 0; vector < vectors; vector++)
            {
                pairs[vector] = new PairVector(_state.Pointer + ((long)(row + vector) * _stride), lanes);
            }

            float* values = _values.Pointer + (((long)block * _rows) + row) * SoftQTiles.LaneBlock;
            _kernel.Values(_network, pairs, vectors, default, scratch, values);
        }
    }

    public override void Dispose()
    {
        _network.Dispose();
        _parameters.Dispose();
        _state.Dispose();
        _task.Dispose();
        _scratch.Dispose();
        _values.Dispose();
    }
}
