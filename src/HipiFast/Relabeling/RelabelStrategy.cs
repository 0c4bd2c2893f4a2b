namespace HipiFast.Relabeling;

/// <summary>Where a relabeled transition's new task comes from.</summary>
public enum RelabelStrategy
{
    /// <summary>The posterior over tasks of MaxEnt inverse RL (the paper's Alg. 1).</summary>
    InverseRl,

    /// <summary>
    /// The task that the last state of the transition's episode achieves (HER). Goal families only; needs the replay
    /// buffer.
    /// </summary>
    Final,

    /// <summary>
    /// The task that a later state of the transition's episode achieves. Goal families only; needs the replay buffer.
    /// </summary>
    Future,

    /// <summary>
    /// A task from the task distribution when there is one, else the commanded task of another transition of the batch.
    /// </summary>
    Random,

    /// <summary>No relabeling.</summary>
    None,
}
