using System.Buffers;
using System.Numerics.Tensors;

namespace HipiFast.Replay;

/// <summary>Batches of arrays, memory and tensors of the caller's: copied, or used where they lie.</summary>
public sealed partial class TransitionBatch
{
    // What keeps the caller's memory in its place.
    private MemoryHandle[] _pins = [];

    /// <summary>
    /// A batch with a copy of arrays or spans, each row-major without gaps; widths are lengths by rows.
    /// </summary>
    /// <param name="rows">B, 1 or more.</param>
    /// <param name="observation">s, <c>[B, S]</c>.</param>
    /// <param name="action">a, <c>[B, A]</c>, entries in [-1, 1].</param>
    /// <param name="nextObservation">s', <c>[B, S]</c>.</param>
    /// <param name="task">psi, the commanded tasks, <c>[B, P]</c>.</param>
    /// <param name="reward">r, <c>[B]</c>; empty for zeros: relabeling recomputes it.</param>
    /// <param name="terminated">1 or 0, <c>[B]</c>; empty for zeros, as for rewards.</param>
    /// <returns>The batch, all rows in use, for the caller to dispose.</returns>
    /// <exception cref="ArgumentException">An array is not of whole rows, or of another number of them.</exception>
    public static TransitionBatch Of(
        int rows, ReadOnlySpan<float> observation, ReadOnlySpan<float> action, ReadOnlySpan<float> nextObservation,
        ReadOnlySpan<float> task, ReadOnlySpan<float> reward = default, ReadOnlySpan<byte> terminated = default)
    {
        TransitionBatch batch = new(
            ShapeOf(rows, observation.Length, action.Length, nextObservation.Length, task.Length), rows)
        {
            Count = rows,
        };
        try
        {
            RequireRows(rows, reward.Length, "rewards");
            RequireRows(rows, terminated.Length, "terminations");
            observation.CopyTo(batch.Observation);
            action.CopyTo(batch.Action);
            nextObservation.CopyTo(batch.NextObservation);
            task.CopyTo(batch.Task);
            reward.CopyTo(batch.Reward);
            terminated.CopyTo(batch.Terminated);
            return batch;
        }
        catch
        {
            batch.Dispose();
            throw;
        }
    }

    /// <summary>A batch with a copy of matrices.</summary>
    /// <param name="observation">s, <c>[B, S]</c>.</param>
    /// <param name="action">a, <c>[B, A]</c>, entries in [-1, 1].</param>
    /// <param name="nextObservation">s', <c>[B, S]</c>.</param>
    /// <param name="task">psi, the commanded tasks, <c>[B, P]</c>.</param>
    /// <returns>The batch, all rows in use, rewards and terminations zero, for the caller to dispose.</returns>
    /// <exception cref="ArgumentException">The matrices have different numbers of rows, or none.</exception>
    public static TransitionBatch Of(float[,] observation, float[,] action, float[,] nextObservation, float[,] task)
    {
        int rows = RowsOf(observation, nameof(observation));
        return Of(
            rows, Flat(observation, rows, nameof(observation)), Flat(action, rows, nameof(action)),
            Flat(nextObservation, rows, nameof(nextObservation)), Flat(task, rows, nameof(task)));
    }

    /// <summary>A batch with a copy of tensors of two dimensions, whatever their strides.</summary>
    /// <param name="observation">s, <c>[B, S]</c>.</param>
    /// <param name="action">a, <c>[B, A]</c>, entries in [-1, 1].</param>
    /// <param name="nextObservation">s', <c>[B, S]</c>.</param>
    /// <param name="task">psi, the commanded tasks, <c>[B, P]</c>.</param>
    /// <returns>The batch, all rows in use, rewards and terminations zero, for the caller to dispose.</returns>
    /// <exception cref="ArgumentException">
    /// A tensor has not two dimensions, or they have different numbers of rows, or none.
    /// </exception>
    public static TransitionBatch Of(
        in ReadOnlyTensorSpan<float> observation, in ReadOnlyTensorSpan<float> action,
        in ReadOnlyTensorSpan<float> nextObservation, in ReadOnlyTensorSpan<float> task)
    {
        int rows = RowsOf(observation, nameof(observation));
        return Of(
            rows, Flat(observation, rows, nameof(observation)), Flat(action, rows, nameof(action)),
            Flat(nextObservation, rows, nameof(nextObservation)), Flat(task, rows, nameof(task)));
    }

    /// <summary>
    /// A batch over memory of the caller's, each part row-major without gaps, which is read, and written by relabeling,
    /// where it lies: no copy is made. It stays in its place until the batch is disposed of.
    /// </summary>
    /// <param name="rows">B, 1 or more.</param>
    /// <param name="observation">s, <c>[B, S]</c>.</param>
    /// <param name="action">a, <c>[B, A]</c>, entries in [-1, 1].</param>
    /// <param name="nextObservation">s', <c>[B, S]</c>.</param>
    /// <param name="task">psi, <c>[B, P]</c>: the commanded tasks, and after relabeling the new ones.</param>
    /// <param name="reward">r, <c>[B]</c>, written by relabeling; empty for memory of the batch's own.</param>
    /// <param name="terminated">1 or 0, <c>[B]</c>, written by relabeling; empty as for rewards.</param>
    /// <returns>The batch, all rows in use, for the caller to dispose.</returns>
    /// <exception cref="ArgumentException">A part is not of whole rows, or of another number of them.</exception>
    public static unsafe TransitionBatch Wrap(
        int rows, Memory<float> observation, Memory<float> action, Memory<float> nextObservation, Memory<float> task,
        Memory<float> reward = default, Memory<byte> terminated = default)
    {
        TransitionShape shape = ShapeOf(
            rows, observation.Length, action.Length, nextObservation.Length, task.Length);
        RequireRows(rows, reward.Length, "rewards");
        RequireRows(rows, terminated.Length, "terminations");
        MemoryHandle[] pins =
        [
            observation.Pin(), action.Pin(), nextObservation.Pin(), task.Pin(), reward.Pin(), terminated.Pin(),
        ];
        TransitionBatch batch = Wrap(
            shape,
            new TransitionAddresses
            {
                Observation = (float*)pins[0].Pointer,
                Action = (float*)pins[1].Pointer,
                NextObservation = (float*)pins[2].Pointer,
                Task = (float*)pins[3].Pointer,
                Reward = reward.IsEmpty ? null : (float*)pins[4].Pointer,
                Terminated = terminated.IsEmpty ? null : (byte*)pins[5].Pointer,
            },
            rows);
        batch._pins = pins;
        return batch;
    }

    private void Unpin()
    {
        foreach (MemoryHandle pin in _pins)
        {
            pin.Dispose();
        }

        _pins = [];
    }

    private static TransitionShape ShapeOf(int rows, int observation, int action, int nextObservation, int task)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        TransitionShape shape = new(
            Width(rows, observation, "observations"), Width(rows, action, "actions"), Width(rows, task, "tasks"));
        if (nextObservation != observation)
        {
            throw new ArgumentException(
                $"The next observations have {nextObservation} entries; expected as many as the observations, "
                + $"{observation}.");
        }

        return shape;
    }

    private static int Width(int rows, int length, string what) => length > 0 && length % rows == 0
        ? length / rows
        : throw new ArgumentException(
            $"The {what} have {length} entries; expected a multiple of the {rows} rows, 1 or more for each.");

    private static void RequireRows(int rows, int length, string what)
    {
        if (length != 0 && length != rows)
        {
            throw new ArgumentException($"There are {length} {what}; expected {rows}, one for each row, or none.");
        }
    }

    private static int RowsOf(float[,] matrix, string name)
    {
        ArgumentNullException.ThrowIfNull(matrix, name);
        return matrix.GetLength(0);
    }

    private static ReadOnlySpan<float> Flat(float[,] matrix, int rows, string name)
    {
        RequireSameRows(rows, RowsOf(matrix, name), name);
        return matrix.Length == 0
            ? default
            : System.Runtime.InteropServices.MemoryMarshal.CreateReadOnlySpan(ref matrix[0, 0], matrix.Length);
    }

    private static int RowsOf(in ReadOnlyTensorSpan<float> tensor, string name) => tensor.Rank == 2
        ? checked((int)tensor.Lengths[0])
        : throw new ArgumentException($"The tensor has {tensor.Rank} dimensions; expected [rows, entries].", name);

    private static float[] Flat(in ReadOnlyTensorSpan<float> tensor, int rows, string name)
    {
        RequireSameRows(rows, RowsOf(tensor, name), name);
        float[] values = new float[checked((int)tensor.FlattenedLength)];
        tensor.FlattenTo(values);
        return values;
    }

    private static void RequireSameRows(int rows, int found, string name)
    {
        if (found != rows)
        {
            throw new ArgumentException($"There are {found} rows; expected {rows}, as many as observations.", name);
        }
    }
}
