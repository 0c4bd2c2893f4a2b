namespace HipiFast.Kernels.Tests.Oracles;

/// <summary>logZ_i = log (1/B) sum_j exp(Q~[j, i]) in double, straight from the formula.</summary>
internal static class LogPartitionOracle
{
    public static double[] Compute(ReadOnlySpan<float> softQ, int rows, int candidates)
    {
        double[] logPartition = new double[candidates];
        for (int i = 0; i < candidates; i++)
        {
            double[] column = new double[rows];
            for (int j = 0; j < rows; j++)
            {
                column[j] = softQ[(j * candidates) + i];
            }

            logPartition[i] = LogSumExp(column) - Math.Log(rows);
        }

        return logPartition;
    }

    /// <summary>log sum exp(x): NaN where an entry is, else +inf where an entry is, -inf where all are.</summary>
    public static double LogSumExp(double[] values)
    {
        if (values.Any(double.IsNaN))
        {
            return double.NaN;
        }

        double max = values.Max();
        return double.IsInfinity(max) ? max : max + Math.Log(values.Sum(value => Math.Exp(value - max)));
    }
}
