namespace HipiFast.Replay;

/// <summary>
/// Where the columns of B transitions lie in memory of the caller's; every matrix row-major without padding, floats
/// aligned to 4 bytes. One that is null lies in memory of the batch's own.
/// </summary>
public readonly unsafe struct TransitionAddresses
{
    /// <summary>s, <c>[B, S]</c>.</summary>
    public required float* Observation { get; init; }

    /// <summary>a, <c>[B, A]</c>, entries in [-1, 1].</summary>
    public required float* Action { get; init; }

    /// <summary>s', <c>[B, S]</c>.</summary>
    public required float* NextObservation { get; init; }

    /// <summary>psi, <c>[B, P]</c>: the commanded tasks, and after relabeling the new ones.</summary>
    public required float* Task { get; init; }

    /// <summary>r, <c>[B]</c>.</summary>
    public float* Reward { get; init; }

    /// <summary>1 where the task ends with the transition, else 0, <c>[B]</c>.</summary>
    public byte* Terminated { get; init; }

    /// <summary>Numbers in a replay buffer, or -1, <c>[B]</c>.</summary>
    public long* ReplayIndex { get; init; }

    /// <summary>Where a column lies, or null.</summary>
    internal void* Of(TransitionColumn column)
    {
        if (column == TransitionBatch.ObservationColumn)
        {
            return Observation;
        }

        if (column == TransitionBatch.ActionColumn)
        {
            return Action;
        }

        if (column == TransitionBatch.NextObservationColumn)
        {
            return NextObservation;
        }

        if (column == TransitionBatch.TaskColumn)
        {
            return Task;
        }

        if (column == TransitionBatch.RewardColumn)
        {
            return Reward;
        }

        return column == TransitionBatch.TerminatedColumn
            ? Terminated
            : column == TransitionBatch.ReplayIndexColumn
            ? ReplayIndex
            : null;
    }
}
