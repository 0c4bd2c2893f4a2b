using System.Runtime.InteropServices;
using HipiFast.Kernels.Devices.Runtime;

namespace HipiFast.Kernels.Devices.Learning;

/// <summary>
/// Scalars of <see cref="DeviceKernelNames.LearnerInputs"/>, and where it writes: (state, task) and (next state, task)
/// of the rows, <c>[2 B, S + P]</c>; (state, action, task), <c>[B, S + A + P]</c>; rewards, <c>[B]</c>; discounts,
/// <c>[B]</c>; one after the other.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct LearnerInputShape
{
    /// <summary>First row of the batch.</summary>
    public int FirstRow;

    /// <summary>B.</summary>
    public int Rows;

    /// <summary>S.</summary>
    public int ObservationDimension;

    /// <summary>A.</summary>
    public int ActionDimension;

    /// <summary>P.</summary>
    public int TaskDimension;

    /// <summary>Discount of rows whose task did not terminate; 0 stands for the others.</summary>
    public float Gamma;
}
