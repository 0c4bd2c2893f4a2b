using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Networks;
using HipiFast.Kernels.Threading;

namespace HipiFast.Kernels.SoftQ;

/// <summary>
/// The soft-Q matrix on the CPU: checks the problem, packs the networks, cuts the matrix of pairs into chunks and spreads them over threads.
/// </summary>
/// <remarks>
/// One pair costs two H x H layers; all else is kept small. The first layer is linear before its ReLU, so it splits into a share of the
/// transition and a share of the task, <c>W1 [s, a, psi] = W_sa [s, a] + W_psi psi</c>: B + K rows instead of B * K. See <see
/// cref="SoftQWorker{TSimd,TVector}"/> for what
/// happens in a chunk. No temporary grows with B * K, B or K. A result does not depend on chunks or threads: every pair is summed in the same
/// order wherever it is computed.
/// </remarks>
internal sealed class ManagedSoftQ : ISoftQKernel, IParallelWork, IDisposable
{
    private readonly SoftQMicroKernel _kernel;
    private readonly ManagedVariant _variant;
    private readonly WorkerPool _pool;
    private readonly SoftQNetwork _critic1;
    private readonly SoftQNetwork _critic2;
    private readonly SoftQNetwork _actor;
    private readonly SoftQWorker?[] _workers;
    private SoftQCall _call;

    /// <summary>Makes a kernel.</summary>
    /// <param name="maxThreads">Most threads.</param>
    /// <param name="kernel">Does the work per pair and hidden unit.</param>
    /// <param name="variant">Vectors for the rest: first layers, log-probabilities, the combination.</param>
    /// <param name="pool">Threads.</param>
    public ManagedSoftQ(int maxThreads, SoftQMicroKernel kernel, ManagedVariant variant, WorkerPool pool)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxThreads);
        MaxThreads = maxThreads;
        _kernel = kernel;
        _variant = variant;
        _pool = pool;
        _critic1 = kernel.CreateNetwork();
        _critic2 = kernel.CreateNetwork();
        _actor = kernel.CreateNetwork();
        _workers = new SoftQWorker?[maxThreads];
    }

    public int MaxThreads { get; }

    public unsafe void Compute(in SoftQProblem problem, Span<float> softQ)
    {
        problem.Validate(softQ.Length);
        _critic1.Update(problem.Critic1);
        bool usesActor = problem.Estimator == SoftQEstimator.Bellman || problem.UsesLogProbability;
        if (problem.UsesCritic2)
        {
            _critic2.Update(problem.Critic2!);
        }

        if (usesActor)
        {
            _actor.Update(problem.Actor!);
        }

        SoftQPlan plan = SoftQTiles.Plan(problem.Rows, problem.Candidates, FlopsPerPair(problem) / _kernel.Speed, MaxThreads);
        fixed (float* observation = problem.Observation, action = problem.Action, next = problem.NextObservation, task = problem.Task, result = softQ)
        {
            _call = new SoftQCall
            {
                Plan = plan,
                Kernel = _kernel,
                Critic1 = _critic1,
                Critic2 = problem.UsesCritic2 ? _critic2 : null,
                Actor = usesActor ? _actor : null,
                Family = problem.UsesFamily ? problem.Family : null,
                Observation = observation,
                Action = action,
                NextObservation = next,
                Task = task,
                Result = result,
                Rows = problem.Rows,
                Candidates = problem.Candidates,
                ObservationDimension = problem.ObservationDimension,
                ActionDimension = problem.ActionDimension,
                TaskDimension = problem.TaskDimension,
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
                for (int worker = 0; worker < plan.Threads; worker++)
                {
                    (_workers[worker] ??= SoftQWorker.Create(_variant)).Prepare(_call);
                }

                _pool.Run(this, plan.Chunks, plan.Threads);
            }
            finally
            {
                // The pointers are good only while the spans are pinned.
                _call = default;
                GC.KeepAlive(problem.Critic1);
                GC.KeepAlive(problem.Critic2);
                GC.KeepAlive(problem.Actor);
            }
        }
    }

    void IParallelWork.Execute(int chunk, int worker) => _workers[worker]!.Run(_call, chunk);

    public void Dispose()
    {
        _critic1.Dispose();
        _critic2.Dispose();
        _actor.Dispose();
        foreach (SoftQWorker? worker in _workers)
        {
            worker?.Dispose();
        }
    }

    private static double FlopsPerPair(in SoftQProblem problem)
    {
        MlpShape critic = problem.Critic1.Shape;
        double flops = (problem.UsesCritic2 ? 2 : 1) * 2.0 * critic.Hidden * critic.HiddenStride;
        int actorPasses = (problem.UsesLogProbability ? 1 : 0) + (problem.Estimator == SoftQEstimator.Bellman ? 1 : 0);
        if (actorPasses > 0)
        {
            MlpShape actor = problem.Actor!.Shape;
            flops += actorPasses * 2.0 * actor.Hidden * (actor.HiddenStride + actor.OutputStride);
        }

        return flops;
    }
}
