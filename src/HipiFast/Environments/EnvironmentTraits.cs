namespace HipiFast.Environments;

/// <summary>What is known of an environment without making it; defaults of a training run depend on it.</summary>
/// <param name="HasAchievedTask">States tell which task they achieve (goal families).</param>
/// <param name="HasFixedTasks">The tasks are a finite set.</param>
public readonly record struct EnvironmentTraits(bool HasAchievedTask, bool HasFixedTasks)
{
    /// <summary>Tasks are goals, which states achieve.</summary>
    public static EnvironmentTraits Goals { get; } = new(HasAchievedTask: true, HasFixedTasks: false);

    /// <summary>Tasks are a finite set.</summary>
    public static EnvironmentTraits FixedTasks { get; } = new(HasAchievedTask: false, HasFixedTasks: true);

    /// <summary>Tasks are rewards, which any state earns more or less of.</summary>
    public static EnvironmentTraits Rewards { get; } = new(HasAchievedTask: false, HasFixedTasks: false);
}
