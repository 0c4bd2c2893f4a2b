using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Relabeling;
using HipiFast.Kernels.Replay;
using HipiFast.Kernels.Tasks;
using HipiFast.Learning;
using HipiFast.Replay;
using HipiFast.Storage;
using HipiFast.Tasks;

namespace HipiFast.Relabeling;

/// <summary>
/// Gives transitions the tasks for which, in hindsight, they were the right thing to do: relabeling by inverse RL (the
/// paper's Alg. 1) and its baselines.
/// </summary>
/// <remarks>
/// <para>A call works on a batch in place. A batch may be a pool of several minibatches: its rows are then relabeled
/// jointly, with more rows in the partition and more candidates for each row. Whatever goes wrong, the batch is left as
/// it was.</para>
/// <para>Everything random is a function of (<see cref="RelabelOptions.Seed"/>, <see cref="Call"/>, slot), and results
/// do not depend on the number of threads. Nor does the noise depend on the size of blocks
/// (<see cref="RelabelOptions.MemoryBudget"/>), but the last bits of logZ may, as sums over blocks round differently,
/// and with them a draw that was all but a tie. With slot = row of the batch (for trajectories: their number), the
/// counters are: (slot, 0, call, Mixing), word 0 for whether the slot is relabeled and word 1 for the goal mix; (slot,
/// attempt, call, FutureState) for the future state; (slot, attempt, call, RandomTask), or whatever the task
/// distribution makes of (slot, call), for the random task; and (task / 4, slot, call, TaskSampling) for the
/// posterior.</para>
/// <para>In groups (<see cref="RelabelOptions.GroupRows"/>), the rows that inverse RL serves are counted through the
/// batch, and that count is the slot of the posterior's counter; the task is counted within its group. Entry i of the
/// random subset of a group's candidates takes (entries of earlier groups + i, attempt, call, CandidateSubset).</para>
/// <para>By task, the relabeled slots go in their order in groups of 32. Each group chooses among M transitions of its
/// own (M = <see cref="RelabelOptions.RowPool"/>, or all rows of a batch without replay buffer that has no more):
/// transition t of group g is entry M g + t of RowPool as
/// <see cref="ReplayBuffer.Sample(ITransitionBatch, int, ulong, uint)"/> counts, and (task / 4, M g + t modulo 2^32,
/// call, RowSampling) is for the choice, where task counts the slots of the group. (Should M exceed 2^26, groups are of
/// 2^31 / M slots.)</para>
/// <para>Steady state allocates nothing: memory is sized by the largest call so far. One thread at a time uses a
/// relabeler, its session, its batch; a second is refused with an <see cref="InvalidOperationException"/>. What a call
/// returns outlives the relabeler. When the session of a relabeler, its agent or its batch has been disposed of, the
/// next call that needs it throws an <see cref="ObjectDisposedException"/> and changes nothing.</para>
/// </remarks>
public sealed class Relabeler : IDisposable
{
    private readonly TaskFamily _family;
    private readonly AgentNetworks? _agent;
    private readonly ComputeSession _session;
    private readonly bool _ownsSession;
    private readonly OwnCritics? _critics;
    private readonly ITaskDistribution? _tasks;
    private readonly AgentEstimate _estimate;
    private readonly Trajectories _trajectories = new();
    private readonly RelabelSteps _steps;
    private readonly RelabelWatch _watch = new();
    private UseGuard _use;

    /// <summary>Makes a relabeler with threads of its own.</summary>
    /// <param name="family">Reward, termination and state-to-task map.</param>
    /// <param name="agent">
    /// Networks that estimate Q~; may be null where none is needed (strategies other than inverse RL, trajectories, and
    /// a session with a critic of its own, see <see cref="FunctionSession"/>).
    /// </param>
    /// <param name="options">How to relabel.</param>
    /// <param name="tasks">Where random relabeling draws tasks; null for the batch's own.</param>
    /// <exception cref="ArgumentException">
    /// An option is out of range or does not apply to the family, or shapes disagree between family, agent and
    /// distribution; or no backend has that name, or the one named computes in another precision.
    /// </exception>
    /// <exception cref="NotSupportedException">The backend cannot run here.</exception>
    public Relabeler(TaskFamily family, AgentNetworks? agent, RelabelOptions options, ITaskDistribution? tasks = null)
        : this(family, agent, options, tasks, null, null)
    {
    }

    /// <summary>
    /// Makes a relabeler that shares a session, for example with a learner. The session is not disposed.
    /// </summary>
    /// <param name="session">Kernels and threads; used by one thread at a time.</param>
    /// <param name="family">As for the other constructor.</param>
    /// <param name="agent">As for the other constructor.</param>
    /// <param name="options">
    /// As for the other constructor; of <see cref="RelabelOptions.Compute"/> the threads alone are read.
    /// </param>
    /// <param name="tasks">As for the other constructor.</param>
    /// <exception cref="ArgumentException">As for the other constructor.</exception>
    public Relabeler(
        ComputeSession session, TaskFamily family, AgentNetworks? agent, RelabelOptions options,
        ITaskDistribution? tasks = null)
        : this(family, agent, options, tasks, session ?? throw new ArgumentNullException(nameof(session)), null)
    {
    }

    /// <summary>
    /// Makes a relabeler of critics that are no agent's, whose session is its own once this has returned.
    /// </summary>
    internal Relabeler(OwnCritics critics, TaskFamily family, RelabelOptions options, ITaskDistribution? tasks)
        : this(family, null, options, tasks, critics.Session, critics)
    {
    }

    private Relabeler(
        TaskFamily family, AgentNetworks? agent, RelabelOptions options, ITaskDistribution? tasks,
        ComputeSession? session, OwnCritics? critics)
    {
        RelabelChecks.RequireFit(family, agent, options, tasks);
        _family = family;
        _agent = agent;
        _tasks = tasks;
        _ownsSession = session is null || critics is not null;
        _critics = critics;
        session?.ThrowIfDisposed();
        _session = session ?? options.Compute.OpenSession();
        Options = options;
        _estimate = new AgentEstimate(agent, family, options, _session.SoftQ.ReadsNetworks);
        _steps = new RelabelSteps(_session, family, _estimate, options, tasks, _watch);
    }

    /// <summary>The options it was made with.</summary>
    public RelabelOptions Options { get; }

    /// <summary>The backend that computes.</summary>
    public KernelBackend Backend => _session.Backend;

    /// <summary>
    /// Number of the next call, the third word of every random counter; grows by one with each call that succeeds. A
    /// checkpoint keeps it.
    /// </summary>
    public uint Call { get; set; }

    /// <summary>Receives Q~ and the posterior as they are computed, or null.</summary>
    public IRelabelObserver? Observer { get; set; }

    /// <summary>
    /// Ends a call that takes too long: looked at before it computes, and then every two million soft-Q values (by
    /// groups or by task, with each group). The call throws an <see cref="OperationCanceledException"/> and leaves the
    /// batch as it was. A call that a device computes as a whole is ended before it begins, or not.
    /// </summary>
    public CancellationToken Cancellation
    {
        get => _watch.Cancellation;
        set => _watch.Cancellation = value;
    }

    /// <summary>
    /// Hears, on the thread that relabels and as often as <see cref="Cancellation"/> is looked at, what share of a
    /// call's soft-Q values is computed, in [0, 1]; or null.
    /// </summary>
    public IProgress<double>? Progress
    {
        get => _watch.Progress;
        set => _watch.Progress = value;
    }

    /// <summary>Sets the tasks of <see cref="CandidateSource.Fixed"/>.</summary>
    /// <param name="tasks"><c>[K, P]</c>, copied.</param>
    /// <param name="logPrior">
    /// log p(psi) <c>[K]</c>, unnormalised, copied; empty for a uniform prior. An entry of -inf excludes its task.
    /// </param>
    /// <exception cref="ArgumentException">
    /// There is no whole task, an entry is not finite, the lengths disagree, or the prior excludes every task.
    /// </exception>
    public void SetFixedCandidates(ReadOnlySpan<float> tasks, ReadOnlySpan<float> logPrior = default)
    {
        using UseGuard.Scope use = _use.Enter(this);
        RelabelChecks.RequireCandidates(tasks, logPrior, _family.TaskDimension);
        _steps.SetFixedCandidates(tasks, logPrior);
    }

    /// <summary>
    /// Makes calls of a size on batches in host memory as quick from the first as they will ever be: reserves the
    /// session's memory for them and has the runtime compile and optimise what they run, on transitions that it makes
    /// up (entries uniform in [-1, 1]), for two seconds at the most. Neither the networks nor the state of this
    /// relabeler change; a task family or soft-Q function of the caller's is called.
    /// </summary>
    /// <param name="rows">B of the calls to come, 1 or more.</param>
    /// <param name="candidates">
    /// K of the tasks that will be given with each call; 0 where <see cref="RelabelOptions.Candidates"/> says where
    /// they come from.
    /// </param>
    /// <param name="shape">
    /// Widths of the transitions to come; null for those that the networks are for, needed where there are none
    /// (<see cref="FunctionSession"/>).
    /// </param>
    /// <exception cref="ArgumentException">
    /// There are neither networks nor widths; or what the options need is missing, as for a call.
    /// </exception>
    /// <exception cref="InvalidDataException">As for a call.</exception>
    public void Prepare(int rows, int candidates = 0, TransitionShape? shape = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(candidates);
        using UseGuard.Scope use = _use.Enter(this);
        Rehearse(shape).Run(rows, candidates);
    }

    /// <summary>The same for calls of <see cref="RelabelBySoftQ"/>; no networks are needed.</summary>
    /// <param name="shape">Widths of the transitions to come.</param>
    /// <param name="rows">As for <see cref="Prepare"/>.</param>
    /// <param name="candidates">As for <see cref="Prepare"/>.</param>
    /// <exception cref="ArgumentException">As for a call.</exception>
    /// <exception cref="InvalidDataException">As for a call.</exception>
    public void PrepareBySoftQ(TransitionShape shape, int rows, int candidates = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(candidates);
        RelabelChecks.RequireSoftQApplies(Options);
        using UseGuard.Scope use = _use.Enter(this);
        new Rehearsal(_session, _family, null, shape, Options, _tasks, _steps.Candidates).Run(
            rows, candidates, bySoftQ: true);
    }

    /// <summary>
    /// Tells what a call will take before it is made: counts its soft-Q values, and times small calls on transitions
    /// that it makes up (100,000 soft-Q values each, less than a second in all but for large networks). Changes
    /// nothing.
    /// </summary>
    /// <param name="rows">B of the call to come, 1 or more.</param>
    /// <param name="candidates">As for <see cref="Prepare"/>.</param>
    /// <param name="shape">As for <see cref="Prepare"/>.</param>
    /// <returns>The forecast.</returns>
    /// <exception cref="ArgumentException">As for <see cref="Prepare"/>.</exception>
    public RelabelForecast Forecast(int rows, int candidates = 0, TransitionShape? shape = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(candidates);
        using UseGuard.Scope use = _use.Enter(this);
        int set = candidates > 0 || Options.Candidates != CandidateSource.Fixed
            ? candidates
            : _steps.Candidates.FixedCount;
        return RelabelForecast.Of(Options, rows, set, Rehearse(shape).Time);
    }

    /// <summary>
    /// Relabels transitions in place: task, reward and termination; by task also state, action and next state.
    /// </summary>
    /// <param name="batch">B transitions, 1 or more, in host memory or in that of this relabeler's session.</param>
    /// <param name="replay">
    /// Where they were sampled from (<see cref="TransitionBatch.ReplayIndex"/>): needed for final and future tasks; by
    /// task the transitions among which tasks choose, where null stands for the batch itself.
    /// </param>
    /// <returns>What was done.</returns>
    /// <remarks>
    /// <para>Reward and termination are recomputed by the family for every row, relabeled or not, so that all rows are
    /// judged alike.</para>
    /// <para>A batch in the session's memory is relabeled where it lies, by inverse RL with assignment by row: only the
    /// task indices, logZ and a few numbers come to the host, and for the goal mix the replay numbers. Its values are
    /// not looked at for NaN: those show in Q~ and rewards. <see cref="RelabelResult.Candidates"/> is empty unless the
    /// candidates are fixed or given: they are the batch's commanded tasks, then those reached, in the order of its
    /// rows.</para>
    /// </remarks>
    /// <exception cref="ArgumentException">
    /// Shapes disagree, there are no transitions or candidates, or something that the options need is missing; for a
    /// batch in the memory of a device also: it is not the session's, the options ask for something else than inverse
    /// RL by row, or somebody observes.
    /// </exception>
    /// <exception cref="InvalidDataException">
    /// A NaN or infinity in the batch, in Q~ or in a reward; the message names the first.
    /// </exception>
    /// <exception cref="InvalidOperationException">
    /// This relabeler, its session, the batch or the replay is in use by another call.
    /// </exception>
    /// <exception cref="ObjectDisposedException">One of them, or the agent, has been disposed of.</exception>
    public RelabelResult Relabel(ITransitionBatch batch, IReplay? replay = null) => Run(batch, default, replay?.Host);

    /// <summary>
    /// Relabels transitions in place, choosing among tasks given with the call instead of
    /// <see cref="RelabelOptions.Candidates"/>.
    /// </summary>
    /// <param name="batch">B transitions, 1 or more.</param>
    /// <param name="candidates">The candidate tasks <c>[K, P]</c>.</param>
    /// <param name="replay">As for <see cref="Relabel(ITransitionBatch, IReplay?)"/>.</param>
    /// <param name="logPrior">
    /// log p(psi) <c>[K]</c>, unnormalised; empty for a uniform prior. An entry of -inf excludes its task.
    /// </param>
    /// <returns>What was done.</returns>
    /// <exception cref="ArgumentException">
    /// As for <see cref="Relabel(ITransitionBatch, IReplay?)"/>, or the prior has another length or excludes every
    /// task, or tasks choose transitions (<see cref="Assignment.Task"/>), where there is nothing to choose among.
    /// </exception>
    /// <exception cref="InvalidDataException">As for <see cref="Relabel(ITransitionBatch, IReplay?)"/>.</exception>
    public RelabelResult Relabel(
        ITransitionBatch batch, ReadOnlySpan<float> candidates, IReplay? replay = null,
        ReadOnlySpan<float> logPrior = default)
    {
        _use.ThrowIfDisposed(this);
        RefuseGivenTasks();
        RelabelChecks.RequireCandidates(candidates, logPrior, _family.TaskDimension);
        return Run(batch, new GivenTasks(candidates, logPrior), replay?.Host);
    }

    /// <summary>
    /// Relabels transitions in place by soft Q-values that were computed elsewhere: by another library's critic, on
    /// another device, from a table. No agent is needed, and one that there is, is not asked.
    /// </summary>
    /// <param name="batch">B transitions, 1 or more, in host memory.</param>
    /// <param name="softQ">
    /// Q~ <c>[B, K]</c> row-major, in nats: what transition j is worth under candidate task i. Read where it lies, or
    /// copied where exact terminal values are put in (<see cref="RelabelOptions.ExactTerminalValue"/>); never written.
    /// By task <c>[B, B]</c>: of every transition under every commanded task.
    /// </param>
    /// <param name="candidates">
    /// The candidate tasks <c>[K, P]</c>; empty where <see cref="RelabelOptions.Candidates"/> says which they are:
    /// columns are then in the order of the rows that command or reach them, commanded ones first, or in that of the
    /// fixed tasks. By task empty.
    /// </param>
    /// <param name="logPrior">
    /// log p(psi) <c>[K]</c> of candidates given here, unnormalised; empty for a uniform prior. An entry of -inf
    /// excludes its task.
    /// </param>
    /// <param name="replay">As for <see cref="Relabel(ITransitionBatch, IReplay?)"/>; by task it is not read.</param>
    /// <returns>What was done.</returns>
    /// <remarks>
    /// Everything else is as for <see cref="Relabel(ITransitionBatch, IReplay?)"/>, with the same counters of its
    /// random numbers, so that the same Q~ gives the same tasks. By task every commanded task chooses among all of the
    /// batch's transitions (<see cref="RelabelOptions.RowPool"/> is not read): (task / 4, row, call, RowSampling) is
    /// for the choice, where task is the row that commands it. What becomes of a matrix without transitions: <see
    /// cref="SoftQSampler"/>.
    /// </remarks>
    /// <exception cref="ArgumentException">
    /// As for the other overloads, or the matrix has another size, the strategy is not inverse RL, or rows are
    /// relabeled in groups (<see cref="RelabelOptions.GroupRows"/>).
    /// </exception>
    /// <exception cref="InvalidDataException">As for <see cref="Relabel(ITransitionBatch, IReplay?)"/>.</exception>
    public RelabelResult RelabelBySoftQ(
        TransitionBatch batch, ReadOnlySpan<float> softQ, ReadOnlySpan<float> candidates = default,
        ReadOnlySpan<float> logPrior = default, IReplay? replay = null)
    {
        ArgumentNullException.ThrowIfNull(batch);
        _use.ThrowIfDisposed(this);
        RelabelChecks.RequireSoftQApplies(Options);
        if (softQ.IsEmpty)
        {
            throw new ArgumentException("The soft-Q matrix is empty.", nameof(softQ));
        }

        if (!candidates.IsEmpty)
        {
            RefuseGivenTasks();
            RelabelChecks.RequireCandidates(candidates, logPrior, _family.TaskDimension);
        }
        else if (!logPrior.IsEmpty)
        {
            throw new ArgumentException(
                "A prior is of candidate tasks given with it; those of the options have their own.", nameof(logPrior));
        }

        using UseGuard.Scope use = _use.Enter(this), session = _session.Enter(), held = batch.Enter();
        RelabelChecks.RequireBatch(batch, replay?.Host, _family.TaskDimension, null);
        GivenTasks given = new(candidates, logPrior, softQ);
        return Succeeded(_steps.Run(batch, new Units(batch), given, replay?.Host, Call, Observer));
    }

    /// <summary>
    /// Relabels whole trajectories in place, one task each: <c>Q~[trajectory, i] = sum_t r_psi_i(s_t, a_t)</c> (the
    /// paper's Eq. 7, the estimator <c>return</c>).
    /// </summary>
    /// <param name="batch">
    /// B transitions, those of a trajectory side by side in the order in which they happened.
    /// </param>
    /// <param name="episode"><c>[B]</c>: equal numbers mark the rows of one trajectory.</param>
    /// <returns>What was done; every row of a trajectory carries its task index.</returns>
    /// <remarks>
    /// No networks are needed. The relabel fraction, the partition, the prior and the diagnostics speak of
    /// trajectories. A trajectory's commanded task is that of its first row, the task it reached is that of its last.
    /// The strategies final, random and none apply as well; future, the goal mix and assignment by task do not, nor do
    /// groups (<see cref="RelabelOptions.GroupRows"/>): trajectories are judged together.
    /// </remarks>
    /// <exception cref="ArgumentException">
    /// As for <see cref="Relabel(ITransitionBatch, IReplay?)"/>, or an episode's rows are not side by side.
    /// </exception>
    /// <exception cref="InvalidDataException">As for <see cref="Relabel(ITransitionBatch, IReplay?)"/>.</exception>
    public RelabelResult RelabelTrajectories(TransitionBatch batch, ReadOnlySpan<long> episode) =>
        RunTrajectories(batch, episode, default);

    /// <summary>
    /// Relabels whole trajectories in place, choosing among tasks given with the call instead of
    /// <see cref="RelabelOptions.Candidates"/>.
    /// </summary>
    /// <param name="batch">As for <see cref="RelabelTrajectories(TransitionBatch, ReadOnlySpan{long})"/>.</param>
    /// <param name="episode">As for <see cref="RelabelTrajectories(TransitionBatch, ReadOnlySpan{long})"/>.</param>
    /// <param name="candidates">The candidate tasks <c>[K, P]</c>.</param>
    /// <param name="logPrior">
    /// log p(psi) <c>[K]</c>, unnormalised; empty for a uniform prior. An entry of -inf excludes its task.
    /// </param>
    /// <returns>What was done.</returns>
    /// <exception cref="ArgumentException">
    /// As for <see cref="RelabelTrajectories(TransitionBatch, ReadOnlySpan{long})"/>, or the prior has another length
    /// or excludes every task.
    /// </exception>
    /// <exception cref="InvalidDataException">
    /// As for <see cref="RelabelTrajectories(TransitionBatch, ReadOnlySpan{long})"/>.
    /// </exception>
    public RelabelResult RelabelTrajectories(
        TransitionBatch batch, ReadOnlySpan<long> episode, ReadOnlySpan<float> candidates,
        ReadOnlySpan<float> logPrior = default)
    {
        _use.ThrowIfDisposed(this);
        RelabelChecks.RequireCandidates(candidates, logPrior, _family.TaskDimension);
        return RunTrajectories(batch, episode, new GivenTasks(candidates, logPrior));
    }

    /// <summary>
    /// Adds what later calls depend on, besides <see cref="Call"/>, to a checkpoint: the partition that is kept across
    /// batches, and the tasks that serve further draws.
    /// </summary>
    internal void SaveState(SafetensorsWriter writer, string prefix)
    {
        using UseGuard.Scope use = _use.Enter(this);
        _steps.SaveState(writer, prefix);
    }

    /// <summary>
    /// Restores what <see cref="SaveState"/> wrote, in a relabeler of the same options and fixed candidates.
    /// </summary>
    /// <exception cref="InvalidDataException">Something is missing or has another shape.</exception>
    internal void LoadState(SafetensorsFile file, string prefix, IReplay replay)
    {
        using UseGuard.Scope use = _use.Enter(this);
        _steps.LoadState(file, prefix, replay.Host);
    }

    /// <summary>Gives memory and, unless it is shared, the session back; a second call does nothing.</summary>
    /// <exception cref="InvalidOperationException">A call is under way; nothing is given back.</exception>
    public void Dispose()
    {
        if (!_use.Close(this))
        {
            return;
        }

        if (_ownsSession)
        {
            _session.Dispose();
        }

        _trajectories.Dispose();
        _steps.Dispose();
    }

    private RelabelResult Run(ITransitionBatch batch, GivenTasks given, ReplayBuffer? replay)
    {
        ArgumentNullException.ThrowIfNull(batch);
        using UseGuard.Scope use = _use.Enter(this), session = _session.Enter(), agent = ShareAgent();
        Cancellation.ThrowIfCancellationRequested();
        switch (batch)
        {
            case TransitionBatch host:
                using (host.Enter())
                {
                    RelabelChecks.RequireBatch(host, replay, _family.TaskDimension, _agent);
                    RelabelChecks.RequireActions(host, _estimate, Options);
                    return Succeeded(_steps.Run(host, new Units(host), given, replay, Call, Observer));
                }

            case ResidentTransitionBatch resident:
                using (resident.Enter())
                {
                    return Succeeded(_steps.RunInPlace(resident, given, replay, Call, Observer));
                }

            default:
                throw new ArgumentException(
                    $"A {batch.GetType().Name} cannot be relabeled in place; expected a batch in host memory or in the "
                    + "session's.",
                    nameof(batch));
        }
    }

    // Where candidates do not come with a call.
    private void RefuseGivenTasks()
    {
        if (Options.Assignment == Assignment.Task)
        {
            throw new ArgumentException("Assignment by task keeps the commanded tasks; it takes no candidates.");
        }

        RelabelChecks.RefuseRunningPartition(Options, "candidates given with a call");
    }

    private Rehearsal Rehearse(TransitionShape? shape) => new(
        _session, _family, _agent, shape ?? _critics?.Shape ?? _estimate.RequireAgent().Shape, Options, _tasks,
        _steps.Candidates, _critics?.FitActions);

    private UseGuard.Scope ShareAgent() => _agent is null ? default : _agent.Share();

    // A call has succeeded.
    private RelabelResult Succeeded(RelabelResult result)
    {
        Call++;
        return result;
    }

    private RelabelResult RunTrajectories(TransitionBatch batch, ReadOnlySpan<long> episode, GivenTasks given)
    {
        ArgumentNullException.ThrowIfNull(batch);
        using UseGuard.Scope use = _use.Enter(this), session = _session.Enter(), agent = ShareAgent();
        using UseGuard.Scope held = batch.Enter();
        RelabelChecks.RefuseRunningPartition(Options, "trajectories");
        RelabelChecks.RequireBatch(batch, null, _family.TaskDimension, _agent);
        return Succeeded(
            _steps.Run(batch, _trajectories.Find(batch, episode, Options), given, null, Call, Observer));
    }
}
