using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Relabeling;
using HipiFast.Kernels.Tasks;
using HipiFast.Relabeling;
using HipiFast.Replay;

namespace HipiFast.Native;

/// <summary>A relabeler over batches in its callers' memory.</summary>
/// <param name="relabeler">The relabeler; disposed of with this object.</param>
/// <param name="family">Its task family.</param>
internal sealed unsafe class RelabelerHost(Relabeler relabeler, TaskFamily family) : IDisposable, IRelabelObserver
{
    private TransitionBatch? _batch;
    private int _fixedCandidates;
    private float* _softQ;
    private float* _posterior;
    private UseGuard _use;

    /// <summary>The relabeler.</summary>
    public Relabeler Relabeler => relabeler;

    /// <inheritdoc/>
    bool IRelabelObserver.WantsPosterior => _posterior != null;

    /// <summary>Sets the fixed candidates.</summary>
    public void SetFixedCandidates(float* tasks, long count, float* logPrior)
    {
        using UseGuard.Scope use = _use.Enter(this);
        int candidates = Arguments.Count(count, "candidate tasks");
        relabeler.SetFixedCandidates(Tasks(tasks, candidates), Prior(logPrior, candidates));
        _fixedCandidates = candidates;
    }

    /// <summary>As <see cref="Relabeler.Prepare"/>.</summary>
    public void Prepare(TransitionShape shape, long rows, long candidates, bool bySoftQ)
    {
        using UseGuard.Scope use = _use.Enter(this);
        int b = Arguments.Count(rows, "rows"), k = Arguments.Count(candidates, "candidates", least: 0);
        int widest = Math.Max(shape.ObservationDimension, Math.Max(shape.ActionDimension, shape.TaskDimension));
        Arguments.Entries(b, widest);
        Arguments.Entries(k, shape.TaskDimension);
        if (bySoftQ)
        {
            relabeler.PrepareBySoftQ(shape, b, k);
        }
        else
        {
            relabeler.Prepare(b, k);
        }
    }

    /// <summary>Relabels a batch where it lies.</summary>
    /// <param name="view">The batch.</param>
    /// <param name="softQ">Q~ <c>[B, K]</c>, or null where the networks are asked.</param>
    /// <param name="softQColumns">K of that matrix.</param>
    /// <param name="candidates">Candidates <c>[K, P]</c>, or null where the options say which they are.</param>
    /// <param name="count">K of these.</param>
    /// <param name="logPrior"><c>[K]</c>, or null.</param>
    /// <param name="result">Receives what was done, or null.</param>
    public void Relabel(
        BatchView* view, float* softQ, long softQColumns, float* candidates, long count, float* logPrior,
        RelabelingView* result)
    {
        using UseGuard.Scope use = _use.Enter(this);
        TransitionBatch batch = Wrap(view);
        int given = candidates == null ? 0 : Arguments.Count(count, "candidate tasks");
        ReadOnlySpan<float> tasks = candidates == null ? default : Tasks(candidates, given);
        ReadOnlySpan<float> prior = candidates == null && logPrior != null
            ? throw new ArgumentException(
                "A prior is of candidate tasks given with it; expected candidates, or no prior.")
            : Prior(logPrior, given);
        RequireRoom(result, batch.Count, given);
        bool observes = result != null && (result->SoftQ != null || result->Posterior != null);
        _softQ = result == null ? null : result->SoftQ;
        _posterior = result == null ? null : result->Posterior;
        relabeler.Observer = observes ? this : null;
        try
        {
            RelabelResult done = softQ != null
                ? relabeler.RelabelBySoftQ(
                    batch,
                    Arguments.Matrix(
                        softQ, batch.Count, Arguments.Count(softQColumns, "columns of the soft-Q matrix"),
                        "soft-Q matrix"),
                    tasks, prior)
                : candidates != null
                ? relabeler.Relabel(batch, tasks, null, prior)
                : relabeler.Relabel(batch);
            Copy(done, result);
        }
        finally
        {
            relabeler.Observer = null;
        }
    }

    /// <inheritdoc/>
    void IRelabelObserver.OnBlock(in RelabelBlock block)
    {
        long first = (long)block.FirstRow * block.Candidates;
        if (_softQ != null)
        {
            block.SoftQ.CopyTo(new Span<float>(_softQ + first, block.SoftQ.Length));
        }

        if (_posterior != null)
        {
            block.Posterior.CopyTo(new Span<float>(_posterior + first, block.Posterior.Length));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_use.Close(this))
        {
            return;
        }

        relabeler.Dispose();
        _batch?.Dispose();
    }

    private TransitionBatch Wrap(BatchView* view)
    {
        Arguments.Require(view, "batch");
        TransitionShape shape = view->Shape.Value;
        int rows = Arguments.Count(view->Rows, "transitions");
        TransitionAddresses columns = new()
        {
            Observation = First(view->Observation, rows, shape.ObservationDimension, "observation"),
            Action = First(view->Action, rows, shape.ActionDimension, "action"),
            NextObservation = First(view->NextObservation, rows, shape.ObservationDimension, "next observation"),
            Task = First(view->Task, rows, shape.TaskDimension, "task"),
            Reward = view->Reward == null ? null : First(view->Reward, rows, 1, "reward"),
            Terminated = view->Terminated,
        };
        if (_batch is not null && _batch.Shape == shape)
        {
            _batch.Rewrap(columns, rows);
            return _batch;
        }

        TransitionBatch wrapped = TransitionBatch.Wrap(shape, columns, rows);
        _batch?.Dispose();
        return _batch = wrapped;
    }

    // Checked, not copied.
    private static float* First(float* values, long rows, long columns, string what)
    {
        Arguments.Matrix(values, rows, columns, what);
        return values;
    }

    private ReadOnlySpan<float> Tasks(float* tasks, int count) =>
        Arguments.Matrix(tasks, count, family.TaskDimension, "matrix of candidate tasks");

    private static ReadOnlySpan<float> Prior(float* logPrior, int count) =>
        logPrior == null ? default : Arguments.Matrix(logPrior, count, 1, "log prior");

    // Before anything is done: what has no room for its numbers is refused.
    private void RequireRoom(RelabelingView* result, int rows, int given)
    {
        if (result == null)
        {
            return;
        }

        result->Candidates = 0;
        RelabelOptions options = relabeler.Options;
        bool byTask = options.Assignment == Assignment.Task;
        if (byTask && (result->SoftQ != null || result->Posterior != null))
        {
            throw new ArgumentException(
                "By task there is no soft-Q matrix of the whole batch to show; expected null for it and the "
                + "posterior.");
        }

        long most = given > 0 ? given : byTask ? rows : options.Candidates switch
        {
            CandidateSource.Fixed => _fixedCandidates,
            CandidateSource.Both => 2L * rows,
            _ => rows,
        };
        bool asks = result->SoftQ != null || result->Posterior != null || result->LogPartition != null
            || result->CandidateTask != null;
        if (asks && result->CandidateRoom < most)
        {
            throw new ArgumentException(
                $"There is room for the numbers of {result->CandidateRoom} candidate tasks; expected {most}.");
        }
    }

    private void Copy(in RelabelResult done, RelabelingView* result)
    {
        if (result == null)
        {
            return;
        }

        int candidates = done.Candidates.Length / family.TaskDimension;
        result->Candidates = candidates;
        if (result->TaskIndex != null)
        {
            done.TaskIndex.CopyTo(new Span<int>(result->TaskIndex, done.TaskIndex.Length));
        }

        if (result->Relabeled != null)
        {
            done.Relabeled.CopyTo(new Span<byte>(result->Relabeled, done.Relabeled.Length));
        }

        if (result->CandidateTask != null)
        {
            done.Candidates.CopyTo(new Span<float>(result->CandidateTask, done.Candidates.Length));
        }

        if (result->LogPartition != null)
        {
            Span<float> logPartition = new(result->LogPartition, candidates);
            logPartition.Clear();
            done.LogPartition.CopyTo(logPartition);
        }

        result->PosteriorEntropy = done.Diagnostics.PosteriorEntropy;
        result->EffectiveTasks = done.Diagnostics.EffectiveTasks;
        result->CommandedIsMode = done.Diagnostics.CommandedIsMode;
        result->LogPartitionMin = done.Diagnostics.LogPartitionMin;
        result->LogPartitionMax = done.Diagnostics.LogPartitionMax;
        result->KlFromCommanded = done.Diagnostics.KlFromCommanded;
        result->RelabeledShare = done.Diagnostics.RelabeledShare;
        result->TerminatedShare = done.Diagnostics.TerminatedShare;
    }
}
