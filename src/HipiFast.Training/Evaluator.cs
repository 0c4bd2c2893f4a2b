using HipiFast.Environments;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Random;
using HipiFast.Learning;

namespace HipiFast.Training;

/// <summary>Outcome of an evaluation.</summary>
/// <param name="Episodes">Episodes played.</param>
/// <param name="Return">Mean undiscounted return.</param>
/// <param name="SuccessRate">Share of episodes that terminated (reached their task) before the time limit.</param>
public readonly record struct EvaluationResult(int Episodes, double Return, double SuccessRate);

/// <summary>
/// Plays evaluation episodes, all at once: one environment copy per episode. Serves one thread at a time.
/// </summary>
public sealed class Evaluator : IDisposable
{
    // Evaluations draw under keys of their own, so that they never share a random number with training.
    private const uint SeedStream = 0x45564C;

    private readonly VectorEnvironment _environment;
    private readonly NativeBuffer<float> _action;
    private UseGuard _use;

    /// <summary>Takes over an environment of as many copies as an evaluation has episodes.</summary>
    /// <param name="environment">The environment; disposed with the evaluator.</param>
    public Evaluator(VectorEnvironment environment)
    {
        ArgumentNullException.ThrowIfNull(environment);
        _environment = environment;
        _action = new NativeBuffer<float>((long)environment.Count * environment.Shape.ActionDimension);
    }

    /// <summary>The key of an evaluation.</summary>
    /// <param name="seed">Key of the run.</param>
    /// <param name="number">Which evaluation.</param>
    /// <returns>
    /// A hash of both: 64 bits, so two evaluations, or one and training, share a key only by a chance of about 1 in
    /// 10^19.
    /// </returns>
    public static ulong DeriveSeed(ulong seed, uint number)
    {
        PhiloxBlock block = Philox.Next(number, 0, SeedStream, (uint)RandomPurpose.EnvironmentReset, seed);
        return block.X | ((ulong)block.Y << 32);
    }

    /// <summary>Plays one episode in every copy.</summary>
    /// <param name="learner">Whose policy acts.</param>
    /// <param name="deterministic">Mean actions, or sampled ones.</param>
    /// <param name="seed">Key of everything drawn.</param>
    /// <returns>The outcome.</returns>
    public EvaluationResult Evaluate(ISacLearner learner, bool deterministic, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(learner);
        return Evaluate(new LearnerPolicy(learner, deterministic, seed), seed);
    }

    /// <summary>Plays one episode in every copy. Allocates nothing.</summary>
    /// <param name="policy">What acts.</param>
    /// <param name="seed">Key of everything that the environment draws.</param>
    /// <returns>The outcome.</returns>
    public EvaluationResult Evaluate(IPolicy policy, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(policy);
        using UseGuard.Scope use = _use.Enter(this);
        int episodes = _environment.Count, running = episodes, successes = 0;
        double total = 0;
        _environment.Reset(seed);
        for (uint step = 0; running > 0; step++)
        {
            policy.Act(_environment.Observation, _environment.Task, episodes, step, _action.Span);
            _environment.Step(_action.Span, out StepResult result);
            for (int copy = 0; copy < episodes; copy++)
            {
                if (_environment.IsResting(copy))
                {
                    continue;
                }

                total += result.Reward[copy];
                if (result.Terminated[copy] != 0 || result.Truncated[copy] != 0)
                {
                    _environment.Rest(copy);
                    running--;
                    successes += result.Terminated[copy];
                }
            }
        }

        return new EvaluationResult(episodes, total / episodes, (double)successes / episodes);
    }

    /// <summary>Gives the environment back; a second call does nothing.</summary>
    /// <exception cref="InvalidOperationException">An evaluation is under way.</exception>
    public void Dispose()
    {
        if (_use.Close(this))
        {
            _action.Dispose();
            _environment.Dispose();
        }
    }
}
