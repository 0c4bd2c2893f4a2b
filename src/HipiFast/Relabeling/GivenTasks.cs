namespace HipiFast.Relabeling;

/// <summary>What comes with a call: candidates, unless the options say where they come from, and perhaps Q~.</summary>
/// <param name="tasks">The tasks <c>[K, P]</c>, or empty.</param>
/// <param name="logPrior">log p(psi) <c>[K]</c>, or empty for a uniform prior.</param>
/// <param name="softQ">Q~ <c>[B, K]</c>, or empty where it is estimated.</param>
internal readonly ref struct GivenTasks(
    ReadOnlySpan<float> tasks, ReadOnlySpan<float> logPrior, ReadOnlySpan<float> softQ = default)
{
    /// <summary>The tasks.</summary>
    public ReadOnlySpan<float> Tasks { get; } = tasks;

    /// <summary>Their prior.</summary>
    public ReadOnlySpan<float> LogPrior { get; } = logPrior;

    /// <summary>Q~ of the batch's rows under the candidates.</summary>
    public ReadOnlySpan<float> SoftQ { get; } = softQ;
}
