namespace HipiFast.Kernels.Relabeling;

/// <summary>A relabel call in numbers.</summary>
internal struct RelabelSummary
{
    /// <summary>Before the first row.</summary>
    internal static RelabelSummary Nothing => new()
    {
        LogPartitionMin = float.PositiveInfinity,
        LogPartitionMax = float.NegativeInfinity,
        BadRow = -1,
        UnsampledRow = -1,
        BadRewardRow = -1,
    };

    /// <summary>Sum over the rows of the posterior's entropy, in nats.</summary>
    public double Entropy { get; set; }

    /// <summary>
    /// Sum of <c>-log q(psi_commanded | j)</c> over the rows whose commanded task is among the candidates.
    /// </summary>
    public double Surprise { get; set; }

    /// <summary>How many rows that is.</summary>
    public int SurpriseCount { get; set; }

    /// <summary>Rows whose commanded task is the most likely candidate.</summary>
    public int CommandedIsMode { get; set; }

    /// <summary>Smallest logZ; +inf without a partition.</summary>
    public float LogPartitionMin { get; set; }

    /// <summary>Largest logZ; -inf without a partition.</summary>
    public float LogPartitionMax { get; set; }

    /// <summary>First row with an entry of Q~ that is not finite; -1 when there is none.</summary>
    public int BadRow { get; set; }

    /// <summary>The first such entry's column.</summary>
    public int BadCandidate { get; set; }

    /// <summary>The entry.</summary>
    public float BadValue { get; set; }

    /// <summary>First row without a sample; -1 when there is none.</summary>
    public int UnsampledRow { get; set; }

    /// <summary>First row whose reward under its new task is not finite; -1 when there is none.</summary>
    public int BadRewardRow { get; set; }

    /// <summary>That reward.</summary>
    public float BadReward { get; set; }

    /// <summary>Rows that were relabeled, by inverse RL or by a goal, and terminate under their new task.</summary>
    public int RelabeledTerminated { get; set; }

    /// <summary>Adds the sums of a call over other rows, none of which was bad.</summary>
    /// <param name="other">The other call.</param>
    public void Add(in RelabelSummary other)
    {
        Entropy += other.Entropy;
        Surprise += other.Surprise;
        SurpriseCount += other.SurpriseCount;
        CommandedIsMode += other.CommandedIsMode;
        LogPartitionMin = MathF.Min(LogPartitionMin, other.LogPartitionMin);
        LogPartitionMax = MathF.Max(LogPartitionMax, other.LogPartitionMax);
        RelabeledTerminated += other.RelabeledTerminated;
    }

    /// <summary>Gives bad rows of a call over some rows of a batch their numbers in the batch.</summary>
    /// <param name="row">Numbers of the call's rows.</param>
    public void RenumberRows(ReadOnlySpan<int> row)
    {
        BadRow = BadRow < 0 ? -1 : row[BadRow];
        UnsampledRow = UnsampledRow < 0 ? -1 : row[UnsampledRow];
        BadRewardRow = BadRewardRow < 0 ? -1 : row[BadRewardRow];
    }
}
