namespace HipiFast.Kernels.Relabeling;

/// <summary>How a row (transition or trajectory) of a relabel call is served.</summary>
internal enum RowService : byte
{
    /// <summary>It keeps its task.</summary>
    Keep,

    /// <summary>Inverse RL.</summary>
    Infer,

    /// <summary>A state that was reached becomes its goal.</summary>
    Goal,

    /// <summary>A random task.</summary>
    Random,

    /// <summary>The task that inverse RL chose for the transition at an earlier draw.</summary>
    Recall,
}
