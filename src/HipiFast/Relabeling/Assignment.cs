namespace HipiFast.Relabeling;

/// <summary>Which way the joint distribution of transitions and tasks is sampled.</summary>
public enum Assignment
{
    /// <summary>Each transition picks its task (the paper): softmax along the rows of Q~ - logZ.</summary>
    Row,

    /// <summary>
    /// Each task picks its transition: softmax down the columns of Q~. Tasks keep their prior; the normaliser cancels.
    /// </summary>
    Task,
}
