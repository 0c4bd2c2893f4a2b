using System.Runtime.InteropServices;

namespace HipiFast.Kernels.Devices.Relabeling;

/// <summary>
/// Scalars of the kernels that find candidates, hand out new tasks, judge them and put the call together, and where
/// what they hand on lies in the call's block of memory, in words of 32 bits.
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

    /// <summary>Tasks of the rows that a goal serves, floats <c>[B, P]</c>; not read without a goal mix.</summary>
    public long Goals;

    /// <summary>The sampled tasks, integers <c>[B]</c>; -1 where inverse RL does not serve.</summary>
    public long TaskIndex;

    /// <summary>The new tasks, floats <c>[B, P]</c>.</summary>
    public long NewTask;

    /// <summary>Their rewards, floats <c>[B]</c>.</summary>
    public long Reward;

    /// <summary>Their terminations, integers 1 or 0, <c>[B]</c>.</summary>
    public long Terminated;
}
