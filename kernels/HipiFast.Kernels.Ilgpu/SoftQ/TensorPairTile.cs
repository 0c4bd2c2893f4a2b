using HipiFast.Kernels.Devices.SoftQ;
using HipiFast.Kernels.Ilgpu.Numerics;
using HipiFast.Kernels.Ilgpu.TensorCores;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Util;

namespace HipiFast.Kernels.Ilgpu.SoftQ;

/// <summary>
/// The second layer on a tile of pairs on tensor cores, as every thread of the group sees it. Each warp holds 64 pairs
/// by 64 hidden units in registers. It builds <c>relu(U_row + V_task)</c> straight into the fragments of the left
/// operand; W2 lies in shared memory in the order of the right operand's fragments, whole where it fits, else in slices
/// that are copied while the slice before is multiplied.
/// </summary>
internal readonly struct TensorPairTile
{
    /// <summary>Floats of shared memory for sums that warps add up: those of the widest arrangement.</summary>
    public const int SumsLength = TensorTile.SumsLength;

    private const int Lanes = 4;

    private readonly ArrayView<FourWords> _ring;
    private readonly ArrayView<float> _sums;
    private readonly int _firstRow;
    private readonly int _firstTask;

    public TensorPairTile(ArrayView<FourWords> ring, ArrayView<float> sums, in TensorSoftQShape shape, int tile)
    {
        _ring = ring;
        _sums = sums;
        int across = Across(shape), down = tile / across;
        _firstRow = down * (Pairs(shape) >> shape.Problem.TaskShift);
        _firstTask = (tile - (down * across)) << shape.Problem.TaskShift;
    }

    private static int Lane => Group.IdxX & (TensorCore.Lanes - 1);

    /// <summary>The lane's place among those that share a fragment's row.</summary>
    private static int FragmentLane => Lane & (TensorCore.LanesPerRow - 1);

    /// <summary>Pairs of the tile.</summary>
    public static int Pairs(in TensorSoftQShape shape) => Pairs(shape, Group.DimX);

    /// <summary>Tiles of the matrix.</summary>
    public static int Tiles(in TensorSoftQShape shape)
    {
        int tileRows = Pairs(shape) >> shape.Problem.TaskShift;
        return Across(shape) * ((shape.Problem.Rows + tileRows - 1) / tileRows);
    }

    /// <summary>Chunks of hidden units that are computed at once.</summary>
    public static int Chunks(in TensorSoftQShape shape) => shape.Blocks / (TensorTile.WarpBlocks << shape.ColumnShift);

    /// <summary>Begins to copy W2: all of it, and waits, or its first slice.</summary>
    public static void Begin(ArrayView<FourWords> ring, ArrayView<FourWords> weights, in TensorSoftQShape shape)
    {
        if (shape.SliceSteps > 0)
        {
            BeginSlice(ring, weights, shape, 0);
            return;
        }

        int length = Steps(shape) * shape.Blocks * TensorCore.Lanes;
        for (int i = Group.IdxX; i < length; i += Group.DimX)
        {
            TensorCore.CopyAsync(ref weights[i], ref ring[i]);
        }

        TensorCore.AwaitCopies();
        Group.Barrier();
    }

    /// <summary>Row of a pair; may be beyond the last.</summary>
    public int Row(in TensorSoftQShape shape, int pair) => _firstRow + (pair >> shape.Problem.TaskShift);

    /// <summary>Task of a pair; may be beyond the last.</summary>
    public int Task(in TensorSoftQShape shape, int pair) => _firstTask + (pair & ((1 << shape.Problem.TaskShift) - 1));

    /// <summary>Where a pair's numbers lie in a plane of the pairs' memory.</summary>
    public static long Slot(in TensorSoftQShape shape, int row, int task) =>
        ((long)row * shape.PaddedCandidates) + task;

    /// <summary>First of a lane's four hidden units in a block of 16 of the warp's.</summary>
    /// <param name="shape">Sizes.</param>
    /// <param name="chunk">The chunk.</param>
    /// <param name="block">The block in [0, 4).</param>
    /// <returns>Its number; may be beyond the last.</returns>
    public static int Column(in TensorSoftQShape shape, int chunk, int block) =>
        ((FirstBlock(shape, Group.IdxX, chunk) + block) * TensorCore.Columns) + (FragmentLane * Lanes);

    /// <summary>
    /// Second layer of the warp's pairs for one chunk of hidden units, before bias and activation. All threads of the
    /// group call it together.
    /// </summary>
    /// <param name="layers">First layers.</param>
    /// <param name="network">The network.</param>
    /// <param name="weights">Its packed second layer.</param>
    /// <param name="pairs">The pairs' memory, for the actions.</param>
    /// <param name="actions">Entries of each pair's own action that the first layer lacks; 0 for none.</param>
    /// <param name="shape">Sizes.</param>
    /// <param name="chunk">The chunk.</param>
    /// <param name="round">Chunks that the group has computed before, in all its tiles.</param>
    /// <returns>The sums.</returns>
    public WarpSums Multiply(
        ArrayView<float> layers, ArrayView<float> network, ArrayView<FourWords> weights, ArrayView<float> pairs,
        int actions,
        in TensorSoftQShape shape, int chunk, int round)
    {
        ArrayView<Four> vectors = layers.Cast<Four>().AsAligned(Four.Bytes);
        ArrayView<FourWords> ring = _ring.AsAligned(FourWords.Bytes);
        WarpSums sums = default;
        int pair = FirstPair(shape), stride = shape.Problem.Stride, steps = Steps(shape);

        // The lane's pairs lie 8 apart: the same task, and equal distances between their rows.
        int rowStep = SoftQTile.MaxTasks >> shape.Problem.TaskShift, row = Row(shape, pair), task = Task(shape, pair);
        int jump = rowStep * stride / Lanes;
        int u = (int)((shape.Problem.RowLayer + ((long)row * stride)) / Lanes) + FragmentLane;
        int v = (int)((shape.Problem.TaskLayer + ((long)task * stride)) / Lanes) + FragmentLane;
        int action = ((shape.Problem.ObservationDimension * stride) / Lanes) + FragmentLane;
        long slot = Slot(shape, row, task), slotStep = (long)rowStep * shape.PaddedCandidates;
        Four x0 = vectors[u], x1 = vectors[u + jump], x2 = vectors[u + (2 * jump)], x3 = vectors[u + (3 * jump)];
        Four x4 = vectors[u + (4 * jump)], x5 = vectors[u + (5 * jump)], x6 = vectors[u + (6 * jump)],
            x7 = vectors[u + (7 * jump)];
        Four y = vectors[v];
        for (int step = 0; step < steps; step++)
        {
            AwaitSlice(shape, weights, round, step);
            int at = RingIndex(shape, Group.IdxX, chunk, round, step);
            x0 = Four.Add(x0, y);
            x1 = Four.Add(x1, y);
            x2 = Four.Add(x2, y);
            x3 = Four.Add(x3, y);
            x4 = Four.Add(x4, y);
            x5 = Four.Add(x5, y);
            x6 = Four.Add(x6, y);
            x7 = Four.Add(x7, y);
            int weight = action + (step * Lanes);
            long entry = slot;
            for (int d = 0; d < actions; d++)
            {
                y = network.Cast<Four>().AsAligned(Four.Bytes)[weight];
                x0 = Four.MultiplyAdd(pairs[entry], y, x0);
                x1 = Four.MultiplyAdd(pairs[entry + slotStep], y, x1);
                x2 = Four.MultiplyAdd(pairs[entry + (2 * slotStep)], y, x2);
                x3 = Four.MultiplyAdd(pairs[entry + (3 * slotStep)], y, x3);
                x4 = Four.MultiplyAdd(pairs[entry + (4 * slotStep)], y, x4);
                x5 = Four.MultiplyAdd(pairs[entry + (5 * slotStep)], y, x5);
                x6 = Four.MultiplyAdd(pairs[entry + (6 * slotStep)], y, x6);
                x7 = Four.MultiplyAdd(pairs[entry + (7 * slotStep)], y, x7);
                weight += stride / Lanes;
                entry += shape.Problem.PairCapacity;
            }

            PairFragment left = new()
            {
                Tile0 = Pack(x0, x1),
                Tile1 = Pack(x2, x3),
                Tile2 = Pack(x4, x5),
                Tile3 = Pack(x6, x7),
            };

            // The next step's, while this one's are multiplied; behind the last come the last once more.
            int next = Math.Min(step + 1, steps - 1) * Lanes;
            x0 = vectors[u + next];
            x1 = vectors[u + next + jump];
            x2 = vectors[u + next + (2 * jump)];
            x3 = vectors[u + next + (3 * jump)];
            x4 = vectors[u + next + (4 * jump)];
            x5 = vectors[u + next + (5 * jump)];
            x6 = vectors[u + next + (6 * jump)];
            x7 = vectors[u + next + (7 * jump)];
            y = vectors[v + next];
            WeightFragment right = new(
                ring[at], ring[at + TensorCore.Lanes], ring[at + (2 * TensorCore.Lanes)],
                ring[at + (3 * TensorCore.Lanes)]);
            sums = TensorCore.MultiplyAdd(left, right, sums);
        }

        return sums;
    }

    /// <summary>Writes the lane's sums of its eight pairs where <see cref="Sum"/> finds them.</summary>
    public void StoreSums(in TensorSoftQShape shape, PairSums sums)
    {
        int at = SumsIndex(shape, Group.IdxX, Group.DimX);
        _sums[at] = sums.Pair0;
        _sums[at + 8] = sums.Pair1;
        _sums[at + 16] = sums.Pair2;
        _sums[at + 24] = sums.Pair3;
        _sums[at + 32] = sums.Pair4;
        _sums[at + 40] = sums.Pair5;
        _sums[at + 48] = sums.Pair6;
        _sums[at + 56] = sums.Pair7;
    }

    /// <summary>Adds up what the lanes along the hidden units have stored for a pair, after a barrier.</summary>
    public float Sum(in TensorSoftQShape shape, int pair)
    {
        float sum = 0f;
        int at = pair, parts = TensorCore.LanesPerRow << shape.ColumnShift;
        for (int part = 0; part < parts; part++)
        {
            sum += _sums[at];
            at += SumsStride(shape, Group.DimX);
        }

        return sum;
    }

    /// <summary>
    /// Where a thread's fragment of its warp's first block lies in shared memory; those of the next blocks follow a
    /// warp's fragments apart.
    /// </summary>
    /// <param name="shape">Sizes.</param>
    /// <param name="thread">The thread.</param>
    /// <param name="chunk">The chunk of hidden units.</param>
    /// <param name="round">Chunks that the group has computed before.</param>
    /// <param name="step">The step.</param>
    /// <returns>The fragment's number.</returns>
    internal static int RingIndex(in TensorSoftQShape shape, int thread, int chunk, int round, int step)
    {
        int lane = thread & (TensorCore.Lanes - 1);
        if (shape.SliceSteps == 0)
        {
            return (((step * shape.Blocks) + FirstBlock(shape, thread, chunk)) * TensorCore.Lanes) + lane;
        }

        int number = (round * Slices(shape)) + (step / shape.SliceSteps), within = step & (shape.SliceSteps - 1);
        return ((((number & 1) * shape.SliceSteps) + within) * ChunkLength(shape))
            + (WarpColumn(shape, thread) * TensorTile.WarpBlocks * TensorCore.Lanes) + lane;
    }

    /// <summary>
    /// Where a thread's sum of its first pair lies; those of the next pairs follow <see cref="SoftQTile.MaxTasks"/>
    /// apart.
    /// </summary>
    /// <param name="shape">Sizes.</param>
    /// <param name="thread">The thread.</param>
    /// <param name="threads">Threads of the group.</param>
    /// <returns>Its number.</returns>
    internal static int SumsIndex(in TensorSoftQShape shape, int thread, int threads) =>
        ((
            (WarpColumn(shape, thread) * TensorCore.LanesPerRow)
                + (thread & (TensorCore.LanesPerRow - 1))) * SumsStride(shape, threads))
        + FirstPair(shape, thread);

    /// <summary>Puts a pair's value where its sums were, which none but its thread reads.</summary>
    public void StoreValue(int pair, float value) => _sums[pair] = value;

    /// <summary>
    /// Maximum and sum of exponentials of each of the tile's columns, after a barrier behind <see cref="StoreValue"/>:
    /// one warp's work, while the others go on to the next tile.
    /// </summary>
    /// <param name="segments">Receives them in the row of the tile's rows.</param>
    /// <param name="shape">Sizes.</param>
    public void StoreSegment(ArrayView<float> segments, in TensorSoftQShape shape)
    {
        int tasks = 1 << shape.Problem.TaskShift, pairs = Pairs(shape), task = Task(shape, Lane);
        float maximum = float.NegativeInfinity, sum = 0f;
        for (int pair = Lane; pair < pairs; pair += TensorCore.Lanes)
        {
            maximum = ExponentialSum.Larger(maximum, _sums[pair]);
        }

        // Lanes whole rows of tasks apart hold the same column.
        for (int apart = tasks; apart < TensorCore.Lanes; apart *= 2)
        {
            maximum = ExponentialSum.Larger(maximum, Warp.ShuffleXor(maximum, apart));
        }

        float shift = ExponentialSum.Shift(maximum);
        for (int pair = Lane; pair < pairs; pair += TensorCore.Lanes)
        {
            sum += DeviceMath.Exp(_sums[pair] - shift);
        }

        for (int apart = tasks; apart < TensorCore.Lanes; apart *= 2)
        {
            sum += Warp.ShuffleXor(sum, apart);
        }

        if (Lane < tasks && task < shape.Problem.Candidates)
        {
            long at = ((long)_firstRow / (pairs >> shape.Problem.TaskShift) * shape.Problem.Candidates) + task;
            segments[at] = maximum;
            segments[at + ((long)shape.Segments * shape.Problem.Candidates)] = Utilities.Select(
                maximum == float.PositiveInfinity, 1f, sum);
        }
    }

    private static FourWords Pack(Four top, Four bottom) => new(
        TensorCore.PackRelu(top.X, top.Y), TensorCore.PackRelu(bottom.X, bottom.Y), TensorCore.PackRelu(top.Z, top.W),
        TensorCore.PackRelu(bottom.Z, bottom.W));

    private static int Across(in TensorSoftQShape shape) =>
        (shape.Problem.Candidates + (1 << shape.Problem.TaskShift) - 1) >> shape.Problem.TaskShift;

    private static int Steps(in TensorSoftQShape shape) => shape.Problem.Stride / TensorCore.Depth;

    private static int Pairs(in TensorSoftQShape shape, int threads) =>
        (threads / TensorCore.Lanes >> shape.ColumnShift) * TensorCore.Rows;

    private static int WarpColumn(in TensorSoftQShape shape, int thread) =>
        thread / TensorCore.Lanes & ((1 << shape.ColumnShift) - 1);

    private static int FirstPair(in TensorSoftQShape shape) => FirstPair(shape, Group.IdxX);

    // Its row of the first fragment is the group of the PTX manual.
    private static int FirstPair(in TensorSoftQShape shape, int thread) =>
        ((thread / TensorCore.Lanes >> shape.ColumnShift) * TensorCore.Rows) + ((
            thread & (TensorCore.Lanes - 1)) / TensorCore.LanesPerRow);

    private static int FirstBlock(in TensorSoftQShape shape, int thread, int chunk) =>
        ((chunk << shape.ColumnShift) + WarpColumn(shape, thread)) * TensorTile.WarpBlocks;

    // A quarter of the banks more than the pairs, so that the four lanes of a row do not meet in one.
    private static int SumsStride(in TensorSoftQShape shape, int threads) =>
        Pairs(shape, threads) + TensorTile.SumsPadding;

    // Waits for the slice that a step begins, and begins to copy the next, where W2 is not whole.
    private void AwaitSlice(in TensorSoftQShape shape, ArrayView<FourWords> weights, int round, int step)
    {
        if (shape.SliceSteps == 0)
        {
            return;
        }

        if ((step & (shape.SliceSteps - 1)) == 0)
        {
            // Each thread's own copies are there; then everybody's, and the other half of the ring is read no more.
            TensorCore.AwaitCopies();
            Group.Barrier();
            BeginSlice(_ring, weights, shape, (round * Slices(shape)) + (step / shape.SliceSteps) + 1);
        }
    }

    // Fragments of all lanes for one step of a chunk.
    private static int ChunkLength(in TensorSoftQShape shape) =>
        (TensorTile.WarpBlocks << shape.ColumnShift) * TensorCore.Lanes;

    private static int Slices(in TensorSoftQShape shape) => (Steps(shape) + shape.SliceSteps - 1) / shape.SliceSteps;

    // Slices follow each other without end: those of a chunk, then the next chunk's, then again the first's for the
    // next tile.
    private static void BeginSlice(
        ArrayView<FourWords> ring, ArrayView<FourWords> weights, in TensorSoftQShape shape, int number)
    {
        int slices = Slices(shape), length = ChunkLength(shape), round = number / slices;
        int first = (
            number - (round * slices)) * shape.SliceSteps, count = Math.Min(shape.SliceSteps, Steps(shape) - first);
        int source = (first * shape.Blocks * TensorCore.Lanes) + (round % Chunks(shape) * length),
            target = (number & 1) * shape.SliceSteps * length;
        for (int step = 0; step < count; step++)
        {
            for (int i = Group.IdxX; i < length; i += Group.DimX)
            {
                TensorCore.CopyAsync(ref weights[source + i], ref ring[target + i]);
            }

            source += shape.Blocks * TensorCore.Lanes;
            target += length;
        }
    }
}
