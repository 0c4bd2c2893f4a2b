using HipiFast.Kernels.Random;

namespace HipiFast.Kernels.TaskSampling;

/// <summary>Gumbel-max sampling in the simplest form: scalar, in double, one entry after the other. What the fast version is compared with.</summary>
internal sealed class ReferenceTaskSampling : ITaskSamplingKernel
{
    public void SampleTasks(in TaskPosterior posterior, in TaskSamples samples)
    {
        posterior.Validate(samples);
        for (int j = 0; j < posterior.Rows; j++)
        {
            SampleTask(posterior, j, samples);
        }
    }

    public void SampleRows(in TaskPosterior posterior, Span<int> rowIndex)
    {
        posterior.Validate(rowIndex);
        bool map = posterior.IsMaximumAPosteriori;
        for (int i = 0; i < posterior.Candidates; i++)
        {
            double best = double.NegativeInfinity;
            bool valid = true;
            rowIndex[i] = -1;
            for (int j = 0; j < posterior.Rows; j++)
            {
                double q = posterior.SoftQ[(j * posterior.Candidates) + i];
                double score = map ? q : (q / posterior.Temperature) + Gumbel(posterior, j, i, RandomPurpose.RowSampling);
                valid &= q < double.PositiveInfinity;
                if (score > best)
                {
                    best = score;
                    rowIndex[i] = j;
                }
            }

            rowIndex[i] = valid ? rowIndex[i] : -1;
        }
    }

    private static void SampleTask(in TaskPosterior posterior, int row, in TaskSamples samples)
    {
        bool map = posterior.IsMaximumAPosteriori;
        double best = double.NegativeInfinity, mode = double.NegativeInfinity, modePrior = double.NegativeInfinity, poison = 0;
        int bestIndex = -1, modeIndex = -1;
        for (int i = 0; i < posterior.Candidates; i++)
        {
            double score = Score(posterior, row, i, out double prior);
            if (!(score < double.PositiveInfinity))
            {
                poison += score;
            }

            double noisy = map ? score : score + Gumbel(posterior, row, i, RandomPurpose.TaskSampling);
            if (noisy > best)
            {
                (best, bestIndex) = (noisy, i);
            }

            // At temperature 0 the prior is left to break ties.
            if (score > mode || (map && score == mode && score > double.NegativeInfinity && prior > modePrior))
            {
                (mode, modeIndex, modePrior) = (score, i, prior);
            }
        }

        double sum = 0, weighted = 0;
        for (int i = 0; i < posterior.Candidates && modeIndex >= 0 && poison == 0; i++)
        {
            double score = Score(posterior, row, i, out _) - mode;
            double weight = map ? (i == modeIndex ? 1 : 0) : Math.Exp(score);
            sum += weight;
            weighted += weight > 0 ? weight * score : 0;
        }

        bool valid = poison == 0 && modeIndex >= 0;
        samples.Index[row] = !valid ? -1 : map ? modeIndex : bestIndex;
        if (!samples.Mode.IsEmpty)
        {
            samples.Mode[row] = valid ? modeIndex : -1;
        }

        if (!samples.Entropy.IsEmpty)
        {
            samples.Entropy[row] = valid ? (float)(Math.Log(sum) - (weighted / sum)) : float.NaN;
        }

        if (!samples.LogNormalizer.IsEmpty)
        {
            samples.LogNormalizer[row] = (float)(valid ? mode + Math.Log(sum) : poison != 0 ? poison : double.NegativeInfinity);
        }
    }

    // (Q~ - logZ) / temperature + log p; at temperature 0 the raw Q~ - logZ of the tasks that the prior allows at all.
    private static double Score(in TaskPosterior posterior, int row, int task, out double prior)
    {
        double q = posterior.SoftQ[(row * posterior.Candidates) + task];
        prior = posterior.LogPrior.IsEmpty ? 0 : posterior.LogPrior[task];
        double raw = double.IsNegativeInfinity(q) ? q : q - (posterior.LogPartition.IsEmpty ? 0 : posterior.LogPartition[task]);
        if (!posterior.IsMaximumAPosteriori)
        {
            return (raw / posterior.Temperature) + prior;
        }

        return double.IsFinite(prior) ? raw : raw + prior;
    }

    private static double Gumbel(in TaskPosterior posterior, int row, int task, RandomPurpose purpose) => Philox.ToGumbel(
        Philox.Next((uint)task / 4, posterior.FirstRow + (uint)row, posterior.Call, (uint)purpose, posterior.Seed)[task]);
}
