namespace HipiFast.Relabeling;

/// <summary>What a relabel call will take, told before it is made.</summary>
/// <param name="SoftQValues">
/// Soft-Q values that it computes, counted from the options: values on average where chance decides which rows are
/// relabeled; those of a matrix beyond <see cref="RelabelOptions.MemoryBudget"/> twice, where there is a partition.
/// </param>
/// <param name="MatrixBytes">Memory of the part of Q~ that is kept, in bytes.</param>
/// <param name="Time">
/// How long they take at the rate of a small call that was timed just now; 0 where nothing is inferred.
/// </param>
public readonly record struct RelabelForecast(double SoftQValues, long MatrixBytes, TimeSpan Time)
{
    private const int TimedValues = 100_000;
    private const int TimedTasks = 256;

    /// <summary>Counts a call, and times small ones.</summary>
    /// <param name="options">How to relabel.</param>
    /// <param name="rows">B.</param>
    /// <param name="tasks">K of a set of candidates; 0 where the batch has them.</param>
    /// <param name="time">Seconds of a call of so many rows and tasks, all of which it computes.</param>
    /// <returns>The forecast.</returns>
    internal static RelabelForecast Of(RelabelOptions options, int rows, int tasks, Func<int, int, double> time)
    {
        double perRow = options.SoftQValues(rows, tasks), values = perRow * rows;
        if (values == 0)
        {
            return default;
        }

        // By task, and in groups of rows that have candidates of their own, only a part is ever there.
        double kept = options.AssignsByTask
            ? (double)options.RowPool * TransitionChoice.GroupSlots
            : options.Groups && tasks == 0
            ? Math.Min(values, 2.0 * options.GroupRows * options.GroupRows)
            : values;
        long bytes = (long)kept * sizeof(float);
        if (!options.AssignsByTask && bytes > options.MemoryBudget)
        {
            bytes = options.MemoryBudget;
            values *= options.Partition == PartitionMode.None ? 1 : 2;
        }

        int timedTasks = (int)Math.Clamp(perRow, 1, TimedTasks), timedRows = Math.Min(rows, TimedValues / timedTasks);
        double seconds = time(timedRows, timedTasks) * values / ((double)timedRows * timedTasks);
        return new RelabelForecast(values, bytes, TimeSpan.FromSeconds(seconds));
    }
}
