using HipiFast.Environments;
using HipiFast.Relabeling;

namespace HipiFast.Training;

/// <summary>Makes the environments that configurations name.</summary>
public static class EnvironmentFactory
{
    /// <summary>Names of the environments.</summary>
    public static IReadOnlyList<string> Names => [.. EnvironmentRegistry.Names.Select(entry => entry.Name)];

    /// <summary>Makes the environment of a configuration.</summary>
    /// <param name="config">Name, margin, episode limit and action noise.</param>
    /// <param name="copies">N, copies.</param>
    /// <returns>The environment; dispose it.</returns>
    /// <exception cref="ArgumentException">There is no such environment, or it has no such setting.</exception>
    /// <exception cref="NotSupportedException">The environment needs something that this machine lacks.</exception>
    public static VectorEnvironment Create(TrainingConfig config, int copies)
    {
        ArgumentNullException.ThrowIfNull(config);
        IReadOnlyList<string> names = Names;
        if (!names.Contains(config.Environment))
        {
            throw new ArgumentException($"Unknown environment '{config.Environment}'{NearestName.Suggestion(config.Environment, names)}.");
        }

        EnvironmentSettings settings = new()
        {
            Margin = config.Margin,
            EpisodeLimit = config.EpisodeLimit,
            ActionNoise = config.ActionNoise,
            Threads = config.Threads,
        };
        return EnvironmentRegistry.Create(config.Environment, copies, settings);
    }

    /// <summary>What defaults need to know of an environment.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>Its traits.</returns>
    /// <exception cref="ArgumentException">There is no such environment.</exception>
    public static EnvironmentTraits Traits(string name)
    {
        using VectorEnvironment environment = Create(new TrainingConfig { Environment = name }, 1);
        return new EnvironmentTraits(environment.Family.HasAchievedTask, !environment.FixedTasks.IsEmpty);
    }

    /// <summary>The configuration whose values help texts show: the first environment with inverse RL.</summary>
    /// <returns>The configuration.</returns>
    public static TrainingConfig DefaultsShownInHelp() =>
        TrainingDefaults.ForEnvironment(new TrainingConfig().Environment, RelabelStrategy.InverseRl, Traits(new TrainingConfig().Environment));
}
