using System.Runtime.InteropServices;
using HipiFast.Kernels.Relabeling;

namespace HipiFast.Kernels.Devices.Relabeling;

/// <summary>The fields of a <see cref="RelabelSummary"/> as a device puts them together, in words of 32 bits.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DeviceSummary
{
    /// <summary>
    /// Not 0 where the call is to be refused, for one of the reasons below; the first word, which the commit reads.
    /// </summary>
    public int IsRefused;

    /// <summary>Sum over the rows of the posterior's entropy, in nats.</summary>
    public float Entropy;

    /// <summary>
    /// Sum of <c>-log q(psi_commanded | j)</c> over the rows whose commanded task is among the candidates.
    /// </summary>
    public float Surprise;

    /// <summary>How many rows that is.</summary>
    public int SurpriseCount;

    /// <summary>Rows whose commanded task is the most likely candidate.</summary>
    public int CommandedIsMode;

    /// <summary>Smallest logZ; +inf without a partition.</summary>
    public float LogPartitionMin;

    /// <summary>Largest logZ; -inf without a partition.</summary>
    public float LogPartitionMax;

    /// <summary>First row with an entry of Q~ that is not finite; -1 when there is none.</summary>
    public int BadRow;

    /// <summary>The first such entry's column.</summary>
    public int BadCandidate;

    /// <summary>The entry.</summary>
    public float BadValue;

    /// <summary>First row without a sample; -1 when there is none.</summary>
    public int UnsampledRow;

    /// <summary>First row whose reward under its new task is not finite; -1 when there is none.</summary>
    public int BadRewardRow;

    /// <summary>That reward.</summary>
    public float BadReward;

    /// <summary>Rows that were relabeled, by inverse RL or by a goal, and terminate under their new task.</summary>
    public int RelabeledTerminated;

    /// <summary>The same for the caller.</summary>
    /// <returns>The summary.</returns>
    internal readonly RelabelSummary ToSummary() => new()
    {
        Entropy = Entropy,
        Surprise = Surprise,
        SurpriseCount = SurpriseCount,
        CommandedIsMode = CommandedIsMode,
        LogPartitionMin = LogPartitionMin,
        LogPartitionMax = LogPartitionMax,
        BadRow = BadRow,
        BadCandidate = BadCandidate,
        BadValue = BadValue,
        UnsampledRow = UnsampledRow,
        BadRewardRow = BadRewardRow,
        BadReward = BadReward,
        RelabeledTerminated = RelabeledTerminated,
    };
}
