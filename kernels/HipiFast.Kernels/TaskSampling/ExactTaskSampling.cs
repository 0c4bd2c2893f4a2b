using HipiFast.Kernels.Random;

namespace HipiFast.Kernels.TaskSampling;

/// <summary>
/// Rows and columns whose scores are too large for fp32, hold NaN or infinities, or have nothing finite: one by one, in
/// double precision. They are few, or their posteriors so sharp that little noise has to be drawn.
/// </summary>
internal static unsafe class ExactTaskSampling
{
    /// <summary>Scores a row and draws from it, with the noise that it has in any case.</summary>
    /// <param name="source">The scores.</param>
    /// <param name="row">The row.</param>
    /// <param name="output">Receives what is wanted of the row.</param>
    public static void SampleTask(in ScoreSource source, int row, in SampleOutput output)
    {
        ExactScores scores = new(
            source.SoftQ + ((long)row * source.Candidates), source.LogPartition, source.LogPrior, source.Candidates,
            source.Temperature);
        ExactScores.Best best = scores.FindBest(out double spoiled);
        if (spoiled != 0 || best.Index < 0)
        {
            output.WriteNothing(row, spoiled != 0 ? (float)spoiled : float.NegativeInfinity);
            return;
        }

        int sample = source.Temperature == 0 ? best.Index : scores.Draw(best, source, row);
        double logSum = 0, entropy = 0;
        if (output.WantsStatistics && source.Temperature != 0)
        {
            double sum = scores.Sum(best, out double weighted);
            logSum = Math.Log(sum);
            entropy = logSum - (weighted / sum);
        }

        output.Write(row, sample, best.Index, (float)entropy, (float)(scores.Value(best) + logSum));
    }

    /// <summary>The row that a column picks at a temperature above 0.</summary>
    /// <param name="source">The scores; the normaliser and the prior are not read.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="column">The column.</param>
    /// <returns>The row, or -1 where the column holds NaN or +inf, or nothing finite.</returns>
    public static int SampleRow(in ScoreSource source, int rows, int column)
    {
        float* softQ = source.SoftQ + column;
        float best = float.NegativeInfinity;
        for (int row = 0; row < rows; row++)
        {
            float q = softQ[(long)row * source.Candidates];
            if (!(q < float.PositiveInfinity))
            {
                return -1;
            }

            best = MathF.Max(best, q);
        }

        double largest = double.NegativeInfinity;
        int picked = -1;
        for (int row = 0; row < rows; row++)
        {
            double distance = ((double)softQ[(long)row * source.Candidates] - best) / source.Temperature;
            PhiloxBlock noise = Philox.Next(
                (uint)column / PhiloxBlock.Words, source.FirstRow + (uint)row, source.Call,
                (uint)RandomPurpose.RowSampling, source.Seed);
            double noisy = distance + ExactScores.Gumbel(noise[column]);
            if (noisy > largest)
            {
                (largest, picked) = (noisy, row);
            }
        }

        return picked;
    }
}
