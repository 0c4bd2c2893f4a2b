namespace HipiFast.Benchmarking.Results;

/// <summary>The median, in the one way in which everything here takes it: of an even number, the middle two's mean.</summary>
internal static class Medians
{
    /// <summary>The median of values in any order, one or more.</summary>
    /// <param name="values">The values; not changed.</param>
    public static double Of(IEnumerable<double> values) => OfSorted([.. values.Order()]);

    /// <summary>The median of values in order, one or more.</summary>
    /// <param name="sorted">The values, ascending.</param>
    public static double OfSorted(ReadOnlySpan<double> sorted) =>
        (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
}
