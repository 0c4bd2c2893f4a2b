namespace HipiFast.Benchmarking.Results;

/// <summary>The median as everything here takes it: of an even number of values, the mean of the middle two.</summary>
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
