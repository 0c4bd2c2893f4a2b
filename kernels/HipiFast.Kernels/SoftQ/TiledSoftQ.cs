using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Numerics;
using HipiFast.Kernels.Threading;

namespace HipiFast.Kernels.SoftQ;

/// <summary>
/// The soft-Q matrix on the CPU, whatever the networks: cuts the matrix of pairs into chunks and spreads them over
/// threads.
/// </summary>
/// <remarks>
/// One pair costs the layers after the first; all else is kept small. The first layer is linear before its activation,
/// so it splits into a part of the transition and a part of the task, <c>W1 [s, a, psi] = W_sa [s, a] + W_psi psi</c>:
/// B + K rows instead of B * K. See <see cref="SoftQWorker{TSimd,TVector}"/> for what happens in a chunk. No temporary
/// grows with B * K or with B. A result does not depend on chunks or threads: every pair is summed in the same order
/// wherever it is computed.
/// </remarks>
internal abstract unsafe class TiledSoftQ : ISoftQKernel, IParallelWork, IDisposable
{
    private readonly SoftQMicroKernel _kernel;
    private readonly VectorKind _kind;
    private readonly WorkerPool _pool;
    private readonly SoftQWorker?[] _workers;
    private UseGuard _use;
    private SoftQCall _call;

    /// <summary>Makes a kernel.</summary>
    /// <param name="maxThreads">Most threads.</param>
    /// <param name="kernel">Does the work per pair and unit.</param>
    /// <param name="kind">Vectors for the rest: first layers, log-probabilities, the combination.</param>
    /// <param name="pool">Threads.</param>
    protected TiledSoftQ(int maxThreads, SoftQMicroKernel kernel, VectorKind kind, WorkerPool pool)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxThreads);
        MaxThreads = maxThreads;
        _kernel = kernel;
        _kind = kind;
        _pool = pool;
        _workers = new SoftQWorker?[maxThreads];
    }

    /// <summary>Most threads.</summary>
    public int MaxThreads { get; }

    /// <inheritdoc/>
    public virtual bool ReadsNetworks => true;

    /// <inheritdoc/>
    public void Compute(in SoftQProblem problem, Span<float> softQ)
    {
        using UseGuard.Scope use = _use.Enter(UseGuard.Session);
        double flops = Begin(problem, softQ.Length);
        SoftQPlan plan = SoftQTiles.Plan(problem.Rows, problem.Candidates, flops / _kernel.Speed, MaxThreads);
        fixed (
            float* observation = problem.Observation, action = problem.Action, next = problem.NextObservation,
            task = problem.Task, result = softQ)
        {
            _call = new SoftQCall
            {
                Plan = plan,
                Kernel = _kernel,
                Critics = [],
                Family = problem.UsesFamily ? problem.Family : null,
                Observation = observation,
                Action = action,
                NextObservation = next,
                Task = task,
                CriticTask = task,
                ActorTask = task,
                Result = result,
                Rows = problem.Rows,
                Candidates = problem.Candidates,
                ObservationDimension = problem.ObservationDimension,
                ActionDimension = problem.ActionDimension,
                TaskDimension = problem.TaskDimension,
                CriticTaskDimension = problem.TaskDimension,
                ActorTaskDimension = problem.TaskDimension,
                LogStd = LogStdRule.Standard,
                Estimator = problem.Estimator,
                Twin = problem.Twin,
                Range = problem.CriticRange,
                Alpha = problem.UsesLogProbability ? problem.Alpha : 0f,
                Gamma = problem.Gamma,
                Seed = problem.Seed,
                Call = problem.Call,
                FirstRow = problem.FirstRow,
            };

            try
            {
                // The caller takes its own copies of the networks here, which also tell the sizes of scratch memory;
                // the others take theirs when they begin.
                Reserve(ref _call);
                Serve(ref _call, 0);
                for (int worker = 0; worker < plan.Threads; worker++)
                {
                    (_workers[worker] ??= SoftQWorker.Create(_kind)).Prepare(_call);
                }

                _pool.Run(this, plan.Chunks, plan.Threads);
            }
            finally
            {
                // The pointers are good only while the spans are pinned.
                _call = default;
                End();
                GC.KeepAlive(problem.Critic1);
                GC.KeepAlive(problem.Critic2);
                GC.KeepAlive(problem.Actor);
            }
        }
    }

    void IParallelWork.Execute(int chunk, int worker)
    {
        SoftQCall call = _call;
        Serve(ref call, worker);
        _workers[worker]!.Run(call, chunk);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_use.Close(UseGuard.Session))
        {
            return;
        }

        DisposeNetworks();
        foreach (SoftQWorker? worker in _workers)
        {
            worker?.Dispose();
        }
    }

    /// <summary>Checks a problem and takes note of its networks.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="resultLength">Entries of the result.</param>
    /// <returns>Operations of a pair, 2 per multiply-add.</returns>
    /// <exception cref="ArgumentException">The problem is not complete, or shapes disagree.</exception>
    protected abstract double Begin(in SoftQProblem problem, int resultLength);

    /// <summary>
    /// Prepares what all workers read besides the networks, and what they need to have networks of their own.
    /// </summary>
    protected abstract void Reserve(ref SoftQCall call);

    /// <summary>Puts a worker's networks into a call.</summary>
    protected abstract void Serve(ref SoftQCall call, int worker);

    /// <summary>Forgets the networks of the problem.</summary>
    protected virtual void End()
    {
    }

    /// <summary>Gives the networks' memory back.</summary>
    protected abstract void DisposeNetworks();
}
