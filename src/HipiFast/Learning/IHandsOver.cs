using HipiFast.Kernels.Replay;

namespace HipiFast.Learning;

/// <summary>
/// What a learner that computes in another library says of the rows it hands over, for those who measure it.
/// </summary>
public interface IHandsOver
{
    /// <summary>Seconds that all updates so far spent on handing rows over.</summary>
    double HandOverSeconds { get; }

    /// <summary>Memory whose batches are read where they lie; null where all come over the host.</summary>
    TransitionMemory? Memory { get; }
}
