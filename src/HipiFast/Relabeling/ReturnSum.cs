using System.Numerics;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Relabeling;
using HipiFast.Kernels.Tasks;
using HipiFast.Kernels.Threading;
using HipiFast.Replay;

namespace HipiFast.Relabeling;

/// <summary>
/// The estimator <c>return</c>: <c>Q~[trajectory, i] = sum_t r_psi_i(s_t, a_t)</c>, undiscounted (the paper's Eq. 7).
/// </summary>
/// <remarks>
/// A chunk is one trajectory, added up in order and in double precision by whichever worker runs it: the threads do not
/// change the sums. Where rewards are linear in features, a trajectory's features are added up once and multiplied by
/// all tasks.
/// </remarks>
/// <param name="family">The rewards.</param>
/// <param name="maxThreads">Most threads, 0 for one per core.</param>
internal sealed unsafe class ReturnSum(TaskFamily family, int maxThreads) : ISoftQSource, IParallelWork, IDisposable
{
    private const int PairsInFlight = 4096;

    private readonly NativeBuffer<float> _reward = new(0);
    private readonly NativeBuffer<float> _terminated = new(0);
    private readonly NativeBuffer<double> _sum = new(0);
    private readonly NativeBuffer<double> _weights = new(0);
    private TransitionPointers _transitions;
    private Units _units;
    private int _first;
    private int _candidates;
    private int _rowsInFlight;
    private int _weightStride;
    private float* _tasks;
    private float* _softQ;

    /// <summary>Takes the trajectories and candidates of a call.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="units">Its trajectories.</param>
    /// <param name="candidates">The candidates; they and the batch must stay until the last block.</param>
    public void Begin(TransitionBatch batch, Units units, CandidateTasks candidates)
    {
        _transitions = batch.Pointers;
        _units = units;
        _candidates = candidates.Count;
        _tasks = candidates.Pointer;
    }

    /// <inheritdoc/>
    public void Fill(int firstRow, int rows, Span<float> softQ)
    {
        int threads = maxThreads > 0 ? maxThreads : Environment.ProcessorCount;
        _first = firstRow;
        if (family.IsLinear)
        {
            PrepareWeights(family.TaskDimension);
            _sum.EnsureLength((long)threads * family.TaskDimension);
        }
        else
        {
            _rowsInFlight = Math.Max(1, PairsInFlight / _candidates);
            _reward.EnsureLength((long)threads * _rowsInFlight * _candidates);
            _terminated.EnsureLength((long)threads * _rowsInFlight * _candidates);
            _sum.EnsureLength((long)threads * _candidates);
        }

        fixed (float* target = softQ)
        {
            _softQ = target;
            WorkerPool.Shared.Run(this, rows, threads);
        }
    }

    /// <inheritdoc/>
    public void Execute(int chunk, int worker)
    {
        if (family.IsLinear)
        {
            MultiplyFeatures(chunk, worker);
            return;
        }

        long scratch = (long)worker * _rowsInFlight * _candidates;
        float* reward = _reward.Pointer + scratch, terminated = _terminated.Pointer + scratch;
        double* sum = _sum.Pointer + ((long)worker * _candidates);
        new Span<double>(sum, _candidates).Clear();
        int end = _units.LastRow(_first + chunk) + 1;
        for (int row = _units.FirstRow(_first + chunk); row < end; row += _rowsInFlight)
        {
            int rows = Math.Min(_rowsInFlight, end - row);
            family.EvaluatePairs(_transitions.Slice(row, rows), _tasks, _candidates, reward, terminated, _candidates);
            for (int r = 0; r < rows; r++)
            {
                float* values = reward + ((long)r * _candidates);
                for (int i = 0; i < _candidates; i++)
                {
                    sum[i] += values[i];
                }
            }
        }

        float* result = _softQ + ((long)chunk * _candidates);
        for (int i = 0; i < _candidates; i++)
        {
            result[i] = (float)sum[i];
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _reward.Dispose();
        _terminated.Dispose();
        _sum.Dispose();
        _weights.Dispose();
    }

    // The tasks transposed, one vector lane per task, each row filled up to whole vectors.
    private void PrepareWeights(int taskDimension)
    {
        int lanes = Vector<double>.Count;
        _weightStride = (_candidates + lanes - 1) / lanes * lanes;
        _weights.EnsureLength((long)taskDimension * _weightStride);
        for (int i = 0; i < _candidates; i++)
        {
            for (int p = 0; p < taskDimension; p++)
            {
                _weights.Pointer[((long)p * _weightStride) + i] = _tasks[((long)i * taskDimension) + p];
            }
        }
    }

    private void MultiplyFeatures(int chunk, int worker)
    {
        int taskDimension = family.TaskDimension, lanes = Vector<double>.Count;
        double* features = _sum.Pointer + ((long)worker * taskDimension);
        new Span<double>(features, taskDimension).Clear();
        int first = _units.FirstRow(_first + chunk);
        family.AddFeatures(_transitions.Slice(first, _units.LastRow(_first + chunk) + 1 - first), features);
        float* result = _softQ + ((long)chunk * _candidates);
        for (int i = 0; i < _candidates; i += lanes)
        {
            Vector<double> sum = Vector<double>.Zero;
            for (int p = 0; p < taskDimension; p++)
            {
                sum += Vector.Load(_weights.Pointer + ((long)p * _weightStride) + i) * features[p];
            }

            int count = Math.Min(lanes, _candidates - i);
            for (int lane = 0; lane < count; lane++)
            {
                result[i + lane] = (float)sum[lane];
            }
        }
    }
}
