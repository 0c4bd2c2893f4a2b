namespace HipiFast.Kernels.Replay;

/// <summary>
/// Where the candidate tasks of a relabel call on a batch in device memory come from. Several lie one after the other,
/// in this order.
/// </summary>
[Flags]
internal enum ResidentCandidates
{
    /// <summary>They come with the call: <see cref="SoftQ.SoftQProblem.Task"/>, <c>[K, P]</c>.</summary>
    Given = 0,

    /// <summary>The batch's commanded tasks, B of them.</summary>
    Commanded = 1,

    /// <summary>The tasks that the batch's next states achieve, B of them.</summary>
    ReachedNext = 2,

    /// <summary>The tasks that the batch's states achieve, B of them.</summary>
    ReachedCurrent = 4,
}
