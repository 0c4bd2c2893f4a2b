using HipiFast.Replay;

namespace HipiFast.Learning;

/// <summary>What every learner checks of the rows that it is given.</summary>
internal static class UpdateRows
{
    /// <summary>Throws unless an update can be made of these rows; see <see cref="ISacLearner.Update"/>.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="firstRow">First row.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="shape">Widths that the agent takes.</param>
    /// <param name="capacity">Most rows of an update.</param>
    public static void Check(TransitionBatch batch, int firstRow, int rows, TransitionShape shape, int capacity)
    {
        ArgumentNullException.ThrowIfNull(batch);
        if (batch.Shape != shape)
        {
            throw new ArgumentException($"The batch has shape {batch.Shape}; the agent takes {shape}.", nameof(batch));
        }

        if (rows < 1 || rows > capacity || firstRow < 0 || firstRow > batch.Count - rows)
        {
            throw new ArgumentException(
                $"Rows {firstRow} to {(long)firstRow + rows} do not lie in a batch of {batch.Count} "
                + $"or exceed the learner's capacity of {capacity} rows.",
                nameof(rows));
        }

        if (batch.FindNonFinite(firstRow, rows, withOutcome: true) is NonFiniteEntry entry)
        {
            string words = entry.Column.Words;
            throw new InvalidDataException(
                $"{char.ToUpperInvariant(words[0])}{words[1..]} of row {entry.Row}, column "
                + $"{entry.Position} is {entry.Value}; "
                + "expected a finite number.");
        }
    }
}
