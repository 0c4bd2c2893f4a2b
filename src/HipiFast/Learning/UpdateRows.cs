using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using HipiFast.Replay;

namespace HipiFast.Learning;

/// <summary>What every learner checks of the rows that it is given.</summary>
internal static class UpdateRows
{
    /// <summary>Throws unless an update can be made of these rows; see <see cref="ISacLearner.Update(TransitionBatch, int, int)"/>.</summary>
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

        // A sum of x * 0 is zero unless some x is NaN or infinite.
        ReadOnlySpan<float> observation = Rows(batch.Observation, shape.ObservationDimension), action = Rows(batch.Action, shape.ActionDimension);
        ReadOnlySpan<float> next = Rows(batch.NextObservation, shape.ObservationDimension), task = Rows(batch.Task, shape.TaskDimension);
        ReadOnlySpan<float> reward = Rows(batch.Reward, 1);
        float sum = ZeroSum(observation) + ZeroSum(action) + ZeroSum(next) + ZeroSum(task) + ZeroSum(reward);
        if (sum != 0f)
        {
            ThrowIfNotFinite("Observation", observation, shape.ObservationDimension, firstRow);
            ThrowIfNotFinite("Action", action, shape.ActionDimension, firstRow);
            ThrowIfNotFinite("Next observation", next, shape.ObservationDimension, firstRow);
            ThrowIfNotFinite("Task", task, shape.TaskDimension, firstRow);
            ThrowIfNotFinite("Reward", reward, 1, firstRow);
        }

        ReadOnlySpan<float> Rows(Span<float> values, int columns) => values.Slice(firstRow * columns, rows * columns);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float ZeroSum(ReadOnlySpan<float> values)
    {
        ReadOnlySpan<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(values);
        Vector<float> sums = Vector<float>.Zero;
        foreach (Vector<float> vector in vectors)
        {
            sums += vector * 0f;
        }

        float sum = Vector.Sum(sums);
        for (int i = vectors.Length * Vector<float>.Count; i < values.Length; i++)
        {
            sum += values[i] * 0f;
        }

        return sum;
    }

    private static void ThrowIfNotFinite(string name, ReadOnlySpan<float> values, int columns, int firstRow)
    {
        for (int i = 0; i < values.Length; i++)
        {
            if (!float.IsFinite(values[i]))
            {
                throw new InvalidDataException(
                    $"{name} of row {firstRow + (i / columns)}, column {i % columns} is {values[i]}; expected a finite number.");
            }
        }
    }
}
