namespace HipiFast.Benchmarking.Oracles;

/// <summary>logZ_i = log (1/B) sum_j exp(Q~[j, i]) in double, straight from the formula.</summary>
public static class LogPartitionOracle
{
    /// <summary>The log partition of a matrix.</summary>
    /// <param name="softQ">Q~, <c>[B, K]</c> row-major.</param>
    /// <param name="rows">B.</param>
    /// <param name="candidates">K.</param>
    /// <returns>logZ of each candidate, in nats.</returns>
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
    /// <param name="values">One or more.</param>
    /// <returns>Nats.</returns>
    public static double LogSumExp(double[] values)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (values.Any(double.IsNaN))
        {
            return double.NaN;
        }

        double max = values.Max();
        return double.IsInfinity(max) ? max : max + Math.Log(values.Sum(value => Math.Exp(value - max)));
    }
}
