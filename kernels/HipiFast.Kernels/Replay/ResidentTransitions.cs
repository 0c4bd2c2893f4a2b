namespace HipiFast.Kernels.Replay;

/// <summary>
/// Handle of a batch of transitions in the memory of a session's device; what lies behind it is the device's own. Every
/// column is row-major without padding.
/// </summary>
public abstract record ResidentTransitions
{
    /// <summary>B.</summary>
    public abstract int Rows { get; }

    /// <summary>
    /// Throws unless every column that a relabel call reads or writes has the entries of so many rows.
    /// </summary>
    /// <param name="rows">B.</param>
    /// <param name="observationDimension">S.</param>
    /// <param name="actionDimension">A.</param>
    /// <param name="taskDimension">P.</param>
    /// <exception cref="ArgumentException">
    /// One sentence naming the column, what was found and what was expected.
    /// </exception>
    public abstract void Validate(int rows, int observationDimension, int actionDimension, int taskDimension);
}
