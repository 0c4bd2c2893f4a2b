namespace HipiFast.Benchmarking.Gate;

/// <summary>
/// Bytes that a call allocates: counted, not estimated, so that a change is one, whatever its size. It is one when every
/// count after lies to one side of every count before, by a byte per call or more; what is allocated once in thousands
/// of calls, by the runtime or by the time that has passed, comes to less.
/// </summary>
internal static class Allocation
{
    /// <summary>Compares counts.</summary>
    /// <param name="name">The benchmark.</param>
    /// <param name="before">Bytes per call, one count or more.</param>
    /// <param name="after">The same after.</param>
    public static ComparedBenchmark Compare(
        string name, IReadOnlyCollection<double> before, IReadOnlyCollection<double> after)
    {
        Verdict verdict = after.Min() >= before.Max() + 1 ? Verdict.Slower
            : after.Max() <= before.Min() - 1 ? Verdict.Faster
            : Verdict.Same;
        double was = Comparison.Median(before), isNow = Comparison.Median(after);
        double ratio = was == isNow ? 1 : isNow / was;
        return new ComparedBenchmark(
            name, Measure.Allocated, was, isNow, ratio, ratio, ratio, verdict == Verdict.Same ? 1 : 0, [], verdict, null);
    }
}
