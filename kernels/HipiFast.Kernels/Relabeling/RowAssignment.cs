using HipiFast.Kernels.Memory;
using HipiFast.Kernels.TaskSampling;

namespace HipiFast.Kernels.Relabeling;

/// <summary>
/// The part of a relabel call in host memory that gives rows their tasks, a block of Q~ at a time, and tells of the
/// posterior.
/// </summary>
/// <param name="kernel">Draws from the posterior.</param>
internal sealed unsafe class RowAssignment(ITaskSamplingKernel kernel) : IDisposable
{
    private readonly NativeBuffer<int> _sample = new(0);
    private readonly NativeBuffer<int> _mode = new(0);
    private readonly NativeBuffer<float> _entropy = new(0);
    private readonly NativeBuffer<float> _logNormalizer = new(0);
    private readonly NativeBuffer<float> _posterior = new(0);
    private readonly NativeBuffer<byte> _relabeled = new(0);
    private readonly TaskTable _table = new();
    private float* _tasks;

    /// <summary>Makes room.</summary>
    /// <param name="rows">Rows of the call.</param>
    /// <param name="blockRows">Most rows of a block.</param>
    /// <param name="posteriorCandidates">K where the posterior is to be written out, else 0.</param>
    public void Reserve(int rows, int blockRows, int posteriorCandidates)
    {
        _sample.EnsureLength(blockRows);
        _mode.EnsureLength(blockRows);
        _entropy.EnsureLength(blockRows);
        _logNormalizer.EnsureLength(blockRows);
        _posterior.EnsureLength((long)blockRows * posteriorCandidates);
        _relabeled.EnsureLength(rows);
    }

    /// <summary>Begins a call.</summary>
    /// <param name="problem">The call.</param>
    /// <param name="tasks">
    /// Its candidate tasks <c>[K, P]</c>, which must stay where they are until its last block.
    /// </param>
    public void Begin(in RelabelProblem problem, float* tasks)
    {
        _tasks = tasks;
        _table.Build(tasks, problem.SoftQ.Candidates, problem.SoftQ.TaskDimension);
    }

    /// <summary>
    /// Gives the rows of a block their tasks, adds what their posteriors say to the summary, and shows the block to who
    /// observes.
    /// </summary>
    /// <param name="problem">The call.</param>
    /// <param name="step">The block.</param>
    /// <param name="softQ">Its Q~.</param>
    /// <param name="output">Receives tasks and candidates of these rows; its logZ is complete.</param>
    /// <param name="summary">Added to.</param>
    /// <returns>False at a row without a sample, which the summary then names.</returns>
    public bool Sample(
        in RelabelProblem problem, in RowStep step, ReadOnlySpan<float> softQ, in RelabelOutput output,
        ref RelabelSummary summary)
    {
        TaskPosterior posterior = new()
        {
            SoftQ = softQ,
            Rows = step.Rows,
            Candidates = problem.SoftQ.Candidates,
            LogPartition = output.LogPartition,
            LogPrior = problem.LogPrior,
            Temperature = problem.Temperature,
            Seed = problem.SoftQ.Seed,
            Call = problem.SoftQ.Call,
            FirstRow = unchecked(problem.SoftQ.FirstRow + (uint)step.First),
        };
        TaskSamples samples = new()
        {
            Index = _sample.Slice(0, step.Rows),
            Mode = _mode.Slice(0, step.Rows),
            Entropy = _entropy.Slice(0, step.Rows),
            LogNormalizer = _logNormalizer.Slice(0, step.Rows),
        };
        kernel.SampleTasks(posterior, samples);
        int missing = samples.Index.IndexOf(-1);
        if (missing >= 0)
        {
            summary.UnsampledRow = step.First + missing;
            return false;
        }

        for (int row = 0; row < step.Rows; row++)
        {
            Count(problem, posterior, samples, step.First, row, ref summary);
            Assign(problem, step.First + row, samples.Index[row], output);
        }

        if (problem.Observer is not null)
        {
            Show(problem.Observer, posterior, step.First);
        }

        return true;
    }

    /// <summary>Rows that were relabeled and terminate.</summary>
    /// <param name="terminated">Terminations of all rows.</param>
    /// <returns>Their number.</returns>
    public int CountTerminated(ReadOnlySpan<byte> terminated)
    {
        int count = 0;
        for (int row = 0; row < terminated.Length; row++)
        {
            count += _relabeled[row] & (terminated[row] == 0 ? 0 : 1);
        }

        return count;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _sample.Dispose();
        _mode.Dispose();
        _entropy.Dispose();
        _logNormalizer.Dispose();
        _posterior.Dispose();
        _relabeled.Dispose();
        _table.Dispose();
    }

    // What the posterior of a row says of its commanded task.
    private void Count(
        in RelabelProblem problem, in TaskPosterior posterior, in TaskSamples samples, int first, int row,
        ref RelabelSummary summary)
    {
        int dimension = problem.SoftQ.TaskDimension;
        summary.Entropy += samples.Entropy[row];
        fixed (float* commanded = problem.Commanded.Slice((first + row) * dimension, dimension))
        {
            float* mode = _tasks + ((long)samples.Mode[row] * dimension);
            summary.CommandedIsMode += TaskTable.AreEqual(commanded, mode, dimension) ? 1 : 0;
            int equal = posterior.IsMaximumAPosteriori ? -1 : _table.Find(commanded);
            if (equal >= 0)
            {
                summary.Surprise += Surprise(posterior, row, equal, samples.LogNormalizer[row]);
                summary.SurpriseCount++;
            }
        }
    }

    // -log of the posterior of a task, over all candidates that equal it.
    private double Surprise(in TaskPosterior posterior, int row, int candidate, float logNormalizer)
    {
        if (!(MathF.Abs(logNormalizer) <= ExactScores.LargestPlainScore))
        {
            return ExactSurprise(posterior, row, candidate);
        }

        double probability = 0;
        for (int i = candidate; i >= 0; i = _table.NextEqual(i))
        {
            double score = posterior.SoftQ[(row * posterior.Candidates) + i];
            score = (score - (posterior.LogPartition.IsEmpty ? 0 : posterior.LogPartition[i])) / posterior.Temperature;
            probability += Math.Exp(score + (posterior.LogPrior.IsEmpty ? 0 : posterior.LogPrior[i]) - logNormalizer);
        }

        return probability > 0 ? Math.Max(0, -Math.Log(probability)) : ExactSurprise(posterior, row, candidate);
    }

    // The same where the normalizer is too large to hold what tells scores apart, or the exponentials are too small.
    // They are taken relative to the best of the equal candidates: relative to the row's best they may all be 0.
    private double ExactSurprise(in TaskPosterior posterior, int row, int candidate)
    {
        fixed (float* softQ = posterior.SoftQ, logPartition = posterior.LogPartition, logPrior = posterior.LogPrior)
        {
            ExactScores scores = PosteriorRows.Exact(posterior, row, softQ, logPartition, logPrior);
            ExactScores.Best best = scores.FindBest(out _);
            double largest = double.NegativeInfinity, sum = 0;
            for (int i = candidate; i >= 0; i = _table.NextEqual(i))
            {
                largest = Math.Max(largest, scores.Distance(i, best));
            }

            for (int i = candidate; i >= 0 && largest > double.NegativeInfinity; i = _table.NextEqual(i))
            {
                sum += Math.Exp(scores.Distance(i, best) - largest);
            }

            // +inf where the prior excludes them all.
            return Math.Max(0, Math.Log(scores.Sum(best, out _)) - largest - Math.Log(sum));
        }
    }

    private void Assign(in RelabelProblem problem, int row, int sampled, in RelabelOutput output)
    {
        int dimension = problem.SoftQ.TaskDimension;
        RowService service = problem.Services.Of(row);
        ReadOnlySpan<float> task = service switch
        {
            RowService.Infer => problem.SoftQ.Task.Slice(sampled * dimension, dimension),
            RowService.Goal => problem.Goals.Slice(row * dimension, dimension),
            _ => problem.Commanded.Slice(row * dimension, dimension),
        };
        task.CopyTo(output.NewTask.Slice(row * dimension, dimension));
        output.TaskIndex[row] = service == RowService.Infer ? sampled : -1;
        _relabeled[row] = service == RowService.Keep ? (byte)0 : (byte)1;
    }

    private void Show(IRelabelObserver observer, in TaskPosterior scores, int first)
    {
        int candidates = scores.Candidates;
        bool hasPosterior = observer.WantsPosterior;
        Span<float> posterior = _posterior.Slice(0, hasPosterior ? scores.Rows * candidates : 0);
        if (hasPosterior)
        {
            PosteriorRows.Write(scores, _mode.Slice(0, scores.Rows), posterior);
        }

        observer.OnBlock(new RelabelBlock
        {
            FirstRow = first,
            Rows = scores.Rows,
            Candidates = candidates,
            SoftQ = scores.SoftQ,
            LogPartition = scores.LogPartition,
            Posterior = posterior,
        });
    }
}
