using HipiFast.Benchmarking.Results;

namespace HipiFast.Benchmarking.Gate;

/// <summary>
/// Bytes that a call allocates: counted, not estimated. A change is one when every count after lies to one side of
/// every count before, by the smallest object or more: less is no allocation of a call's, but what the runtime has
/// allocated meanwhile, divided by the calls.
/// </summary>
internal static class Allocation
{
    /// <summary>Bytes of the smallest object there is: its header, its type and one field.</summary>
    public const double SmallestObject = 24;

    /// <summary>Compares counts.</summary>
    /// <param name="name">The benchmark.</param>
    /// <param name="before">Bytes per call, one count or more.</param>
    /// <param name="after">The same after.</param>
    /// <param name="share">
    /// Smallest change that counts, as a share of what was: of single counts, which do not say how far they stray.
    /// </param>
    public static ComparedBenchmark Compare(
        string name, IReadOnlyCollection<double> before, IReadOnlyCollection<double> after, double share = 0)
    {
        double was = Medians.Of(before), isNow = Medians.Of(after), least = Math.Max(SmallestObject, share * was);
        Verdict verdict = after.Min() >= before.Max() + least ? Verdict.Slower
            : after.Max() <= before.Min() - least ? Verdict.Faster
            : Verdict.Same;
        double ratio = was == isNow ? 1 : isNow / was;
        return new ComparedBenchmark(
            name, Measure.Allocated, was, isNow, ratio, ratio, ratio, verdict == Verdict.Same ? 1 : 0, [], verdict,
            null);
    }
}
