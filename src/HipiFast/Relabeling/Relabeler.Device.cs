using HipiFast.Kernels.Devices;
using HipiFast.Kernels.Devices.Replay;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Relabeling;
using HipiFast.Kernels.Replay;
using HipiFast.Replay;

namespace HipiFast.Relabeling;

// Inverse RL by a session that does all of it in one go, new tasks and their rewards included; on a batch of the host or one that lies on the device.
public sealed unsafe partial class Relabeler
{
    private readonly NativeBuffer<long> _replayIndex = new(0);

    /// <summary>
    /// Relabels transitions that lie in the memory of the session's device, in place: task, reward and termination. Only the task indices, logZ and
    /// a few numbers come down. By inverse RL with assignment by row.
    /// </summary>
    /// <param name="batch">
    /// B transitions, 1 or more, drawn from a <see cref="DeviceReplay"/> on the runtime of this relabeler's session, or views of memory shared with it. Their values are not looked at for NaN: those
    /// show in Q~ and rewards.
    /// </param>
    /// <param name="replay">
    /// The replay buffer on the host that holds the same transitions: needed for the goal mix, for which the replay numbers come down, too.
    /// </param>
    /// <returns>
    /// What was done. <see cref="RelabelResult.Candidates"/> is empty unless the candidates are fixed: they are the batch's commanded tasks, then
    /// those reached, in the order of its rows.
    /// </returns>
    /// <exception cref="ArgumentException">
    /// The session has no device, the options ask for something else than inverse RL by row, somebody observes, lengths disagree with the agent's
    /// widths, or something that the options need is missing.
    /// </exception>
    /// <exception cref="InvalidDataException">A NaN or infinity in Q~ or in a reward; the message names the first. The batch is left as it
    /// was.</exception>
    public RelabelResult Relabel(in DeviceBatch batch, ReplayBuffer? replay = null) => Run(batch, default, default, replay);

    /// <summary>The same, choosing among tasks given with the call instead of <see cref="RelabelOptions.Candidates"/>.</summary>
    /// <param name="batch">As for <see cref="Relabel(in DeviceBatch, ReplayBuffer?)"/>.</param>
    /// <param name="candidates">The candidate tasks <c>[K, P]</c>.</param>
    /// <param name="replay">As for <see cref="Relabel(in DeviceBatch, ReplayBuffer?)"/>.</param>
    /// <param name="logPrior">log p(psi) <c>[K]</c>, unnormalised; empty for a uniform prior. An entry of -inf excludes its task.</param>
    /// <returns>What was done, with these candidates.</returns>
    /// <exception cref="ArgumentException">
    /// As for <see cref="Relabel(in DeviceBatch, ReplayBuffer?)"/>, or the prior has another length or excludes every task.
    /// </exception>
    /// <exception cref="InvalidDataException">As for <see cref="Relabel(in DeviceBatch, ReplayBuffer?)"/>.</exception>
    public RelabelResult Relabel(
        in DeviceBatch batch, ReadOnlySpan<float> candidates, ReplayBuffer? replay = null, ReadOnlySpan<float> logPrior = default)
    {
        CheckCandidates(candidates, logPrior);
        return Run(batch, candidates, logPrior, replay);
    }

    private RelabelResult Run(in DeviceBatch batch, ReadOnlySpan<float> given, ReadOnlySpan<float> givenLogPrior, ReplayBuffer? replay)
    {
        IRelabelPipeline pipeline = RequireDevice(out DeviceRuntime runtime);
        TransitionShape shape = RequireAgent().Shape;
        int rows = checked((int)batch.Reward.Length);
        if (rows == 0)
        {
            throw new ArgumentException("The batch holds no transitions.", nameof(batch));
        }

        CheckReplay(shape, replay);
        Reserve(rows);
        bool infers = ChooseServices(rows);
        if (Options.MixesGoals)
        {
            SetGoals(runtime, batch, rows, replay);
        }

        ResidentCandidates sources = given.IsEmpty ? Sources() : ResidentCandidates.Given;
        ResidentBatch resident = new(batch, sources);
        int candidates = sources == ResidentCandidates.Given ? StoreCandidates(given) : resident.CountCandidates(rows);
        ReadOnlySpan<float> tasks = _candidates.Slice(0, sources == ResidentCandidates.Given ? candidates * TaskDimension : 0);
        RelabelProblem problem = new()
        {
            SoftQ = Problem(shape, default, default, default, tasks, rows, candidates, firstRow: 0),
            Commanded = default,
            Resident = resident,
            LogPrior = LogPrior(given, givenLogPrior, candidates),
            HasPartition = Options.Partition != PartitionMode.None,
            Temperature = Options.Temperature,
            RelabelFraction = Options.RelabelFraction,
            GoalMix = Options.GoalMix,
            Goals = Goals(rows),
            MemoryBudget = Options.MemoryBudget,
        };
        Inference inference = Infer(pipeline, problem, default, default, default, out RelabelSummary summary);
        if (summary.BadRewardRow >= 0)
        {
            throw NotFinite("recomputed ", "reward", summary.BadRewardRow, 0, summary.BadReward);
        }

        SpreadOverRows(new Units(rows, null));
        Call++;
        if (!infers)
        {
            inference = Inference.Nothing;
        }

        return new RelabelResult
        {
            TaskIndex = _taskIndex.Slice(0, rows),
            Relabeled = _relabeled.Slice(0, rows),
            Candidates = infers ? tasks : default,
            LogPartition = new ReadOnlySpan<float>(_logPartition.Pointer, inference.HasPartition ? inference.Candidates : 0),
            Diagnostics = Diagnose(inference, rows, summary.RelabeledTerminated),
        };
    }

    // A batch of the host: it goes up with the call.
    private Inference InferAndJudge(
        IRelabelPipeline pipeline, TransitionBatch batch, Units units, ReadOnlySpan<float> given, ReadOnlySpan<float> givenLogPrior)
    {
        RequireAgent();
        int rows = batch.Count, candidates = GatherCandidates(batch, units, given);
        RelabelProblem problem = new()
        {
            SoftQ = Problem(batch, 0, rows, candidates),
            Commanded = batch.Task,
            LogPrior = LogPrior(given, givenLogPrior, candidates),
            HasPartition = Options.Partition != PartitionMode.None,
            Temperature = Options.Temperature,
            RelabelFraction = Options.RelabelFraction,
            GoalMix = Options.GoalMix,
            Goals = Goals(rows),
            MemoryBudget = Options.MemoryBudget,
        };
        return Infer(
            pipeline, problem, _newTask.Slice(0, rows * TaskDimension), _newReward.Slice(0, rows), _newTerminated.Slice(0, rows), out _);
    }

    private Inference Infer(
        IRelabelPipeline pipeline, in RelabelProblem problem, Span<float> newTask, Span<float> reward, Span<byte> terminated,
        out RelabelSummary summary)
    {
        int rows = problem.SoftQ.Rows, candidates = problem.SoftQ.Candidates;
        _logPartition.EnsureLength(candidates);
        summary = pipeline.Run(problem, new RelabelOutput
        {
            NewTask = newTask,
            TaskIndex = _taskIndex.Slice(0, rows),
            Reward = reward,
            Terminated = terminated,
            LogPartition = _logPartition.Slice(0, problem.HasPartition ? candidates : 0),
        });
        if (summary.BadRow >= 0)
        {
            throw NotFinite(summary.BadRow, summary.BadCandidate, summary.BadValue, trajectories: false);
        }

        if (summary.UnsampledRow >= 0)
        {
            throw NotSampled(summary.UnsampledRow, UnitName);
        }

        return new Inference(
            candidates, problem.HasPartition, (double)summary.Entropy / rows, (double)summary.CommandedIsMode / rows,
                summary.SurpriseCount == 0 ? double.NaN : (double)summary.Surprise / summary.SurpriseCount);
    }

    // Goals of the rows that one serves wait in _newTask.
    private ReadOnlySpan<float> Goals(int rows) => _newTask.Slice(0, Options.MixesGoals ? rows * TaskDimension : 0);

    private ResidentCandidates Sources()
    {
        ResidentCandidates reached = Options.ReachedState == ReachedState.Next ? ResidentCandidates.ReachedNext : ResidentCandidates.ReachedCurrent;
        return Options.Candidates switch
        {
            CandidateSource.Commanded => ResidentCandidates.Commanded,
            CandidateSource.Reached => reached,
            CandidateSource.Both => ResidentCandidates.Commanded | reached,
            _ => ResidentCandidates.Given,
        };
    }

    private void SetGoals(DeviceRuntime runtime, in DeviceBatch batch, int rows, ReplayBuffer? replay)
    {
        _replayIndex.EnsureLength(rows);
        Span<long> index = _replayIndex.Slice(0, rows);
        runtime.Download(batch.ReplayIndex, index);
        for (int row = 0; row < rows; row++)
        {
            if (_service[row] == Service.Goal)
            {
                SetGoal(row, index[row], null, replay);
            }
        }
    }
}
