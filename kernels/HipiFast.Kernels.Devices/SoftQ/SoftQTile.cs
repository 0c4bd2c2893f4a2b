using HipiFast.Kernels.Backends;

namespace HipiFast.Kernels.Devices.SoftQ;

/// <summary>
/// Shape of the tile of pairs that a group of the soft-Q kernels works on: 8 pairs by 8 hidden units to a thread.
/// </summary>
/// <param name="PairThreads">Threads along the pairs.</param>
/// <param name="HiddenThreads">Threads along the hidden units.</param>
public readonly record struct SoftQTile(int PairThreads, int HiddenThreads)
{
    /// <summary>Pairs of a thread, and hidden units.</summary>
    public const int PerThread = 8;

    /// <summary>Threads of the wide tile along either side.</summary>
    public const int WideThreads = 16;

    /// <summary>Threads of the narrow tile along either side: for groups too small for the wide one.</summary>
    public const int NarrowThreads = 2;

    /// <summary>
    /// Most tasks of a tile: with as many rows as make up the pairs, both sides of a wide tile read few distinct rows.
    /// On tensor cores the pairs of a lane lie so many apart (<see cref="TensorTile"/>), and with no more tasks than
    /// that it needs one task's part of the first layer only.
    /// </summary>
    public const int MaxTasks = 8;

    /// <summary>Threads of a group.</summary>
    public int GroupSize => PairThreads * HiddenThreads;

    /// <summary>Pairs of a tile.</summary>
    public int Pairs => PairThreads * PerThread;

    /// <summary>Twice the pairs by half the hidden units, by the same threads.</summary>
    public SoftQTile Half => new(2 * PairThreads, HiddenThreads / 2);

    /// <summary>
    /// This tile, or its half where that computes fewer hidden units beyond the last of the networks.
    /// </summary>
    /// <param name="critic">The critics' width.</param>
    /// <param name="critics">Their number.</param>
    /// <param name="actor">The actor's width; 0 for none.</param>
    /// <returns>The tile.</returns>
    public SoftQTile For(int critic, int critics, int actor) =>
        HiddenThreads > 1 && Half.Columns(critic, critics, actor) < Columns(critic, critics, actor) ? Half : this;

    /// <summary>The tile that a device uses: the widest whose group fits.</summary>
    /// <param name="device">The device.</param>
    /// <returns>The tile.</returns>
    public static SoftQTile For(DeviceInfo device) => device.MaxGroupSize switch
    {
        >= WideThreads * WideThreads => new(WideThreads, WideThreads),
        >= NarrowThreads * NarrowThreads => new(NarrowThreads, NarrowThreads),
        _ => new(1, 1),
    };

    /// <summary>Binary logarithm of the tasks of a tile, for a matrix of a given size.</summary>
    /// <param name="rows">B.</param>
    /// <param name="candidates">K.</param>
    /// <returns>The logarithm.</returns>
    public int TaskShift(int rows, int candidates)
    {
        int shift = 0;
        while (
            (1 << shift) < Pairs && (1 << shift) < candidates && ((1 << shift) < MaxTasks || (Pairs >> shift) > rows))
        {
            shift++;
        }

        return shift;
    }

    // Hidden units that are computed for each pair.
    private int Columns(int critic, int critics, int actor) => (critics * Columns(critic)) + Columns(actor);

    private int Columns(int width)
    {
        int columns = HiddenThreads * PerThread;
        return (width + columns - 1) / columns * columns;
    }

    /// <summary>Tiles of a matrix.</summary>
    /// <param name="rows">B.</param>
    /// <param name="candidates">K.</param>
    /// <returns>Their number.</returns>
    public long Tiles(int rows, int candidates)
    {
        int shift = TaskShift(rows, candidates), tasks = 1 << shift, tileRows = Pairs >> shift;
        return (((long)rows + tileRows - 1) / tileRows) * (((long)candidates + tasks - 1) / tasks);
    }
}
