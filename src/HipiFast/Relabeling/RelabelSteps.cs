using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Relabeling;
using HipiFast.Kernels.Replay;
using HipiFast.Kernels.Tasks;
using HipiFast.Replay;
using HipiFast.Storage;
using HipiFast.Tasks;

namespace HipiFast.Relabeling;

/// <summary>
/// The steps of a relabel call, in their order, and what they keep from call to call. <see cref="Relabeler"/> checks
/// what comes in and counts the calls.
/// </summary>
internal sealed class RelabelSteps : IDisposable
{
    private readonly ComputeSession _session;
    private readonly TaskFamily _family;
    private readonly AgentEstimate _estimate;
    private readonly RelabelOptions _options;
    private readonly SlotServices _services;
    private readonly GoalTasks _goals;
    private readonly ReturnSum _returns;
    private readonly InferenceProblems _problems;
    private readonly TransitionChoice _choice;
    private readonly ServedGroups _groups;
    private readonly InferredLabels? _labels;
    private readonly PendingChanges _pending;
    private readonly RowInference _inference;
    private readonly RunningPartition? _running;
    private readonly NativeBuffer<long> _replayIndex = new(0);

    /// <summary>Makes the steps.</summary>
    /// <param name="session">Kernels.</param>
    /// <param name="family">The task family.</param>
    /// <param name="estimate">Q~ of transitions.</param>
    /// <param name="options">How to relabel.</param>
    /// <param name="tasks">Where random relabeling draws tasks; null for the batch's own.</param>
    /// <param name="watch">Who waits for a call.</param>
    public RelabelSteps(
        ComputeSession session, TaskFamily family, AgentEstimate estimate, RelabelOptions options,
        ITaskDistribution? tasks, RelabelWatch watch)
    {
        _session = session;
        _family = family;
        _estimate = estimate;
        _options = options;
        Candidates = new CandidateTasks(family, options);
        _services = new SlotServices(options);
        _goals = new GoalTasks(family, options, tasks);
        _returns = new ReturnSum(family, options.Compute.Threads);
        _choice = new TransitionChoice(session, estimate, options, watch);
        _pending = new PendingChanges(family.TaskDimension);
        _inference = new RowInference(session, options, _pending);
        _running = options.Partition == PartitionMode.Running ? new RunningPartition(options.PartitionDecay) : null;
        _problems = new InferenceProblems(estimate, _returns, Candidates, options, _running, watch);
        _groups = new ServedGroups(session, _problems, Candidates, options, watch);
        _labels = options.Groups && options.LabelDraws > 1
            ? new InferredLabels(family.TaskDimension, options.LabelDraws)
            : null;
    }

    /// <summary>The candidates of the present call, and the fixed ones.</summary>
    public CandidateTasks Candidates { get; }

    /// <summary>Sets the fixed candidates; what was kept of others is forgotten.</summary>
    /// <param name="tasks"><c>[K, P]</c>, copied.</param>
    /// <param name="logPrior"><c>[K]</c>, copied, or empty.</param>
    public void SetFixedCandidates(ReadOnlySpan<float> tasks, ReadOnlySpan<float> logPrior)
    {
        Candidates.SetFixed(tasks, logPrior);
        _running?.Clear();
        _labels?.Clear();
    }

    /// <summary>Adds what later calls depend on to a checkpoint.</summary>
    /// <param name="writer">The checkpoint.</param>
    /// <param name="prefix">What the names start with.</param>
    public void SaveState(SafetensorsWriter writer, string prefix)
    {
        if (_running is not null)
        {
            PartitionCheckpoint.Save(_running, writer, prefix + "partition.");
        }

        _labels?.SaveState(writer, prefix + "labels.");
    }

    /// <summary>Restores what <see cref="SaveState"/> wrote.</summary>
    /// <param name="file">The checkpoint.</param>
    /// <param name="prefix">What the names start with.</param>
    /// <param name="replay">The replay buffer that later batches are sampled from.</param>
    /// <exception cref="InvalidDataException">Something is missing, has another shape, or cannot be.</exception>
    public void LoadState(SafetensorsFile file, string prefix, ReplayBuffer replay)
    {
        if (_running is not null)
        {
            PartitionCheckpoint.Load(_running, file, prefix + "partition.", Candidates.FixedCount);
        }

        _labels?.LoadState(file, prefix + "labels.", replay);
    }

    /// <summary>Relabels a batch in host memory: decides, finds tasks, judges, and only then changes it.</summary>
    /// <param name="batch">The batch, checked.</param>
    /// <param name="units">What receives one task each.</param>
    /// <param name="given">Candidates that come with the call.</param>
    /// <param name="replay">Where it was sampled from, or null.</param>
    /// <param name="call">Number of the call.</param>
    /// <param name="observer">Who watches, or null.</param>
    /// <returns>What was done; its spans are valid until the next call.</returns>
    public RelabelResult Run(
        TransitionBatch batch, Units units, GivenTasks given, ReplayBuffer? replay, uint call,
        IRelabelObserver? observer)
    {
        _services.Decide(units.Count, call);
        _pending.Begin(batch.Count);
        units.Commanded.CopyTo(_pending.OfUnits(units.Count));
        Candidates.Clear();
        Inference inference = Inference.Nothing;
        bool observes = observer is not null && _options.Strategy == RelabelStrategy.InverseRl;
        bool isGrouped = _options.Groups && !units.AreTrajectories;
        if (isGrouped)
        {
            RelabelChecks.RefuseObserver(observer);
        }

        InferredLabels? labels = isGrouped && replay is not null && given.Tasks.IsEmpty ? _labels : null;
        using (Share(replay))
        {
            _goals.Write(batch, units, _services, replay, call, _pending.OfUnits(units.Count));
            labels?.Recall(batch, replay!, _services, _pending.Task);
        }

        bool picks = _options.AssignsByTask && _services.Infers,
            infers = !_options.AssignsByTask && (_services.Infers || observes);
        if (picks)
        {
            _choice.Choose(batch, given.SoftQ, _services, replay, call, Candidates, _pending.TaskIndex);
        }
        else if (infers && isGrouped)
        {
            inference = _groups.Infer(batch, _services, given, call, _pending, _inference.LogPartition);
        }
        else if (infers)
        {
            inference = _inference.Infer(
                _problems.Of(batch, units, given, _pending.OfUnits(units.Count), call, observer), out _);
        }

        _pending.Place(batch, units, _services);
        RelabelChecks.RequireFinite(_pending.Task, _family.TaskDimension, "new ", "task");
        if (!infers || isGrouped || units.AreTrajectories)
        {
            _pending.Judge(_family, picks ? _choice.Staged : batch);
        }

        RelabelChecks.RequireFinite(_pending.Reward, 1, "recomputed ", "reward");

        // Nothing below can fail.
        _pending.Commit(batch);
        if (picks)
        {
            _choice.Commit(batch, _services);
        }

        // A batch that is only watched must not change later calls.
        if (infers && _services.Infers)
        {
            _running?.Commit();
        }

        labels?.Commit(batch.ReplayIndex, _services, _pending.Task);
        return _inference.Result(inference, Candidates.Tasks, _pending.TerminatedCount);
    }

    /// <summary>Relabels a batch where it lies in the session's memory: the pipeline judges and commits.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="given">As for the other call.</param>
    /// <param name="replay">As for the other call.</param>
    /// <param name="call">As for the other call.</param>
    /// <param name="observer">As for the other call.</param>
    /// <returns>As for the other call.</returns>
    public RelabelResult RunInPlace(
        ResidentTransitionBatch batch, GivenTasks given, ReplayBuffer? replay, uint call, IRelabelObserver? observer)
    {
        TransitionMemory memory = RelabelChecks.RequireMemory(_session, batch, _options, observer);
        TransitionShape shape = _estimate.RequireAgent().Shape;
        int rows = batch.Count;
        if (batch.Transitions is not { } transitions)
        {
            throw new ArgumentException("The batch holds no transitions.", nameof(batch));
        }

        RelabelChecks.RequireReplay(shape, replay);
        _services.Decide(rows, call);
        _pending.Begin(rows);
        if (_options.MixesGoals)
        {
            _replayIndex.EnsureLength(rows);
            memory.Download(transitions, [], _replayIndex.Slice(0, rows));
            using UseGuard.Scope held = Share(replay);
            _goals.Write(_replayIndex.Slice(0, rows), _services, replay, call, _pending.Task);
        }

        batch.MarkChanged();
        Inference inference = _inference.Infer(
            _problems.Of(transitions, given, _pending.Task, call), out RelabelSummary summary);
        RelabelChecks.RequireReward(summary);

        // The pipeline has judged and committed.
        _pending.Mark(_services);
        return _services.Infers
            ? _inference.Result(inference, Candidates.Tasks, summary.RelabeledTerminated)
            : _inference.Result(Inference.Nothing, default, summary.RelabeledTerminated);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Candidates.Dispose();
        _services.Dispose();
        _returns.Dispose();
        _choice.Dispose();
        _groups.Dispose();
        _labels?.Dispose();
        _pending.Dispose();
        _running?.Dispose();
        _inference.Dispose();
        _replayIndex.Dispose();
    }

    private static UseGuard.Scope Share(ReplayBuffer? replay) => replay is null ? default : replay.Share();
}
