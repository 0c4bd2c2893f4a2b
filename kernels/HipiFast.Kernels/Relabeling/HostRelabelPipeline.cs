using HipiFast.Kernels.LogPartition;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Numerics;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tasks;
using HipiFast.Kernels.TaskSampling;

namespace HipiFast.Kernels.Relabeling;

/// <summary>
/// A relabel call in host memory, composed of a session's kernels: Q~ by blocks of rows, the partition over them, a
/// task for every row, and its reward. Serves whatever there is to ask for but batches on a device.
/// </summary>
/// <param name="softQKernel">Soft-Q matrix.</param>
/// <param name="logPartitionKernel">Log partition.</param>
/// <param name="samplingKernel">Gumbel-max sampling.</param>
internal sealed unsafe class HostRelabelPipeline(
    ISoftQKernel softQKernel, ILogPartitionKernel logPartitionKernel, ITaskSamplingKernel samplingKernel)
        : IRelabelPipeline, IDisposable
{
    private readonly NativeBuffer<float> _softQ = new(0);
    private readonly PartitionSums _partition = new(logPartitionKernel);
    private readonly RowAssignment _assignment = new(samplingKernel);
    private readonly ExactTerminalValues _terminal = new();
    private UseGuard _use;

    /// <inheritdoc/>
    public void Prepare(in RelabelProblem problem)
    {
        using UseGuard.Scope use = _use.Enter(UseGuard.Session);
        problem.Validate();
        Reserve(problem);
    }

    /// <inheritdoc/>
    public RelabelSummary Run(in RelabelProblem problem, in RelabelOutput output)
    {
        using UseGuard.Scope use = _use.Enter(UseGuard.Session);
        problem.Validate(output);
        RowBlocks blocks = Reserve(problem);
        RelabelSummary summary = RelabelSummary.Nothing;
        fixed (float* tasks = problem.SoftQ.Task)
        {
            _assignment.Begin(problem, tasks);
            if (problem.HasPartition)
            {
                _partition.Begin(problem.SoftQ.Candidates, problem.Running);
            }

            problem.Watch?.Begin((long)blocks.StepCount * problem.SoftQ.Rows / blocks.BlockCount);
            for (int i = 0; i < blocks.StepCount; i++)
            {
                RowStep step = blocks[i];
                ReadOnlySpan<float> softQ = Compute(problem, step);
                if (!IsFinite(problem, step, softQ, ref summary))
                {
                    return summary;
                }

                if (problem.Source is not null || !problem.GivenSoftQ.IsEmpty)
                {
                    problem.Watch?.Advance(step.Rows);
                }

                if (step.Accumulates)
                {
                    _partition.Add(softQ, step.Rows);
                }

                if (step.FinishesPartition)
                {
                    FinishPartition(problem.SoftQ.Rows, output.LogPartition, ref summary);
                }

                if (step.Samples && !_assignment.Sample(problem, step, softQ, output, ref summary))
                {
                    return summary;
                }
            }
        }

        if (!output.Reward.IsEmpty)
        {
            Judge(problem.SoftQ, output, ref summary);
            summary.RelabeledTerminated = _assignment.CountTerminated(output.Terminated);
        }

        return summary;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_use.Close(UseGuard.Session))
        {
            return;
        }

        _softQ.Dispose();
        _partition.Dispose();
        _assignment.Dispose();
    }

    // Everything that may allocate. An observer that wants the posterior has as much of it as of Q~.
    private RowBlocks Reserve(in RelabelProblem problem)
    {
        if (problem.Resident is not null)
        {
            throw new ArgumentException(
                "The batch is in the memory of a device; this pipeline computes in host memory.");
        }

        int rows = problem.SoftQ.Rows, candidates = problem.SoftQ.Candidates;
        bool hasPosterior = problem.Observer is { WantsPosterior: true };
        long rowBytes = (hasPosterior ? 2L : 1L) * candidates * sizeof(float);
        long fitting = Math.Min(problem.MemoryBudget / rowBytes, int.MaxValue / candidates);
        RowBlocks blocks = new(rows, fitting, problem.HasPartition);
        if (!IsReadInPlace(problem))
        {
            _softQ.EnsureLength((long)blocks.BlockRows * candidates);
        }

        _assignment.Reserve(rows, blocks.BlockRows, hasPosterior ? candidates : 0);
        if (problem.HasPartition && problem.Running is null)
        {
            _partition.Reserve(candidates);
        }

        return blocks;
    }

    // A matrix that was given, and in which nothing is to be replaced, is read where it lies.
    private static bool IsReadInPlace(in RelabelProblem problem) =>
        !problem.GivenSoftQ.IsEmpty && !ExactTerminalValues.AreAsked(problem.SoftQ);

    private ReadOnlySpan<float> Compute(in RelabelProblem problem, in RowStep step)
    {
        int candidates = problem.SoftQ.Candidates, length = step.Rows * candidates;
        ReadOnlySpan<float> given =
            problem.GivenSoftQ.IsEmpty ? default : problem.GivenSoftQ.Slice(step.First * candidates, length);
        if (IsReadInPlace(problem))
        {
            return given;
        }

        Span<float> softQ = _softQ.Slice(0, length);
        if (!given.IsEmpty)
        {
            given.CopyTo(softQ);
            _terminal.Put(problem.SoftQ, step.First, softQ);
        }
        else if (problem.Source is null)
        {
            Estimate(problem, step, softQ);
        }
        else
        {
            problem.Source.Fill(step.First, step.Rows, softQ);
        }

        return softQ;
    }

    private void Estimate(in RelabelProblem problem, in RowStep step, Span<float> softQ)
    {
        int candidates = problem.SoftQ.Candidates, most = problem.Watch?.PartRows(candidates) ?? int.MaxValue;
        for (int first = 0, rows; first < step.Rows; first += rows)
        {
            rows = Math.Min(most, step.Rows - first);
            Span<float> part = softQ.Slice(first * candidates, rows * candidates);
            SoftQRows.Compute(softQKernel, problem.SoftQ, step.First + first, rows, part);
            problem.Watch?.Advance(rows);
        }
    }

    // False at a NaN or infinity.
    private static bool IsFinite(
        in RelabelProblem problem, in RowStep step, ReadOnlySpan<float> softQ, ref RelabelSummary summary)
    {
        int index = FiniteCheck.IndexOfNonFinite(softQ);
        if (index < 0)
        {
            return true;
        }

        summary.BadRow = step.First + (index / problem.SoftQ.Candidates);
        summary.BadCandidate = index % problem.SoftQ.Candidates;
        summary.BadValue = softQ[index];
        return false;
    }

    private void FinishPartition(int rows, Span<float> logPartition, ref RelabelSummary summary)
    {
        _partition.Finish(rows, logPartition);
        foreach (float value in logPartition)
        {
            summary.LogPartitionMin = MathF.Min(summary.LogPartitionMin, value);
            summary.LogPartitionMax = MathF.Max(summary.LogPartitionMax, value);
        }
    }

    // Reward and termination of every row under its task.
    private static void Judge(in SoftQProblem batch, in RelabelOutput output, ref RelabelSummary summary)
    {
        TransitionRows transitions = new(batch.Observation, batch.Action, batch.NextObservation, batch.Rows);
        batch.Family!.EvaluateRows(transitions, output.NewTask, output.Reward, output.Terminated);
        int bad = FiniteCheck.IndexOfNonFinite(output.Reward);
        if (bad >= 0)
        {
            summary.BadRewardRow = bad;
            summary.BadReward = output.Reward[bad];
        }
    }
}
