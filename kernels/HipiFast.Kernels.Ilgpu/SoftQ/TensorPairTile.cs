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

    // Vectors of a step's inputs.
    private const int InputVectors = TensorCore.Depth / Lanes;

    // Bits of a place within 32 that change the row and not the task.
    private const int NearRow = 4;
    private const int FarRow = 16;

    private readonly ArrayView<FourWords> _ring;
    private readonly ArrayView<float> _sums;
    private readonly int _firstRow;
    private readonly int _firstTask;

    /// <summary>Makes a tile.</summary>
    /// <param name="ring">The shared memory of the weights.</param>
    /// <param name="sums">That of the sums.</param>
    /// <param name="shape">Sizes.</param>
    /// <param name="down">The tile's place among those along the rows.</param>
    /// <param name="across">Its place along the tasks.</param>
    public TensorPairTile(
        ArrayView<FourWords> ring, ArrayView<float> sums, in TensorSoftQShape shape, int down, int across)
    {
        _ring = ring;
        _sums = sums;
        _firstRow = down * (Pairs(shape) / TensorTile.Tasks);
        _firstTask = across * TensorTile.Tasks;
    }

    private static int Lane => Group.IdxX & (TensorCore.Lanes - 1);

    /// <summary>The lane's place among those that share a fragment's row.</summary>
    private static int FragmentLane => Lane & (TensorCore.LanesPerRow - 1);

    /// <summary>Pairs of the tile.</summary>
    public static int Pairs(in TensorSoftQShape shape) => Pairs(shape, Group.DimX);

    /// <summary>Tiles of the matrix along the rows.</summary>
    public static int Down(in TensorSoftQShape shape)
    {
        int tileRows = Pairs(shape) / TensorTile.Tasks;
        return (shape.Problem.Rows + tileRows - 1) / tileRows;
    }

    /// <summary>Tiles of the matrix along the tasks.</summary>
    public static int Across(in TensorSoftQShape shape) => shape.PaddedCandidates / TensorTile.Tasks;

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
    public int Row(int pair) => _firstRow + (pair / TensorTile.Tasks);

    /// <summary>Task of a pair; may be beyond the last.</summary>
    public int Task(int pair) => _firstTask + (pair & (TensorTile.Tasks - 1));

    /// <summary>
    /// The pair whose numbers lie at a place of the sums, and the other way around. A fragment's rows g and g + 8,
    /// which a lane holds together, are tasks 4 apart of one row; among the sums they lie as in the fragment.
    /// </summary>
    /// <param name="place">The place, or the pair.</param>
    /// <returns>Bits 2 and 3 exchanged.</returns>
    public static int PairAt(int place) => (place & ~12) | ((place & 4) << 1) | ((place & 8) >> 1);

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
    /// <typeparam name="TMode">What the chunk takes.</typeparam>
    /// <param name="layers">First layers.</param>
    /// <param name="network">The network.</param>
    /// <param name="weights">Its packed second layer.</param>
    /// <param name="pairs">The pairs' memory, for the actions.</param>
    /// <param name="actions">Entries of each pair's own action that the first layer lacks.</param>
    /// <param name="shape">Sizes.</param>
    /// <param name="chunk">The chunk.</param>
    /// <param name="round">Chunks that the group has computed before, in all its tiles.</param>
    /// <returns>The sums.</returns>
    public WarpSums Multiply<TMode>(
        ArrayView<float> layers, ArrayView<float> network, ArrayView<FourWords> weights, ArrayView<float> pairs,
        int actions,
        in TensorSoftQShape shape, int chunk, int round)
        where TMode : unmanaged, ITensorMode
    {
        ArrayView<Four> vectors = layers.Cast<Four>().AsAligned(Four.Bytes);
        ArrayView<FourWords> ring = _ring.AsAligned(FourWords.Bytes);
        WarpSums sums = default;
        int steps = Steps(shape), ringStep = Registers.Hold(
            default(TMode).IsSliced ? ChunkLength(shape) : shape.Blocks * TensorCore.Lanes);
        int from = RingIndex<TMode>(shape, Group.IdxX, chunk, round, 0);
        PairParts parts = new(this, shape);
        PairVectors next = parts.Load(vectors, 0);
        PairActions added = new(this, shape, actions);
        PairFragment left = Build<TMode>(next, added, network, pairs, shape, 0);
        int last = Registers.Hold((steps - 1) * InputVectors), ahead = Math.Min(InputVectors, last);
        next = parts.Load(vectors, ahead);
        for (int step = 0; step < steps; step++)
        {
            if (default(TMode).IsSliced && (step & (shape.SliceSteps - 1)) == 0)
            {
                AwaitSlice(shape, weights, round, step);
                from = RingIndex<TMode>(shape, Group.IdxX, chunk, round, step);
            }

            ArrayView<FourWords> fragments = ring.SubView(from);
            WeightFragment right = new(
                fragments[0], fragments[TensorCore.Lanes], fragments[2 * TensorCore.Lanes],
                fragments[3 * TensorCore.Lanes]);

            // The next step's operand is built and the one's after it is loaded while this one's is multiplied; behind
            // the last come the last once more.
            sums = TensorCore.MultiplyAdd(left, right, sums);
            left = Build<TMode>(next, added, network, pairs, shape, step + 1);
            ahead = Math.Min(ahead + InputVectors, last);
            next = parts.Load(vectors, ahead);
            from += ringStep;
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

    /// <summary>Adds up what the lanes along the hidden units have stored at a place, after a barrier.</summary>
    public float Sum(in TensorSoftQShape shape, int place)
    {
        float sum = 0f;
        int apart = SumsStride(shape, Group.DimX);
        for (int warp = 0; warp < 1 << shape.ColumnShift; warp++)
        {
            // The four lanes of a row.
            sum += _sums[place] + _sums[place + apart] + (_sums[place + (2 * apart)] + _sums[place + (3 * apart)]);
            place += TensorCore.LanesPerRow * apart;
        }

        return sum;
    }

    /// <summary>
    /// Where a thread's fragment of its warp's first block lies in shared memory; those of the next blocks follow a
    /// warp's fragments apart.
    /// </summary>
    /// <typeparam name="TMode">Whether W2 lies there in slices.</typeparam>
    /// <param name="shape">Sizes.</param>
    /// <param name="thread">The thread.</param>
    /// <param name="chunk">The chunk of hidden units.</param>
    /// <param name="round">Chunks that the group has computed before.</param>
    /// <param name="step">The step.</param>
    /// <returns>The fragment's number.</returns>
    internal static int RingIndex<TMode>(in TensorSoftQShape shape, int thread, int chunk, int round, int step)
        where TMode : unmanaged, ITensorMode
    {
        // Not by the slices' length, which is 0 where W2 is whole: both ways would be computed, one of two numbers
        // chosen, and of these one divided by that length.
        int lane = thread & (TensorCore.Lanes - 1);
        if (!default(TMode).IsSliced)
        {
            return (((step * shape.Blocks) + FirstBlock(shape, thread, chunk)) * TensorCore.Lanes) + lane;
        }

        int number = (round * Slices(shape)) + (step / shape.SliceSteps), within = step & (shape.SliceSteps - 1);
        return ((((number & 1) * shape.SliceSteps) + within) * ChunkLength(shape))
            + (WarpColumn(shape, thread) * TensorTile.WarpBlocks * TensorCore.Lanes) + lane;
    }

    /// <summary>
    /// Where a thread's sum of its first pair lies; those of the next pairs follow 8
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
    public void StoreValue(int place, float value) => _sums[place] = value;

    /// <summary>
    /// Maximum and sum of exponentials of each of the tile's columns, after a barrier behind <see cref="StoreValue"/>:
    /// one warp's work, while the others go on to the next tile.
    /// </summary>
    /// <param name="segments">Receives them in the row of the tile's rows.</param>
    /// <param name="shape">Sizes.</param>
    public void StoreSegment(ArrayView<float> segments, in TensorSoftQShape shape)
    {
        int pairs = Pairs(shape), task = Task(PairAt(Lane));
        float maximum = float.NegativeInfinity, sum = 0f;
        for (int place = Lane; place < pairs; place += TensorCore.Lanes)
        {
            maximum = ExponentialSum.Larger(maximum, _sums[place]);
        }

        // Lanes that differ in these bits alone hold the same column.
        maximum = ExponentialSum.Larger(maximum, Warp.ShuffleXor(maximum, NearRow));
        maximum = ExponentialSum.Larger(maximum, Warp.ShuffleXor(maximum, FarRow));
        float shift = ExponentialSum.Shift(maximum);
        for (int place = Lane; place < pairs; place += TensorCore.Lanes)
        {
            sum += DeviceMath.Exp(_sums[place] - shift);
        }

        sum += Warp.ShuffleXor(sum, NearRow);
        sum += Warp.ShuffleXor(sum, FarRow);
        if ((Lane & (NearRow | FarRow)) == 0 && task < shape.Problem.Candidates)
        {
            long at = ((long)_firstRow / (pairs / TensorTile.Tasks) * shape.Problem.Candidates) + task;
            segments[at] = maximum;
            segments[at + ((long)shape.Segments * shape.Problem.Candidates)] = Utilities.Select(
                maximum == float.PositiveInfinity, 1f, sum);
        }
    }

    /// <summary>First of the lane's pairs.</summary>
    internal static int FirstLanePair(in TensorSoftQShape shape) => PairAt(FirstPair(shape, Group.IdxX));

    /// <summary>Floats of a row of the first layers between the lane's and those of the lane of column 0.</summary>
    internal static int FragmentColumn => FragmentLane;

    // The operand of a step from the first layers' parts of the lane's pairs.
    private static PairFragment Build<TMode>(
        PairVectors parts, in PairActions added, ArrayView<float> network, ArrayView<float> pairs,
        in TensorSoftQShape shape, int step)
        where TMode : unmanaged, ITensorMode
    {
        LaneUnits units = parts.Add();
        if (default(TMode).AddsActions)
        {
            added.AddTo(ref units, network, pairs, shape, Math.Min(step, Steps(shape) - 1));
        }

        return new PairFragment
        {
            Tile0 = Pack(units.Pair0, units.Pair1),
            Tile1 = Pack(units.Pair2, units.Pair3),
            Tile2 = Pack(units.Pair4, units.Pair5),
            Tile3 = Pack(units.Pair6, units.Pair7),
        };
    }

    private static FourWords Pack(Four top, Four bottom) => new(
        TensorCore.PackRelu(top.X, top.Y), TensorCore.PackRelu(bottom.X, bottom.Y), TensorCore.PackRelu(top.Z, top.W),
        TensorCore.PackRelu(bottom.Z, bottom.W));

    private static int Steps(in TensorSoftQShape shape) => shape.Problem.Stride / TensorCore.Depth;

    private static int Pairs(in TensorSoftQShape shape, int threads) =>
        (threads / TensorCore.Lanes >> shape.ColumnShift) * TensorCore.Rows;

    private static int WarpColumn(in TensorSoftQShape shape, int thread) =>
        thread / TensorCore.Lanes & ((1 << shape.ColumnShift) - 1);

    // Its row of the first fragment is the group of the PTX manual.
    private static int FirstPair(in TensorSoftQShape shape, int thread) =>
        ((thread / TensorCore.Lanes >> shape.ColumnShift) * TensorCore.Rows) + ((
            thread & (TensorCore.Lanes - 1)) / TensorCore.LanesPerRow);

    private static int FirstBlock(in TensorSoftQShape shape, int thread, int chunk) =>
        ((chunk << shape.ColumnShift) + WarpColumn(shape, thread)) * TensorTile.WarpBlocks;

    // A quarter of the banks more than the pairs, so that the four lanes of a row do not meet in one.
    private static int SumsStride(in TensorSoftQShape shape, int threads) =>
        Pairs(shape, threads) + TensorTile.SumsPadding;

    // Waits for the slice that a step begins, and begins to copy the next.
    private void AwaitSlice(in TensorSoftQShape shape, ArrayView<FourWords> weights, int round, int step)
    {
        // Each thread's own copies are there; then everybody's, and the other half of the ring is read no more.
        TensorCore.AwaitCopies();
        Group.Barrier();
        BeginSlice(_ring, weights, shape, (round * Slices(shape)) + (step / shape.SliceSteps) + 1);
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
        int first = (number - (round * slices)) * shape.SliceSteps;
        int count = Math.Min(shape.SliceSteps, Steps(shape) - first), chunk = round % Chunks(shape);
        int source = (first * shape.Blocks * TensorCore.Lanes) + (chunk * length);
        int target = (number & 1) * shape.SliceSteps * length;
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
