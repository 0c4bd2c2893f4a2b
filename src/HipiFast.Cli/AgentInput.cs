using HipiFast.Data;
using HipiFast.Environments;
using HipiFast.Learning;
using HipiFast.Storage;
using HipiFast.Training;

namespace HipiFast.Cli;

/// <summary>Reads agents that have to fit something else; an error names both.</summary>
internal static class AgentInput
{
    /// <summary>The agent that is to judge a file of transitions.</summary>
    /// <exception cref="InvalidDataException">
    /// The agent is damaged, or made for other widths than the transitions have.
    /// </exception>
    public static AgentNetworks LoadFor(TransitionReader transitions, string path)
    {
        bool saysWidths;
        using (SafetensorsFile file = SafetensorsFile.Open(path))
        {
            saysWidths = file.Metadata.ContainsKey(
                AgentFile.ObservationDimensionKey) || file.Metadata.ContainsKey(AgentFile.TaskDimensionKey);
        }

        // What the agent itself says of its widths is compared here, where both files can be named.
        AgentNetworks agent =
            saysWidths || transitions.TaskDimension == 0
                ? AgentFile.Load(path)
                : AgentFile.Load(path, transitions.ObservationDimension, transitions.TaskDimension);
        if (agent.Shape == transitions.Shape(agent.Shape.TaskDimension))
        {
            return agent;
        }

        string found = agent.Shape.ToString(), held = transitions.Shape(agent.Shape.TaskDimension).ToString();
        agent.Dispose();
        throw new InvalidDataException(
            $"'{path}' is an agent for {found}, but '{transitions.Path}' holds {held}.");
    }

    /// <summary>The agent of a run, on the backend, device and learner of its configuration.</summary>
    /// <param name="run">The run.</param>
    /// <param name="config">Its configuration; what computes may be another than in training.</param>
    /// <param name="environment">Where it is to play.</param>
    /// <returns>The agent; dispose it.</returns>
    /// <exception cref="ArgumentException">As for <see cref="OptionalComponents.RequireBackend"/>.</exception>
    /// <exception cref="InvalidDataException">As for <see cref="PlayedAgent.Open"/>.</exception>
    /// <exception cref="NotSupportedException">The backend or the learner is not to be had.</exception>
    public static PlayedAgent Play(RunDirectory run, TrainingConfig config, VectorEnvironment environment)
    {
        OptionalComponents.RequireBackend(config.Compute.Backend, config.Compute.Precision, config.Compute.Device);
        OptionalComponents.RequireLearner(config.Learner.Name);
        return PlayedAgent.Open(run, config, environment);
    }

    /// <summary>What to throw where the environment refuses what an agent's policy gives.</summary>
    /// <param name="run">The agent's run.</param>
    /// <param name="error">The refusal.</param>
    public static InvalidDataException Unplayable(RunDirectory run, ArgumentException error) =>
        new($"The agent {run.Agent} cannot be played: {ConsoleOutput.OneLine(error.Message)}", error);
}
