using System.Runtime.InteropServices;
using HipiFast.Kernels.Random;

namespace HipiFast.Kernels.Devices.TaskSampling;

/// <summary>Scalars of the sampling kernels.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SamplingShape
{
    /// <summary>Tasks that share a block of noise, a word each.</summary>
    public const int BlockTasks = PhiloxBlock.Words;

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
