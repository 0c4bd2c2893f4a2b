using System.Numerics.Tensors;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Random;
using HipiFast.Kernels.Relabeling;
using HipiFast.Kernels.Replay;
using HipiFast.Kernels.Tasks;
using HipiFast.Replay;

namespace HipiFast.Relabeling;

/// <summary>
/// The candidate tasks of a call, those that are scored and that indices point into, and the fixed ones that stay from
/// call to call.
/// </summary>
/// <param name="family">The map from states to tasks.</param>
/// <param name="options">Where candidates come from.</param>
internal sealed unsafe class CandidateTasks(TaskFamily family, RelabelOptions options) : IDisposable
{
    private readonly ManagedBuffer<float> _tasks = new(0);
    private readonly NativeBuffer<float> _fixedTasks = new(0);
    private readonly NativeBuffer<float> _fixedLogPrior = new(0);
    private readonly NativeBuffer<float> _logPrior = new(0);
    private bool _hasFixedPrior;
    private uint _drawn;

    /// <summary>K of the fixed candidates; 0 before they are set.</summary>
    public int FixedCount { get; private set; }

    /// <summary>The fixed candidates <c>[K, P]</c>.</summary>
    public ReadOnlySpan<float> FixedTasks => _fixedTasks.Slice(0, FixedCount * TaskDimension);

    /// <summary>log p of the fixed candidates <c>[K]</c>; empty for a uniform prior.</summary>
    public ReadOnlySpan<float> FixedLogPrior => _fixedLogPrior.Slice(0, _hasFixedPrior ? FixedCount : 0);

    /// <summary>The tasks <c>[K, P]</c> of the present call.</summary>
    public ReadOnlySpan<float> Tasks => _tasks.Slice(0, Count * TaskDimension);

    /// <summary>K of the present call.</summary>
    public int Count { get; private set; }

    /// <summary>Address of <see cref="Tasks"/>.</summary>
    public float* Pointer => _tasks.Pointer;

    /// <summary>Most candidates that the present call by groups can have.</summary>
    public int Most { get; private set; }

    private int SourceCount => options.Candidates == CandidateSource.Both ? 2 : 1;

    private int TaskDimension => family.TaskDimension;

    /// <summary>Sets the fixed candidates.</summary>
    /// <param name="tasks"><c>[K, P]</c>, copied.</param>
    /// <param name="logPrior"><c>[K]</c>, copied, or empty.</param>
    public void SetFixed(ReadOnlySpan<float> tasks, ReadOnlySpan<float> logPrior)
    {
        Store(_fixedTasks, tasks);
        Store(_fixedLogPrior, logPrior);
        FixedCount = tasks.Length / TaskDimension;
        _hasFixedPrior = !logPrior.IsEmpty;
    }

    /// <summary>Where a batch in a session's own memory takes its candidates from.</summary>
    /// <param name="options">Where candidates come from.</param>
    /// <returns>The sources.</returns>
    public static ResidentCandidates Sources(RelabelOptions options)
    {
        ResidentCandidates reached =
            options.ReachedState == ReachedState.Next
                ? ResidentCandidates.ReachedNext
                : ResidentCandidates.ReachedCurrent;
        return options.Candidates switch
        {
            CandidateSource.Commanded => ResidentCandidates.Commanded,
            CandidateSource.Reached => reached,
            CandidateSource.Both => ResidentCandidates.Commanded | reached,
            _ => ResidentCandidates.Given,
        };
    }

    /// <summary>No candidates: inverse RL serves no row.</summary>
    public void Clear() => Count = 0;

    /// <summary>Gathers the candidates of a call by row.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="units">Its units.</param>
    /// <param name="given">Candidates that came with the call.</param>
    /// <exception cref="ArgumentException">Fixed candidates are wanted and none were set.</exception>
    public void Gather(TransitionBatch batch, Units units, GivenTasks given)
    {
        if (!given.Tasks.IsEmpty || options.Candidates == CandidateSource.Fixed)
        {
            Store(given);
            return;
        }

        Begin(units.Count);
        Gather(batch, units, 0);
        Count = Most;
    }

    /// <summary>Begins a call whose candidates come from its rows.</summary>
    /// <param name="rows">Most rows that give candidates; memory is reserved for them.</param>
    public void Begin(int rows)
    {
        Count = 0;
        _drawn = 0;
        Most = checked(SourceCount * rows);
        _tasks.EnsureLength((long)Most * TaskDimension);
    }

    /// <summary>
    /// Adds the candidates of a group to those of the call: all that its rows give, or a random subset of them.
    /// </summary>
    /// <param name="group">The rows.</param>
    /// <param name="call">Number of the call.</param>
    /// <returns>The group's candidates <c>[K, P]</c>, valid until the next call.</returns>
    public ReadOnlySpan<float> Append(TransitionBatch group, uint call)
    {
        int first = Count, count = SourceCount * group.Count, dimension = TaskDimension;
        Gather(group, new Units(group), first);
        int wanted = options.GroupCandidates == 0 ? count : Math.Min(count, options.GroupCandidates);
        Span<float> tasks = _tasks.Slice((long)first * dimension, count * dimension);
        if (wanted < count)
        {
            for (int i = 0; i < wanted; i++)
            {
                int other = i + (int)UniformIndex.Draw(
                    (uint)(count - i), _drawn++, call, RandomPurpose.CandidateSubset, options.Seed);
                for (int entry = 0; entry < dimension; entry++)
                {
                    (tasks[(i * dimension) + entry], tasks[(other * dimension) + entry]) =
                        (tasks[(other * dimension) + entry], tasks[(i * dimension) + entry]);
                }
            }
        }

        Count = first + wanted;
        return tasks[..(wanted * dimension)];
    }

    /// <summary>Takes the candidates that came with the call, or else the fixed ones.</summary>
    /// <param name="given">Candidates that came with the call.</param>
    /// <exception cref="ArgumentException">There are neither.</exception>
    public void Store(GivenTasks given)
    {
        if (given.Tasks.IsEmpty && FixedCount == 0)
        {
            throw new ArgumentException(
                "There are no candidate tasks: fixed candidates were asked for and none were set.");
        }

        ReadOnlySpan<float> tasks = given.Tasks.IsEmpty
            ? FixedTasks
            : given.Tasks;
        _tasks.EnsureLength(tasks.Length);
        tasks.CopyTo(_tasks.Slice(0, tasks.Length));
        Count = tasks.Length / TaskDimension;
    }

    /// <summary>
    /// Gathers the commanded tasks of the slots that inverse RL serves, in their order: the candidates of a call by
    /// task.
    /// </summary>
    /// <param name="batch">The batch.</param>
    /// <param name="services">How its slots are served.</param>
    /// <param name="slot">Receives the slot of each candidate; of the batch's length.</param>
    public void GatherServed(TransitionBatch batch, SlotServices services, Span<int> slot)
    {
        int dimension = TaskDimension;
        Count = 0;
        _tasks.EnsureLength((long)batch.Count * dimension);
        for (int row = 0; row < batch.Count; row++)
        {
            if (services[row] == RowService.Infer)
            {
                batch.Task.Slice(row * dimension, dimension).CopyTo(_tasks.Slice((long)Count * dimension, dimension));
                slot[Count++] = row;
            }
        }
    }

    /// <summary>The prior of the present call's candidates, shifted so that its largest entry is 0.</summary>
    /// <param name="given">Candidates that came with the call.</param>
    /// <returns>log p(psi) <c>[K]</c>, or empty; valid until the next call.</returns>
    public ReadOnlySpan<float> LogPrior(GivenTasks given)
    {
        bool isFixed = given.Tasks.IsEmpty && options.Candidates == CandidateSource.Fixed && _hasFixedPrior;
        ReadOnlySpan<float> logPrior = isFixed ? FixedLogPrior : given.LogPrior;
        if (logPrior.IsEmpty)
        {
            return default;
        }

        // An unnormalised prior may lie anywhere: far from 0, scores added to it would drown.
        _logPrior.EnsureLength(logPrior.Length);
        Span<float> shifted = _logPrior.Slice(0, logPrior.Length);
        TensorPrimitives.Subtract(logPrior, TensorPrimitives.Max(logPrior), shifted);
        return shifted;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _tasks.Dispose();
        _fixedTasks.Dispose();
        _fixedLogPrior.Dispose();
        _logPrior.Dispose();
    }

    private void Gather(TransitionBatch batch, Units units, int first)
    {
        if (options.Candidates != CandidateSource.Reached)
        {
            units.Commanded.CopyTo(_tasks.Slice((long)first * TaskDimension, units.Count * TaskDimension));
        }

        if (options.Candidates != CandidateSource.Commanded)
        {
            GatherReached(batch, units, (first + ((SourceCount - 1L) * units.Count)) * TaskDimension);
        }
    }

    private void GatherReached(TransitionBatch batch, Units units, long first)
    {
        int state = batch.Shape.ObservationDimension;
        TransitionPointers rows = batch.Pointers;
        float* states = (float*)(options.ReachedState == ReachedState.Next ? rows.NextObservation : rows.Observation);
        for (int unit = 0; unit < units.Count; unit++)
        {
            float* reached = states + ((long)units.LastRow(unit) * state),
                task = _tasks.Pointer + first + ((long)unit * TaskDimension);
            family.AchievedTasks(reached, units.CommandedOf(unit), 1, state, task);
        }
    }

    private static void Store(NativeBuffer<float> buffer, ReadOnlySpan<float> values)
    {
        buffer.EnsureLength(values.Length);
        values.CopyTo(buffer.Slice(0, values.Length));
    }
}
