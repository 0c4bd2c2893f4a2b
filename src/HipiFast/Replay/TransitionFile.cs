using HipiFast.Kernels.Memory;
using HipiFast.Storage;

namespace HipiFast.Replay;

/// <summary>
/// Transitions in a safetensors file: <c>observation [B,S]</c>, <c>action [B,A]</c>, <c>next_observation [B,S]</c>,
/// <c>task [B,P]</c>, <c>reward [B]</c> (all <c>F32</c>), <c>terminated [B]</c> (<c>U8</c> or <c>BOOL</c>, 0 or 1) and,
/// for trajectories, <c>episode [B]</c> (<c>I64</c>). Other tensors are left alone.
/// </summary>
/// <remarks>
/// Opening checks types and shapes; reading checks values: every number must be finite. Read everything at once or,
/// when memory is short, a block of rows at a time. Bad data is an <see cref="InvalidDataException"/> of one sentence
/// that names file, tensor, row and column.
/// </remarks>
public sealed class TransitionFile : IDisposable
{
    private const string EpisodeName = "episode";
    private const string LogPriorName = "log_prior";

    private static readonly TransitionColumn[] s_columns = [.. TransitionBatch.Schema.Where(column => column.IsStored)];

    private readonly SafetensorsFile _file;

    private TransitionFile(SafetensorsFile file)
    {
        _file = file;
        List<(TransitionColumn Column, TensorInfo Tensor)> found = [];
        foreach (TransitionColumn column in s_columns)
        {
            if (column.Require(file, column.Name, -1, -1) is TensorInfo tensor)
            {
                found.Add((column, tensor));
            }
        }

        TensorInfo first = found[0].Tensor;
        foreach ((_, TensorInfo tensor) in found)
        {
            RequireSameExtent(first, tensor, 0, "rows");
        }

        // Several columns may be of one width: the first says which.
        foreach ((TransitionColumn column, TensorInfo tensor) in found.Where(entry => entry.Column.IsMatrix))
        {
            RequireSameExtent(Of(column.Extent), tensor, 1, "columns");
        }

        HasEpisodes = file.Tensors.ContainsKey(EpisodeName);
        if (HasEpisodes)
        {
            RequireSameExtent(first, file.Require(EpisodeName, TensorType.Int64, -1), 0, "rows");
        }

        Count = first.Shape[0];
        if (Count == 0)
        {
            throw new InvalidDataException($"'{Path}' has no transitions: tensor '{first.Name}' has 0 rows.");
        }

        Shape = new TransitionShape(
            Width(file, Of(ColumnExtent.Observation)), Width(file, Of(ColumnExtent.Action)),
            Width(file, Of(ColumnExtent.Task)));

        TensorInfo Of(ColumnExtent extent) => found.First(entry => entry.Column.Extent == extent).Tensor;
    }

    /// <summary>The path as it was given.</summary>
    public string Path => _file.Path;

    /// <summary>Widths of the vectors: S, A and P.</summary>
    public TransitionShape Shape { get; }

    /// <summary>B, transitions in the file, 1 or more.</summary>
    public long Count { get; }

    /// <summary>Text that the file carries, by name.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _file.Metadata;

    /// <summary>Whether the file says which episode each transition belongs to.</summary>
    public bool HasEpisodes { get; }

    /// <summary>Opens a file and checks the types and shapes of its tensors.</summary>
    /// <param name="path">File.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">
    /// It breaks the format, or its tensors do not agree with each other.
    /// </exception>
    /// <exception cref="IOException">The path is a directory or cannot be read.</exception>
    public static TransitionFile Open(string path)
    {
        SafetensorsFile file = SafetensorsFile.Open(path);
        try
        {
            return new TransitionFile(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Writes transitions, atomically.</summary>
    /// <param name="path">File to make or replace.</param>
    /// <param name="batch">Transitions; all of its rows in use.</param>
    /// <param name="episode">Number of the episode of each row, <c>[B]</c>; empty to leave the tensor out.</param>
    /// <param name="metadata">Text to carry, by name; null for none.</param>
    /// <exception cref="ArgumentException">
    /// The batch is empty, or <paramref name="episode"/> is neither empty nor as long as the batch.
    /// </exception>
    /// <exception cref="IOException">The path cannot be written.</exception>
    public static void Save(
        string path, TransitionBatch batch, ReadOnlySpan<long> episode = default,
        IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(batch);
        using UseGuard.Scope held = batch.Share();
        if (batch.Count == 0)
        {
            throw new ArgumentException("The batch has no transitions to save.", nameof(batch));
        }

        if (!episode.IsEmpty && episode.Length != batch.Count)
        {
            throw new ArgumentException(
                $"There are {episode.Length} episode numbers for {batch.Count} transitions.", nameof(episode));
        }

        var writer = new SafetensorsWriter();
        foreach ((string name, string text) in metadata ?? new Dictionary<string, string>())
        {
            writer.Metadata[name] = text;
        }

        batch.SaveState(writer, string.Empty);
        if (!episode.IsEmpty)
        {
            writer.Add(EpisodeName, episode, episode.Length);
        }

        writer.Save(path);
    }

    /// <summary>Reads candidate tasks, tensor <c>task [K,P]</c> (<c>F32</c>), of any safetensors file.</summary>
    /// <param name="path">File.</param>
    /// <param name="taskDimension">P that is expected, or -1 for any.</param>
    /// <returns>
    /// The tasks, row-major <c>[K,P]</c>, K 1 or more; the caller disposes them. K is the length divided by P.
    /// </returns>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">
    /// It breaks the format, has no such tensor, no tasks, or a number that is not finite.
    /// </exception>
    /// <exception cref="IOException">The path is a directory or cannot be read.</exception>
    public static NativeBuffer<float> LoadTasks(string path, int taskDimension = -1)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        TransitionColumn task = TransitionBatch.TaskColumn;
        TensorInfo tensor = file.Require(task.Name, task.Type, task.TensorShape(-1, taskDimension));
        int width = Width(file, tensor);
        if (tensor.ElementCount is 0 or > int.MaxValue)
        {
            string size = tensor.ElementCount == 0
                ? "is empty"
                : $"has {tensor.ElementCount} elements, more than {int.MaxValue}";
            throw new InvalidDataException(
                $"{FileMessages.Tensor(task.Name, path)} {size}; expected candidate tasks [K, P].");
        }

        var tasks = new NativeBuffer<float>(tensor.ElementCount);
        try
        {
            file.ReadFinite(task.Name, tasks.Span);
            return tasks;
        }
        catch
        {
            tasks.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Reads the prior of candidate tasks, tensor <c>log_prior [K]</c> (<c>F32</c>, unnormalised), if the file has one.
    /// </summary>
    /// <param name="path">File.</param>
    /// <param name="taskCount">K that is expected.</param>
    /// <returns><c>[K]</c>, or nothing without such a tensor; -inf excludes a task, and not all are excluded.</returns>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">
    /// It breaks the format, the shape is another, an entry is NaN or +inf, or all are -inf.
    /// </exception>
    /// <exception cref="IOException">The path is a directory or cannot be read.</exception>
    public static float[] LoadLogPrior(string path, int taskCount)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        if (!file.Tensors.ContainsKey(LogPriorName))
        {
            return [];
        }

        file.Require(LogPriorName, TensorType.Float32, taskCount);
        float[] logPrior = new float[taskCount];
        file.Read<float>(LogPriorName, logPrior);
        bool possible = false;
        for (int i = 0; i < logPrior.Length; i++)
        {
            if (float.IsNaN(logPrior[i]) || float.IsPositiveInfinity(logPrior[i]))
            {
                string what = float.IsNaN(logPrior[i]) ? "NaN" : "+infinity";
                throw new InvalidDataException(
                    $"{FileMessages.Tensor(LogPriorName, path)} holds {what} at row {i}; expected finite numbers or "
                    + "-infinity.");
            }

            possible |= float.IsFinite(logPrior[i]);
        }

        return possible
            ? logPrior
            : throw new InvalidDataException(
                $"{FileMessages.Tensor(LogPriorName, path)} is -infinity throughout, which excludes every task.");
    }

    /// <summary>Reads the whole file.</summary>
    /// <returns>A new batch of <see cref="Count"/> rows, for the caller to dispose.</returns>
    /// <exception cref="InvalidDataException">
    /// A number is not finite, or the file is too large for one batch.
    /// </exception>
    public TransitionBatch ReadAll()
    {
        _file.ThrowIfDisposed();
        int widest = Math.Max(Shape.ObservationDimension, Math.Max(Shape.ActionDimension, Shape.TaskDimension));
        if (Count > int.MaxValue / widest)
        {
            throw new InvalidDataException(
                $"'{Path}' has {Count} transitions, more than the {int.MaxValue / widest} that one batch can hold; "
                + "read it in blocks of rows.");
        }

        var batch = new TransitionBatch(Shape, (int)Count);
        try
        {
            Read(batch, 0, (int)Count);
            return batch;
        }
        catch
        {
            batch.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Reads a block of rows into a batch: sets its count, overwrites every column, and sets the replay index to -1.
    /// </summary>
    /// <param name="batch">Batch of the same widths.</param>
    /// <param name="firstRow">First row of the block.</param>
    /// <param name="count">Rows of the block, at most the batch's capacity.</param>
    /// <exception cref="ArgumentException">
    /// The widths differ, or the rows are not in the file or do not fit the batch.
    /// </exception>
    /// <exception cref="InvalidDataException">
    /// A number is not finite, or <c>terminated</c> is neither 0 nor 1.
    /// </exception>
    public unsafe void Read(TransitionBatch batch, long firstRow, int count)
    {
        ArgumentNullException.ThrowIfNull(batch);
        _file.ThrowIfDisposed();
        using UseGuard.Scope held = batch.Enter();
        if (batch.Shape != Shape)
        {
            throw new ArgumentException($"The batch is made for {batch.Shape}; '{Path}' holds {Shape}.", nameof(batch));
        }

        RequireRows(firstRow, count);
        batch.Count = count;
        foreach (TransitionColumn column in s_columns)
        {
            column.Read(_file, column.Name, batch.Pointer(column), firstRow, count, batch.Width(column));
        }

        batch.ReplayIndex.Fill(-1);
    }

    /// <summary>Reads the numbers of the episodes that a block of rows belongs to.</summary>
    /// <param name="destination">Receives one number for each row.</param>
    /// <param name="firstRow">First row of the block.</param>
    /// <exception cref="ArgumentException">The rows are not in the file.</exception>
    /// <exception cref="InvalidDataException">The file has no episodes.</exception>
    public void ReadEpisodes(Span<long> destination, long firstRow = 0)
    {
        _file.ThrowIfDisposed();
        RequireRows(firstRow, destination.Length);
        _file.Read(EpisodeName, destination, firstRow);
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private static int Width(SafetensorsFile file, TensorInfo tensor) => tensor.Shape[1] is > 0 and <= int.MaxValue
        ? (int)tensor.Shape[1]
        : throw new InvalidDataException(
            $"{FileMessages.Tensor(tensor.Name, file.Path)} has {tensor.Shape[1]} columns; expected 1 to "
            + $"{int.MaxValue}.");

    private void RequireSameExtent(TensorInfo first, TensorInfo second, int axis, string what)
    {
        if (first.Shape[axis] != second.Shape[axis])
        {
            throw new InvalidDataException(
                $"Tensors '{first.Name}' and '{second.Name}' of '{Path}' disagree: {first.Shape[axis]} and "
                + $"{second.Shape[axis]} {what}.");
        }
    }

    private void RequireRows(long firstRow, int count)
    {
        if (firstRow < 0 || count < 0 || firstRow > Count - count)
        {
            throw new ArgumentOutOfRangeException(
                nameof(firstRow), $"'{Path}' has {Count} transitions; asked for {count} from row {firstRow}.");
        }
    }
}
