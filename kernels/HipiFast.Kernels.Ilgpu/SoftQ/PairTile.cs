using System.Runtime.CompilerServices;
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
    public const int Step = 16;

    private const int Lanes = 4;

    private readonly ArrayView<Four> _shared;
    private readonly int _tile;
    private readonly int _firstRow;
    private readonly int _firstTask;

    public PairTile(ArrayView<Four> shared, in SoftQShape shape, int tile)
    {
        _shared = shared;
        _tile = tile;
        int across = Across(shape), down = tile / across;
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
        int tileRows = Pairs >> shape.TaskShift, down = (shape.Rows + tileRows - 1) / tileRows;
        return Across(shape) * down;
    }

    // Tiles beside each other along the tasks.
    private static int Across(in SoftQShape shape) =>
        (shape.Candidates + (1 << shape.TaskShift) - 1) >> shape.TaskShift;

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
    /// <param name="rowLayer">Where the rows' part begins.</param>
    /// <param name="taskLayer">Where the tasks' part begins.</param>
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
        ArrayView<Four> shared = _shared.AsAligned(Four.Bytes);
        Accumulators sums = default;
        int buffer = 0, bufferLength = Step * (Pairs + Columns) / Lanes;
        PairFill<TTile> fill = new(this, rowLayer, taskLayer, actions, shape, firstColumn);
        fill.Run(_shared, layers, weights, pairs, shape, 0, 0);
        Group.Barrier();
        for (int first = 0; first < shape.Stride; first += Step)
        {
            if (first + Step < shape.Stride)
            {
                fill.Run(_shared, layers, weights, pairs, shape, first + Step, bufferLength - buffer);
            }

            // Written out, because ILGPU unrolls no loop: every address is the first and a constant of the instruction.
            ArrayView<Four> left = shared.SubView(buffer + PairThread);
            ArrayView<Four> right = shared.SubView(buffer + (Step * Pairs / Lanes) + HiddenThread);
            MultiplyFour(left, right, 0, ref sums);
            MultiplyFour(left, right, 4, ref sums);
            MultiplyFour(left, right, 8, ref sums);
            MultiplyFour(left, right, 12, ref sums);
            Group.Barrier();
            buffer = bufferLength - buffer;
        }

        return sums;
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

    // Four hidden units of the first layer.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MultiplyFour(ArrayView<Four> left, ArrayView<Four> right, int k, ref Accumulators sums)
    {
        Multiply(left, right, k, ref sums);
        Multiply(left, right, k + 1, ref sums);
        Multiply(left, right, k + 2, ref sums);
        Multiply(left, right, k + 3, ref sums);
    }

    // Four neighbours and the same four of the other half, so that the threads of a warp read neighbouring vectors: no
    // bank twice.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Multiply(ArrayView<Four> left, ArrayView<Four> right, int k, ref Accumulators sums)
    {
        int a = k * Pairs / Lanes, b = k * Columns / Lanes;
        sums.MultiplyAdd(
            left[a], left[a + default(TTile).PairThreads], right[b], right[b + default(TTile).HiddenThreads]);
    }
}
