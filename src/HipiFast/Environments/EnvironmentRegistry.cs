using HipiFast.Options;

namespace HipiFast.Environments;

/// <summary>The environments by name: the built-in ones, and those that optional parts add.</summary>
/// <remarks>Safe to use from several threads.</remarks>
public static class EnvironmentRegistry
{
    private static readonly Lock s_registration = new();

    // Replaced as a whole when something registers, so that readers need no lock.
    private static volatile Entry[] s_entries =
    [
        Goals(
            "nav2d",
            "a point in FourRooms, from the lower left to a goal at least 15 units away, margin 1, 100 steps (paper "
            + "C.7)",
            Nav2d.Goal),
        Goals("nav2d-sparse", "nav2d with margin 0.3 and 75 steps", Nav2d.Sparse),
        FixedTasks("nav2d-discrete", "nav2d with 16 fixed goals and one-hot tasks", Nav2d.Discrete),
        Goals("nav2d-margin", "nav2d with the goal and its margin (0.3 to 2) as the task", Nav2d.WithMargin),
        Goals(
            "reacher2d",
            "a two-link arm brings its fingertip to a target, margin 0.05 m, 1000 steps (paper C.5)",
            Reacher2d.Goal),
        Goals("reacher2d-sparse", "reacher2d with margin 0.02 m", Reacher2d.Sparse),
        FixedTasks("reacher2d-discrete", "reacher2d with 32 fixed targets and one-hot tasks", Reacher2d.Discrete),
        Goals(
            "gridworld",
            "a grid of 7 x 7 cells, from the lower left to any other cell, 50 steps (after the paper's Fig. 4)",
            Gridworld.Goal),
        FixedTasks(
            "gridworld-discrete", "gridworld with one-hot tasks, one for every cell but the start", Gridworld.Discrete),
    ];

    /// <summary>Names and one-line descriptions of all environments.</summary>
    public static IReadOnlyList<EnvironmentDescription> Names => [.. s_entries.Select(entry => entry.Description)];

    /// <summary>Adds an environment.</summary>
    /// <param name="description">Its name, not taken yet, and its line.</param>
    /// <param name="create">Makes it, given the number of copies and checked settings.</param>
    /// <exception cref="ArgumentException">The name is taken.</exception>
    public static void Register(
        EnvironmentDescription description, Func<int, EnvironmentSettings, VectorEnvironment> create)
    {
        ArgumentNullException.ThrowIfNull(description);
        ArgumentNullException.ThrowIfNull(create);
        lock (s_registration)
        {
            if (s_entries.Any(entry => entry.Description.Name == description.Name))
            {
                throw new ArgumentException(
                    $"There is an environment '{description.Name}' already.", nameof(description));
            }

            s_entries = [.. s_entries, new Entry(description, create)];
        }
    }

    /// <summary>What is known of an environment without making it.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <returns>Its traits.</returns>
    /// <exception cref="ArgumentException">Unknown name (the message suggests one).</exception>
    public static EnvironmentTraits TraitsOf(string name) => Find(name).Description.Traits;

    /// <summary>Makes an environment; <see cref="VectorEnvironment.Reset"/> starts it.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="count">N, copies, 1 or more.</param>
    /// <param name="settings">Changes to the environment's own values, or null for none.</param>
    /// <returns>The environment; dispose it.</returns>
    /// <exception cref="ArgumentException">
    /// Unknown name (the message suggests one, or lists a few), a count below 1, or a setting that is out of range or
    /// does not apply.
    /// </exception>
    /// <exception cref="NotSupportedException">
    /// The environment needs something that this machine lacks; the message says how to get it.
    /// </exception>
    public static VectorEnvironment Create(string name, int count, EnvironmentSettings? settings = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        settings ??= new EnvironmentSettings();
        settings.Validate();
        return Find(name).Create(count, settings);
    }

    private static Entry Goals(string name, string line, Func<int, EnvironmentSettings, VectorEnvironment> create) =>
        new(new EnvironmentDescription(name, line, EnvironmentTraits.Goals), create);

    private static Entry FixedTasks(
        string name, string line, Func<int, EnvironmentSettings, VectorEnvironment> create) =>
        new(new EnvironmentDescription(name, line, EnvironmentTraits.FixedTasks), create);

    private static Entry Find(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        Entry[] entries = s_entries;
        if (entries.FirstOrDefault(entry => entry.Description.Name == name) is Entry found)
        {
            return found;
        }

        string suggestion = NearestName.Suggestion(name, entries.Select(entry => entry.Description.Name));
        string own = suggestion.StartsWith(" (", StringComparison.Ordinal)
            ? string.Empty
            : $", or one of your own, added by {nameof(EnvironmentRegistry)}.{nameof(Register)} or --environment-assembly";
        throw new ArgumentException($"Unknown environment '{name}'{suggestion}{own}.");
    }

    private sealed record Entry(
        EnvironmentDescription Description, Func<int, EnvironmentSettings, VectorEnvironment> Create);
}
