namespace HipiFast.Replay;

/// <summary>The absolute numbers of the transitions in a ring, and the slots that they are in.</summary>
/// <param name="capacity">Slots, a multiple of <paramref name="environmentCount"/>.</param>
/// <param name="environmentCount">N, environment copies that add a transition each at every vector step.</param>
internal sealed class RingNumbers(long capacity, int environmentCount)
{
    /// <summary>Slots.</summary>
    public long Capacity => capacity;

    /// <summary>N.</summary>
    public int EnvironmentCount => environmentCount;

    /// <summary>All transitions ever added, a multiple of N.</summary>
    public long Total { get; set; }

    /// <summary>Live transitions.</summary>
    public long Count => Math.Min(Total, Capacity);

    /// <summary>Number of the oldest live transition; <see cref="Total"/> when there is none.</summary>
    public long Oldest => Total - Count;

    /// <summary>Whether a transition is stored and not overwritten.</summary>
    public bool IsLive(long number) => number >= Oldest && number < Total;

    /// <summary>Slot of a number.</summary>
    public long Slot(long number) => number % Capacity;

    /// <summary>Throws unless a transition is live.</summary>
    /// <param name="number">Its number.</param>
    /// <param name="name">What the caller calls it.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is not.</exception>
    public void CheckLive(long number, string name)
    {
        if (!IsLive(number))
        {
            throw new ArgumentOutOfRangeException(
                name, $"Transition {number} is not in the replay buffer, which holds {Oldest} to {Total - 1}.");
        }
    }
}
