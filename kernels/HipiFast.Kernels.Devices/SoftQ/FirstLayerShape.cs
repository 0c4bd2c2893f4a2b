using System.Runtime.InteropServices;

namespace HipiFast.Kernels.Devices.SoftQ;

/// <summary>
/// Scalars of the first layer's kernel:
/// <c>out[row, h] = [b1_h] + sum_c x[row, c] W1[WeightRow + c, h] + sum_c y[row, c] W1[WeightRow + XWidth + c, h]</c>
/// for one part (states and actions, or tasks) of a network's input.
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
