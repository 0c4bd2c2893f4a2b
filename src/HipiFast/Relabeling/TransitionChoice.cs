using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Numerics;
using HipiFast.Kernels.Random;
using HipiFast.Kernels.Relabeling;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.TaskSampling;
using HipiFast.Replay;

namespace HipiFast.Relabeling;

/// <summary>
/// Assignment by task: the commanded task of each slot to be inferred picks its transition among M random ones, fresh
/// for every group of slots.
/// </summary>
/// <param name="session">Kernels.</param>
/// <param name="estimate">Q~.</param>
/// <param name="options">How to relabel.</param>
/// <param name="watch">Who waits for the call.</param>
internal sealed class TransitionChoice(
    ComputeSession session, AgentEstimate estimate, RelabelOptions options, RelabelWatch watch) : IDisposable
{
    // Slots that choose among the same random transitions. Few enough that many slots see many transitions, and two
    // vectors of columns.
    internal const int GroupSlots = 32;

    private readonly NativeBuffer<float> _softQ = new(0);
    private readonly ExactTerminalValues _terminal = new();
    private readonly NativeBuffer<int> _slot = new(0);
    private readonly NativeBuffer<int> _picked = new(0);
    private readonly NativeBuffer<int> _poolRow = new(0);
    private TransitionBatch? _pool;
    private TransitionBatch? _staged;

    /// <summary>
    /// The batch of the last call with the transitions that were picked; its tasks, rewards and terminations are not
    /// set.
    /// </summary>
    public TransitionBatch Staged => _staged!;

    /// <summary>Lets every slot that inverse RL serves pick its transition.</summary>
    /// <param name="batch">The batch; left as it is.</param>
    /// <param name="given">
    /// Q~ <c>[B, B]</c> of the batch's transitions under its commanded tasks, where that came with the call: all of
    /// them are then the pool. Otherwise empty.
    /// </param>
    /// <param name="services">How its slots are served.</param>
    /// <param name="replay">Where transitions are drawn from; null for the batch itself.</param>
    /// <param name="call">Number of the call.</param>
    /// <param name="candidates">Receives the tasks that pick.</param>
    /// <param name="taskIndex">Receives each such slot's number among them.</param>
    /// <exception cref="ArgumentException">There are no networks.</exception>
    /// <exception cref="InvalidDataException">A NaN or infinity, or scores that overflow.</exception>
    public void Choose(
        TransitionBatch batch, ReadOnlySpan<float> given, SlotServices services, ReplayBuffer? replay, uint call,
        CandidateTasks candidates, Span<int> taskIndex)
    {
        _slot.EnsureLength(batch.Count);
        _picked.EnsureLength(batch.Count);
        candidates.GatherServed(batch, services, _slot.Slice(0, batch.Count));
        EnsureCapacity(ref _staged, batch.Shape, batch.Count);
        _staged!.CopyTransitions(batch);
        if (!given.IsEmpty)
        {
            ChooseByGiven(batch, given, call, candidates.Count, taskIndex);
            return;
        }

        estimate.RequireCritic();

        // The group's part of Q~ is one span, so a pool of more than 2^26 transitions makes groups smaller.
        int slots = candidates.Count, poolRows = replay is null
            ? Math.Min(options.RowPool, batch.Count)
            : options.RowPool;
        int groupSlots = Math.Min(GroupSlots, int.MaxValue / poolRows), width = batch.Shape.TaskDimension;
        _softQ.EnsureLength((long)poolRows * Math.Min(groupSlots, slots));
        ulong numbered = 0;
        watch.Begin(Math.Max(1, slots));
        for (int first = 0; first < slots; first += groupSlots, numbered += (uint)poolRows)
        {
            int count = Math.Min(groupSlots, slots - first);
            TransitionBatch pool = FillPool(batch, replay, numbered, call);
            Pick(pool, candidates.Tasks.Slice(first * width, count * width), first, count, (uint)numbered, call);
            for (int i = first; i < first + count; i++)
            {
                pool.CopyTransition(_picked[i], _staged, _slot[i]);
                taskIndex[_slot[i]] = i;
            }

            watch.Advance(count);
        }
    }

    /// <summary>Gives a batch the transitions that its slots picked.</summary>
    /// <param name="batch">The batch of the last call.</param>
    /// <param name="services">How its slots are served.</param>
    public void Commit(TransitionBatch batch, SlotServices services)
    {
        for (int row = 0; row < batch.Count; row++)
        {
            if (services[row] == RowService.Infer)
            {
                Staged.CopyTransition(row, batch, row);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _softQ.Dispose();
        _slot.Dispose();
        _picked.Dispose();
        _poolRow.Dispose();
        _pool?.Dispose();
        _staged?.Dispose();
    }

    // Every task of the batch picks among all of its transitions; the slots that are not served drop what theirs picked.
    private void ChooseByGiven(
        TransitionBatch batch, ReadOnlySpan<float> given, uint call, int slots, Span<int> taskIndex)
    {
        int rows = batch.Count;
        RelabelChecks.RequireSoftQ(given, rows, rows);
        SoftQProblem problem = estimate.OfGiven(batch, batch.Task, call);
        ReadOnlySpan<float> softQ = given;
        if (ExactTerminalValues.AreAsked(problem))
        {
            _softQ.EnsureLength(given.Length);
            Span<float> replaced = _softQ.Slice(0, given.Length);
            given.CopyTo(replaced);
            _terminal.Put(problem, 0, replaced);
            softQ = replaced;
        }

        int bad = FiniteCheck.IndexOfNonFinite(softQ);
        if (bad >= 0)
        {
            throw RelabelChecks.NotFiniteGiven(bad / rows, bad % rows, softQ[bad]);
        }

        Sample(softQ, rows, rows, 0, call, _picked.Slice(0, rows));
        for (int i = 0; i < slots; i++)
        {
            batch.CopyTransition(_picked[_slot[i]], _staged!, _slot[i]);
            taskIndex[_slot[i]] = i;
        }
    }

    // The transitions among which a group of tasks chooses: random ones of the replay buffer, or of the batch, or all
    // of a batch that is no larger than the pool.
    private TransitionBatch FillPool(TransitionBatch batch, ReplayBuffer? replay, ulong firstNumber, uint call)
    {
        int count = options.RowPool;
        if (replay is null && count >= batch.Count)
        {
            return batch;
        }

        EnsureCapacity(ref _pool, batch.Shape, count);
        if (replay is not null)
        {
            replay.Sample(_pool!, count, options.Seed, call, RandomPurpose.RowPool, firstNumber);
            RelabelChecks.RequireFinite(_pool!, "pooled replay ");
            RelabelChecks.RequireActions(_pool!, estimate, options);
            return _pool!;
        }

        _pool!.Count = count;
        _poolRow.EnsureLength(count);
        Span<int> rows = _poolRow.Slice(0, count);
        UniformIndex.Fill(rows, (uint)batch.Count, options.Seed, call, RandomPurpose.RowPool, firstNumber);
        for (int i = 0; i < count; i++)
        {
            batch.CopyTransition(rows[i], _pool, i);
        }

        return _pool;
    }

    // Slots [first, first + count) choose among one pool, whose transitions are numbered from firstNumber so that no
    // group repeats another's noise.
    private void Pick(
        TransitionBatch pool, ReadOnlySpan<float> tasks, int first, int count, uint firstNumber, uint call)
    {
        Span<float> softQ = _softQ.Slice(0, pool.Count * count);
        SoftQRows.Compute(session.SoftQ, estimate.Of(pool, tasks, call, firstNumber), 0, pool.Count, softQ);
        int bad = FiniteCheck.IndexOfNonFinite(softQ);
        if (bad >= 0)
        {
            throw RelabelChecks.NotFinite(options.Estimator, bad / count, first + (bad % count), softQ[bad]);
        }

        Sample(softQ, pool.Count, count, firstNumber, call, _picked.Slice(first, count), first);
    }

    // A row for each of the tasks, which are numbered from firstTask in what is said of them.
    private void Sample(
        ReadOnlySpan<float> softQ, int rows, int tasks, uint firstNumber, uint call, Span<int> picked,
        int firstTask = 0)
    {
        TaskPosterior scores = new()
        {
            SoftQ = softQ,
            Rows = rows,
            Candidates = tasks,
            Temperature = options.Temperature,
            Seed = options.Seed,
            Call = call,
            FirstRow = firstNumber,
        };
        session.TaskSampling.SampleRows(scores, picked);
        int missing = picked.IndexOf(-1);
        if (missing >= 0)
        {
            throw RelabelChecks.NotSampled("task", firstTask + missing, options.Temperature);
        }
    }

    private static void EnsureCapacity(ref TransitionBatch? batch, TransitionShape shape, int capacity)
    {
        if (batch is null || batch.Capacity < capacity || batch.Shape != shape)
        {
            batch?.Dispose();
            batch = new TransitionBatch(shape, capacity);
        }
    }
}
