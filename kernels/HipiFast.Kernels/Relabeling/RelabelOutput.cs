using HipiFast.Kernels.Replay;

namespace HipiFast.Kernels.Relabeling;

/// <summary>
/// Where the results of a <see cref="RelabelProblem"/> go. Tasks, rewards and terminations of a
/// <see cref="ResidentBatch"/> stay on the device, and their spans here are empty.
/// </summary>
internal readonly ref struct RelabelOutput
{
    /// <summary><c>[B, P]</c>: every row's task, the new one or the commanded one.</summary>
    public Span<float> NewTask { get; init; }

    /// <summary><c>[B]</c>: the candidate, -1 where inverse RL does not serve or the row has no sample.</summary>
    public required Span<int> TaskIndex { get; init; }

    /// <summary><c>[B]</c>: reward under that task; empty where Q~ has a source, whose rows are not judged.</summary>
    public Span<float> Reward { get; init; }

    /// <summary><c>[B]</c>: 1 where that task ends with the transition, else 0; empty where rewards are.</summary>
    public Span<byte> Terminated { get; init; }

    /// <summary><c>[K]</c>: logZ; empty without a partition.</summary>
    public required Span<float> LogPartition { get; init; }
}
