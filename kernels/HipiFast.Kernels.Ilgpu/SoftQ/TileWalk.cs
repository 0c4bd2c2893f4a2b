using HipiFast.Kernels.Devices.SoftQ;
using HipiFast.Kernels.Ilgpu.Numerics;
using ILGPU;

namespace HipiFast.Kernels.Ilgpu.SoftQ;

/// <summary>
/// The tiles that a group goes through, as many apart as there are groups: divided once, and then counted on.
/// </summary>
internal struct TileWalk
{
    private readonly int _down;
    private readonly int _across;
    private readonly int _stepDown;
    private readonly int _stepAcross;

    public TileWalk(in TensorSoftQShape shape)
    {
        _down = TensorPairTile.Down(shape);
        _across = TensorPairTile.Across(shape);
        _stepDown = Registers.Hold(Grid.DimX / _across);
        _stepAcross = Registers.Hold(Grid.DimX - (_stepDown * _across));
        Down = Registers.Hold(Grid.IdxX / _across);
        Across = Registers.Hold(Grid.IdxX - (Down * _across));
    }

    /// <summary>The tile's place along the rows.</summary>
    public int Down { get; private set; }

    /// <summary>Its place along the tasks.</summary>
    public int Across { get; private set; }

    /// <summary>Whether there is such a tile.</summary>
    public readonly bool IsInside => Down < _down;

    /// <summary>Goes to the group's next.</summary>
    public void Advance()
    {
        Down += _stepDown;
        Across += _stepAcross;
        if (Across >= _across)
        {
            Across -= _across;
            Down++;
        }
    }
}
