namespace HipiFast.Replay;

/// <summary>
/// What a column of transitions is about, and so what becomes of it when a transition is given another task.
/// </summary>
public enum ColumnOwner
{
    /// <summary>The transition, whatever its task: it stays.</summary>
    Transition,

    /// <summary>The task: it is replaced.</summary>
    Task,

    /// <summary>The transition under its task: it is computed anew.</summary>
    Outcome,
}
