using HipiFast.Environments;
using HipiFast.Kernels.Backends;
using HipiFast.Learning;
using HipiFast.Options;

namespace HipiFast.Training;

/// <summary>The agent of a run, opened to be played on the device that its configuration names.</summary>
public sealed class PlayedAgent : IDisposable
{
    private readonly AgentNetworks _networks;
    private readonly ComputeSession _session;

    private PlayedAgent(AgentNetworks networks, ComputeSession session, ISacLearner learner)
    {
        _networks = networks;
        _session = session;
        Learner = learner;
    }

    /// <summary>What acts.</summary>
    public ISacLearner Learner { get; }

    /// <summary>Reads the agent of a run.</summary>
    /// <param name="run">The run.</param>
    /// <param name="config">Its configuration; what computes may be another than in training.</param>
    /// <param name="environment">Where it is to play.</param>
    /// <returns>The agent; dispose it.</returns>
    /// <exception cref="InvalidDataException">
    /// The agent is damaged, or not the one that the configuration describes, or made for other widths than the
    /// environment has.
    /// </exception>
    /// <exception cref="ArgumentException">As for <see cref="ComputeOptions.ResolveBackend"/>.</exception>
    /// <exception cref="NotSupportedException">As for <see cref="ComputeOptions.ResolveBackend"/>.</exception>
    public static PlayedAgent Open(RunDirectory run, TrainingConfig config, VectorEnvironment environment)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(environment);
        AgentNetworks networks = AgentFile.Load(run.Agent);
        ComputeSession? session = null;
        try
        {
            if (Contradiction(run, config, networks) is string problem)
            {
                throw new InvalidDataException($"{run.Agent} {problem}; expected them equal.");
            }

            if (networks.Shape != environment.Shape)
            {
                throw new InvalidDataException(
                    $"{run.Agent} is an agent for {networks.Shape}, but {environment.Name} has {environment.Shape}.");
            }

            session = config.Compute.OpenSession();
            ISacLearner learner = LearnerRegistry.Resolve(config.Learner.Name)(config, networks, session);
            return new PlayedAgent(networks, session, learner);
        }
        catch
        {
            session?.Dispose();
            networks.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Learner.Dispose();
        _session.Dispose();
        _networks.Dispose();
    }

    // In what the agent is not the one that the configuration describes; null where it is.
    private static string? Contradiction(RunDirectory run, TrainingConfig config, AgentNetworks agent)
    {
        int critics = agent.Critic2 is null ? 1 : 2;
        bool bounded = config.Learner.CriticHigh > config.Learner.CriticLow;
        return 0 switch
        {
            _ when agent.Hidden != config.Learner.Hidden =>
                $"has {agent.Hidden} hidden units, but {run.Config} says hidden = {config.Learner.Hidden}",
            _ when critics != config.Learner.Critics =>
                $"has {critics} critics, but {run.Config} says critics = {config.Learner.Critics}",
            _ when agent.CriticRange.IsBounded != bounded
                || (bounded && (
                    agent.CriticRange.Low != config.Learner.CriticLow
                        || agent.CriticRange.High != config.Learner.CriticHigh)) =>
                $"has critics of range {agent.CriticRange.Low} to {agent.CriticRange.High}, "
                + $"but {run.Config} says critic_low = {config.Learner.CriticLow} and critic_high = "
                + $"{config.Learner.CriticHigh}",
            _ => null,
        };
    }
}
