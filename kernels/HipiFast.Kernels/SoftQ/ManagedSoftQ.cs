using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Networks;
using HipiFast.Kernels.Numerics;
using HipiFast.Kernels.Threading;

namespace HipiFast.Kernels.SoftQ;

/// <summary>
/// The soft-Q matrix on the CPU: checks the problem, packs the networks, cuts the matrix of pairs into chunks and
/// spreads them over threads.
/// </summary>
/// <remarks>
/// One pair costs two H x H layers; all else is kept small. The first layer is linear before its ReLU, so it splits
/// into a part of the transition and a part of the task, <c>W1 [s, a, psi] = W_sa [s, a] + W_psi psi</c>: B + K rows
/// instead of B * K. See <see cref="SoftQWorker{TSimd,TVector}"/> for what happens in a chunk. No temporary grows with
/// B * K, B or K. A result does not depend on chunks or threads: every pair is summed in the same order wherever it is
/// computed.
/// </remarks>
internal sealed class ManagedSoftQ : ISoftQKernel, IParallelWork, IDisposable
{
    private readonly SoftQMicroKernel _kernel;
    private readonly VectorKind _kind;
    private readonly WorkerPool _pool;
    private readonly Networks?[] _networks;
    private readonly SoftQWorker?[] _workers;
    private UseGuard _use;
    private SoftQCall _call;
    private Parameters _parameters;

    /// <summary>Makes a kernel.</summary>
    /// <param name="maxThreads">Most threads.</param>
    /// <param name="kernel">Does the work per pair and hidden unit.</param>
    /// <param name="kind">Vectors for the rest: first layers, log-probabilities, the combination.</param>
    /// <param name="pool">Threads.</param>
    public ManagedSoftQ(int maxThreads, SoftQMicroKernel kernel, VectorKind kind, WorkerPool pool)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxThreads);
        MaxThreads = maxThreads;
        _kernel = kernel;
        _kind = kind;
        _pool = pool;
        _networks = new Networks?[maxThreads];
        _workers = new SoftQWorker?[maxThreads];
    }

    public int MaxThreads { get; }

    /// <summary>Does the work per pair and hidden unit.</summary>
    public SoftQMicroKernel Kernel => _kernel;

    public unsafe void Compute(in SoftQProblem problem, Span<float> softQ)
    {
        using UseGuard.Scope use = _use.Enter(UseGuard.Session);
        problem.Validate(softQ.Length);
        _parameters = new Parameters(
            problem.Critic1, problem.UsesCritic2 ? problem.Critic2 : null, problem.UsesActor ? problem.Actor : null);
        SoftQPlan plan = SoftQTiles.Plan(
            problem.Rows, problem.Candidates, FlopsPerPair(problem) / _kernel.Speed, MaxThreads);
        fixed (
            float* observation = problem.Observation, action = problem.Action, next = problem.NextObservation,
            task = problem.Task, result = softQ)
        {
            _call = new SoftQCall
            {
                Plan = plan,
                Kernel = _kernel,
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
                // The caller packs its own copies here, which also tell the sizes of scratch memory; the others pack
                // theirs when they begin.
                for (int worker = 0; worker < plan.Threads; worker++)
                {
                    _networks[worker] ??= new Networks(_kernel);
                }

                _networks[0]!.Serve(ref _call, _parameters);
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
                _parameters = default;
                GC.KeepAlive(problem.Critic1);
                GC.KeepAlive(problem.Critic2);
                GC.KeepAlive(problem.Actor);
            }
        }
    }

    void IParallelWork.Execute(int chunk, int worker)
    {
        SoftQCall call = _call;
        _networks[worker]!.Serve(ref call, _parameters);
        _workers[worker]!.Run(call, chunk);
    }

    public void Dispose()
    {
        if (!_use.Close(UseGuard.Session))
        {
            return;
        }

        foreach (Networks? networks in _networks)
        {
            networks?.Dispose();
        }

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

    /// <summary>The networks of one call; null where one is not needed.</summary>
    private readonly record struct Parameters(MlpParameters Critic1, MlpParameters? Critic2, MlpParameters? Actor);

    /// <summary>
    /// One worker's packed networks. Two cores that sweep over the same copy of W2 were measured 7 to 10% slower than
    /// each over a copy of its own.
    /// </summary>
    private sealed class Networks(SoftQMicroKernel kernel) : IDisposable
    {
        private readonly SoftQNetwork _critic1 = kernel.CreateNetwork();
        private readonly SoftQNetwork _critic2 = kernel.CreateNetwork();
        private readonly SoftQNetwork _actor = kernel.CreateNetwork();

        /// <summary>Puts these copies into a call, renewed where they are of other networks or versions.</summary>
        public void Serve(ref SoftQCall call, in Parameters parameters)
        {
            _critic1.Update(parameters.Critic1);
            call.Critic1 = _critic1;
            call.Critic2 = Updated(_critic2, parameters.Critic2);
            call.Actor = Updated(_actor, parameters.Actor);

            static SoftQNetwork? Updated(SoftQNetwork network, MlpParameters? source)
            {
                if (source is null)
                {
                    return null;
                }

                network.Update(source);
                return network;
            }
        }

        public void Dispose()
        {
            _critic1.Dispose();
            _critic2.Dispose();
            _actor.Dispose();
        }
    }
}
