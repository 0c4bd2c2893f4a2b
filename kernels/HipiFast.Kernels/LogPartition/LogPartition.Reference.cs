namespace HipiFast.Kernels.LogPartition;

/// <summary>The log partition in the simplest form: scalar, in double, one column after the other. What the fast version is compared with.</summary>
internal sealed class ReferenceLogPartition : ILogPartitionKernel
{
    public void Accumulate(ReadOnlySpan<float> softQ, int rows, int candidates, Span<float> runningMax, Span<float> runningSum)
    {
        LogPartitionArguments.CheckAccumulate(softQ, rows, candidates, runningMax, runningSum);
        for (int i = 0; i < candidates; i++)
        {
            float max = runningMax[i];
            for (int j = 0; j < rows; j++)
            {
                max = MathF.Max(max, softQ[(j * candidates) + i]);
            }

            // An infinite maximum decides the result by itself; a shift of 0 keeps inf - inf out of the sum.
            double shift = float.IsFinite(max) ? max : 0;
            double sum = runningSum[i] * Math.Exp(runningMax[i] - shift);
            for (int j = 0; j < rows; j++)
            {
                sum += Math.Exp(softQ[(j * candidates) + i] - shift);
            }

            runningMax[i] = max;
            runningSum[i] = float.IsPositiveInfinity(max) ? 1 : (float)sum;
        }
    }

    public void Finish(ReadOnlySpan<float> runningMax, ReadOnlySpan<float> runningSum, long totalRows, Span<float> logPartition)
    {
        LogPartitionArguments.CheckFinish(runningMax, runningSum, totalRows, logPartition);
        for (int i = 0; i < logPartition.Length; i++)
        {
            logPartition[i] = (float)(runningMax[i] + Math.Log(runningSum[i]) - Math.Log(totalRows));
        }
    }
}
