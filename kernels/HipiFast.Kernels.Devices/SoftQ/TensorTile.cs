using HipiFast.Kernels.Backends;

namespace HipiFast.Kernels.Devices.SoftQ;

/// <summary>
/// How a group's warps share a tile of pairs on tensor cores, and where the weights lie. A warp holds 64 pairs by 64
/// hidden units; the warps form a grid of pairs by hidden units.
/// </summary>
/// <param name="Warps">Warps of a group, a power of two.</param>
/// <param name="ColumnShift">Binary logarithm of the warps along the hidden units.</param>
/// <param name="Blocks">
/// Blocks of 16 hidden units of the packed second layer: H rounded up to what the warps compute at once.
/// </param>
/// <param name="SliceSteps">
/// Steps of 16 inputs that are copied at a time to either half of a ring, a power of two; 0 when the whole second layer
/// fits.
/// </param>
/// <param name="SharedBytes">Shared memory that the weights take.</param>
public readonly record struct TensorTile(int Warps, int ColumnShift, int Blocks, int SliceSteps, int SharedBytes)
{
    /// <summary>Threads of a warp.</summary>
    public const int WarpSize = 32;

    /// <summary>Pairs of a warp.</summary>
    public const int WarpPairs = 64;

    /// <summary>Blocks of 16 hidden units of a warp.</summary>
    public const int WarpBlocks = 4;

    /// <summary>
    /// Binary logarithm of <see cref="Tasks"/>.
    /// </summary>
    public const int TaskShift = 3;

    /// <summary>
    /// Tasks of a tile, with as many rows as make up its pairs: a lane's eight pairs are 4 rows by 2 tasks, so that it
    /// reads six parts of the first layer for them.
    /// </summary>
    public const int Tasks = 1 << TaskShift;

    /// <summary>Most pairs of a tile: rows are padded to so many pairs.</summary>
    public const int MaxPairs = MaxWarps * WarpPairs;

    /// <summary>Floats between the rows of the sums beyond the pairs.</summary>
    public const int SumsPadding = 8;

    /// <summary>Floats of shared memory for the sums, four parts for each warp along the hidden units.</summary>
    public const int SumsLength = PartsPerWarp * (MaxPairs + ((1 << MaxColumnShift) * SumsPadding));

    /// <summary>Compute capability times ten from which on devices have the instructions.</summary>
    public const int MinCapability = 80;

    /// <summary>Bytes of a block's weights for one step: 16 x 16 numbers in bf16.</summary>
    public const int BlockBytes = Depth * Depth * sizeof(ushort);

    /// <summary>Inputs of a step.</summary>
    private const int Depth = 16;

    /// <summary>
    /// Two for each of a multiprocessor's four parts: one multiplies while the other builds, with 255 registers to a
    /// thread.
    /// </summary>
    private const int MaxWarps = 8;

    private const int PartsPerWarp = 4;

    /// <summary>
    /// Four warps, 256 hidden units, side by side: 128 pairs share the reading of a slice of the first layer.
    /// </summary>
    private const int MaxColumnShift = 2;

    /// <summary>
    /// Where weights are read again for every tile, more pairs to a tile are worth more: 256 pairs by 128 hidden units
    /// read 6.5 KB a step where 128 by 256 read 9.5 KB.
    /// </summary>
    private const int SlicedColumnShift = 1;

    private const int MaxSliceSteps = 16;

    /// <summary>Threads of a group.</summary>
    public int GroupSize => Warps * WarpSize;

    /// <summary>Rows of a tile.</summary>
    public int TileRows => Pairs / Tasks;

    /// <summary>Pairs of a tile.</summary>
    public int Pairs => (Warps >> ColumnShift) * WarpPairs;

    /// <summary>
    /// The arrangement for a network on a device: as few columns beyond the last as can be, then as many side by side
    /// as serve.
    /// </summary>
    /// <param name="device">A device with warps of 32.</param>
    /// <param name="stride">H rounded up to 16.</param>
    /// <returns>The arrangement.</returns>
    public static TensorTile For(DeviceInfo device, int stride)
    {
        ArgumentNullException.ThrowIfNull(device);
        int warps = 1, available = device.SharedBytesPerGroup - (SumsLength * sizeof(float)), steps = stride / Depth;
        while (warps < MaxWarps && 2 * warps * WarpSize <= device.MaxGroupSize)
        {
            warps *= 2;
        }

        int shift = BestShift(warps, stride, MaxColumnShift);
        long bytes = (long)steps * CountBlocks(stride, shift) * BlockBytes;
        if (bytes <= available)
        {
            return new TensorTile(warps, shift, CountBlocks(stride, shift), 0, (int)bytes);
        }

        shift = BestShift(warps, stride, SlicedColumnShift);
        int sliceSteps = 1, stepBytes = (WarpBlocks << shift) * BlockBytes;
        while (sliceSteps < MaxSliceSteps && sliceSteps < steps && 2 * 2 * sliceSteps * stepBytes <= available)
        {
            sliceSteps *= 2;
        }

        return new TensorTile(warps, shift, CountBlocks(stride, shift), sliceSteps, 2 * sliceSteps * stepBytes);
    }

    /// <summary>Rows rounded up to whole tiles of any arrangement: what memory of rows is sized for.</summary>
    /// <param name="rows">B.</param>
    /// <returns>The rows.</returns>
    public static long PaddedRows(long rows)
    {
        const long tileRows = MaxPairs / Tasks;
        return (rows + tileRows - 1) / tileRows * tileRows;
    }

    /// <summary>Candidates rounded up to whole tiles.</summary>
    /// <param name="candidates">K.</param>
    /// <returns>The candidates.</returns>
    public static int PaddedCandidates(int candidates) => (candidates + Tasks - 1) / Tasks * Tasks;

    /// <summary>Fragments of a lane that a packed second layer holds.</summary>
    /// <param name="stride">H rounded up to 16.</param>
    /// <returns>Their number.</returns>
    public long Fragments(int stride) => (long)stride / Depth * Blocks * WarpSize;

    /// <summary>Tiles of a matrix.</summary>
    /// <param name="rows">B.</param>
    /// <param name="candidates">K.</param>
    /// <returns>Their number.</returns>
    public long Tiles(int rows, int candidates) =>
        RowTiles(rows) * (PaddedCandidates(candidates) / Tasks);

    /// <summary>Tiles of a matrix below each other.</summary>
    /// <param name="rows">B.</param>
    /// <returns>Their number.</returns>
    public long RowTiles(int rows) => ((long)rows + TileRows - 1) / TileRows;

    private static int BestShift(int warps, int stride, int most)
    {
        int best = 0;
        for (int shift = 1; shift <= most && 1 << shift <= warps; shift++)
        {
            if (CountBlocks(stride, shift) <= CountBlocks(stride, best))
            {
                best = shift;
            }
        }

        return best;
    }

    private static int CountBlocks(int stride, int shift)
    {
        int chunk = WarpBlocks << shift, blocks = stride / Depth;
        return (blocks + chunk - 1) / chunk * chunk;
    }
}
