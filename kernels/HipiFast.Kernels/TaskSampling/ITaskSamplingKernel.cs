namespace HipiFast.Kernels.TaskSampling;

/// <summary>A posterior to sample from: Q~, its normaliser and prior, and the random numbers.</summary>
/// <remarks>
/// Score of task i for transition j: <c>(Q~[j, i] - logZ_i) / temperature + log p(psi_i)</c>. An entry of -inf in Q~
/// scores -inf whatever logZ is. Scores may be of any size: a temperature above 0 may be as small, and finite Q~ as
/// large, as floats can be.
/// </remarks>
public readonly ref struct TaskPosterior
{
    /// <summary>Q~ <c>[rows, K]</c> row-major, in nats.</summary>
    public required ReadOnlySpan<float> SoftQ { get; init; }

    /// <summary>Rows in this block.</summary>
    public required int Rows { get; init; }

    /// <summary>K.</summary>
    public required int Candidates { get; init; }

    /// <summary>logZ <c>[K]</c>, or empty for the paper's ablation without the partition function (Fig. 8).</summary>
    public ReadOnlySpan<float> LogPartition { get; init; }

    /// <summary>log p(psi) <c>[K]</c>, unnormalised, or empty for a uniform prior.</summary>
    public ReadOnlySpan<float> LogPrior { get; init; }

    /// <summary>
    /// 0 or more; 0 takes the most likely entry without noise (MAP; the prior then breaks exact ties only, in the
    /// limit).
    /// </summary>
    public required float Temperature { get; init; }

    /// <summary>Philox key.</summary>
    public ulong Seed { get; init; }

    /// <summary>Number of this call: the third counter word.</summary>
    public uint Call { get; init; }

    /// <summary>Number of the first row within the whole batch.</summary>
    public uint FirstRow { get; init; }

    /// <summary>Whether the most likely entry is wanted, without noise.</summary>
    public bool IsMaximumAPosteriori => Temperature == 0;

    /// <summary>
    /// Checks this posterior and the results of <see cref="ITaskSamplingKernel.SampleTasks"/>; every backend calls it
    /// first.
    /// </summary>
    /// <param name="samples">The results.</param>
    /// <exception cref="ArgumentException">
    /// A length disagrees, rows or candidates is below 1, or the temperature is negative, infinite or NaN.
    /// </exception>
    public void Validate(in TaskSamples samples)
    {
        Validate();
        CheckLength("The log partition", LogPartition.Length, Candidates, optional: true);
        CheckLength("The log prior", LogPrior.Length, Candidates, optional: true);
        CheckLength("The sampled task index", samples.Index.Length, Rows, optional: false);
        CheckLength("The most likely task index", samples.Mode.Length, Rows, optional: true);
        CheckLength("The entropy", samples.Entropy.Length, Rows, optional: true);
        CheckLength("The log normalizer", samples.LogNormalizer.Length, Rows, optional: true);
    }

    /// <summary>
    /// Checks this posterior and the results of <see cref="ITaskSamplingKernel.SampleRows"/>; every backend calls it
    /// first.
    /// </summary>
    /// <param name="rowIndex">The results.</param>
    /// <exception cref="ArgumentException">As for the other overload.</exception>
    public void Validate(ReadOnlySpan<int> rowIndex)
    {
        Validate();
        CheckLength("The sampled row index", rowIndex.Length, Candidates, optional: false);
    }

    private static void CheckLength(string what, int found, int expected, bool optional)
    {
        if (found != expected && !(optional && found == 0))
        {
            throw new ArgumentException(
                $"{what} has {expected} entries{(optional ? " or none" : string.Empty)}; found {found}.");
        }
    }

    private void Validate()
    {
        if (Rows < 1 || Candidates < 1)
        {
            throw new ArgumentException(
                $"Sampling needs at least one row and one candidate task; found {Rows} and {Candidates}.");
        }

        if (SoftQ.Length != (long)Rows * Candidates)
        {
            throw new ArgumentException(
                $"Q~ of {Rows} rows by {Candidates} candidate tasks has {(long)Rows * Candidates} entries; found "
                + $"{SoftQ.Length}.");
        }

        if (!(Temperature >= 0) || float.IsPositiveInfinity(Temperature))
        {
            throw new ArgumentException($"The temperature is {Temperature}; expected a finite number, 0 or more.");
        }
    }
}

/// <summary>Where the results of task sampling go; optional spans may be empty.</summary>
/// <remarks>
/// In a row without a sample (-1) the entropy is NaN and the log normalizer is NaN where the row holds NaN, else +inf
/// where it holds +inf, else -inf. Backends draw the same index wherever the two best noisy scores differ by more than
/// 1e-3 nats, however large the scores are: differences of large scores are taken before they are rounded.
/// </remarks>
public readonly ref struct TaskSamples
{
    /// <summary>
    /// <c>[rows]</c>: sampled task of each transition in [0, K); -1 where the row's Q~, logZ or prior make a score NaN
    /// or +inf, or none finite.
    /// </summary>
    public required Span<int> Index { get; init; }

    /// <summary>
    /// <c>[rows]</c>, optional: the most likely task of each transition (smallest index on ties); -1 as above.
    /// </summary>
    public Span<int> Mode { get; init; }

    /// <summary>
    /// <c>[rows]</c>, optional: entropy of the row's posterior, in nats, in [0, log K]; 0 at temperature 0.
    /// </summary>
    public Span<float> Entropy { get; init; }

    /// <summary>
    /// <c>[rows]</c>, optional: logsumexp of the row's scores, so that <c>log q(psi_i | j) = score - LogNormalizer</c>,
    /// but for its rounding, which is large where it is large itself; ±inf beyond the range of a float. At temperature
    /// 0 the best raw score <c>Q~ - logZ</c>.
    /// </summary>
    public Span<float> LogNormalizer { get; init; }
}

/// <summary>Draws tasks for transitions, or transitions for tasks, by the Gumbel-max trick. Not thread-safe.</summary>
public interface ITaskSamplingKernel
{
    /// <summary>
    /// For each row, <c>argmax_i score[j, i] + G[j, i]</c>: a sample of q(psi | j). The smallest index wins ties.
    /// </summary>
    /// <param name="posterior">The posterior.</param>
    /// <param name="samples">The results.</param>
    /// <exception cref="ArgumentException">
    /// A length disagrees, rows or candidates is 0, or the temperature is negative or NaN.
    /// </exception>
    /// <remarks>
    /// G[j, i] comes from word i mod 4 of the Philox counter (i / 4, FirstRow + j, Call,
    /// <see cref="Random.RandomPurpose.TaskSampling"/>).
    /// </remarks>
    void SampleTasks(in TaskPosterior posterior, in TaskSamples samples);

    /// <summary>
    /// For each column, <c>argmax_j Q~[j, i] / temperature + G[j, i]</c>: the same joint distribution sampled down the
    /// column (assignment by task). The column's normaliser and prior cancel and are not read. The smallest index wins
    /// ties.
    /// </summary>
    /// <param name="posterior">The posterior.</param>
    /// <param name="rowIndex">
    /// Result <c>[K]</c>: the row that each task picked in [0, rows); -1 where the column holds NaN or +inf, or no
    /// finite entry.
    /// </param>
    /// <exception cref="ArgumentException">As for <see cref="SampleTasks"/>.</exception>
    /// <remarks>
    /// G[j, i] comes from word i mod 4 of the Philox counter (i / 4, FirstRow + j, Call,
    /// <see cref="Random.RandomPurpose.RowSampling"/>).
    /// </remarks>
    void SampleRows(in TaskPosterior posterior, Span<int> rowIndex);
}
