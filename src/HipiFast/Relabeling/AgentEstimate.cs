using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tasks;
using HipiFast.Learning;
using HipiFast.Replay;

namespace HipiFast.Relabeling;

/// <summary>Q~ as an agent's networks estimate it, as a problem for the kernels.</summary>
/// <param name="agent">The networks, or null where none are needed.</param>
/// <param name="family">Reward and termination.</param>
/// <param name="options">The estimator.</param>
/// <param name="readsNetworks">
/// Whether the networks are read: false where the session has a critic of its own.
/// </param>
internal sealed class AgentEstimate(
    AgentNetworks? agent, TaskFamily family, RelabelOptions options, bool readsNetworks)
{
    /// <summary>The networks.</summary>
    /// <returns>The agent.</returns>
    /// <exception cref="ArgumentException">There is none.</exception>
    public AgentNetworks RequireAgent() => agent ?? throw new ArgumentException(
        $"Relabeling transitions by inverse RL with the estimator {options.Estimator} needs an agent's networks; none "
        + "were given.");

    /// <summary>Whether the policy is asked how likely the transitions' actions are.</summary>
    public bool ReadsActionProbability => readsNetworks && options.Strategy == RelabelStrategy.InverseRl
        && options.Estimator != SoftQEstimator.Critic && Alpha != 0;

    private float Alpha => options.Alpha ?? agent?.Alpha ?? 0;

    /// <summary>Throws where networks are needed that were not given.</summary>
    /// <exception cref="ArgumentException">There are none.</exception>
    public void RequireCritic()
    {
        if (readsNetworks)
        {
            RequireAgent();
        }
    }

    /// <summary>Q~ of a batch in host memory.</summary>
    /// <param name="batch">The transitions.</param>
    /// <param name="tasks">The candidates <c>[K, P]</c>.</param>
    /// <param name="call">Number of the call.</param>
    /// <param name="firstNumber">
    /// Number of the first transition: added to every row's in the counters of the noise.
    /// </param>
    /// <returns>The problem.</returns>
    /// <exception cref="ArgumentException">There are no networks.</exception>
    public SoftQProblem Of(TransitionBatch batch, ReadOnlySpan<float> tasks, uint call, uint firstNumber = 0)
    {
        RequireCritic();
        return OfTransitions(batch, tasks, call) with { FirstRow = firstNumber };
    }

    /// <summary>A batch whose Q~ comes with the call; no networks are needed.</summary>
    /// <param name="batch">The transitions.</param>
    /// <param name="tasks">The candidates <c>[K, P]</c>.</param>
    /// <param name="call">Number of the call.</param>
    /// <returns>The problem without its networks.</returns>
    public SoftQProblem OfGiven(TransitionBatch batch, ReadOnlySpan<float> tasks, uint call) =>
        OfTransitions(batch, tasks, call) with { OmitsNetworks = true };

    /// <summary>
    /// Q~ of transitions and tasks that are elsewhere, or that is not estimated by networks; the agent may then be
    /// missing.
    /// </summary>
    /// <param name="shape">Widths.</param>
    /// <param name="rows">B.</param>
    /// <param name="candidates">K.</param>
    /// <param name="call">Number of the call.</param>
    /// <returns>The problem without its matrices.</returns>
    public SoftQProblem OfSize(TransitionShape shape, int rows, int candidates, uint call) => new()
    {
        Observation = default,
        Action = default,
        Task = default,
        Rows = rows,
        Candidates = candidates,
        ObservationDimension = shape.ObservationDimension,
        ActionDimension = shape.ActionDimension,
        TaskDimension = family.TaskDimension,
        Estimator = options.Estimator,
        Critic1 = agent?.Critic1!,
        Critic2 = agent?.Critic2,
        Actor = agent?.Actor,
        OmitsNetworks = !readsNetworks,
        Twin = options.Twin,
        CriticRange = agent?.CriticRange ?? default,
        Alpha = Alpha,
        Gamma = options.Gamma,
        Family = family,
        ExactTerminalValue = options.ExactTerminalValue,
        Seed = options.Seed,
        Call = call,
    };

    private SoftQProblem OfTransitions(TransitionBatch batch, ReadOnlySpan<float> tasks, uint call) =>
        OfSize(batch.Shape, batch.Count, tasks.Length / family.TaskDimension, call) with
        {
            Observation = batch.Observation,
            Action = batch.Action,
            NextObservation = batch.NextObservation,
            Task = tasks,
        };
}
