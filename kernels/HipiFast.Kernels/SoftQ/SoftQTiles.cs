using HipiFast.Kernels.Networks;

namespace HipiFast.Kernels.SoftQ;

/// <summary>Tile sizes of the managed soft-Q kernel, and how a problem is cut into chunks.</summary>
internal static class SoftQTiles
{
    /// <summary>
    /// Pairs in one block of the lane side: a 512-bit vector, or 2 or 4 shorter ones. Equal to the padding of
    /// <see cref="MlpShape"/>.
    /// </summary>
    public const int LaneBlock = MlpShape.LaneCount;

    /// <summary>
    /// Vectors of 16 pairs in a tile of the managed kernels: each broadcast weight feeds three multiply-adds, and with
    /// 8 outputs the accumulators fill 24 of 32 registers.
    /// </summary>
    public const int TileVectors = 3;

    /// <summary>Floats between the rows of such a tile.</summary>
    public const int TileStride = TileVectors * LaneBlock;

    /// <summary>Outputs per panel of packed weights: 8 x 3 accumulators.</summary>
    public const int OutputPanel = 8;

    /// <summary>
    /// Inputs of a layer that are summed before partial sums are put aside: 128 x 48 pairs are 24 KiB, which stay in a
    /// first-level cache of 32 KiB and more beside the weights that stream through.
    /// </summary>
    public const int DepthBlock = 128;

    /// <summary>
    /// Broadcast-side entries per chunk. Each chunk computes the first layer for its own entries, which this many uses
    /// make cheap.
    /// </summary>
    public const int BroadcastPerChunk = 64;

    /// <summary>
    /// Lane-side entries per chunk. With <see cref="BroadcastPerChunk"/>, bounds scratch memory to (64 + 128) rows of H
    /// per network input.
    /// </summary>
    public const int LanesPerChunk = 128;

    /// <summary>
    /// Work that justifies one more thread, in fp32: about 25 microseconds of one core with AVX2, several times what a
    /// thread that still spins takes to begin. A group of 13 transitions and 26 tasks at H = 64, what the default batch
    /// has, is two threads' work then.
    /// </summary>
    public const double FlopsPerThread = 2.5e6;

    /// <summary>
    /// Chunks are not cut below this: a few microseconds, against a fraction of one for handing out a chunk and its
    /// first layer.
    /// </summary>
    public const double MinChunkFlops = 1e6;

    /// <summary>
    /// Chunks wanted per thread, so that a thread which starts late or is disturbed does not hold up the others.
    /// </summary>
    public const int ChunksPerThread = 4;

    /// <summary>Cuts a problem.</summary>
    /// <param name="rows">B.</param>
    /// <param name="candidates">K.</param>
    /// <param name="flopsPerPair">Cost of a pair, in operations of the fp32 kernel that would take as long.</param>
    /// <param name="maxThreads">Most threads.</param>
    /// <returns>
    /// The plan. Which side has the lanes does not depend on the thread count; chunk sizes do, results do not.
    /// </returns>
    public static SoftQPlan Plan(int rows, int candidates, double flopsPerPair, int maxThreads)
    {
        // The lane side is padded to a multiple of 16: put it where less is wasted.
        long paddedTasks = (long)rows * MlpShape.RoundUp(candidates),
            paddedRows = (long)candidates * MlpShape.RoundUp(rows);
        bool lanesAreTasks = paddedTasks <= paddedRows;
        int laneCount = lanesAreTasks ? candidates : rows, broadcastCount = lanesAreTasks ? rows : candidates;
        double flops = flopsPerPair * Math.Min(paddedTasks, paddedRows);
        int threads = (int)Math.Clamp(flops / FlopsPerThread, 1, maxThreads);
        int lanes = Math.Min(
            MlpShape.RoundUp(laneCount), LanesPerChunk), broadcasts = Math.Min(broadcastCount, BroadcastPerChunk);
        while (threads > 1
            && Chunks(laneCount, lanes) * Chunks(broadcastCount, broadcasts) < (long)threads * ChunksPerThread
            && flopsPerPair * lanes * broadcasts >= 2 * MinChunkFlops
            && (lanes > LaneBlock || broadcasts > 1))
        {
            if (lanes > LaneBlock && lanes > broadcasts)
            {
                lanes = MlpShape.RoundUp(lanes / 2);
            }
            else if (broadcasts > 1)
            {
                broadcasts = (broadcasts + 1) / 2;
            }
            else
            {
                lanes = MlpShape.RoundUp(lanes / 2);
            }
        }

        return new SoftQPlan(lanesAreTasks, laneCount, broadcastCount, lanes, broadcasts, threads);
    }

    /// <summary>Panels that hold <paramref name="outputs"/> outputs.</summary>
    public static int Panels(int outputs) => (outputs + OutputPanel - 1) / OutputPanel;

    /// <summary>Length of equal blocks of at most <see cref="DepthBlock"/> inputs; the last may be shorter.</summary>
    public static int DepthBlockOf(int depth)
    {
        int blocks = (depth + DepthBlock - 1) / DepthBlock;
        return (depth + blocks - 1) / blocks;
    }

    private static long Chunks(int count, int size) => (count + (long)size - 1) / size;
}

/// <summary>How a problem is cut: the matrix of pairs in blocks of lanes by broadcasts, one chunk each.</summary>
/// <param name="LanesAreTasks">Whether vector lanes hold tasks (columns) or transitions (rows).</param>
/// <param name="LaneCount">K or B.</param>
/// <param name="BroadcastCount">B or K.</param>
/// <param name="LanesPerChunk">A multiple of 16.</param>
/// <param name="BroadcastPerChunk">1 or more.</param>
/// <param name="Threads">Threads to use.</param>
internal readonly record struct SoftQPlan(
    bool LanesAreTasks, int LaneCount, int BroadcastCount, int LanesPerChunk, int BroadcastPerChunk, int Threads)
{
    public int BroadcastChunks => (int)((BroadcastCount + (long)BroadcastPerChunk - 1) / BroadcastPerChunk);

    public int LaneChunks => (int)((LaneCount + (long)LanesPerChunk - 1) / LanesPerChunk);

    public int Chunks => BroadcastChunks * LaneChunks;
}
