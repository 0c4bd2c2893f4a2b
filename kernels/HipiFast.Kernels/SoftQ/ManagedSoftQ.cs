using HipiFast.Kernels.Networks;
using HipiFast.Kernels.Numerics;
using HipiFast.Kernels.Threading;

namespace HipiFast.Kernels.SoftQ;

/// <summary>
/// The soft-Q matrix of the problem's own networks, those with two hidden layers of one width: packs them for a
/// micro-kernel, managed or native, and again whenever they have learned.
/// </summary>
internal sealed class ManagedSoftQ : TiledSoftQ
{
    private readonly MlpMicroKernel _kernel;
    private readonly Networks?[] _networks;
    private Parameters _parameters;

    /// <summary>Makes a kernel.</summary>
    /// <param name="maxThreads">Most threads.</param>
    /// <param name="kernel">Does the work per pair and hidden unit.</param>
    /// <param name="kind">Vectors for the rest: first layers, log-probabilities, the combination.</param>
    /// <param name="pool">Threads.</param>
    public ManagedSoftQ(int maxThreads, MlpMicroKernel kernel, VectorKind kind, WorkerPool pool)
        : base(maxThreads, kernel, kind, pool)
    {
        _kernel = kernel;
        _networks = new Networks?[maxThreads];
    }

    /// <summary>Does the work per pair and hidden unit.</summary>
    public MlpMicroKernel Kernel => _kernel;

    /// <inheritdoc/>
    protected override double Begin(in SoftQProblem problem, int resultLength)
    {
        problem.Validate(resultLength);
        _parameters = new Parameters(
            problem.Critic1, problem.UsesCritic2 ? problem.Critic2 : null, problem.UsesActor ? problem.Actor : null);
        return FlopsPerPair(problem);
    }

    /// <inheritdoc/>
    protected override void Reserve(ref SoftQCall call)
    {
        for (int worker = 0; worker < call.Plan.Threads; worker++)
        {
            _networks[worker] ??= new Networks(_kernel);
        }
    }

    /// <inheritdoc/>
    protected override void Serve(ref SoftQCall call, int worker) => _networks[worker]!.Serve(ref call, _parameters);

    /// <inheritdoc/>
    protected override void End() => _parameters = default;

    /// <inheritdoc/>
    protected override void DisposeNetworks()
    {
        foreach (Networks? networks in _networks)
        {
            networks?.Dispose();
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
    private sealed class Networks : IDisposable
    {
        private readonly MlpSoftQNetwork _critic1;
        private readonly MlpSoftQNetwork _critic2;
        private readonly MlpSoftQNetwork _actor;
        private readonly SoftQNetwork[] _critics;

        public Networks(MlpMicroKernel kernel)
        {
            _critic1 = kernel.CreateNetwork();
            _critic2 = kernel.CreateNetwork();
            _actor = kernel.CreateNetwork();
            _critics = [_critic1, _critic2];
        }

        /// <summary>Puts these copies into a call, renewed where they are of other networks or versions.</summary>
        public void Serve(ref SoftQCall call, in Parameters parameters)
        {
            _critic1.Update(parameters.Critic1);
            call.Critics = _critics;
            call.CriticCount = Updated(_critic2, parameters.Critic2) is null ? 1 : 2;
            call.Actor = Updated(_actor, parameters.Actor);

            static SoftQNetwork? Updated(MlpSoftQNetwork network, MlpParameters? source)
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
