using HipiFast.Benchmarking.Oracles;
using HipiFast.Kernels.TaskSampling;

namespace HipiFast.Kernels.Tests.Data;

/// <summary>Gumbel-max sampling by <see cref="TaskSamplingOracle"/>, one row after the other.</summary>
internal sealed class OracleTaskSampling : ITaskSamplingKernel
{
    public void SampleTasks(in TaskPosterior posterior, in TaskSamples samples)
    {
        posterior.Validate(samples);
        for (int j = 0; j < posterior.Rows; j++)
        {
            samples.Index[j] = TaskSamplingOracle.SampleTask(posterior, j).Index;
            (double entropy, double logNormalizer) = TaskSamplingOracle.Statistics(posterior, j);
            if (!samples.Mode.IsEmpty)
            {
                samples.Mode[j] = TaskSamplingOracle.Mode(posterior, j).Index;
            }

            if (!samples.Entropy.IsEmpty)
            {
                samples.Entropy[j] = (float)entropy;
            }

            if (!samples.LogNormalizer.IsEmpty)
            {
                samples.LogNormalizer[j] = (float)logNormalizer;
            }
        }
    }

    public void SampleRows(in TaskPosterior posterior, Span<int> rowIndex)
    {
        posterior.Validate(rowIndex);
        for (int i = 0; i < posterior.Candidates; i++)
        {
            rowIndex[i] = TaskSamplingOracle.SampleRow(posterior, i).Index;
        }
    }
}
