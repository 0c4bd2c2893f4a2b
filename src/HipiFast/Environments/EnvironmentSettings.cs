using HipiFast.Options;

namespace HipiFast.Environments;

/// <summary>What a user may change about an environment; null keeps the environment's own value.</summary>
public sealed record EnvironmentSettings
{
    private const string Group = "Environment";
    private const string Own = "the environment's own";

    /// <summary>
    /// Distance from the goal that counts as reached, in the environment's physical units (map cells, metres); 0 or
    /// more.
    /// </summary>
    [Option(
        Group, "Distance within which a goal counts as reached.",
        Minimum = 0, TypedAboveMinimum = true, DefaultMeans = Own)]
    public float? Margin { get; init; }

    /// <summary>Steps after which an episode is truncated, 1 or more.</summary>
    [Option(
        Group, "Steps after which an episode is cut (which is not a termination).", Minimum = 1, DefaultMeans = Own)]
    public int? EpisodeLimit { get; init; }

    /// <summary>Standard deviation of the Gaussian noise on the action, in the action's units; 0 or more.</summary>
    [Option(Group, "Standard deviation of the noise the environment adds to actions.", Minimum = 0, DefaultMeans = Own)]
    public float? ActionNoise { get; init; }

    /// <summary>
    /// Most threads that step copies side by side, where that pays; 0 for one per core. Results do not depend on it.
    /// </summary>
    [SharedOption(typeof(ComputeOptions), nameof(ComputeOptions.Threads))]
    public int Threads { get; init; }

    /// <summary>Throws when a value is out of range.</summary>
    /// <exception cref="ArgumentException">One sentence with the value found.</exception>
    public void Validate() => OptionCheck.Ranges(
        this,
        (name, value, expected) => $"The environment's {OptionNames.Words(name)} is {value}; expected {expected}.");

    /// <summary>Throws when a margin was given to an environment whose tasks carry their own, or know none.</summary>
    /// <param name="environment">Its name.</param>
    /// <exception cref="ArgumentException">A margin is set.</exception>
    public void RefuseMargin(string environment)
    {
        if (Margin is not null)
        {
            throw new ArgumentException(
                $"The environment {environment} takes its margin from the task, or has none; a margin cannot be set.");
        }
    }

    /// <summary>Throws when an action noise was given to an environment without any.</summary>
    /// <param name="environment">Its name.</param>
    /// <exception cref="ArgumentException">An action noise is set.</exception>
    public void RefuseActionNoise(string environment)
    {
        if (ActionNoise is not null)
        {
            throw new ArgumentException($"The environment {environment} has no action noise; it cannot be set.");
        }
    }
}
