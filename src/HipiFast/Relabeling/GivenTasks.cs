namespace HipiFast.Relabeling;

/// <summary>Candidates that come with a call; none where the options say where they come from.</summary>
/// <param name="tasks">The tasks <c>[K, P]</c>, or empty.</param>
/// <param name="logPrior">log p(psi) <c>[K]</c>, or empty for a uniform prior.</param>
internal readonly ref struct GivenTasks(ReadOnlySpan<float> tasks, ReadOnlySpan<float> logPrior)
{
    /// <summary>The tasks.</summary>
    public ReadOnlySpan<float> Tasks { get; } = tasks;

    /// <summary>Their prior.</summary>
    public ReadOnlySpan<float> LogPrior { get; } = logPrior;
}
