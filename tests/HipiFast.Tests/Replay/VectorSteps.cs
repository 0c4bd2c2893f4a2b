using HipiFast.Replay;

namespace HipiFast.Tests.Replay;

/// <summary>Vector steps written out column by column.</summary>
internal static class VectorSteps
{
    public static void Append(
        this ReplayBuffer buffer, ReadOnlySpan<float> observation, ReadOnlySpan<float> action,
        ReadOnlySpan<float> nextObservation,
        ReadOnlySpan<float> task, ReadOnlySpan<float> reward, ReadOnlySpan<byte> terminated,
        ReadOnlySpan<byte> truncated)
    {
        using TransitionBatch step = new(buffer.Shape, reward.Length) { Count = reward.Length };
        observation.CopyTo(step.Observation);
        action.CopyTo(step.Action);
        nextObservation.CopyTo(step.NextObservation);
        task.CopyTo(step.Task);
        reward.CopyTo(step.Reward);
        terminated.CopyTo(step.Terminated);
        buffer.Append(step, truncated);
    }
}
