using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Numerics;
using HipiFast.Kernels.Relabeling;
using HipiFast.Replay;
using HipiFast.Storage;

namespace HipiFast.Relabeling;

/// <summary>
/// The tasks that inverse RL chose for transitions of a replay buffer, each of which serves its transition's next
/// draws, too (<see cref="RelabelOptions.LabelDraws"/>).
/// </summary>
/// <param name="taskDimension">P.</param>
/// <param name="draws">Draws that a label serves in all.</param>
internal sealed class InferredLabels(int taskDimension, int draws) : IDisposable
{
    private readonly NativeBuffer<int> _left = new(0);
    private readonly NativeBuffer<long> _number = new(0);
    private readonly NativeBuffer<float> _task = new(0);
    private ReplayBuffer? _replay;
    private long _capacity;
    private int _used;

    /// <summary>
    /// Lets labels of earlier calls serve rows that inverse RL would. Labels are not used up before
    /// <see cref="Commit"/>.
    /// </summary>
    /// <param name="batch">Transitions of the replay buffer.</param>
    /// <param name="replay">The replay buffer.</param>
    /// <param name="services">How rows are served; those with a label are changed.</param>
    /// <param name="newTask">Receives their tasks, <c>[B, P]</c>.</param>
    /// <exception cref="ArgumentException">The replay buffer does not hold a transition.</exception>
    public void Recall(TransitionBatch batch, ReplayBuffer replay, SlotServices services, Span<float> newTask)
    {
        Bind(replay);
        for (int row = 0; row < batch.Count; row++)
        {
            long number = batch.ReplayIndex[row], entry = number % _capacity;
            if (!replay.IsLive(number))
            {
                throw new ArgumentException(
                    $"Transition {row} of the batch has the replay number {number}, which the replay buffer does not "
                    + "hold.",
                    nameof(batch));
            }

            if (services[row] == RowService.Infer && _left[entry] > 0 && _number[entry] == number)
            {
                services.Recall(row);
                TaskOf(entry).CopyTo(newTask.Slice(row * taskDimension, taskDimension));
            }
        }

        services.Review();
    }

    /// <summary>Uses up the labels that served, and keeps those that were inferred.</summary>
    /// <param name="replayIndex">Numbers of the rows in the replay buffer.</param>
    /// <param name="services">How they were served.</param>
    /// <param name="newTask">Their tasks, <c>[B, P]</c>.</param>
    public void Commit(ReadOnlySpan<long> replayIndex, SlotServices services, ReadOnlySpan<float> newTask)
    {
        for (int row = 0; row < replayIndex.Length; row++)
        {
            long entry = replayIndex[row] % _capacity;
            switch (services[row])
            {
                case RowService.Recall:
                    _left[entry] = Math.Max(0, _left[entry] - 1);
                    break;
                case RowService.Infer:
                    _number[entry] = replayIndex[row];
                    _left[entry] = draws - 1;
                    _used = Math.Max(_used, (int)entry + 1);
                    newTask.Slice(row * taskDimension, taskDimension).CopyTo(TaskOf(entry));
                    break;
            }
        }
    }

    /// <summary>Adds the labels to a checkpoint.</summary>
    /// <param name="writer">The checkpoint.</param>
    /// <param name="prefix">What the names start with.</param>
    public void SaveState(SafetensorsWriter writer, string prefix)
    {
        writer.Add<int>(prefix + "left", _left.Slice(0, _used), _used);
        writer.Add<long>(prefix + "number", _number.Slice(0, _used), _used);
        writer.Add<float>(
            prefix + "task", _task.Slice(0, checked(_used * taskDimension)), _used, taskDimension);
    }

    /// <summary>Restores what <see cref="SaveState"/> wrote.</summary>
    /// <param name="file">The checkpoint.</param>
    /// <param name="prefix">What the names start with.</param>
    /// <param name="replay">The replay buffer that later batches are sampled from.</param>
    /// <exception cref="InvalidDataException">Something is missing, has another shape, or cannot be.</exception>
    public void LoadState(SafetensorsFile file, string prefix, ReplayBuffer replay)
    {
        string left = prefix + "left";
        int count = file.Tensors.TryGetValue(left, out TensorInfo? info) && info.Shape is [long length]
            && length <= replay.Capacity ? (int)length : 0;
        file.Require(left, TensorType.Int32, count);
        file.Require(prefix + "number", TensorType.Int64, count);
        file.Require(prefix + "task", TensorType.Float32, count, taskDimension);
        Clear();
        Bind(replay);
        try
        {
            file.Read(left, _left.Slice(0, count));
            file.Read(prefix + "number", _number.Slice(0, count));
            for (int entry = 0; entry < count; entry++)
            {
                file.ReadFinite(prefix + "task", TaskOf(entry), (long)entry * taskDimension);
                if (_left[entry] < 0 || _left[entry] >= draws)
                {
                    throw new InvalidDataException(
                        $"{FileMessages.Tensor(left, file.Path)} is {_left[entry]} in row {entry}; expected draws that "
                        + $"a label has left, 0 to {draws - 1}.");
                }
            }
        }
        catch
        {
            _left.Slice(0, count).Clear();
            throw;
        }

        _used = count;
    }

    /// <summary>Forgets all labels.</summary>
    public void Clear()
    {
        _left.Slice(0, _used).Clear();
        _used = 0;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _left.Dispose();
        _number.Dispose();
        _task.Dispose();
    }

    private Span<float> TaskOf(long entry) => _task.Slice(entry * taskDimension, taskDimension);

    // Numbers are those of one replay buffer: labels of another one's transitions would be of others.
    private void Bind(ReplayBuffer replay)
    {
        if (ReferenceEquals(_replay, replay))
        {
            return;
        }

        Clear();
        _replay = replay;
        _capacity = replay.Capacity;
        _left.EnsureLength(_capacity);
        _number.EnsureLength(_capacity);
        _task.EnsureLength(_capacity * taskDimension);
    }
}
