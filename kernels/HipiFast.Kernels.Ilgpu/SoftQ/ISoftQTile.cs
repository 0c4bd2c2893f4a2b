using SoftQTileShape = HipiFast.Kernels.Devices.SoftQ.SoftQTile;

namespace HipiFast.Kernels.Ilgpu.SoftQ;

/// <summary>
/// Shape of the tile of pairs that a group works on: constants to the kernel compiler. A thread holds 8 pairs by 8
/// hidden units; the group's threads form a grid of <see cref="PairThreads"/> by <see cref="HiddenThreads"/>.
/// </summary>
public interface ISoftQTile
{
    /// <summary>Threads along the pairs; a power of two.</summary>
    int PairThreads { get; }

    /// <summary>Threads along the hidden units; a power of two.</summary>
    int HiddenThreads { get; }
}

/// <summary>
/// The tile for GPUs: 256 threads, 128 pairs by 128 hidden units. Per step of the inner loop a thread reads 16 floats
/// of shared memory for 64 multiply-adds; two buffers of 16 steps take 32 KiB, so that two groups share a
/// multiprocessor also where that is all it has.
/// </summary>
public readonly struct WideTile : ISoftQTile
{
    /// <inheritdoc/>
    public int PairThreads => SoftQTileShape.WideThreads;

    /// <inheritdoc/>
    public int HiddenThreads => SoftQTileShape.WideThreads;
}

/// <summary>The tile for groups of few threads: 4 of them, 16 pairs by 16 hidden units.</summary>
public readonly struct NarrowTile : ISoftQTile
{
    /// <inheritdoc/>
    public int PairThreads => SoftQTileShape.NarrowThreads;

    /// <inheritdoc/>
    public int HiddenThreads => SoftQTileShape.NarrowThreads;
}

/// <summary>
/// The tile for groups of one thread, as ILGPU's CPU accelerator runs them best: 8 pairs by 8 hidden units.
/// </summary>
public readonly struct SingleTile : ISoftQTile
{
    /// <inheritdoc/>
    public int PairThreads => 1;

    /// <inheritdoc/>
    public int HiddenThreads => 1;
}

/// <summary>
/// Twice the pairs by half the hidden units of another tile: 256 by 64 in place of 128 by 128, for networks whose width
/// would leave half of the last columns empty.
/// </summary>
/// <typeparam name="TTile">The other; two threads or more along its hidden units.</typeparam>
public readonly struct HalfTile<TTile> : ISoftQTile
    where TTile : unmanaged, ISoftQTile
{
    /// <inheritdoc/>
    public int PairThreads => 2 * default(TTile).PairThreads;

    /// <inheritdoc/>
    public int HiddenThreads => default(TTile).HiddenThreads > 1 ? default(TTile).HiddenThreads / 2 : 1;
}
