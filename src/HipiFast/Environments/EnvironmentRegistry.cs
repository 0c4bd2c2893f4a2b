namespace HipiFast.Environments;

/// <summary>An environment that can be made by name.</summary>
/// <param name="Name">Name on the command line.</param>
/// <param name="Description">One line.</param>
public sealed record EnvironmentDescription(string Name, string Description);

/// <summary>The environments by name: the built-in ones, and those that optional parts add.</summary>
/// <remarks>Safe to use from several threads.</remarks>
public static class EnvironmentRegistry
{
    private static readonly Lock s_registration = new();

    // Replaced as a whole when something registers, so that readers need no lock.
    private static volatile (EnvironmentDescription Entry, Func<int, EnvironmentSettings, VectorEnvironment> Create)[] s_entries =
    [
        (new("nav2d", "a point in FourRooms, from the lower left to a goal at least 15 units away, margin 1, 100 steps (paper C.7)"), Nav2d.Goal),
        (new("nav2d-sparse", "nav2d with margin 0.3 and 75 steps"), Nav2d.Sparse),
        (new("nav2d-discrete", "nav2d with 16 fixed goals and one-hot tasks"), Nav2d.Discrete),
        (new("nav2d-margin", "nav2d with the goal and its margin (0.3 to 2) as the task"), Nav2d.WithMargin),
        (new("reacher2d", "a two-link arm brings its fingertip to a target, margin 0.05 m, 1000 steps (paper C.5)"), Reacher2d.Goal),
        (new("reacher2d-sparse", "reacher2d with margin 0.02 m"), Reacher2d.Sparse),
        (new("reacher2d-discrete", "reacher2d with 32 fixed targets and one-hot tasks"), Reacher2d.Discrete),
        (new("gridworld", "a grid of 7 x 7 cells, from the lower left to any other cell, 50 steps (after the paper's Fig. 4)"), Gridworld.Goal),
        (new("gridworld-discrete", "gridworld with one-hot tasks, one for every cell but the start"), Gridworld.Discrete),
    ];

    /// <summary>Names and one-line descriptions of all environments.</summary>
    public static IReadOnlyList<EnvironmentDescription> Names => [.. s_entries.Select(entry => entry.Entry)];

    /// <summary>Adds an environment.</summary>
    /// <param name="description">Its name, not taken yet, and its line.</param>
    /// <param name="create">Makes it, given the number of copies and checked settings.</param>
    /// <exception cref="ArgumentException">The name is taken.</exception>
    public static void Register(EnvironmentDescription description, Func<int, EnvironmentSettings, VectorEnvironment> create)
    {
        ArgumentNullException.ThrowIfNull(description);
        ArgumentNullException.ThrowIfNull(create);
        lock (s_registration)
        {
            if (s_entries.Any(entry => entry.Entry.Name == description.Name))
            {
                throw new ArgumentException($"There is an environment '{description.Name}' already.", nameof(description));
            }

            s_entries = [.. s_entries, (description, create)];
        }
    }

    /// <summary>Makes an environment; <see cref="VectorEnvironment.Reset"/> starts it.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="count">N, copies, 1 or more.</param>
    /// <param name="settings">Changes to the environment's own values, or null for none.</param>
    /// <returns>The environment; dispose it.</returns>
    /// <exception cref="ArgumentException">Unknown name (the message lists those there are), a count below 1, or a setting that is out of range or
    /// does not apply.</exception>
    /// <exception cref="NotSupportedException">The environment needs something that this machine lacks; the message says how to get it.</exception>
    public static VectorEnvironment Create(string name, int count, EnvironmentSettings? settings = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        settings ??= new EnvironmentSettings();
        settings.Validate();
        foreach ((EnvironmentDescription entry, Func<int, EnvironmentSettings, VectorEnvironment> create) in s_entries)
        {
            if (entry.Name == name)
            {
                return create(count, settings);
            }
        }

        throw new ArgumentException($"Unknown environment '{name}'; expected {string.Join(", ", Names.Select(entry => entry.Name))}.");
    }
}
