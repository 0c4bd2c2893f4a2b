using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Random;
using HipiFast.Kernels.Relabeling;
using HipiFast.Kernels.Tasks;
using HipiFast.Learning;
using HipiFast.Replay;
using HipiFast.Storage;
using HipiFast.Tasks;

namespace HipiFast.Relabeling;

/// <summary>
/// Gives transitions the tasks for which, in hindsight, they were the right thing to do: relabeling by inverse RL (the paper's Alg. 1) and its
/// baselines.
/// </summary>
/// <remarks>
/// <para>A call works on a batch in place. A batch may be a pool of several minibatches: its rows are then relabeled jointly, with more rows in the
/// partition and more candidates for each row. Whatever goes wrong, the batch is left as it was.</para>
/// <para>Everything random is a function of (<see cref="RelabelOptions.Seed"/>, <see cref="Call"/>, slot), and results do not depend on the number
/// of threads. Nor does the noise depend on the size of blocks (<see cref="RelabelOptions.MemoryBudget"/>), but the last bits of logZ may, as sums
/// over blocks round differently, and with them a draw that was all but a tie. With slot = row of the batch (for trajectories: their number), the
/// counters are: (slot, 0, call, Mixing), word 0 for whether the slot is relabeled and word 1 for the goal mix; (slot, attempt, call, FutureState)
/// for the future state; (slot, attempt, call, RandomTask), or whatever the task distribution makes of (slot, call), for the random task; and
/// (task / 4, slot, call, TaskSampling) for the posterior.</para>
/// <para>By task, the relabeled slots go in their order in groups of 32. Each group chooses among M transitions of its own (M =
/// <see cref="RelabelOptions.RowPool"/>, or all rows of a batch without replay buffer that has no more): transition t of group g is entry
/// M g + t of RowPool as <see cref="ReplayBuffer.Sample(TransitionBatch, int, ulong, uint)"/> counts, and (task / 4, M g + t modulo 2^32, call,
/// RowSampling) is for the choice, where task counts the slots of the group. (Should M exceed 2^26, groups are of 2^31 / M slots.)</para>
/// <para>Steady state allocates nothing: memory is native, sized by the largest call so far. Not thread-safe.</para>
/// </remarks>
public sealed unsafe partial class Relabeler : IDisposable
{
    private readonly TaskFamily _family;
    private readonly AgentNetworks? _agent;
    private readonly ITaskDistribution? _tasks;
    private readonly ComputeSession _session;
    private readonly bool _ownsSession;

    private readonly NativeBuffer<float> _fixedTasks = new(0);
    private readonly NativeBuffer<float> _fixedLogPrior = new(0);
    private int _fixedCount;
    private bool _hasFixedPrior;

    // What a call will do to the batch, held back until nothing can go wrong any more.
    private readonly NativeBuffer<Service> _service = new(0);
    private readonly NativeBuffer<int> _taskIndex = new(0);
    private readonly NativeBuffer<byte> _relabeled = new(0);
    private readonly NativeBuffer<float> _newTask = new(0);
    private readonly NativeBuffer<float> _newReward = new(0);
    private readonly NativeBuffer<byte> _newTerminated = new(0);

    /// <summary>Makes a relabeler with threads of its own.</summary>
    /// <param name="family">Reward, termination and state-to-task map.</param>
    /// <param name="agent">Networks that estimate Q~; may be null where none is needed (strategies other than inverse RL, and trajectories).</param>
    /// <param name="options">How to relabel.</param>
    /// <param name="tasks">Where random relabeling draws tasks; null for the batch's own.</param>
    /// <exception cref="ArgumentException">An option is out of range or does not apply to the family, or shapes disagree between family, agent and
    /// distribution; or no backend has that name, or the one named computes in another precision.</exception>
    /// <exception cref="NotSupportedException">The backend cannot run here.</exception>
    public Relabeler(TaskFamily family, AgentNetworks? agent, RelabelOptions options, ITaskDistribution? tasks = null)
        : this(null, family, agent, options, tasks)
    {
    }

    /// <summary>Makes a relabeler that shares a session, for example with a learner. The session is not disposed.</summary>
    /// <param name="session">Kernels and threads; used by one thread at a time.</param>
    /// <param name="family">As for the other constructor.</param>
    /// <param name="agent">As for the other constructor.</param>
    /// <param name="options">As for the other constructor; of <see cref="RelabelOptions.Compute"/> the threads alone are read.</param>
    /// <param name="tasks">As for the other constructor.</param>
    /// <exception cref="ArgumentException">As for the other constructor.</exception>
    public Relabeler(ComputeSession? session, TaskFamily family, AgentNetworks? agent, RelabelOptions options, ITaskDistribution? tasks = null)
    {
        ArgumentNullException.ThrowIfNull(family);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        CheckApplies(family, options);
        if (agent is not null && agent.Shape.TaskDimension != family.TaskDimension)
        {
            throw new ArgumentException(
                $"The agent takes tasks of {agent.Shape.TaskDimension} entries; the task family has {family.TaskDimension}.", nameof(agent));
        }

        if (tasks is not null && tasks.TaskDimension != family.TaskDimension)
        {
            throw new ArgumentException(
                $"The task distribution makes tasks of {tasks.TaskDimension} entries; the task family has {family.TaskDimension}.", nameof(tasks));
        }

        _family = family;
        _agent = agent;
        _tasks = tasks;
        Options = options;
        _runningPartition = new RunningPartition(options.PartitionDecay);
        _ownsSession = session is null;
        _session = session ?? options.Compute.OpenSession();
    }

    // How a slot of the batch is served.
    private enum Service : byte
    {
        Keep,
        Infer,
        Goal,
        Random,
    }

    /// <summary>The options it was made with.</summary>
    public RelabelOptions Options { get; }

    /// <summary>The backend that computes.</summary>
    public KernelBackend Backend => _session.Backend;

    /// <summary>
    /// Number of the next call, the third word of every random counter; grows by one with each call that succeeds. A checkpoint keeps it.
    /// </summary>
    public uint Call { get; set; }

    /// <summary>Receives Q~ and the posterior as they are computed, or null.</summary>
    public IRelabelObserver? Observer { get; set; }

    private bool KeepsPartition => Options.Partition == PartitionMode.Running;

    private int TaskDimension => _family.TaskDimension;

    /// <summary>Sets the tasks of <see cref="CandidateSource.Fixed"/>.</summary>
    /// <param name="tasks"><c>[K, P]</c>, copied.</param>
    /// <param name="logPrior">log p(psi) <c>[K]</c>, unnormalised, copied; empty for a uniform prior. An entry of -inf excludes its task.</param>
    /// <exception cref="ArgumentException">There is no whole task, an entry is not finite, the lengths disagree, or the prior excludes every
    /// task.</exception>
    public void SetFixedCandidates(ReadOnlySpan<float> tasks, ReadOnlySpan<float> logPrior = default)
    {
        int count = CheckCandidates(tasks, logPrior);
        Store(_fixedTasks, tasks);
        Store(_fixedLogPrior, logPrior);
        _fixedCount = count;
        _runningPartition.Clear();
        _hasFixedPrior = !logPrior.IsEmpty;
    }

    /// <summary>Relabels transitions in place: task, reward and termination; by task also state, action and next state.</summary>
    /// <param name="batch">B transitions, 1 or more.</param>
    /// <param name="replay">
    /// Where they were sampled from (<see cref="TransitionBatch.ReplayIndex"/>): needed for final and future tasks; by task the transitions among
    /// which tasks choose, where null stands for the batch itself.
    /// </param>
    /// <returns>What was done.</returns>
    /// <remarks>Reward and termination are recomputed by the family for every row, relabeled or not, so that all rows are judged alike.</remarks>
    /// <exception cref="ArgumentException">Shapes disagree, there are no transitions or candidates, or something that the options need is
    /// missing.</exception>
    /// <exception cref="InvalidDataException">A NaN or infinity in the batch, in Q~ or in a reward; the message names the first.</exception>
    public RelabelResult Relabel(TransitionBatch batch, ReplayBuffer? replay = null) => Run(batch, default, default, default, false, replay);

    /// <summary>Relabels transitions in place, choosing among tasks given with the call instead of <see cref="RelabelOptions.Candidates"/>.</summary>
    /// <param name="batch">B transitions, 1 or more.</param>
    /// <param name="candidates">The candidate tasks <c>[K, P]</c>.</param>
    /// <param name="replay">As for <see cref="Relabel(TransitionBatch, ReplayBuffer?)"/>.</param>
    /// <param name="logPrior">log p(psi) <c>[K]</c>, unnormalised; empty for a uniform prior. An entry of -inf excludes its task.</param>
    /// <returns>What was done.</returns>
    /// <exception cref="ArgumentException">As for <see cref="Relabel(TransitionBatch, ReplayBuffer?)"/>, or the prior has another length or excludes
    /// every task, or tasks choose transitions (<see cref="Assignment.Task"/>), where there is nothing to choose among.</exception>
    /// <exception cref="InvalidDataException">As for <see cref="Relabel(TransitionBatch, ReplayBuffer?)"/>.</exception>
    public RelabelResult Relabel(
        TransitionBatch batch, ReadOnlySpan<float> candidates, ReplayBuffer? replay = null, ReadOnlySpan<float> logPrior = default)
    {
        if (Options.Assignment == Assignment.Task)
        {
            throw new ArgumentException("Assignment by task keeps the commanded tasks; it takes no candidates.", nameof(candidates));
        }

        RefuseRunningPartition("candidates given with a call");
        CheckCandidates(candidates, logPrior);
        return Run(batch, default, candidates, logPrior, false, replay);
    }

    /// <summary>
    /// Relabels whole trajectories in place, one task each: <c>Q~[trajectory, i] = sum_t r_psi_i(s_t, a_t)</c> (the paper's Eq. 7, the estimator
    /// <c>return</c>).
    /// </summary>
    /// <param name="batch">B transitions, those of a trajectory side by side in the order in which they happened.</param>
    /// <param name="episode"><c>[B]</c>: equal numbers mark the rows of one trajectory.</param>
    /// <returns>What was done; every row of a trajectory carries its task index.</returns>
    /// <remarks>
    /// No networks are needed. The relabel fraction, the partition, the prior and the diagnostics speak of trajectories. A trajectory's commanded
    /// task is that of its first row, the task it reached is that of its last. The strategies final, random and none apply as well; future, the goal
    /// mix and assignment by task do not.
    /// </remarks>
    /// <exception cref="ArgumentException">As for <see cref="Relabel(TransitionBatch, ReplayBuffer?)"/>, or an episode's rows are not side by
    /// side.</exception>
    /// <exception cref="InvalidDataException">As for <see cref="Relabel(TransitionBatch, ReplayBuffer?)"/>.</exception>
    public RelabelResult RelabelTrajectories(TransitionBatch batch, ReadOnlySpan<long> episode) => Run(batch, episode, default, default, true, null);

    /// <summary>
    /// Relabels whole trajectories in place, choosing among tasks given with the call instead of <see cref="RelabelOptions.Candidates"/>.
    /// </summary>
    /// <param name="batch">As for <see cref="RelabelTrajectories(TransitionBatch, ReadOnlySpan{long})"/>.</param>
    /// <param name="episode">As for <see cref="RelabelTrajectories(TransitionBatch, ReadOnlySpan{long})"/>.</param>
    /// <param name="candidates">The candidate tasks <c>[K, P]</c>.</param>
    /// <param name="logPrior">log p(psi) <c>[K]</c>, unnormalised; empty for a uniform prior. An entry of -inf excludes its task.</param>
    /// <returns>What was done.</returns>
    /// <exception cref="ArgumentException">As for <see cref="RelabelTrajectories(TransitionBatch, ReadOnlySpan{long})"/>, or the prior has another
    /// length or excludes every task.</exception>
    /// <exception cref="InvalidDataException">As for <see cref="RelabelTrajectories(TransitionBatch, ReadOnlySpan{long})"/>.</exception>
    public RelabelResult RelabelTrajectories(
        TransitionBatch batch, ReadOnlySpan<long> episode, ReadOnlySpan<float> candidates, ReadOnlySpan<float> logPrior = default)
    {
        CheckCandidates(candidates, logPrior);
        return Run(batch, episode, candidates, logPrior, true, null);
    }

    /// <summary>Adds what later calls depend on, besides <see cref="Call"/>, to a checkpoint: the partition that is kept across batches.</summary>
    internal void SaveState(SafetensorsWriter writer, string prefix)
    {
        if (KeepsPartition)
        {
            _runningPartition.SaveState(writer, prefix + "partition.");
        }
    }

    /// <summary>Restores what <see cref="SaveState"/> wrote, in a relabeler of the same options and fixed candidates.</summary>
    /// <exception cref="InvalidDataException">Something is missing or has another shape.</exception>
    internal void LoadState(SafetensorsFile file, string prefix)
    {
        if (KeepsPartition)
        {
            _runningPartition.LoadState(file, prefix + "partition.", _fixedCount);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_ownsSession)
        {
            _session.Dispose();
        }

        _fixedTasks.Dispose();
        _fixedLogPrior.Dispose();
        _service.Dispose();
        _taskIndex.Dispose();
        _relabeled.Dispose();
        _newTask.Dispose();
        _newReward.Dispose();
        _newTerminated.Dispose();
        DisposeInference();
        _unitStart.Dispose();
    }

    private static void Store(NativeBuffer<float> buffer, ReadOnlySpan<float> values)
    {
        buffer.EnsureLength(values.Length);
        values.CopyTo(buffer.Slice(0, values.Length));
    }

    private RelabelResult Run(
        TransitionBatch batch,
        ReadOnlySpan<long> episode,
        ReadOnlySpan<float> givenCandidates,
        ReadOnlySpan<float> givenLogPrior,
        bool trajectories,
        ReplayBuffer? replay)
    {
        if (trajectories)
        {
            RefuseRunningPartition("trajectories");
        }

        CheckBatch(batch, replay);
        Units units = trajectories ? FindTrajectories(batch, episode) : new Units(batch.Count, null);
        int rows = batch.Count;
        Reserve(rows);
        _newReward.EnsureLength(rows);
        _newTerminated.EnsureLength(rows);
        _taskIndex.Slice(0, rows).Fill(-1);
        batch.Task.CopyTo(_newTask.Slice(0, rows * TaskDimension));

        bool infers = ChooseServices(units.Count);
        bool byTask = Options.Assignment == Assignment.Task && Options.Strategy == RelabelStrategy.InverseRl;
        SetGoalsAndRandomTasks(batch, units, replay);
        Inference inference = Inference.Nothing;
        bool judged = false;
        if (byTask && infers)
        {
            inference = InferTransitions(batch, replay);
        }
        else if (infers && !trajectories && Observer is null && !KeepsPartition && _session.RelabelPipeline is IRelabelPipeline pipeline)
        {
            inference = InferAndJudge(pipeline, batch, units, givenCandidates, givenLogPrior);
            judged = true;
        }
        else if (infers || (Observer is not null && Options.Strategy == RelabelStrategy.InverseRl && !byTask))
        {
            inference = InferTasks(batch, units, givenCandidates, givenLogPrior);
        }

        SpreadOverRows(units);
        Judge(byTask && infers ? _staged!.Pointers : batch.Pointers, rows, judged);

        // Nothing below can fail.
        Commit(batch, byTask && infers);
        if (KeepsPartition && inference.HasPartition)
        {
            _runningPartition.Commit(_runningMax.Slice(0, inference.Candidates), _runningSum.Slice(0, inference.Candidates), units.Count);
        }

        Call++;
        return new RelabelResult
        {
            TaskIndex = _taskIndex.Slice(0, rows),
            Relabeled = _relabeled.Slice(0, rows),
            Candidates = new ReadOnlySpan<float>(_candidates.Pointer, inference.Candidates * TaskDimension),
            LogPartition = new ReadOnlySpan<float>(_logPartition.Pointer, inference.HasPartition ? inference.Candidates : 0),
            Diagnostics = Diagnose(inference, rows, CountTerminated(rows)),
        };
    }

    // What every call leaves for its result, or begins with.
    private void Reserve(int rows)
    {
        _service.EnsureLength(rows);
        _taskIndex.EnsureLength(rows);
        _relabeled.EnsureLength(rows);
        _newTask.EnsureLength((long)rows * TaskDimension);
    }

    // Decides for every slot, independently, whether and how it is relabeled.
    private bool ChooseServices(int units)
    {
        bool infers = false;
        Service main = Options.Strategy switch
        {
            RelabelStrategy.InverseRl => Service.Infer,
            RelabelStrategy.Random => Service.Random,
            RelabelStrategy.None => Service.Keep,
            _ => Service.Goal,
        };
        for (int unit = 0; unit < units; unit++)
        {
            PhiloxBlock block = Philox.Next((uint)unit, 0, Call, (uint)RandomPurpose.Mixing, Options.Seed);
            Service service = Service.Keep;
            if (main != Service.Keep && Philox.ToUniform(block.X) < Options.RelabelFraction)
            {
                service = Philox.ToUniform(block.Y) < Options.GoalMix ? Service.Goal : main;
            }

            _service[unit] = service;
            infers |= service == Service.Infer;
        }

        return infers;
    }

    // Copies each unit's decision and task to its rows. Transitions are their own units, so only trajectories have something to copy.
    private void SpreadOverRows(Units units)
    {
        for (int unit = units.Count - 1; unit >= 0; unit--)
        {
            // From the last to the first: row numbers are never below unit numbers, so nothing is overwritten before it is read.
            int first = units.FirstRow(unit), last = units.LastRow(unit);
            byte relabeled = _service[unit] == Service.Keep ? (byte)0 : (byte)1;
            int index = _taskIndex[unit];
            Span<float> task = _newTask.Slice((long)first * TaskDimension, TaskDimension);
            for (int row = last; row >= first; row--)
            {
                _relabeled[row] = relabeled;
                _taskIndex[row] = index;
                if (row != first && relabeled != 0)
                {
                    task.CopyTo(_newTask.Slice((long)row * TaskDimension, TaskDimension));
                }
            }
        }
    }

    // Reward and termination of every row under its new task, unless a pipeline has judged already.
    private void Judge(in TransitionPointers transitions, int rows, bool judged)
    {
        CheckFinite(_newTask.Slice(0, rows * TaskDimension), TaskDimension, "new ", "task");
        if (!judged)
        {
            _family.EvaluateRows(transitions, _newTask.Pointer, _newReward.Pointer, _newTerminated.Pointer);
        }

        CheckFinite(_newReward.Slice(0, rows), 1, "recomputed ", "reward");
    }

    private void Commit(TransitionBatch batch, bool replaceTransitions)
    {
        int rows = batch.Count;
        if (replaceTransitions)
        {
            for (int row = 0; row < rows; row++)
            {
                if (_service[row] == Service.Infer)
                {
                    CopyTransition(_staged!, row, batch, row);
                }
            }
        }

        _newTask.Slice(0, rows * TaskDimension).CopyTo(batch.Task);
        _newReward.Slice(0, rows).CopyTo(batch.Reward);
        _newTerminated.Slice(0, rows).CopyTo(batch.Terminated);
    }

    // Relabeled rows that terminate.
    private int CountTerminated(int rows)
    {
        int terminated = 0;
        for (int row = 0; row < rows; row++)
        {
            terminated += _relabeled[row] & (_newTerminated[row] == 0 ? 0 : 1);
        }

        return terminated;
    }

    private RelabelDiagnostics Diagnose(in Inference inference, int rows, int terminated)
    {
        int relabeled = 0;
        for (int row = 0; row < rows; row++)
        {
            relabeled += _relabeled[row];
        }

        float lowest = float.NaN, highest = float.NaN;
        if (inference.HasPartition)
        {
            lowest = float.PositiveInfinity;
            highest = float.NegativeInfinity;
            foreach (float value in _logPartition.Slice(0, inference.Candidates))
            {
                lowest = MathF.Min(lowest, value);
                highest = MathF.Max(highest, value);
            }
        }

        return new RelabelDiagnostics(
            (float)inference.MeanEntropy,
            (float)Math.Exp(inference.MeanEntropy),
            (float)inference.CommandedIsMode,
            lowest,
            highest,
            (float)inference.KlFromCommanded,
            (float)relabeled / rows,
            relabeled == 0 ? float.NaN : (float)terminated / relabeled);
    }
}
