using HipiFast.Kernels.Devices.SoftQ;
using HipiFast.Kernels.Ilgpu.Numerics;
using ILGPU;

namespace HipiFast.Kernels.Ilgpu.SoftQ;

/// <summary>
/// Where a lane's parts of the first layers lie, in vectors of four: worked out once for all steps of a tile. Its
/// pairs are 4 rows, two apart, by 2 tasks, four apart.
/// </summary>
internal readonly struct PairParts
{
    private readonly int _row0;
    private readonly int _row1;
    private readonly int _row2;
    private readonly int _row3;
    private readonly int _task0;
    private readonly int _task1;

    public PairParts(in TensorPairTile tile, in TensorSoftQShape shape)
    {
        int stride = shape.Problem.Stride, pair = TensorPairTile.FirstLanePair(shape);
        int rows = Vector(shape.Problem.RowLayer, tile.Row(pair), stride);
        int tasks = Vector(shape.Problem.TaskLayer, tile.Task(pair), stride);
        int rowStep = 2 * stride / 4, taskStep = 4 * stride / 4;
        _row0 = Registers.Hold(rows);
        _row1 = Registers.Hold(rows + rowStep);
        _row2 = Registers.Hold(rows + (2 * rowStep));
        _row3 = Registers.Hold(rows + (3 * rowStep));
        _task0 = Registers.Hold(tasks);
        _task1 = Registers.Hold(tasks + taskStep);
    }

    /// <summary>Reads a step's.</summary>
    /// <param name="vectors">The first layers.</param>
    /// <param name="offset">Vectors before the step's, 4 for each step of 16 inputs.</param>
    /// <returns>Four inputs of each.</returns>
    public PairVectors Load(ArrayView<Four> vectors, int offset)
    {
        ArrayView<Four> from = vectors.SubView(offset);
        return new PairVectors(
            from[_row0], from[_row1], from[_row2], from[_row3], from[_task0], from[_task1]);
    }

    private static int Vector(long layer, int row, int stride) =>
        (int)((layer + ((long)row * stride)) / 4) + TensorPairTile.FragmentColumn;
}

/// <summary>Four inputs of each of a lane's rows and tasks.</summary>
/// <param name="row0">First row.</param>
/// <param name="row1">Second row.</param>
/// <param name="row2">Third row.</param>
/// <param name="row3">Fourth row.</param>
/// <param name="task0">First task.</param>
/// <param name="task1">Second task.</param>
internal readonly struct PairVectors(Four row0, Four row1, Four row2, Four row3, Four task0, Four task1)
{
    private readonly Four _row0 = row0;
    private readonly Four _row1 = row1;
    private readonly Four _row2 = row2;
    private readonly Four _row3 = row3;
    private readonly Four _task0 = task0;
    private readonly Four _task1 = task1;

    /// <summary>U + V of every pair.</summary>
    public LaneUnits Add() => new()
    {
        Pair0 = Four.Add(_row0, _task0),
        Pair1 = Four.Add(_row0, _task1),
        Pair2 = Four.Add(_row1, _task0),
        Pair3 = Four.Add(_row1, _task1),
        Pair4 = Four.Add(_row2, _task0),
        Pair5 = Four.Add(_row2, _task1),
        Pair6 = Four.Add(_row3, _task0),
        Pair7 = Four.Add(_row3, _task1),
    };
}
