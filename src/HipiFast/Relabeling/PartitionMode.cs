namespace HipiFast.Relabeling;

/// <summary>Whether a task's column of Q~ is normalised over the batch.</summary>
public enum PartitionMode
{
    /// <summary><c>logZ_i = logsumexp_j Q~[j, i] - log B</c> is subtracted (the paper).</summary>
    Batch,

    /// <summary>
    /// The same over this and the earlier batches, which fade by <see cref="RelabelOptions.PartitionDecay"/> a call.
    /// For transitions that choose among a fixed set of tasks: others differ from batch to batch.
    /// </summary>
    Running,

    /// <summary>Nothing is subtracted: the paper's ablation (Fig. 8).</summary>
    None,
}
