namespace HipiFast.Benchmarking.Gate;

/// <summary>
/// All differences between the values of two samples, by rank, without ever holding them: n log n time and memory that
/// goes with n.
/// </summary>
/// <remarks>
/// The rank of a number among the differences is counted by walking both sorted samples once; the difference of a given
/// rank is found by halving the range of doubles, which takes at most 64 walks and ends at the exact value.
/// </remarks>
internal sealed class PairwiseDifferences
{
    private readonly double[] _before;
    private readonly double[] _after;

    /// <summary>Of every value after minus every value before.</summary>
    /// <param name="before">One finite value or more.</param>
    /// <param name="after">One finite value or more.</param>
    public PairwiseDifferences(IEnumerable<double> before, IEnumerable<double> after)
    {
        _before = [.. before.Order()];
        _after = [.. after.Order()];
    }

    /// <summary>Number of differences.</summary>
    public long Count => (long)_before.Length * _after.Length;

    /// <summary>The median: the mean of the two in the middle where their number is even.</summary>
    public double Median => (AtRank((Count - 1) / 2) + AtRank(Count / 2)) / 2;

    /// <summary>The difference of a rank.</summary>
    /// <param name="rank">0 for the smallest, up to <see cref="Count"/> - 1.</param>
    public double AtRank(long rank)
    {
        long low = Order(_after[0] - _before[^1]), high = Order(_after[^1] - _before[0]);
        while (low < high)
        {
            long middle = low + (long)((ulong)(high - low) / 2);
            if (CountUpTo(Value(middle)) > rank)
            {
                high = middle;
            }
            else
            {
                low = middle + 1;
            }
        }

        return Value(low);
    }

    // Differences, as they are rounded, never fall while the value after rises or the one before falls.
    private long CountUpTo(double limit)
    {
        long count = 0;
        int end = 0;
        foreach (double before in _before)
        {
            // With a larger value before, more of those after are within the limit.
            while (end < _after.Length && _after[end] - before <= limit)
            {
                end++;
            }

            count += end;
        }

        return count;
    }

    // Doubles in their order as whole numbers.
    private static long Order(double value)
    {
        long bits = BitConverter.DoubleToInt64Bits(value);
        return bits < 0 ? long.MinValue - bits : bits;
    }

    private static double Value(long order) =>
        BitConverter.Int64BitsToDouble(order < 0 ? long.MinValue - order : order);
}
