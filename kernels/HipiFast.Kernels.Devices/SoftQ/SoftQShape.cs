using System.Runtime.InteropServices;
using HipiFast.Kernels.SoftQ;

namespace HipiFast.Kernels.Devices.SoftQ;

/// <summary>Scalars of the kernels that work on tiles of pairs.</summary>
/// <remarks>
/// Pairs are numbered tile by tile, tiles along the tasks first: a tile holds a power of two of tasks by as many rows
/// as make up its pairs. What is kept for each pair between kernels lies in that order, <see cref="PairCapacity"/>
/// floats apart: the head's outputs (in the first A of them, later, the sampled action), and behind them the
/// log-probability.
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
public struct SoftQShape
{
    /// <summary>Floats between the planes of the pairs' memory: tiles times pairs of a tile.</summary>
    public long PairCapacity;

    /// <summary>
    /// Entry of the first layers at which the rows' part of the first network (critic or actor) begins.
    /// </summary>
    public long RowLayer;

    /// <summary>The same for the tasks' part.</summary>
    public long TaskLayer;

    /// <summary>The rows' part of the second critic.</summary>
    public long RowLayer2;

    /// <summary>The tasks' part of the second critic.</summary>
    public long TaskLayer2;

    /// <summary>Rows of this launch.</summary>
    public int Rows;

    /// <summary>K.</summary>
    public int Candidates;

    /// <summary>Number of the first row of this launch within the call.</summary>
    public int FirstRow;

    /// <summary>Binary logarithm of the tasks of a tile.</summary>
    public int TaskShift;

    /// <summary>S.</summary>
    public int ObservationDimension;

    /// <summary>A.</summary>
    public int ActionDimension;

    /// <summary>P.</summary>
    public int TaskDimension;

    /// <summary>Inputs of the network.</summary>
    public int Inputs;

    /// <summary>H rounded up, as <see cref="Networks.MlpShape.HiddenStride"/>.</summary>
    public int Stride;

    /// <summary>Floats between rows of W3.</summary>
    public int OutputStride;

    /// <summary>Critics evaluated, 1 or 2.</summary>
    public int Critics;

    /// <summary>A <see cref="SoftQEstimator"/>.</summary>
    public int Estimator;

    /// <summary>A <see cref="TwinCombination"/>.</summary>
    public int Twin;

    /// <summary>1 when log pi(a | s, psi) counts.</summary>
    public int UsesLogProbability;

    /// <summary>1 when rewards and terminations are evaluated.</summary>
    public int UsesFamily;

    /// <summary>
    /// For the actor's kernel: 1 to sample actions at s', 0 for the log-probability of the actions at s.
    /// </summary>
    public int SamplesActions;

    /// <summary>Lower end of the critic's range.</summary>
    public float RangeLow;

    /// <summary>Width of the critic's range; 0 for none.</summary>
    public float RangeWidth;

    /// <summary>
    /// Where the second layer's biases begin in the network, in the layout of <see cref="Networks.MlpShape"/>.
    /// </summary>
    public readonly int Bias2 => (Inputs + 1 + Stride) * Stride;

    /// <summary>Where W3 begins.</summary>
    public readonly int Weight3 => Bias2 + Stride;

    /// <summary>Where the last layer's biases begin.</summary>
    public readonly int Bias3 => ((Inputs + 2 + Stride) * Stride) + (Stride * OutputStride);
}
