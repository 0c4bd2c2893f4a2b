using HipiFast.Kernels.Devices.SoftQ;
using HipiFast.Kernels.Ilgpu.Numerics;
using ILGPU;
using ILGPU.Runtime;

namespace HipiFast.Kernels.Ilgpu.SoftQ;

/// <summary>
/// What a thread writes to shared memory for a step of a tile: <c>relu(U + V [+ a' W1])</c> of its pairs, and its part
/// of the rows of W2. Where they lie is worked out once for all steps.
/// </summary>
/// <typeparam name="TTile">Shape of the tile.</typeparam>
internal readonly struct PairFill<TTile>
    where TTile : unmanaged, ISoftQTile
{
    private const int Lanes = 4;

    // Hidden units that a thread builds for a pair at a time: two vectors.
    private const int Built = 8;

    private readonly PairTile<TTile> _tile;
    private readonly long _rowLayer;
    private readonly long _taskLayer;
    private readonly int _actions;
    private readonly int _row;
    private readonly int _task;
    private readonly int _weight;
    private readonly int _firstColumn;

    public PairFill(
        PairTile<TTile> tile, long rowLayer, long taskLayer, int actions, in SoftQShape shape, int firstColumn)
    {
        _tile = tile;
        _rowLayer = rowLayer;
        _taskLayer = taskLayer;
        _actions = actions;
        _firstColumn = firstColumn;
        _row = Registers.Hold(RowVector(shape, Group.IdxX));
        _task = Registers.Hold(TaskVector(shape, Group.IdxX));
        _weight = Registers.Hold(WeightVector(shape, Group.IdxX));
    }

    // Items of the left and of the right side, and those of a thread.
    private static int LeftItems => PairTile<TTile>.Pairs * PairTile<TTile>.Step / Built;

    private static int RightItems => PairTile<TTile>.Columns * PairTile<TTile>.Step / Lanes;

    private static int LeftRounds => LeftItems / PairTile<TTile>.Threads;

    private static int RightRounds => RightItems / PairTile<TTile>.Threads;

    // Vectors of the first layer between a thread's items of one pair.
    private static int RoundVectors => PairTile<TTile>.Threads / PairTile<TTile>.Pairs * Built / Lanes;

    /// <summary>Writes the step's numbers, <c>[Step, Pairs]</c> and behind them <c>[Step, Columns]</c>.</summary>
    public void Run(
        ArrayView<Four> memory, ArrayView<float> layers, ArrayView<float> weights, ArrayView<float> pairs,
        in SoftQShape shape, int first, int buffer)
    {
        ArrayView<Four> vectors = layers.Cast<Four>().AsAligned(Four.Bytes);
        ArrayView<Four> network = weights.Cast<Four>().AsAligned(Four.Bytes);
        if (PairTile<TTile>.Threads >= PairTile<TTile>.Pairs)
        {
            // All of a thread's items are of one pair.
            FillPair(memory, vectors, network, pairs, shape, first, buffer, Group.IdxX, _row, _task);
            if (LeftRounds == 2)
            {
                FillPair(
                    memory, vectors, network, pairs, shape, first, buffer, Group.IdxX + PairTile<TTile>.Threads,
                    _row + RoundVectors, _task + RoundVectors);
            }
        }
        else
        {
            for (int round = 0; round < LeftRounds; round++)
            {
                int item = Group.IdxX + (round * PairTile<TTile>.Threads);
                FillPair(
                    memory, vectors, network, pairs, shape, first, buffer, item, RowVector(shape, item),
                    TaskVector(shape, item));
            }
        }

        ArrayView<Four> right = memory.AsAligned(Four.Bytes).SubView(
            buffer + (PairTile<TTile>.Step * PairTile<TTile>.Pairs / Lanes) + Group.IdxX);
        ArrayView<Four> from = network.SubView(_weight + (first * (shape.Stride / Lanes)));
        if (RightRounds == 1)
        {
            right[0] = Weights(from, 0, shape);
        }
        else if (RightRounds == 2)
        {
            Four low = Weights(from, 0, shape), high = Weights(from, RoundStep(shape), shape);
            right[0] = low;
            right[PairTile<TTile>.Threads] = high;
        }
        else
        {
            for (int round = 0; round < RightRounds; round++)
            {
                int item = Group.IdxX + (round * PairTile<TTile>.Threads);
                right[round * PairTile<TTile>.Threads] =
                    Weights(network.SubView(WeightVector(shape, item) + (first * (shape.Stride / Lanes))), 0, shape);
            }
        }
    }

    // Pairs beyond the end repeat the last row or task; nothing of theirs is stored in the end.
    private int RowVector(in SoftQShape shape, int item)
    {
        int pair = item & (PairTile<TTile>.Pairs - 1), k = item / PairTile<TTile>.Pairs * Built;
        int row = Math.Min(_tile.Row(shape, pair), shape.Rows - 1);
        return (int)((_rowLayer + ((long)row * shape.Stride) + k) / Lanes);
    }

    private int TaskVector(in SoftQShape shape, int item)
    {
        int pair = item & (PairTile<TTile>.Pairs - 1), k = item / PairTile<TTile>.Pairs * Built;
        int task = Math.Min(_tile.Task(shape, pair), shape.Candidates - 1);
        return (int)((_taskLayer + ((long)task * shape.Stride) + k) / Lanes);
    }

    private int WeightVector(in SoftQShape shape, int item)
    {
        int k = item / (PairTile<TTile>.Columns / Lanes), column = item & ((PairTile<TTile>.Columns / Lanes) - 1);

        // W2 lies behind W1 and its biases.
        int networkRow = shape.Inputs + 1 + k;
        return (((networkRow * shape.Stride) + _firstColumn) / Lanes) + column;
    }

    private void FillPair(
        ArrayView<Four> memory, ArrayView<Four> vectors, ArrayView<Four> network, ArrayView<float> pairs,
        in SoftQShape shape, int first, int buffer, int item, int row, int task)
    {
        ArrayView<Four> u = vectors.SubView(row + (first / Lanes)), v = vectors.SubView(task + (first / Lanes));
        Four low = Four.Add(u[0], v[0]), high = Four.Add(u[1], v[1]);
        int pair = item & (PairTile<TTile>.Pairs - 1), k = item / PairTile<TTile>.Pairs * Built;
        if (_actions > 0)
        {
            int weight = ((shape.ObservationDimension * shape.Stride) + first + k) / Lanes;
            long action = _tile.Slot(pair);
            for (int d = 0; d < _actions; d++)
            {
                float entry = pairs[action];
                low = Four.MultiplyAdd(entry, network[weight], low);
                high = Four.MultiplyAdd(entry, network[weight + 1], high);
                action += shape.PairCapacity;
                weight += shape.Stride / Lanes;
            }
        }

        ArrayView<float> left = memory.Cast<float>().SubView((buffer * Lanes) + (k * PairTile<TTile>.Pairs) + pair);
        left[0] = DeviceMath.Relu(low.X);
        left[PairTile<TTile>.Pairs] = DeviceMath.Relu(low.Y);
        left[2 * PairTile<TTile>.Pairs] = DeviceMath.Relu(low.Z);
        left[3 * PairTile<TTile>.Pairs] = DeviceMath.Relu(low.W);
        left[4 * PairTile<TTile>.Pairs] = DeviceMath.Relu(high.X);
        left[5 * PairTile<TTile>.Pairs] = DeviceMath.Relu(high.Y);
        left[6 * PairTile<TTile>.Pairs] = DeviceMath.Relu(high.Z);
        left[7 * PairTile<TTile>.Pairs] = DeviceMath.Relu(high.W);
    }

    // Rows of W2 between a thread's items.
    private static int RoundStep(in SoftQShape shape) =>
        PairTile<TTile>.Threads / (PairTile<TTile>.Columns / Lanes) * (shape.Stride / Lanes);

    // Four weights of a row, zero beyond the last column.
    private Four Weights(ArrayView<Four> from, int at, in SoftQShape shape)
    {
        int column = _firstColumn + ((Group.IdxX & ((PairTile<TTile>.Columns / Lanes) - 1)) * Lanes);
        Four value = default;
        if (column < shape.Stride)
        {
            value = from[at];
        }

        return value;
    }
}
