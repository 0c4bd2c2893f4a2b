namespace HipiFast.Replay;

/// <summary>
/// A batch of transitions, wherever it lies: in host memory (<see cref="TransitionBatch"/>), or in the memory of the
/// session that relabels it.
/// </summary>
public interface ITransitionBatch : IDisposable
{
    /// <summary>Widths of the vectors.</summary>
    TransitionShape Shape { get; }

    /// <summary>B, rows in use, 0 or more.</summary>
    int Count { get; }

    /// <summary>The batch in host memory, as it is now.</summary>
    /// <returns>
    /// The batch itself where it lies there; else a copy that belongs to the batch, brought over once until the batch
    /// changes. Changing the copy changes nothing elsewhere.
    /// </returns>
    TransitionBatch ToHost();
}
