namespace HipiFast.Kernels.Tasks;

/// <summary>A block of transitions to be judged; every matrix row-major without padding.</summary>
public readonly ref struct TransitionRows
{
    /// <summary>Describes a block.</summary>
    /// <param name="observation">s, <c>[R, S]</c>.</param>
    /// <param name="action">a, <c>[R, A]</c>.</param>
    /// <param name="nextObservation">s', <c>[R, S]</c>.</param>
    /// <param name="rows">R, 0 or more.</param>
    /// <exception cref="ArgumentException">A length is no multiple of R, or the states before and after differ in
    /// length.</exception>
    public TransitionRows(
        ReadOnlySpan<float> observation, ReadOnlySpan<float> action, ReadOnlySpan<float> nextObservation, int rows)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        int divisor = Math.Max(rows, 1);
        if (observation.Length % divisor != 0 || action.Length % divisor != 0
            || nextObservation.Length != observation.Length || (rows == 0 && observation.Length + action.Length > 0))
        {
            throw new ArgumentException(
                $"{rows} transitions cannot have {observation.Length} state entries before, {nextObservation.Length} "
                + $"after the step and {action.Length} action entries; expected multiples of the number of "
                + "transitions.");
        }

        Observation = observation;
        Action = action;
        NextObservation = nextObservation;
        Rows = rows;
    }

    /// <summary>s, <c>[R, S]</c>.</summary>
    public ReadOnlySpan<float> Observation { get; }

    /// <summary>a, <c>[R, A]</c>.</summary>
    public ReadOnlySpan<float> Action { get; }

    /// <summary>s', <c>[R, S]</c>.</summary>
    public ReadOnlySpan<float> NextObservation { get; }

    /// <summary>R.</summary>
    public int Rows { get; }

    /// <summary>S.</summary>
    public int ObservationDimension => Rows == 0 ? 0 : Observation.Length / Rows;

    /// <summary>A.</summary>
    public int ActionDimension => Rows == 0 ? 0 : Action.Length / Rows;
}
