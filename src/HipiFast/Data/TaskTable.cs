using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Numerics;
using HipiFast.Replay;

namespace HipiFast.Data;

/// <summary>Candidate tasks of a file of any format: a column <c>task [K, P]</c> and, if it has one, <c>log_prior
/// [K]</c>.</summary>
public sealed class TaskTable : IDisposable
{
    private const string LogPriorName = "log_prior";

    private readonly NativeBuffer<float> _tasks;
    private readonly float[] _logPrior;
    private UseGuard _use;

    private TaskTable(NativeBuffer<float> tasks, int taskDimension, float[] logPrior)
    {
        _tasks = tasks;
        TaskDimension = taskDimension;
        _logPrior = logPrior;
    }

    /// <summary>P, entries of a task.</summary>
    public int TaskDimension { get; }

    /// <summary>The tasks <c>[K, P]</c>, row-major.</summary>
    public ReadOnlySpan<float> Tasks
    {
        get
        {
            _use.ThrowIfDisposed(this);
            return _tasks.Span;
        }
    }

    /// <summary>log p(psi) <c>[K]</c>, unnormalised; empty where the file has none.</summary>
    public ReadOnlySpan<float> LogPrior
    {
        get
        {
            _use.ThrowIfDisposed(this);
            return _logPrior;
        }
    }

    /// <summary>Reads a file.</summary>
    /// <param name="path">File.</param>
    /// <param name="taskDimension">P that is expected, or -1 for any.</param>
    /// <param name="columns">Which column is <c>task</c>; null for the usual names.</param>
    /// <returns>The tasks, for the caller to dispose.</returns>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">
    /// It breaks its format, has no tasks, tasks of another P, or a number that is not finite.
    /// </exception>
    /// <exception cref="IOException">The path is a directory or cannot be read.</exception>
    public static unsafe TaskTable Read(string path, int taskDimension = -1, ColumnMap? columns = null)
    {
        using DataFile file = DataFormats.Open(path);
        if (file.Format is SafetensorsFormat && columns is null)
        {
            // Whose tensors are of one type, without a conversion.
            NativeBuffer<float> loaded = TransitionFile.LoadTasks(path, taskDimension);
            return Complete(loaded, (int)file.Find(TransitionBatch.TaskColumn.Name)!.Width, width =>
                TransitionFile.LoadLogPrior(path, (int)(loaded.Length / width)));
        }

        string name = TransitionBatch.TaskColumn.Name;
        TransitionRole role = TransitionRole.Find(file, columns ?? ColumnMap.Usual, name, isMatrix: true)
            ?? throw ColumnMap.Missing(file, name);
        if (role.Rows == 0 || role.Rows > int.MaxValue / role.Width)
        {
            throw new InvalidDataException(
                $"{file.Describe(role.Parts[0])} has {role.Rows} rows of {role.Width}; expected candidate tasks [K, "
                + $"P], 1 to {int.MaxValue} numbers.");
        }

        if (taskDimension >= 0 && role.Width != taskDimension)
        {
            throw new InvalidDataException(
                $"{file.Describe(role.Parts[0])} has {role.Width} columns; expected tasks of {taskDimension} entries.");
        }

        ColumnReader reader = new(file);
        NativeBuffer<float> tasks = new(role.Rows * role.Width);
        try
        {
            float* destination = tasks.Pointer;
            foreach (DataColumn part in role.Parts)
            {
                reader.ReadSingles(part, 0, role.Rows, destination, role.Width);
                destination += part.Width;
            }

            int wrong = FiniteCheck.IndexOfNonFinite(tasks.Span);
            if (wrong >= 0)
            {
                throw new InvalidDataException(
                    $"{file.Describe(role.Parts[0])} holds {(float.IsNaN(tasks.Span[wrong]) ? "NaN" : "an infinity")} "
                    + $"at row {wrong / role.Width}, column {wrong % role.Width}; expected finite numbers.");
            }

            return new TaskTable(tasks, role.Width, ReadLogPrior(file, reader, role.Rows));
        }
        catch
        {
            tasks.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_use.Close(this))
        {
            _tasks.Dispose();
        }
    }

    private static TaskTable Complete(NativeBuffer<float> tasks, int width, Func<int, float[]> logPrior)
    {
        try
        {
            return new TaskTable(tasks, width, logPrior(width));
        }
        catch
        {
            tasks.Dispose();
            throw;
        }
    }

    private static unsafe float[] ReadLogPrior(DataFile file, ColumnReader reader, long tasks)
    {
        if (file.Find(LogPriorName) is not DataColumn column)
        {
            return [];
        }

        if (column.Rows != tasks || column.Width != 1)
        {
            throw new InvalidDataException(
                $"{file.Describe(column)} has shape {column.ShapeText}; expected [{tasks}], one entry for each task.");
        }

        float[] logPrior = new float[tasks];
        fixed (float* destination = logPrior)
        {
            reader.ReadSingles(column, 0, tasks, destination, 1);
        }

        int wrong = Array.FindIndex(logPrior, value => float.IsNaN(value) || float.IsPositiveInfinity(value));
        if (wrong >= 0 || !logPrior.Any(float.IsFinite))
        {
            throw new InvalidDataException(
                wrong >= 0
                    ? $"{file.Describe(column)} holds {logPrior[wrong]} at row {wrong}; expected finite numbers or "
                        + "-infinity."
                    : $"{file.Describe(column)} is -infinity throughout, which excludes every task.");
        }

        return logPrior;
    }
}
