using HipiFast.Benchmarking.Oracles;
using HipiFast.Kernels.LogPartition;

namespace HipiFast.Kernels.Tests.Data;

/// <summary>The log partition by <see cref="LogPartitionOracle"/>, one column after the other.</summary>
internal sealed class OracleLogPartition : ILogPartitionKernel
{
    public void Accumulate(
        ReadOnlySpan<float> softQ, int rows, int candidates, Span<float> runningMax, Span<float> runningSum)
    {
        LogPartitionArguments.CheckAccumulate(softQ, rows, candidates, runningMax, runningSum);
        double[] values = new double[rows + 1];
        for (int i = 0; i < candidates; i++)
        {
            // What has been summed so far counts as one more row.
            values[rows] = runningMax[i] + Math.Log(runningSum[i]);
            float max = runningMax[i];
            for (int j = 0; j < rows; j++)
            {
                float q = softQ[(j * candidates) + i];
                values[j] = q;
                max = MathF.Max(max, q);
            }

            double total = LogPartitionOracle.LogSumExp(values);
            runningMax[i] = max;
            runningSum[i] = double.IsFinite(total) ? (float)Math.Exp(total - max) : total > 0 ? 1 : 0;
        }
    }

    public void Finish(
        ReadOnlySpan<float> runningMax, ReadOnlySpan<float> runningSum, long totalRows, Span<float> logPartition)
    {
        LogPartitionArguments.CheckFinish(runningMax, runningSum, totalRows, logPartition);
        for (int i = 0; i < logPartition.Length; i++)
        {
            logPartition[i] = (float)(runningMax[i] + Math.Log(runningSum[i]) - Math.Log(totalRows));
        }
    }
}
