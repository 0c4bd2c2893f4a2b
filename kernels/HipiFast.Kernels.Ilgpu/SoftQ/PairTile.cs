using HipiFast.Kernels.Devices.SoftQ;
using HipiFast.Kernels.Ilgpu.Numerics;
using ILGPU;
using ILGPU.Runtime;

namespace HipiFast.Kernels.Ilgpu.SoftQ;

/// <summary>
/// The second layer on a tile of pairs, as every thread of the group sees it. For a step of 16 hidden units the group
/// builds <c>relu(U_row + V_task)</c> of its pairs in shared memory, stages the same rows of W2 beside it, and
/// multiplies, while the other of two buffers is being filled; the activations of a pair never reach device memory.
/// </summary>
/// <typeparam name="TTile">Shape of the tile.</typeparam>
internal readonly struct PairTile<TTile>
    where TTile : unmanaged, ISoftQTile
{
    /// <summary>
    /// Hidden units of a step: those of half a cache line's floats, and twice what a thread builds at a time.
    /// </summary>
    private const int Step = 16;

    // Hidden units that a thread builds for a pair at a time: two vectors.
    private const int Built = 8;

    private const int Lanes = 4;

    private readonly ArrayView<Four> _shared;
    private readonly int _tile;
    private readonly int _firstRow;
    private readonly int _firstTask;

    public PairTile(ArrayView<Four> shared, in SoftQShape shape, int tile)
    {
        _shared = shared;
        _tile = tile;
        int across = (shape.Candidates + (1 << shape.TaskShift) - 1) >> shape.TaskShift, down = tile / across;
        _firstRow = down * (Pairs >> shape.TaskShift);
        _firstTask = (tile - (down * across)) << shape.TaskShift;
    }

    /// <summary>Pairs of the tile.</summary>
    public static int Pairs => default(TTile).PairThreads * SoftQTile.PerThread;

    /// <summary>Hidden units of the second layer that are computed at once.</summary>
    public static int Columns => default(TTile).HiddenThreads * SoftQTile.PerThread;

    /// <summary>Threads of the group.</summary>
    public static int Threads => default(TTile).PairThreads * default(TTile).HiddenThreads;

    /// <summary>Vectors of four of the shared memory.</summary>
    public static int SharedLength => 2 * Step * (Pairs + Columns) / Lanes;

    /// <summary>The thread's number along the pairs.</summary>
    public static int PairThread => Group.IdxX / default(TTile).HiddenThreads;

    /// <summary>The thread's number along the hidden units.</summary>
    public static int HiddenThread => Group.IdxX & (default(TTile).HiddenThreads - 1);

    /// <summary>Tiles of the matrix.</summary>
    public static int Tiles(in SoftQShape shape)
    {
        int across = (
            shape.Candidates + (1 << shape.TaskShift) - 1) >> shape.TaskShift, tileRows = Pairs >> shape.TaskShift;
        return across * ((shape.Rows + tileRows - 1) / tileRows);
    }

    /// <summary>Row of a pair; may be beyond the last.</summary>
    public int Row(in SoftQShape shape, int pair) => _firstRow + (pair >> shape.TaskShift);

    /// <summary>Task of a pair; may be beyond the last.</summary>
    public int Task(in SoftQShape shape, int pair) => _firstTask + (pair & ((1 << shape.TaskShift) - 1));

    /// <summary>Where a pair's numbers lie in a plane of the pairs' memory.</summary>
    public long Slot(int pair) => ((long)_tile * Pairs) + pair;

    /// <summary>
    /// Second layer of the thread's pairs for one chunk of hidden units, before bias and activation. All threads of the
    /// group call it together; the shared memory is free again when it returns.
    /// </summary>
    /// <param name="layers">First layers.</param>
    /// <param name="rowLayer">Where the rows' share begins.</param>
    /// <param name="taskLayer">Where the tasks' share begins.</param>
    /// <param name="weights">The network.</param>
    /// <param name="pairs">The pairs' memory, for the actions.</param>
    /// <param name="actions">Entries of each pair's own action that the first layer lacks; 0 for none.</param>
    /// <param name="shape">Sizes.</param>
    /// <param name="firstColumn">First hidden unit of the chunk.</param>
    /// <returns>The sums.</returns>
    public Accumulators Multiply(
        ArrayView<float> layers, long rowLayer, long taskLayer, ArrayView<float> weights, ArrayView<float> pairs,
        int actions, in SoftQShape shape,
        int firstColumn)
    {
        Four a0, a1, b0, b1;
        Four low0 = default, low1 = default, low2 = default, low3 = default, low4 = default, low5 = default,
            low6 = default, low7 = default;
        Four high0 = default, high1 = default, high2 = default, high3 = default, high4 = default, high5 = default,
            high6 = default, high7 = default;
        ArrayView<Four> shared = _shared.AsAligned(Four.Bytes);
        int buffer = 0, bufferLength = Step * (Pairs + Columns) / Lanes;
        Fill(layers, rowLayer, taskLayer, weights, pairs, actions, shape, firstColumn, 0, 0);
        Group.Barrier();
        for (int first = 0; first < shape.Stride; first += Step)
        {
            if (first + Step < shape.Stride)
            {
                Fill(
                    layers, rowLayer, taskLayer, weights, pairs, actions, shape, firstColumn, first + Step,
                    bufferLength - buffer);
            }

            // Four neighbours and the same four of the other half, so that the threads of a warp read neighbouring
            // vectors: no bank twice.
            int a = buffer + PairThread, b = buffer + (Step * Pairs / Lanes) + HiddenThread;
            for (int k = 0; k < Step; k++)
            {
                a0 = shared[a];
                a1 = shared[a + default(TTile).PairThreads];
                b0 = shared[b];
                b1 = shared[b + default(TTile).HiddenThreads];
                low0 = Four.MultiplyAdd(a0.X, b0, low0);
                low1 = Four.MultiplyAdd(a0.Y, b0, low1);
                low2 = Four.MultiplyAdd(a0.Z, b0, low2);
                low3 = Four.MultiplyAdd(a0.W, b0, low3);
                low4 = Four.MultiplyAdd(a1.X, b0, low4);
                low5 = Four.MultiplyAdd(a1.Y, b0, low5);
                low6 = Four.MultiplyAdd(a1.Z, b0, low6);
                low7 = Four.MultiplyAdd(a1.W, b0, low7);
                high0 = Four.MultiplyAdd(a0.X, b1, high0);
                high1 = Four.MultiplyAdd(a0.Y, b1, high1);
                high2 = Four.MultiplyAdd(a0.Z, b1, high2);
                high3 = Four.MultiplyAdd(a0.W, b1, high3);
                high4 = Four.MultiplyAdd(a1.X, b1, high4);
                high5 = Four.MultiplyAdd(a1.Y, b1, high5);
                high6 = Four.MultiplyAdd(a1.Z, b1, high6);
                high7 = Four.MultiplyAdd(a1.W, b1, high7);
                a += Pairs / Lanes;
                b += Columns / Lanes;
            }

            Group.Barrier();
            buffer = bufferLength - buffer;
        }

        return new Accumulators
        {
            Low0 = low0,
            Low1 = low1,
            Low2 = low2,
            Low3 = low3,
            Low4 = low4,
            Low5 = low5,
            Low6 = low6,
            Low7 = low7,
            High0 = high0,
            High1 = high1,
            High2 = high2,
            High3 = high3,
            High4 = high4,
            High5 = high5,
            High6 = high6,
            High7 = high7,
        };
    }

    /// <summary>Writes the thread's sums of its eight pairs where <see cref="Sum"/> finds them.</summary>
    /// <param name="plane">Which sum; the shared memory holds four of every thread.</param>
    /// <param name="first">Sums of the first four pairs.</param>
    /// <param name="last">Of the others.</param>
    public void StoreSums(int plane, Four first, Four last)
    {
        ArrayView<Four> shared = _shared.AsAligned(Four.Bytes);
        int at = (((plane * default(TTile).HiddenThreads) + HiddenThread) * Pairs / Lanes) + PairThread;
        shared[at] = first;
        shared[at + default(TTile).PairThreads] = last;
    }

    /// <summary>Adds up what the threads along the hidden units have stored for a pair, after a barrier.</summary>
    /// <param name="plane">Which sum.</param>
    /// <param name="pair">The pair.</param>
    /// <returns>The sum.</returns>
    public float Sum(int plane, int pair)
    {
        ArrayView<float> shared = _shared.Cast<float>();
        int at = (plane * default(TTile).HiddenThreads * Pairs) + pair;
        float sum = 0f;
        for (int thread = 0; thread < default(TTile).HiddenThreads; thread++)
        {
            sum += shared[at];
            at += Pairs;
        }

        return sum;
    }

    // Writes relu(U + V [+ a' W1]) of the tile's pairs, [Step, Pairs], and behind it rows of W2, [Step, Columns], zero
    // beyond the last column.
    private void Fill(
        ArrayView<float> layers, long rowLayer, long taskLayer, ArrayView<float> weights, ArrayView<float> pairs,
        int actions, in SoftQShape shape,
        int firstColumn, int first, int buffer)
    {
        ArrayView<Four> layerVectors = layers.Cast<Four>().AsAligned(Four.Bytes),
            weightVectors = weights.Cast<Four>().AsAligned(Four.Bytes);
        ArrayView<float> left = _shared.Cast<float>();
        for (int item = Group.IdxX; item < Pairs * Step / Built; item += Threads)
        {
            // Pairs beyond the end repeat the last row or task; nothing of theirs is stored in the end.
            int pair = item & (Pairs - 1), k = item / Pairs * Built;
            int row = Math.Min(
                Row(shape, pair), shape.Rows - 1), task = Math.Min(Task(shape, pair), shape.Candidates - 1);
            long u = (rowLayer + ((long)row * shape.Stride) + first + k) / Lanes, v = (
                taskLayer + ((long)task * shape.Stride) + first + k) / Lanes;
            Four low = Four.Add(
                layerVectors[u], layerVectors[v]), high = Four.Add(layerVectors[u + 1], layerVectors[v + 1]);
            int weight = ((shape.ObservationDimension * shape.Stride) + first + k) / Lanes;
            long action = Slot(pair);
            for (int d = 0; d < actions; d++)
            {
                float entry = pairs[action];
                low = Four.MultiplyAdd(entry, weightVectors[weight], low);
                high = Four.MultiplyAdd(entry, weightVectors[weight + 1], high);
                action += shape.PairCapacity;
                weight += shape.Stride / Lanes;
            }

            int at = (buffer * Lanes) + (k * Pairs) + pair;
            left[at] = DeviceMath.Relu(low.X);
            left[at + Pairs] = DeviceMath.Relu(low.Y);
            left[at + (2 * Pairs)] = DeviceMath.Relu(low.Z);
            left[at + (3 * Pairs)] = DeviceMath.Relu(low.W);
            left[at + (4 * Pairs)] = DeviceMath.Relu(high.X);
            left[at + (5 * Pairs)] = DeviceMath.Relu(high.Y);
            left[at + (6 * Pairs)] = DeviceMath.Relu(high.Z);
            left[at + (7 * Pairs)] = DeviceMath.Relu(high.W);
        }

        ArrayView<Four> right = _shared.AsAligned(Four.Bytes);
        int weight2 = (
            (shape.Inputs + 1 + first) * shape.Stride) + firstColumn, rightAt = buffer + (Step * Pairs / Lanes);
        for (int item = Group.IdxX; item < Step * Columns / Lanes; item += Threads)
        {
            int k = item / (Columns / Lanes), column = (item - (k * (Columns / Lanes))) * Lanes;
            Four value = default;
            if (firstColumn + column < shape.Stride)
            {
                value = weightVectors[(weight2 + (k * shape.Stride) + column) / Lanes];
            }

            right[rightAt + item] = value;
        }
    }
}
