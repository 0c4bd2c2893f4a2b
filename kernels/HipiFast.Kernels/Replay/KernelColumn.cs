namespace HipiFast.Kernels.Replay;

/// <summary>
/// The columns of transitions that kernels read or write, in the order in which lists of columns begin.
/// </summary>
internal enum KernelColumn
{
    /// <summary>s, floats <c>[B, S]</c>.</summary>
    Observation,

    /// <summary>a, floats <c>[B, A]</c>.</summary>
    Action,

    /// <summary>s', floats <c>[B, S]</c>.</summary>
    NextObservation,

    /// <summary>psi, floats <c>[B, P]</c>.</summary>
    Task,

    /// <summary>r, floats <c>[B]</c>.</summary>
    Reward,

    /// <summary>Whether the task ended, flags <c>[B]</c>.</summary>
    Terminated,
}
