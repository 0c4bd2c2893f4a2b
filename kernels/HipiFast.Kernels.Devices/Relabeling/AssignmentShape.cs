using System.Runtime.InteropServices;

namespace HipiFast.Kernels.Devices.Relabeling;

/// <summary>
/// Scalars of the kernels that find candidates, hand out new tasks, judge them and put the call together.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct AssignmentShape
{
    /// <summary>B.</summary>
    public int Rows;

    /// <summary>K.</summary>
    public int Candidates;

    /// <summary>S.</summary>
    public int ObservationDimension;

    /// <summary>A.</summary>
    public int ActionDimension;

    /// <summary>P.</summary>
    public int TaskDimension;

    /// <summary>1 when logZ was computed.</summary>
    public int HasPartition;
}
