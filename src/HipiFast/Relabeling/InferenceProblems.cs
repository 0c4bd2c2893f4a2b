using HipiFast.Kernels.Relabeling;
using HipiFast.Kernels.Replay;
using HipiFast.Kernels.SoftQ;
using HipiFast.Replay;

namespace HipiFast.Relabeling;

/// <summary>Inverse RL by row of a call, as a problem for a session's pipeline.</summary>
/// <param name="estimate">Q~ of transitions.</param>
/// <param name="returns">Q~ of trajectories.</param>
/// <param name="candidates">The candidates; gathered here.</param>
/// <param name="options">How to relabel.</param>
/// <param name="running">The partition that is kept across batches, or null.</param>
/// <param name="watch">Who waits for the call.</param>
internal sealed class InferenceProblems(
    AgentEstimate estimate, ReturnSum returns, CandidateTasks candidates, RelabelOptions options,
    RunningPartition? running, RelabelWatch watch)
{
    /// <summary>A batch in host memory. Trajectories are given tasks only; the pipeline judges transitions.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="units">Its units.</param>
    /// <param name="given">Candidates that came with the call.</param>
    /// <param name="goals">New tasks <c>[units, P]</c> of the units that a goal serves.</param>
    /// <param name="call">Number of the call.</param>
    /// <param name="observer">Who watches, or null.</param>
    /// <returns>The problem.</returns>
    /// <exception cref="ArgumentException">There are no networks, or no candidates.</exception>
    public RelabelProblem Of(
        TransitionBatch batch, Units units, GivenTasks given, ReadOnlySpan<float> goals, uint call,
        IRelabelObserver? observer)
    {
        if (!units.AreTrajectories && given.SoftQ.IsEmpty)
        {
            estimate.RequireCritic();
        }

        candidates.Gather(batch, units, given);
        RelabelProblem problem;
        if (!given.SoftQ.IsEmpty)
        {
            RelabelChecks.RequireSoftQ(given.SoftQ, batch.Count, candidates.Count);
            problem = Of(estimate.OfGiven(batch, candidates.Tasks, call), given, goals) with
            {
                GivenSoftQ = given.SoftQ,
            };
        }
        else if (units.AreTrajectories)
        {
            returns.Begin(batch, units, candidates);
            SoftQProblem softQ = estimate.OfSize(
                batch.Shape, units.Count, candidates.Count, call) with { Task = candidates.Tasks };
            problem = Of(softQ, given, goals) with { Source = returns };
        }
        else
        {
            problem = Of(estimate.Of(batch, candidates.Tasks, call), given, goals);
        }

        return problem with
        {
            Commanded = units.Commanded, Observer = observer, Running = running, Watch = watch,
        };
    }

    /// <summary>A batch where it lies in the session's memory.</summary>
    /// <param name="transitions">The batch.</param>
    /// <param name="given">As for the other overload.</param>
    /// <param name="goals">As for the other overload.</param>
    /// <param name="call">As for the other overload.</param>
    /// <returns>The problem.</returns>
    /// <exception cref="ArgumentException">As for the other overload.</exception>
    public RelabelProblem Of(ResidentTransitions transitions, GivenTasks given, ReadOnlySpan<float> goals, uint call)
    {
        TransitionShape shape = estimate.RequireAgent().Shape;
        ResidentBatch resident = new(transitions, given.Tasks.IsEmpty ? CandidateTasks.Sources(options)
            : ResidentCandidates.Given);
        int count = resident.CountCandidates(transitions.Rows);
        candidates.Clear();
        if (count == 0)
        {
            candidates.Store(given);
            count = candidates.Count;
        }

        SoftQProblem softQ = estimate.OfSize(shape, transitions.Rows, count, call) with { Task = candidates.Tasks };
        return Of(softQ, given, goals) with { Resident = resident };
    }

    /// <summary>A group of rows, all of which inverse RL serves.</summary>
    /// <param name="group">The rows.</param>
    /// <param name="tasks">Their candidates <c>[K, P]</c>.</param>
    /// <param name="given">Candidates that came with the call, for their prior.</param>
    /// <param name="firstNumber">Number of the first row among all that are served.</param>
    /// <param name="call">Number of the call.</param>
    /// <returns>The problem.</returns>
    /// <exception cref="ArgumentException">There are no networks.</exception>
    public RelabelProblem OfGroup(
        TransitionBatch group, ReadOnlySpan<float> tasks, GivenTasks given, uint firstNumber, uint call) =>
        Of(estimate.Of(group, tasks, call, firstNumber), given, default) with
        {
            Commanded = group.Task, RelabelFraction = 1, GoalMix = 0, Running = running,
        };

    private RelabelProblem Of(SoftQProblem softQ, GivenTasks given, ReadOnlySpan<float> goals) => new()
    {
        SoftQ = softQ,
        Commanded = default,
        LogPrior = candidates.LogPrior(given),
        HasPartition = options.Partition != PartitionMode.None,
        Temperature = options.Temperature,
        RelabelFraction = options.RelabelFraction,
        GoalMix = options.GoalMix,
        Goals = options.MixesGoals ? goals : default,
        MemoryBudget = options.MemoryBudget,
    };
}
