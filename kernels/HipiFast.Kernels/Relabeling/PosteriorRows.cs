using HipiFast.Kernels.TaskSampling;

namespace HipiFast.Kernels.Relabeling;

/// <summary>Posteriors over tasks in numbers, for those who want to see them.</summary>
internal static unsafe class PosteriorRows
{
    /// <summary>Writes q(psi_i | j) of every row, whose entries sum to 1.</summary>
    /// <param name="scores">The scores.</param>
    /// <param name="mode">
    /// <c>[rows]</c>: the most likely task of each row, which at temperature 0 has the whole of it.
    /// </param>
    /// <param name="posterior">Receives the posterior <c>[rows, K]</c>.</param>
    public static void Write(in TaskPosterior scores, ReadOnlySpan<int> mode, Span<float> posterior)
    {
        int candidates = scores.Candidates;
        fixed (float* softQ = scores.SoftQ, logPartition = scores.LogPartition, logPrior = scores.LogPrior)
        {
            for (int row = 0; row < scores.Rows; row++)
            {
                Span<float> target = posterior.Slice(row * candidates, candidates);
                if (scores.IsMaximumAPosteriori)
                {
                    target.Clear();
                    target[mode[row]] = 1;
                }
                else
                {
                    Exact(scores, row, softQ, logPartition, logPrior).WritePosterior(target);
                }
            }
        }
    }

    /// <summary>Scores of a row that are compared before they are rounded.</summary>
    /// <param name="posterior">The posterior of whose row.</param>
    /// <param name="row">The row.</param>
    /// <param name="softQ">Its Q~, pinned.</param>
    /// <param name="logPartition">Its logZ, pinned.</param>
    /// <param name="logPrior">Its prior, pinned.</param>
    /// <returns>The scores.</returns>
    public static ExactScores Exact(
        in TaskPosterior posterior, int row, float* softQ, float* logPartition, float* logPrior) => new(
        softQ + ((long)row * posterior.Candidates), logPartition, logPrior, posterior.Candidates,
        posterior.Temperature);
}
