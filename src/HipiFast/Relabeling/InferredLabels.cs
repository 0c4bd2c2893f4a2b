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
        Reserve(replay.Capacity);
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

        services.CountServed();
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
        writer.Add<float>(prefix + "task", _task.Slice(0, _used * taskDimension), _used, taskDimension);
    }

    /// <summary>Restores what <see cref="SaveState"/> wrote.</summary>
    /// <param name="file">The checkpoint.</param>
    /// <param name="prefix">What the names start with.</param>
    /// <param name="capacity">Transitions that the replay buffer can hold.</param>
    /// <exception cref="InvalidDataException">Something is missing, has another shape, or cannot be.</exception>
    public void LoadState(SafetensorsFile file, string prefix, long capacity)
    {
        string left = prefix + "left";
        int count = file.Tensors.TryGetValue(left, out TensorInfo? info) && info.Shape is [long length]
            && length <= capacity ? (int)length : 0;
        file.Require(left, TensorType.Int32, count);
        file.Require(prefix + "number", TensorType.Int64, count);
        file.Require(prefix + "task", TensorType.Float32, count, taskDimension);
        Reserve(capacity);
        _used = count;
        file.Read(left, _left.Slice(0, count));
        file.Read(prefix + "number", _number.Slice(0, count));
        file.ReadFinite(prefix + "task", _task.Slice(0, count * taskDimension));
        for (int entry = 0; entry < count; entry++)
        {
            if (_left[entry] < 0 || _left[entry] >= draws)
            {
                throw new InvalidDataException(
                    $"{FileMessages.Tensor(left, file.Path)} is {_left[entry]} in row {entry}; expected draws that a "
                    + $"label has left, 0 to {draws - 1}.");
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _left.Dispose();
        _number.Dispose();
        _task.Dispose();
    }

    private Span<float> TaskOf(long entry) => _task.Slice(entry * taskDimension, taskDimension);

    private void Reserve(long capacity)
    {
        if (capacity != _capacity)
        {
            _left.EnsureLength(capacity);
            _left.Slice(0, (int)capacity).Clear();
            _number.EnsureLength(capacity);
            _task.EnsureLength(capacity * taskDimension);
            _capacity = capacity;
            _used = 0;
        }
    }
}
