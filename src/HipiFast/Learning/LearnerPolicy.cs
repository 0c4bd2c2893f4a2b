using HipiFast.Environments;

namespace HipiFast.Learning;

/// <summary>A learner's policy under one key.</summary>
/// <param name="learner">The learner.</param>
/// <param name="deterministic">Mean actions, or sampled ones.</param>
/// <param name="seed">Philox key of the samples.</param>
public sealed class LearnerPolicy(ISacLearner learner, bool deterministic, ulong seed) : IPolicy
{
    /// <inheritdoc/>
    public void Act(
        ReadOnlySpan<float> observation, ReadOnlySpan<float> task, int rows, uint step, Span<float> action) =>
        learner.Act(observation, task, rows, deterministic, seed, step, action);
}
