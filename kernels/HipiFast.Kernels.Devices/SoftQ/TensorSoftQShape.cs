using System.Runtime.InteropServices;

namespace HipiFast.Kernels.Devices.SoftQ;

/// <summary>Scalars of the soft-Q kernels on tensor cores.</summary>
/// <remarks>
/// Pairs are numbered row by row here, rows <see cref="PaddedCandidates"/> apart: networks of different widths have
/// tiles of different sizes.
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
public struct TensorSoftQShape
{
    /// <summary>What all soft-Q kernels need; the first layers are those of the one network of this launch.</summary>
    public SoftQShape Problem;

    /// <summary>K rounded up to whole tiles.</summary>
    public int PaddedCandidates;

    /// <summary><see cref="TensorTile.ColumnShift"/>.</summary>
    public int ColumnShift;

    /// <summary><see cref="TensorTile.Blocks"/>.</summary>
    public int Blocks;

    /// <summary><see cref="TensorTile.SliceSteps"/>.</summary>
    public int SliceSteps;

    /// <summary>1 when the result holds the first critic's values, to combine with.</summary>
    public int IsSecond;

    /// <summary>1 when this critic's launch makes the estimate.</summary>
    public int IsLast;

    /// <summary>
    /// Segments of rows, one to a row of tiles, for each of which the columns' maxima and sums of exponentials are left
    /// for the log partition; 0 to leave none.
    /// </summary>
    public int Segments;
}
