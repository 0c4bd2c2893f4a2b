using HipiFast.Kernels.Devices.SoftQ;
using HipiFast.Kernels.Ilgpu.Numerics;
using ILGPU;
using ILGPU.Runtime;

namespace HipiFast.Kernels.Ilgpu.SoftQ;

/// <summary>The part of the first layer that comes from each pair's own action, a'.</summary>
internal readonly struct PairActions
{
    private readonly long _slot;
    private readonly int _actions;

    public PairActions(in TensorPairTile tile, in TensorSoftQShape shape, int actions)
    {
        int pair = TensorPairTile.FirstLanePair(shape);
        _slot = TensorPairTile.Slot(shape, tile.Row(pair), tile.Task(pair));
        _actions = actions;
    }

    /// <summary>Adds a' W1 for a step's inputs.</summary>
    public void AddTo(
        ref LaneUnits units, ArrayView<float> network, ArrayView<float> pairs, in TensorSoftQShape shape, int step)
    {
        int weight = (shape.Problem.ObservationDimension * shape.Problem.Stride / 4) + TensorPairTile.FragmentColumn
            + (step * 4);
        long entry = _slot, rows = 2L * shape.PaddedCandidates;
        for (int d = 0; d < _actions; d++)
        {
            Four y = network.Cast<Four>().AsAligned(Four.Bytes)[weight];
            units.Pair0 = Four.MultiplyAdd(pairs[entry], y, units.Pair0);
            units.Pair1 = Four.MultiplyAdd(pairs[entry + 4], y, units.Pair1);
            units.Pair2 = Four.MultiplyAdd(pairs[entry + rows], y, units.Pair2);
            units.Pair3 = Four.MultiplyAdd(pairs[entry + rows + 4], y, units.Pair3);
            units.Pair4 = Four.MultiplyAdd(pairs[entry + (2 * rows)], y, units.Pair4);
            units.Pair5 = Four.MultiplyAdd(pairs[entry + (2 * rows) + 4], y, units.Pair5);
            units.Pair6 = Four.MultiplyAdd(pairs[entry + (3 * rows)], y, units.Pair6);
            units.Pair7 = Four.MultiplyAdd(pairs[entry + (3 * rows) + 4], y, units.Pair7);
            weight += shape.Problem.Stride / 4;
            entry += shape.Problem.PairCapacity;
        }
    }
}

/// <summary>Four units of the first layer for each of a lane's pairs: first rows, then tasks within them.</summary>
internal struct LaneUnits
{
    /// <summary>Pair 0.</summary>
    public Four Pair0;

    /// <summary>Pair 1.</summary>
    public Four Pair1;

    /// <summary>Pair 2.</summary>
    public Four Pair2;

    /// <summary>Pair 3.</summary>
    public Four Pair3;

    /// <summary>Pair 4.</summary>
    public Four Pair4;

    /// <summary>Pair 5.</summary>
    public Four Pair5;

    /// <summary>Pair 6.</summary>
    public Four Pair6;

    /// <summary>Pair 7.</summary>
    public Four Pair7;
}
