using HipiFast.Kernels.Replay;
using HipiFast.Kernels.SoftQ;

namespace HipiFast.Kernels.Relabeling;

/// <summary>Inverse RL by row (transitions or, with a source of Q~, trajectories), as one piece of work.</summary>
internal readonly ref struct RelabelProblem
{
    /// <summary>
    /// The soft-Q matrix: batch, candidates, networks, estimator, seed and number of the call. Its family judges the
    /// new tasks, so it is needed always, and so are the next observations. With a <see cref="Resident"/> batch its
    /// matrices are empty, but for candidates that are given.
    /// </summary>
    public required SoftQProblem SoftQ { get; init; }

    /// <summary>The commanded tasks <c>[B, P]</c>; empty with a <see cref="Resident"/> batch.</summary>
    public required ReadOnlySpan<float> Commanded { get; init; }

    /// <summary>
    /// The batch where it lies on the device already, relabeled in place; null for one that goes up with the call.
    /// </summary>
    public ResidentBatch? Resident { get; init; }

    /// <summary>
    /// Where Q~ comes from instead of the networks. Of <see cref="SoftQ"/> only sizes, candidates, seed and call are
    /// then read, and the rows are not judged.
    /// </summary>
    internal ISoftQSource? Source { get; init; }

    /// <summary>
    /// Q~ <c>[B, K]</c> where it was computed elsewhere, in nats; empty where the networks, or <see cref="Source"/>,
    /// are asked. The networks of <see cref="SoftQ"/> are then not read
    /// (<see cref="SoftQProblem.OmitsNetworks"/>), but its exact terminal values apply.
    /// </summary>
    public ReadOnlySpan<float> GivenSoftQ { get; init; }

    /// <summary>Receives Q~ and the posterior block by block, or null.</summary>
    public IRelabelObserver? Observer { get; init; }

    /// <summary>
    /// Who may end the call, and hears how far it is; null for nobody. Asked between parts of a call that passes
    /// through host memory; one on a device ends only by itself.
    /// </summary>
    internal RelabelWatch? Watch { get; init; }

    /// <summary>
    /// Earlier batches that count in the partition; null for the batch's own. The caller commits the newest batch once
    /// the call has succeeded.
    /// </summary>
    internal RunningPartition? Running { get; init; }

    /// <summary>log p(psi) <c>[K]</c>, unnormalised, or empty for a uniform prior.</summary>
    public ReadOnlySpan<float> LogPrior { get; init; }

    /// <summary>Whether logZ is subtracted.</summary>
    public required bool HasPartition { get; init; }

    /// <summary>
    /// Temperature of the posterior, 0 or more; see <see cref="TaskSampling.TaskPosterior.Temperature"/>.
    /// </summary>
    public required float Temperature { get; init; }

    /// <summary>
    /// Probability with which a row receives a new task; decided from the counters of
    /// <see cref="Random.RandomPurpose.Mixing"/>, as on the processor.
    /// </summary>
    public required float RelabelFraction { get; init; }

    /// <summary>Probability with which a relabeled row is served by a goal instead of inverse RL.</summary>
    public required float GoalMix { get; init; }

    /// <summary>
    /// <c>[B, P]</c>: the new tasks of the rows that a goal serves, other rows are not read; empty where
    /// <see cref="GoalMix"/> is 0. May be the memory of <see cref="RelabelOutput.NewTask"/>.
    /// </summary>
    public ReadOnlySpan<float> Goals { get; init; }

    /// <summary>
    /// Largest part of Q~ kept in memory, bytes; a larger matrix is computed twice, in blocks of rows.
    /// </summary>
    public required long MemoryBudget { get; init; }

    /// <summary>Which row is served how.</summary>
    internal ServiceRule Services => new(SoftQ.Seed, SoftQ.Call, RelabelFraction, GoalMix);

    /// <summary>Whether blocks of Q~ have to pass through host memory.</summary>
    internal bool NeedsHost =>
        Source is not null || Observer is not null || Running is not null || !GivenSoftQ.IsEmpty;

    /// <summary>Throws unless the problem is complete and its lengths agree.</summary>
    /// <exception cref="ArgumentException">
    /// One sentence naming what disagrees, what was found and what was expected.
    /// </exception>
    public void Validate()
    {
        int rows = SoftQ.Rows, taskDimension = SoftQ.TaskDimension;
        if (Resident is not null && NeedsHost)
        {
            throw new ArgumentException(
                "Q~ of a batch on the device stays there; the call asks for blocks of it in host memory.");
        }

        if (Resident is ResidentBatch resident)
        {
            SoftQ.ValidateKind();
            Check(
                SoftQ.Observation.Length + SoftQ.Action.Length + SoftQ.NextObservation.Length, 0,
                "matrices beside a batch on the device");
            resident.Batch.Validate(rows, SoftQ.ObservationDimension, SoftQ.ActionDimension, taskDimension);
            int derived = resident.CountCandidates(rows);
            Check(
                SoftQ.Candidates, derived == 0 ? SoftQ.Candidates : derived,
                "candidate tasks, as many as the batch on the device gives");
            Check(
                SoftQ.Task.Length, derived == 0 ? (long)SoftQ.Candidates * taskDimension : 0, "given candidate tasks");
            if (resident.Candidates > ResidentCandidates.Commanded && SoftQ.Family is { HasAchievedTask: false })
            {
                throw new ArgumentException(
                    "The task family has no map from states to tasks, so reached states cannot be candidates.");
            }
        }
        else if (Source is not null)
        {
            Check(SoftQ.Task.Length, (long)SoftQ.Candidates * taskDimension, "candidate tasks");
        }
        else
        {
            SoftQ.Validate();
            Check(SoftQ.NextObservation.Length, (long)rows * SoftQ.ObservationDimension, "next observations");
        }

        if (SoftQ.Family is null)
        {
            throw new ArgumentException("A relabel call needs a task family to judge the new tasks; found none.");
        }

        SoftQ.Family.CheckObservationDimension(SoftQ.ObservationDimension);

        Check(Commanded.Length, Resident is null ? (long)rows * taskDimension : 0, "commanded tasks");
        Check(Goals.Length, GoalMix > 0f ? (long)rows * taskDimension : 0, "goals");
        Check(LogPrior.Length, LogPrior.IsEmpty ? 0 : SoftQ.Candidates, "the log prior");
        Check(GivenSoftQ.Length, GivenSoftQ.IsEmpty ? 0 : (long)rows * SoftQ.Candidates, "the soft-Q matrix");
        if (!(Temperature >= 0f) || float.IsPositiveInfinity(Temperature))
        {
            throw new ArgumentException($"The temperature is {Temperature}; expected a finite number, 0 or more.");
        }
    }

    /// <summary>The same, and where its results go.</summary>
    /// <param name="output">The spans.</param>
    /// <exception cref="ArgumentException">As for the other overload.</exception>
    public void Validate(in RelabelOutput output)
    {
        Validate();
        int rows = SoftQ.Rows, written = Resident is null ? rows : 0, judged = Source is null ? written : 0;
        Check(output.TaskIndex.Length, rows, "task indices");
        Check(output.LogPartition.Length, HasPartition ? SoftQ.Candidates : 0, "the log partition");
        Check(output.NewTask.Length, (long)written * SoftQ.TaskDimension, "new tasks");
        Check(output.Reward.Length, judged, "rewards");
        Check(output.Terminated.Length, judged, "terminations");
    }

    private static void Check(long found, long expected, string what)
    {
        if (found != expected)
        {
            throw new ArgumentException($"Expected {expected} entries for {what}; found {found}.");
        }
    }
}
