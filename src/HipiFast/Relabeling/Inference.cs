using HipiFast.Kernels.Relabeling;

namespace HipiFast.Relabeling;

/// <summary>What inverse RL leaves for the result of a call. The means are NaN where they do not apply.</summary>
/// <param name="PartitionCount">Tasks of which logZ was computed; 0 without a partition.</param>
/// <param name="MeanEntropy">As <see cref="RelabelDiagnostics.PosteriorEntropy"/>.</param>
/// <param name="CommandedIsMode">As <see cref="RelabelDiagnostics.CommandedIsMode"/>.</param>
/// <param name="KlFromCommanded">As <see cref="RelabelDiagnostics.KlFromCommanded"/>.</param>
internal readonly record struct Inference(
    int PartitionCount, double MeanEntropy, double CommandedIsMode, double KlFromCommanded)
{
    /// <summary>Nothing was inferred by row.</summary>
    public static Inference Nothing => new(0, double.NaN, double.NaN, double.NaN);

    /// <summary>Means of a pipeline's sums.</summary>
    /// <param name="summary">The sums.</param>
    /// <param name="units">Over how many units.</param>
    /// <param name="partitionCount">Tasks of which logZ was computed.</param>
    /// <returns>The means.</returns>
    public static Inference Of(in RelabelSummary summary, int units, int partitionCount) => new(
        partitionCount,
        summary.Entropy / units,
        (double)summary.CommandedIsMode / units,
        summary.SurpriseCount == 0 ? double.NaN : summary.Surprise / summary.SurpriseCount);

    /// <summary>The call in numbers.</summary>
    /// <param name="logPartition">logZ <c>[K]</c>; empty without a partition.</param>
    /// <param name="relabeled">Which rows' tasks were chosen anew.</param>
    /// <param name="terminated">How many of those rows terminate.</param>
    /// <returns>The numbers.</returns>
    public RelabelDiagnostics Diagnose(ReadOnlySpan<float> logPartition, ReadOnlySpan<byte> relabeled, int terminated)
    {
        int count = 0;
        foreach (byte row in relabeled)
        {
            count += row;
        }

        float lowest = float.NaN, highest = float.NaN;
        if (!logPartition.IsEmpty)
        {
            lowest = float.PositiveInfinity;
            highest = float.NegativeInfinity;
            foreach (float value in logPartition)
            {
                lowest = MathF.Min(lowest, value);
                highest = MathF.Max(highest, value);
            }
        }

        return new RelabelDiagnostics(
            (float)MeanEntropy,
            (float)Math.Exp(MeanEntropy),
            (float)CommandedIsMode,
            lowest,
            highest,
            (float)KlFromCommanded,
            (float)count / relabeled.Length,
            count == 0 ? float.NaN : (float)terminated / count);
    }
}
