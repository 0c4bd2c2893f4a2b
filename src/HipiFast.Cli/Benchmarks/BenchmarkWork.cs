using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Networks;
using HipiFast.Kernels.Random;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tasks;
using HipiFast.Kernels.TaskSampling;
using HipiFast.Kernels.Threading;
using HipiFast.Learning;
using HipiFast.Relabeling;
using HipiFast.Replay;

namespace HipiFast.Cli.Benchmarks;

/// <summary>The data of one <see cref="BenchmarkCase"/>, and the call that is timed.</summary>
internal abstract class BenchmarkWork : IDisposable
{
    // Transitions in the replay buffer that is sampled from.
    private const int ReplayCount = 100_000;

    /// <summary>Prepares a case.</summary>
    /// <param name="benchmark">What to measure.</param>
    /// <param name="backend">What computes.</param>
    /// <param name="threads">Most threads of a call, 1 or more.</param>
    /// <returns>The work; dispose it.</returns>
    public static BenchmarkWork Create(BenchmarkCase benchmark, KernelBackend backend, int threads) => benchmark.Kernel switch
    {
        BenchmarkCase.SoftQTile => new SoftQTileWork(benchmark, backend, threads),
        BenchmarkCase.SoftQ => new SoftQWork(benchmark, backend, threads),
        BenchmarkCase.Relabel => new RelabelWork(benchmark, backend, threads),
        BenchmarkCase.LogPartition => new LogPartitionWork(benchmark, backend, threads),
        BenchmarkCase.TaskSampling => new TaskSamplingWork(benchmark, backend, threads),
        BenchmarkCase.ReplaySample => new ReplaySampleWork(benchmark),
        BenchmarkCase.SacStep => new SacStepWork(benchmark, backend, threads),
        _ => throw new ArgumentException(
            $"Unknown kernel '{benchmark.Kernel}'{Training.NearestName.Suggestion(benchmark.Kernel, BenchmarkCase.Kernels)}."),
    };

    /// <summary>One call. Allocates nothing once it has been called.</summary>
    public abstract void Call();

    /// <inheritdoc/>
    public abstract void Dispose();

    private static AgentNetworks Agent(BenchmarkCase benchmark)
    {
        AgentNetworks agent = new(benchmark.Shape, benchmark.Hidden);
        agent.Initialize(SyntheticData.Seed);
        return agent;
    }

    /// <summary>
    /// All tiles of a matrix, from shares of the first layer that lie ready; a chunk is one block of 16 tasks against a few transitions.
    /// </summary>
    private sealed unsafe class SoftQTileWork : BenchmarkWork, IParallelWork
    {
        private const int RowsPerChunk = 12;

        private readonly int _rows;
        private readonly int _laneBlocks;
        private readonly int _threads;
        private readonly int _stride;
        private readonly long _scratchFloats;
        private readonly MlpParameters _parameters;
        private readonly SoftQMicroKernel _kernel;
        private readonly SoftQNetwork _network;
        private readonly NativeBuffer<float> _state;
        private readonly NativeBuffer<float> _task;
        private readonly NativeBuffer<float> _scratch;
        private readonly NativeBuffer<float> _values;

        public SoftQTileWork(BenchmarkCase benchmark, KernelBackend backend, int threads)
        {
            using ManagedSession session = (ManagedSession)backend.CreateSession(new SessionOptions(threads));
            _kernel = session.MicroKernel;
            _parameters = new MlpParameters(new MlpShape(1, benchmark.Hidden, 1));
            _parameters.Initialize(SyntheticData.Seed, 0);
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
            SyntheticData.Fill(_state.Span, 5, 1f);
            SyntheticData.Fill(_task.Span, 6, 1f);
            for (int block = 0; block < _laneBlocks; block++)
            {
                _kernel.ArrangeLanes(_task.Pointer + ((long)block * SoftQTiles.LaneBlock * _stride), _stride);
            }
        }

        private int RowChunks => (_rows + RowsPerChunk - 1) / RowsPerChunk;

        public override void Call() => WorkerPool.Shared.Run(this, RowChunks * _laneBlocks, _threads);

        public void Execute(int chunk, int worker)
        {
            int block = chunk / RowChunks, first = chunk % RowChunks * RowsPerChunk, end = Math.Min(_rows, first + RowsPerChunk);
            float* scratch = _scratch.Pointer + (worker * _scratchFloats), lanes = _task.Pointer + ((long)block * SoftQTiles.LaneBlock * _stride);
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

    private sealed class SoftQWork(BenchmarkCase benchmark, KernelBackend backend, int threads) : BenchmarkWork
    {
        private readonly ComputeSession _session = backend.CreateSession(new SessionOptions(threads));
        private readonly AgentNetworks _agent = Agent(benchmark);
        private readonly TransitionBatch _batch = SyntheticData.Batch(benchmark.Shape, benchmark.Batch);
        private readonly float[] _tasks = SyntheticData.Tasks(benchmark.Shape, benchmark.Candidates);
        private readonly float[] _softQ = new float[benchmark.Batch * benchmark.Candidates];
        private readonly TaskFamily? _family = benchmark.Estimator == SoftQEstimator.Bellman ? SyntheticData.GoalFamily(benchmark.Shape) : null;

        public override void Call() => _session.SoftQ.Compute(
            new SoftQProblem
            {
                Observation = _batch.Observation,
                Action = _batch.Action,
                NextObservation = _batch.NextObservation,
                Task = _tasks,
                Rows = benchmark.Batch,
                Candidates = benchmark.Candidates,
                ObservationDimension = benchmark.Shape.ObservationDimension,
                ActionDimension = benchmark.Shape.ActionDimension,
                TaskDimension = benchmark.Shape.TaskDimension,
                Estimator = benchmark.Estimator,
                Critic1 = _agent.Critic1,
                Critic2 = _agent.Critic2,
                Actor = _agent.Actor,
                Alpha = 1,
                Gamma = 0.99f,
                Family = _family,
                Seed = SyntheticData.Seed,
            },
            _softQ);

        public override void Dispose()
        {
            _session.Dispose();
            _agent.Dispose();
            _batch.Dispose();
        }
    }

    private sealed class RelabelWork : BenchmarkWork
    {
        private readonly AgentNetworks _agent;
        private readonly TransitionBatch _batch;
        private readonly Relabeler _relabeler;

        public RelabelWork(BenchmarkCase benchmark, KernelBackend backend, int threads)
        {
            _agent = Agent(benchmark);
            _batch = SyntheticData.Batch(benchmark.Shape, benchmark.Batch);
            RelabelOptions options = new()
            {
                Candidates = CandidateSource.Fixed,
                Estimator = benchmark.Estimator,
                RelabelFraction = 1,
                Backend = backend.Name,
                Threads = threads,
            };
            _relabeler = new Relabeler(SyntheticData.GoalFamily(benchmark.Shape), _agent, options);
            _relabeler.SetFixedCandidates(SyntheticData.Tasks(benchmark.Shape, benchmark.Candidates));
        }

        public override void Call() => _relabeler.Relabel(_batch);

        public override void Dispose()
        {
            _relabeler.Dispose();
            _agent.Dispose();
            _batch.Dispose();
        }
    }

    /// <summary>A soft-Q matrix of standard deviation 2 nats, about what trained critics give.</summary>
    private abstract class MatrixWork : BenchmarkWork
    {
        protected MatrixWork(BenchmarkCase benchmark, KernelBackend backend, int threads)
        {
            Case = benchmark;
            Session = backend.CreateSession(new SessionOptions(threads));
            SoftQ = new NativeBuffer<float>((long)benchmark.Batch * benchmark.Candidates);
            for (int i = 0; i < SoftQ.Length; i++)
            {
                uint bits = Philox.Next((uint)i, 0, 0, (uint)RandomPurpose.SyntheticData, SyntheticData.Seed).X;
                SoftQ[i] = SyntheticData.UnitVariance * 2 * ((2 * Philox.ToUniform(bits)) - 1);
            }
        }

        protected BenchmarkCase Case { get; }

        protected ComputeSession Session { get; }

        protected NativeBuffer<float> SoftQ { get; }

        public override void Dispose()
        {
            Session.Dispose();
            SoftQ.Dispose();
        }
    }

    private sealed class LogPartitionWork(BenchmarkCase benchmark, KernelBackend backend, int threads) : MatrixWork(benchmark, backend, threads)
    {
        private readonly float[] _max = new float[benchmark.Candidates];
        private readonly float[] _sum = new float[benchmark.Candidates];
        private readonly float[] _logPartition = new float[benchmark.Candidates];

        public override void Call()
        {
            _max.AsSpan().Fill(float.NegativeInfinity);
            _sum.AsSpan().Clear();
            Session.LogPartition.Accumulate(SoftQ.Span, Case.Batch, Case.Candidates, _max, _sum);
            Session.LogPartition.Finish(_max, _sum, Case.Batch, _logPartition);
        }
    }

    private sealed class TaskSamplingWork(BenchmarkCase benchmark, KernelBackend backend, int threads) : MatrixWork(benchmark, backend, threads)
    {
        private readonly float[] _logPartition = new float[benchmark.Candidates];
        private readonly int[] _index = new int[benchmark.Batch];
        private readonly int[] _mode = new int[benchmark.Batch];
        private readonly float[] _entropy = new float[benchmark.Batch];
        private readonly float[] _logNormalizer = new float[benchmark.Batch];
        private uint _call;

        public override void Call() => Session.TaskSampling.SampleTasks(
            new TaskPosterior
            {
                SoftQ = SoftQ.Span,
                Rows = Case.Batch,
                Candidates = Case.Candidates,
                LogPartition = _logPartition,
                Temperature = 1,
                Seed = SyntheticData.Seed,
                Call = _call++,
            },
            new TaskSamples { Index = _index, Mode = _mode, Entropy = _entropy, LogNormalizer = _logNormalizer });
    }

    private sealed class ReplaySampleWork : BenchmarkWork
    {
        private readonly ReplayBuffer _replay;
        private readonly TransitionBatch _batch;
        private uint _call;

        public ReplaySampleWork(BenchmarkCase benchmark)
        {
            _replay = new ReplayBuffer(benchmark.Shape, ReplayCount);
            using TransitionBatch episode = SyntheticData.Batch(benchmark.Shape, ReplayCount);
            _replay.AppendEpisode(episode);
            _batch = new TransitionBatch(benchmark.Shape, benchmark.Batch);
        }

        public override void Call() => _replay.Sample(_batch, _batch.Capacity, SyntheticData.Seed, _call++);

        public override void Dispose()
        {
            _replay.Dispose();
            _batch.Dispose();
        }
    }

    private sealed class SacStepWork : BenchmarkWork
    {
        private readonly ComputeSession _session;
        private readonly AgentNetworks _agent;
        private readonly TransitionBatch _batch;
        private readonly SacLearner _learner;

        public SacStepWork(BenchmarkCase benchmark, KernelBackend backend, int threads)
        {
            _session = backend.CreateSession(new SessionOptions(threads));
            _agent = Agent(benchmark);
            _batch = SyntheticData.Batch(benchmark.Shape, benchmark.Batch);
            _learner = new SacLearner(_agent, new SacOptions(), _session, benchmark.Batch, SyntheticData.Seed, threads);
        }

        public override void Call() => _learner.Update(_batch, 0, _batch.Count);

        public override void Dispose()
        {
            _learner.Dispose();
            _session.Dispose();
            _agent.Dispose();
            _batch.Dispose();
        }
    }
}
