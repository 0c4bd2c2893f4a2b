namespace HipiFast.Relabeling;

/// <summary>Where candidate tasks come from.</summary>
public enum CandidateSource
{
    /// <summary>The commanded tasks of the batch, one per transition (the paper's choice); K = B.</summary>
    Commanded,

    /// <summary>
    /// The tasks that the batch's states achieve (<see cref="ReachedState"/>); K = B. Goal families only.
    /// </summary>
    Reached,

    /// <summary>Commanded tasks, then reached ones; K = 2 B. Goal families only.</summary>
    Both,

    /// <summary>The set given to <see cref="Relabeler.SetFixedCandidates"/>.</summary>
    Fixed,
}
