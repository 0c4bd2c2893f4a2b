using System.Numerics.Tensors;
using HipiFast.Benchmarking.Timing;

namespace HipiFast.Benchmarking.Gate;

/// <summary>
/// The 99th percentile of a call's time before and after, over the calls of all restarts. A tail is made of the few
/// calls that something hit, so no distribution is assumed: how far it strays by luck is what it does when the two
/// programs of a restart are taken for each other.
/// </summary>
/// <remarks>
/// The test swaps before and after in a random half of the restarts (under no change any such swap is as likely), the
/// interval draws restarts with replacement. Both take a restart's calls together, as they share the luck of its
/// process and the strangers of its minute.
/// </remarks>
internal static class TailTest
{
    /// <summary>The percentile.</summary>
    public const double Share = 0.99;

    /// <summary>Calls on each side below which the percentile is no more than a maximum.</summary>
    public const int FewestCalls = 300;

    private const int Swaps = 4_999;
    private const int Resamples = 1_000;
    private const double IntervalTail = 0.025;

    /// <summary>Compares tails.</summary>
    /// <param name="before">The calls before, one histogram per restart.</param>
    /// <param name="after">The calls after, of the same restarts.</param>
    /// <param name="seed">Of swaps and resamples.</param>
    /// <returns>Shift of the logarithm of the percentile; null with too few calls to tell.</returns>
    public static LocationShift? Compare(
        IReadOnlyList<LatencyHistogram> before, IReadOnlyList<LatencyHistogram> after, int seed)
    {
        if (before.Sum(calls => calls.Count) < FewestCalls || after.Sum(calls => calls.Count) < FewestCalls)
        {
            return null;
        }

        int restarts = before.Count;
        int[] support = Support([.. before, .. after]);
        double[] logarithms = [.. support.Select(bucket => Math.Log(LatencyHistogram.SecondsOf(bucket)))];
        long[][] x = [.. before.Select(Columns)], y = [.. after.Select(Columns)];
        Random random = new(seed);
        long[] one = new long[support.Length], other = new long[support.Length];
        double observed = Shift(restart => (restart, false));
        int above = 1, below = 1;
        for (int draw = 0; draw < Swaps; draw++)
        {
            double shift = Shift(restart => (restart, random.Next(2) == 1));
            above += shift >= observed ? 1 : 0;
            below += shift <= observed ? 1 : 0;
        }

        double[] resampled = new double[Resamples];
        foreach (ref double shift in resampled.AsSpan())
        {
            shift = Shift(_ => (random.Next(restarts), false));
        }

        Array.Sort(resampled);
        int cut = (int)(IntervalTail * Resamples);
        return new LocationShift(
            observed, resampled[cut], resampled[^(cut + 1)], above / (Swaps + 1.0), below / (Swaps + 1.0));

        // Of so many restarts, each as the function says: which one, and whether swapped.
        double Shift(Func<int, (int Restart, bool Swapped)> draw)
        {
            one.AsSpan().Clear();
            other.AsSpan().Clear();
            for (int i = 0; i < restarts; i++)
            {
                (int restart, bool swapped) = draw(i);
                TensorPrimitives.Add<long>(one, swapped ? y[restart] : x[restart], one);
                TensorPrimitives.Add<long>(other, swapped ? x[restart] : y[restart], other);
            }

            return Percentile(other) - Percentile(one);
        }

        // Counted from the longest on, of which there are few.
        double Percentile(long[] counts)
        {
            long count = TensorPrimitives.Sum<long>(counts), longer = count - (long)Math.Ceiling(Share * count);
            int bucket = counts.Length - 1;
            for (long seen = counts[bucket]; seen <= longer; seen += counts[bucket])
            {
                bucket--;
            }

            return logarithms[bucket];
        }

        long[] Columns(LatencyHistogram calls) => [.. support.Select(bucket => calls.Buckets[bucket])];
    }

    // Buckets that hold a call at all.
    private static int[] Support(IReadOnlyList<LatencyHistogram> histograms)
    {
        LatencyHistogram all = new();
        foreach (LatencyHistogram histogram in histograms)
        {
            all.Add(histogram);
        }

        List<int> support = [];
        for (int bucket = 0; bucket < all.Buckets.Length; bucket++)
        {
            if (all.Buckets[bucket] > 0)
            {
                support.Add(bucket);
            }
        }

        return [.. support];
    }
}
