using System.Runtime.InteropServices;

namespace HipiFast.Kernels.Devices.LogPartition;

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
