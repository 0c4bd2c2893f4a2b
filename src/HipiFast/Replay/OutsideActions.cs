using System.Numerics.Tensors;

namespace HipiFast.Replay;

/// <summary>Transitions whose actions leave [-1, 1], where a policy squashed by tanh has no density.</summary>
/// <param name="Count">How many transitions; 0 for none.</param>
/// <param name="Row">The first of them.</param>
/// <param name="Column">Its first entry outside.</param>
/// <param name="Value">That entry.</param>
internal readonly record struct OutsideActions(long Count, long Row, int Column, float Value)
{
    /// <summary>Looks at the rows in use.</summary>
    /// <param name="batch">A batch of finite actions.</param>
    /// <returns>What was found.</returns>
    public static OutsideActions Of(TransitionBatch batch)
    {
        ReadOnlySpan<float> actions = batch.Action;
        if (actions.IsEmpty || MathF.Abs(TensorPrimitives.MaxMagnitude(actions)) <= 1f)
        {
            return default;
        }

        int width = batch.Shape.ActionDimension;
        OutsideActions found = default;
        for (int row = 0; row < batch.Count; row++)
        {
            int column = actions.Slice(row * width, width).IndexOfAnyExceptInRange(-1f, 1f);
            if (column >= 0)
            {
                found = found.Count > 0
                    ? found with { Count = found.Count + 1 }
                    : new OutsideActions(1, row, column, actions[(row * width) + column]);
            }
        }

        return found;
    }

    /// <summary>Both together.</summary>
    /// <param name="next">What was found in a batch that follows.</param>
    /// <param name="firstRow">Number of that batch's first row.</param>
    /// <returns>All of it.</returns>
    public OutsideActions Add(OutsideActions next, long firstRow) => (Count, next.Count) switch
    {
        (_, 0) => this,
        (0, _) => next with { Row = firstRow + next.Row },
        _ => this with { Count = Count + next.Count },
    };

    /// <summary>Says what was found.</summary>
    /// <param name="rows">Of how many transitions.</param>
    /// <returns>A clause without an end.</returns>
    public string Describe(long rows) => FormattableString.Invariant(
        $"{Count} of {rows} transitions have actions outside [-1, 1], the first in row {Row}: {Value} in column ")
        + FormattableString.Invariant($"{Column}");
}
