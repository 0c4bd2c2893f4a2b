using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Relabeling;
using HipiFast.Replay;

namespace HipiFast.Relabeling;

/// <summary>
/// Inverse RL by row at a cost that grows linearly in the batch: the rows that it serves go in their order in groups
/// of <see cref="RelabelOptions.GroupRows"/>, and a group is relabeled as a batch of its own, with the candidates of
/// its own rows and a partition over them. Candidates that are a set, fixed or given with the call, cost no more for
/// more rows: all rows then are one group. Rows that are not served are not evaluated.
/// </summary>
/// <param name="session">Kernels.</param>
/// <param name="problems">A group as a problem for them.</param>
/// <param name="candidates">Receives the candidates of all groups, one group after the other.</param>
/// <param name="options">How to relabel.</param>
/// <param name="watch">Who waits for the call.</param>
internal sealed class ServedGroups(
    ComputeSession session, InferenceProblems problems, CandidateTasks candidates, RelabelOptions options,
    RelabelWatch watch)
    : IDisposable
{
    private readonly NativeBuffer<int> _row = new(0);
    private readonly NativeBuffer<int> _index = new(0);
    private readonly NativeBuffer<float> _task = new(0);
    private readonly NativeBuffer<float> _reward = new(0);
    private readonly NativeBuffer<byte> _terminated = new(0);
    private TransitionBatch? _staged;

    /// <summary>Gives every row that inverse RL serves a task of its group.</summary>
    /// <param name="batch">The batch; left as it is.</param>
    /// <param name="services">How its rows are served.</param>
    /// <param name="given">Candidates that came with the call.</param>
    /// <param name="call">Number of the call.</param>
    /// <param name="pending">Receives the tasks and their indices among all candidates.</param>
    /// <param name="logPartition">Receives logZ of all candidates; grows as needed.</param>
    /// <returns>The call in sums.</returns>
    /// <exception cref="ArgumentException">There are no networks, or no fixed candidates.</exception>
    /// <exception cref="InvalidDataException">A NaN or infinity, or scores that overflow.</exception>
    public Inference Infer(
        TransitionBatch batch, SlotServices services, GivenTasks given, uint call, PendingChanges pending,
        ManagedBuffer<float> logPartition)
    {
        int served = Collect(batch.Count, services), width = batch.Shape.TaskDimension;
        bool isSet = !given.Tasks.IsEmpty || options.Candidates == CandidateSource.Fixed;
        int groupRows = isSet ? served : Math.Min(options.GroupRows, served);

        // For the whole batch, so that a call which serves more rows than those before it allocates nothing.
        Reserve(batch, isSet ? batch.Count : Math.Min(options.GroupRows, batch.Count));
        if (isSet)
        {
            candidates.Store(given);
        }
        else
        {
            candidates.Begin(batch.Count);
        }

        if (options.Partition != PartitionMode.None)
        {
            logPartition.EnsureLength(isSet ? candidates.Count : candidates.Most);
        }

        RelabelSummary total = RelabelSummary.Nothing;
        watch.Begin(Math.Max(1, served));
        for (int first = 0; first < served; first += groupRows)
        {
            int rows = Math.Min(groupRows, served - first), firstCandidate = isSet ? 0 : candidates.Count;
            Stage(batch, first, rows);
            ReadOnlySpan<float> tasks = isSet ? candidates.Tasks : candidates.Append(_staged!, call);
            RelabelProblem problem = problems.OfGroup(_staged!, tasks, given, (uint)first, call);
            RelabelSummary group = session.RelabelPipeline.Run(problem, new RelabelOutput
            {
                NewTask = _task.Slice(0, rows * width),
                TaskIndex = _index.Slice(0, rows),
                Reward = _reward.Slice(0, rows),
                Terminated = _terminated.Slice(0, rows),
                LogPartition = problem.HasPartition
                    ? logPartition.Slice(firstCandidate, problem.SoftQ.Candidates)
                    : default,
            });
            group.RenumberRows(_row.Slice(first, rows));
            group.BadCandidate += firstCandidate;
            RelabelChecks.RequireSamples(group, options);
            total.Add(group);
            for (int i = 0; i < rows; i++)
            {
                int row = _row[first + i];
                _task.Slice(i * width, width).CopyTo(pending.Task.Slice(row * width, width));
                pending.TaskIndex[row] = firstCandidate + _index[i];
            }

            watch.Advance(rows);
        }

        return Inference.Of(total, served, options.Partition == PartitionMode.None ? 0 : candidates.Count);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _row.Dispose();
        _index.Dispose();
        _task.Dispose();
        _reward.Dispose();
        _terminated.Dispose();
        _staged?.Dispose();
    }

    private int Collect(int rows, SlotServices services)
    {
        _row.EnsureLength(rows);
        int served = 0;
        for (int row = 0; row < rows; row++)
        {
            if (services[row] == RowService.Infer)
            {
                _row[served++] = row;
            }
        }

        return served;
    }

    private void Reserve(TransitionBatch batch, int rows)
    {
        _index.EnsureLength(rows);
        _task.EnsureLength((long)rows * batch.Shape.TaskDimension);
        _reward.EnsureLength(rows);
        _terminated.EnsureLength(rows);
        if (_staged is null || _staged.Capacity < rows || _staged.Shape != batch.Shape)
        {
            _staged?.Dispose();
            _staged = new TransitionBatch(batch.Shape, rows);
        }
    }

    private void Stage(TransitionBatch batch, int first, int rows)
    {
        _staged!.Count = rows;
        for (int i = 0; i < rows; i++)
        {
            batch.CopyTransition(_row[first + i], _staged, i);
            batch.TaskOf(_row[first + i]).CopyTo(_staged.TaskOf(i));
        }
    }
}
