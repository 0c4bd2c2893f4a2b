using HipiFast.Kernels.Random;
using HipiFast.Kernels.TaskSampling;

namespace HipiFast.Benchmarking.Oracles;

/// <summary>The posterior of a row and its Gumbel-max sample in double, straight from the formulas.</summary>
public static class TaskSamplingOracle
{
    /// <summary>
    /// Scores of one row: (Q~ - logZ) / temperature + log p, or Q~ - logZ at temperature 0 with forbidden tasks at
    /// -inf.
    /// </summary>
    /// <param name="posterior">The posterior.</param>
    /// <param name="row">The row.</param>
    /// <returns>One score for each task.</returns>
    public static double[] Scores(in TaskPosterior posterior, int row)
    {
        double[] scores = new double[posterior.Candidates];
        for (int i = 0; i < scores.Length; i++)
        {
            double q = posterior.SoftQ[(row * scores.Length) + i];
            double logZ = posterior.LogPartition.IsEmpty ? 0 : posterior.LogPartition[i];
            double prior = posterior.LogPrior.IsEmpty ? 0 : posterior.LogPrior[i];
            double raw = double.IsNegativeInfinity(q) ? q : q - logZ;
            bool finitePrior = double.IsFinite(prior);
            scores[i] = posterior.Temperature > 0
                ? (raw / posterior.Temperature) + prior
                : finitePrior
                ? raw
                : raw + prior;
        }

        return scores;
    }

    /// <summary>
    /// How far the scores of one row lie below the best of them: differences of Q~ and of logZ, each vector by itself,
    /// before they are divided, to which differences of the prior are added, so that what is common to all scores costs
    /// no digits.
    /// </summary>
    /// <param name="posterior">The posterior.</param>
    /// <param name="row">The row.</param>
    /// <returns>Nats, 0 or less; NaN and infinities where scores are.</returns>
    public static double[] Distances(in TaskPosterior posterior, int row)
    {
        double[] scores = Scores(posterior, row);
        double[] distances = new double[scores.Length];
        int best = Array.IndexOf(scores, scores.Max());

        // The best of the rounded scores may lose to another by a difference that they do not show.
        for (int attempt = 0; attempt < 3; attempt++)
        {
            for (int i = 0; i < scores.Length; i++)
            {
                double raw = Difference(posterior.SoftQ.Slice(row * scores.Length, scores.Length), i, best)
                    - Difference(posterior.LogPartition, i, best);
                distances[i] = !double.IsFinite(scores[i]) ? scores[i]
                    : posterior.Temperature == 0 ? raw
                    : (raw / posterior.Temperature) + Difference(posterior.LogPrior, i, best);
            }

            best = Array.IndexOf(distances, distances.Max());
        }

        return distances;
    }

    /// <summary>q(psi | j) of one row.</summary>
    /// <param name="posterior">The posterior; the row has a finite score, and its temperature is above 0.</param>
    /// <param name="row">The row.</param>
    /// <returns>Probabilities that add up to 1.</returns>
    public static double[] Posterior(in TaskPosterior posterior, int row)
    {
        double[] weights = [.. Distances(posterior, row).Select(Math.Exp)];
        double sum = weights.Sum();
        return [.. weights.Select(weight => weight / sum)];
    }

    /// <summary>The sampled task of a row.</summary>
    /// <param name="posterior">The posterior.</param>
    /// <param name="row">The row.</param>
    /// <returns>The task and its margin in nats.</returns>
    public static Choice SampleTask(in TaskPosterior posterior, int row)
    {
        if (posterior.Temperature == 0)
        {
            return Mode(posterior, row);
        }

        double[] scores = Distances(posterior, row), noisy = new double[scores.Length];
        for (int i = 0; i < scores.Length; i++)
        {
            noisy[i] = scores[i] + Gumbel(i, row, posterior, RandomPurpose.TaskSampling);
        }

        return Best(scores, noisy);
    }

    /// <summary>The most likely task of a row; at temperature 0 the larger prior wins exact ties.</summary>
    /// <param name="posterior">The posterior.</param>
    /// <param name="row">The row.</param>
    /// <returns>The task and its margin in nats.</returns>
    public static Choice Mode(in TaskPosterior posterior, int row)
    {
        double[] scores = Distances(posterior, row);
        Choice best = Best(scores, scores);
        if (best.Index < 0 || posterior.Temperature > 0 || posterior.LogPrior.IsEmpty)
        {
            return best;
        }

        int index = best.Index;
        for (int i = index + 1; i < scores.Length; i++)
        {
            index = scores[i] == scores[index] && posterior.LogPrior[i] > posterior.LogPrior[index] ? i : index;
        }

        return best with { Index = index };
    }

    /// <summary>
    /// Entropy of a row's posterior in nats and logsumexp of its scores (at temperature 0 the best score).
    /// </summary>
    /// <param name="posterior">The posterior.</param>
    /// <param name="row">The row.</param>
    /// <returns>Both; the entropy is NaN where the row has no posterior.</returns>
    public static (double Entropy, double LogNormalizer) Statistics(in TaskPosterior posterior, int row)
    {
        double[] scores = Scores(posterior, row);
        double normalizer = LogPartitionOracle.LogSumExp(scores);
        if (!double.IsFinite(normalizer))
        {
            return (double.NaN, normalizer);
        }

        if (posterior.Temperature == 0)
        {
            return (0, scores.Max());
        }

        double[] distances = [.. Distances(posterior, row).Where(double.IsFinite)];
        double logSum = LogPartitionOracle.LogSumExp(distances);
        return (-distances.Sum(distance => Math.Exp(distance - logSum) * (distance - logSum)), normalizer);
    }

    /// <summary>The row that a task picks down its column.</summary>
    /// <param name="posterior">The posterior.</param>
    /// <param name="task">The task.</param>
    /// <returns>The row and its margin.</returns>
    public static Choice SampleRow(in TaskPosterior posterior, int task)
    {
        double[] column = new double[posterior.Rows], noisy = new double[posterior.Rows];
        for (int j = 0; j < column.Length; j++)
        {
            column[j] = posterior.SoftQ[(j * posterior.Candidates) + task];
        }

        double max = column.Max();
        for (int j = 0; j < column.Length; j++)
        {
            noisy[j] = posterior.Temperature == 0
                ? column[j]
                : ((column[j] - max) / posterior.Temperature) + Gumbel(task, j, posterior, RandomPurpose.RowSampling);
        }

        return Best(column, noisy);
    }

    // -log(-log(1 - u)) in double; u itself is by definition the float that Philox.ToUniform rounds to.
    private static double Gumbel(int task, int row, in TaskPosterior posterior, RandomPurpose purpose)
    {
        PhiloxBlock block = Philox.Next(
            (uint)(task / PhiloxBlock.Words), posterior.FirstRow + (uint)row, posterior.Call, (uint)purpose,
            posterior.Seed);
        double u = Philox.ToUniform(block[task]);
        double exponential = u < 1e-4 ? u + (u * u / 2) + (u * u * u / 3) : -Math.Log(1 - u);
        return -Math.Log(exponential);
    }

    // 0 for a vector that is left out.
    private static double Difference(ReadOnlySpan<float> values, int first, int second) =>
        values.IsEmpty ? 0 : (double)values[first] - values[second];

    private static Choice Best(double[] scores, double[] noisy)
    {
        if (scores.Any(
            score => double.IsNaN(score) || double.IsPositiveInfinity(score)) || scores.All(double.IsNegativeInfinity))
        {
            return new Choice(-1, double.PositiveInfinity);
        }

        int best = 0;
        for (int i = 1; i < noisy.Length; i++)
        {
            best = noisy[i] > noisy[best] ? i : best;
        }

        double second = double.NegativeInfinity;
        for (int i = 0; i < noisy.Length; i++)
        {
            second = i == best ? second : Math.Max(second, noisy[i]);
        }

        return new Choice(best, noisy[best] - second);
    }
}
