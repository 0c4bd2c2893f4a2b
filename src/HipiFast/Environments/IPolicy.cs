namespace HipiFast.Environments;

/// <summary>What acts in an environment. One object serves one thread at a time.</summary>
public interface IPolicy
{
    /// <summary>Chooses an action for every row.</summary>
    /// <param name="observation">States, <c>[rows, S]</c>.</param>
    /// <param name="task">Commanded tasks, <c>[rows, P]</c>.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="step">Number of the vector step, which policies that draw count by.</param>
    /// <param name="action">Result, <c>[rows, A]</c>, entries in [-1, 1].</param>
    void Act(ReadOnlySpan<float> observation, ReadOnlySpan<float> task, int rows, uint step, Span<float> action);
}
