using HipiFast.Learning;
using HipiFast.Replay;
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
    public static AgentNetworks LoadFor(TransitionFile transitions, string path)
    {
        bool saysWidths;
        using (SafetensorsFile file = SafetensorsFile.Open(path))
        {
            saysWidths = file.Metadata.ContainsKey(
                AgentFile.ObservationDimensionKey) || file.Metadata.ContainsKey(AgentFile.TaskDimensionKey);
        }

        // What the agent itself says of its widths is compared here, where both files can be named.
        AgentNetworks agent =
            saysWidths
                ? AgentFile.Load(path)
                : AgentFile.Load(path, transitions.Shape.ObservationDimension, transitions.Shape.TaskDimension);
        if (agent.Shape == transitions.Shape)
        {
            return agent;
        }

        string found = agent.Shape.ToString();
        agent.Dispose();
        throw new InvalidDataException(
            $"'{path}' is an agent for {found}, but '{transitions.Path}' holds {transitions.Shape}.");
    }

    /// <summary>The agent of a run.</summary>
    /// <exception cref="InvalidDataException">
    /// The agent is damaged, or not the one that the run's configuration describes.
    /// </exception>
    public static AgentNetworks LoadOf(RunDirectory run, TrainingConfig config)
    {
        AgentNetworks agent = AgentFile.Load(run.Agent);
        int critics = agent.Critic2 is null ? 1 : 2;
        bool bounded = config.Learner.CriticHigh > config.Learner.CriticLow;
        string? problem = 0 switch
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
        if (problem is null)
        {
            return agent;
        }

        agent.Dispose();
        throw new InvalidDataException($"{run.Agent} {problem}; expected them equal.");
    }
}
