using System.Runtime.InteropServices;

namespace HipiFast.Kernels.Devices;

/// <summary>
/// Scalars of the first layer's kernel:
/// <c>out[row, h] = [b1_h] + sum_c x[row, c] W1[WeightRow + c, h] + sum_c y[row, c] W1[WeightRow + XWidth + c, h]</c> for one share (states and
/// actions, or tasks) of a network's input.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct FirstLayerShape
{
    /// <summary>Entry of the result at which row 0 begins.</summary>
    public long Offset;

    /// <summary>Rows.</summary>
    public int Rows;

    /// <summary>Floats between rows of the result and of the weights: H rounded up.</summary>
    public int Stride;

    /// <summary>Entries of x.</summary>
    public int XWidth;

    /// <summary>Entries of y; 0 for none.</summary>
    public int YWidth;

    /// <summary>Row of W1 that the first entry of x meets.</summary>
    public int WeightRow;

    /// <summary>Where b1 begins among the weights; -1 to leave it out.</summary>
    public int Bias;
}

/// <summary>Scalars of the kernels that work on tiles of pairs.</summary>
/// <remarks>
/// Pairs are numbered tile by tile, tiles along the tasks first: a tile holds a power of two of tasks by as many rows as make up its pairs. What is
/// kept for each pair between kernels lies in that order, <see cref="PairCapacity"/> floats apart: the head's outputs (in the first A of them,
/// later, the sampled action), and behind them the log-probability.
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
public struct SoftQShape
{
    /// <summary>Floats between the planes of the pairs' memory: tiles times pairs of a tile.</summary>
    public long PairCapacity;

    /// <summary>Entry of the first layers at which the rows' share of the first network (critic or actor) begins.</summary>
    public long RowLayer;

    /// <summary>The same for the tasks' share.</summary>
    public long TaskLayer;

    /// <summary>The rows' share of the second critic.</summary>
    public long RowLayer2;

    /// <summary>The tasks' share of the second critic.</summary>
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

    /// <summary>A <see cref="SoftQ.SoftQEstimator"/>.</summary>
    public int Estimator;

    /// <summary>A <see cref="SoftQ.TwinCombination"/>.</summary>
    public int Twin;

    /// <summary>1 when log pi(a | s, psi) counts.</summary>
    public int UsesLogProbability;

    /// <summary>1 when rewards and terminations are evaluated.</summary>
    public int UsesFamily;

    /// <summary>For the actor's kernel: 1 to sample actions at s', 0 for the log-probability of the actions at s.</summary>
    public int SamplesActions;

    /// <summary>Lower end of the critic's range.</summary>
    public float RangeLow;

    /// <summary>Width of the critic's range; 0 for none.</summary>
    public float RangeWidth;
}

/// <summary>Scalars of the soft-Q kernels on tensor cores.</summary>
/// <remarks>
/// Pairs are numbered row by row here, rows <see cref="PaddedCandidates"/> apart: networks of different widths have tiles of different sizes.
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
    /// Segments of rows, one to a row of tiles, for each of which the columns' maxima and sums of exponentials are left for the log partition;
    /// 0 to leave none.
    /// </summary>
    public int Segments;
}

/// <summary>Scalars of the kernel that packs a network's second layer in bf16.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SecondLayerShape
{
    /// <summary>Where W2 begins in the network.</summary>
    public int Weights;

    /// <summary>H rounded up, as <see cref="Networks.MlpShape.HiddenStride"/>.</summary>
    public int Stride;

    /// <summary><see cref="TensorTile.Blocks"/>.</summary>
    public int Blocks;
}

/// <summary>Scalars of the log partition's kernels.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct LogPartitionShape
{
    /// <summary>Rows of this launch.</summary>
    public int Rows;

    /// <summary>K.</summary>
    public int Candidates;

    /// <summary>Rows of a segment, which one group sums.</summary>
    public int SegmentRows;

    /// <summary>Segments.</summary>
    public int Segments;

    /// <summary>Threads of a group that share a column; a power of two.</summary>
    public int Lanes;

    /// <summary>1 to begin anew, 0 to go on from the running statistics.</summary>
    public int Begins;

    /// <summary>log B for the last launch, which finishes.</summary>
    public float LogRows;
}

/// <summary>Scalars of the sampling kernels.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SamplingShape
{
    /// <summary>Rows of this launch.</summary>
    public int Rows;

    /// <summary>K.</summary>
    public int Candidates;

    /// <summary>Number of the first row of this launch within the call.</summary>
    public int FirstRow;

    /// <summary>Rows between the planes of the results: those of the whole call.</summary>
    public int ResultRows;

    /// <summary>P; 0 to leave out what compares with the commanded task.</summary>
    public int TaskDimension;

    /// <summary>1 when logZ is subtracted.</summary>
    public int HasPartition;

    /// <summary>1 when a prior is added.</summary>
    public int HasPrior;

    /// <summary>Threads of a group that share four columns, when rows are sampled; a power of two.</summary>
    public int Lanes;

    /// <summary>log K: no entropy exceeds it.</summary>
    public float LogCandidates;
}
