using HipiFast.Data;
using HipiFast.Environments;
using HipiFast.Import;
using HipiFast.Training;

namespace HipiFast.Cli;

/// <summary>Reads agents that have to fit something else; an error names both.</summary>
internal static class AgentInput
{
    /// <summary>The agent that is to judge a file of transitions.</summary>
    /// <param name="transitions">The transitions; where they have no tasks, the agent says how wide those are.</param>
    /// <param name="path">The agent's file.</param>
    /// <param name="format">Whose names its tensors have.</param>
    /// <param name="layers">A description of its layers, a file or JSON; null for none.</param>
    /// <exception cref="InvalidDataException">
    /// The agent is damaged or not understood, or made for other widths than the transitions have.
    /// </exception>
    public static ImportedAgent LoadFor(
        TransitionReader transitions, string path, AgentFormat format, string? layers) =>
        AgentImport.Load(
            path, transitions.Shape(0), $"'{transitions.Path}' holds", format,
            layers is null ? null : AgentLayers.Read(layers));

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
