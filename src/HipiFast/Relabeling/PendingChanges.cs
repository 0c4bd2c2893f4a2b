using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Relabeling;
using HipiFast.Kernels.Tasks;
using HipiFast.Replay;

namespace HipiFast.Relabeling;

/// <summary>What a call will do to its batch, held back until nothing can go wrong any more.</summary>
/// <param name="taskDimension">P.</param>
internal sealed class PendingChanges(int taskDimension) : IDisposable
{
    private readonly ManagedBuffer<int> _taskIndex = new(0);
    private readonly ManagedBuffer<byte> _relabeled = new(0);
    private readonly NativeBuffer<float> _task = new(0);
    private readonly NativeBuffer<float> _reward = new(0);
    private readonly NativeBuffer<byte> _terminated = new(0);
    private int _rows;

    /// <summary>The rows' candidates; -1 where inverse RL does not serve.</summary>
    public Span<int> TaskIndex => _taskIndex.Slice(0, _rows);

    /// <summary>1 where a row's task is chosen anew.</summary>
    public Span<byte> Relabeled => _relabeled.Slice(0, _rows);

    /// <summary>
    /// The new tasks <c>[B, P]</c>; of units (<see cref="OfUnits"/>) until they are spread over their rows.
    /// </summary>
    public Span<float> Task => _task.Slice(0, _rows * taskDimension);

    /// <summary>The rewards under these tasks.</summary>
    public Span<float> Reward => _reward.Slice(0, _rows);

    /// <summary>The terminations under these tasks.</summary>
    public Span<byte> Terminated => _terminated.Slice(0, _rows);

    /// <summary>Rows whose task is chosen anew and that terminate under it.</summary>
    public int TerminatedCount
    {
        get
        {
            int count = 0;
            for (int row = 0; row < _rows; row++)
            {
                count += _relabeled[row] & (_terminated[row] == 0 ? 0 : 1);
            }

            return count;
        }
    }

    /// <summary>Begins a call.</summary>
    /// <param name="rows">B.</param>
    public void Begin(int rows)
    {
        _rows = rows;
        _taskIndex.EnsureLength(rows);
        _relabeled.EnsureLength(rows);
        _task.EnsureLength((long)rows * taskDimension);
        _reward.EnsureLength(rows);
        _terminated.EnsureLength(rows);
        TaskIndex.Fill(-1);
    }

    /// <summary>Tasks of the first rows, as many as there are units.</summary>
    /// <param name="units">Number of units.</param>
    /// <returns><c>[units, P]</c>.</returns>
    public Span<float> OfUnits(int units) => _task.Slice(0, units * taskDimension);

    /// <summary>Brings decisions and tasks from units to their rows.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="units">Its units.</param>
    /// <param name="services">How they are served.</param>
    public void Place(TransitionBatch batch, Units units, SlotServices services)
    {
        if (units.AreTrajectories)
        {
            Spread(batch, units, services);
        }
        else
        {
            Mark(services);
        }
    }

    /// <summary>Recomputes reward and termination of every row under its task.</summary>
    /// <param name="family">Who judges.</param>
    /// <param name="batch">The rows' transitions.</param>
    public void Judge(TaskFamily family, TransitionBatch batch) =>
        family.EvaluateRows(batch.Transitions, Task, Reward, Terminated);

    /// <summary>
    /// Says which rows were served. Transitions are their own units, so that is all there is to do for them.
    /// </summary>
    /// <param name="services">How they are served.</param>
    public void Mark(SlotServices services)
    {
        for (int row = 0; row < _rows; row++)
        {
            _relabeled[row] = services[row] == RowService.Keep ? (byte)0 : (byte)1;
        }
    }

    /// <summary>
    /// Copies each trajectory's decision and task to its rows; rows of one that is not served keep their own tasks.
    /// </summary>
    /// <param name="batch">The batch.</param>
    /// <param name="units">Its trajectories.</param>
    /// <param name="services">How they are served.</param>
    private void Spread(TransitionBatch batch, Units units, SlotServices services)
    {
        for (int unit = units.Count - 1; unit >= 0; unit--)
        {
            // From the last to the first: row numbers are never below unit numbers, so nothing is overwritten before it
            // is read.
            bool keeps = services[unit] == RowService.Keep;
            int index = _taskIndex[unit];
            Span<float> task = _task.Slice((long)unit * taskDimension, taskDimension);
            for (int row = units.LastRow(unit); row >= units.FirstRow(unit); row--)
            {
                Span<float> source = keeps ? batch.Task.Slice(row * taskDimension, taskDimension) : task;
                source.CopyTo(_task.Slice((long)row * taskDimension, taskDimension));
                _relabeled[row] = keeps ? (byte)0 : (byte)1;
                _taskIndex[row] = index;
            }
        }
    }

    /// <summary>Gives the batch its new tasks, rewards and terminations.</summary>
    /// <param name="batch">The batch.</param>
    public void Commit(TransitionBatch batch)
    {
        Task.CopyTo(batch.Task);
        Reward.CopyTo(batch.Reward);
        Terminated.CopyTo(batch.Terminated);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _taskIndex.Dispose();
        _relabeled.Dispose();
        _task.Dispose();
        _reward.Dispose();
        _terminated.Dispose();
    }
}
