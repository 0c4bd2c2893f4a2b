using HipiFast.Benchmarking.Results;
using Perfolizer;
using Perfolizer.Mathematics.SignificanceTesting.Base;
using Perfolizer.Mathematics.SignificanceTesting.MannWhitney;
using Perfolizer.Metrology;

namespace HipiFast.Benchmarking.Gate;

/// <summary>A difference of location on a log scale, with what says how sure it is.</summary>
/// <param name="Shift">Hodges-Lehmann estimate: the median of all pairwise differences or averages.</param>
/// <param name="Low">Lower end of its 95% interval; no interval (-inf) with too few values.</param>
/// <param name="High">Upper end.</param>
/// <param name="AboveProbability">One-sided p-value of no increase.</param>
/// <param name="BelowProbability">One-sided p-value of no decrease.</param>
internal readonly record struct LocationShift(
    double Shift, double Low, double High, double AboveProbability, double BelowProbability)
{
    /// <summary>Two-sided p-value of no change, as the interval is two-sided.</summary>
    public double Probability => Math.Min(1, 2 * Math.Min(AboveProbability, BelowProbability));
}

/// <summary>The two nonparametric tests of the gate, and the correction for making many of them.</summary>
internal static class LocationTests
{
    private const double IntervalTail = 0.025;

    // Quantile of the standard normal distribution at 1 - IntervalTail.
    private const double NormalQuantile = 1.959964;

    /// <summary>Mann-Whitney's test of two independent samples: is the second one's location another one?</summary>
    /// <param name="before">One value or more.</param>
    /// <param name="after">One value or more.</param>
    public static LocationShift MannWhitney(IReadOnlyList<double> before, IReadOnlyList<double> after)
    {
        PairwiseDifferences differences = new(before, after);

        // The interval holds the differences whose ranks the test would not reject; the normal approximation of U's
        // distribution gives the rank.
        double n = before.Count, m = after.Count, mean = n * m / 2, deviation = Math.Sqrt(n * m * (n + m + 1) / 12);
        long cut = (long)Math.Floor(mean - (NormalQuantile * deviation));
        LocationShift shift = cut < 1
            ? new LocationShift(differences.Median, double.NegativeInfinity, double.PositiveInfinity, 1, 1)
            : new LocationShift(
                differences.Median, differences.AtRank(cut - 1), differences.AtRank(differences.Count - cut), 1, 1);
        Sample x = new(before), y = new(after);
        return shift with { AboveProbability = Probability(y, x), BelowProbability = Probability(x, y) };

        static double Probability(Sample larger, Sample smaller) =>
            MannWhitneyTest.Instance.Perform(larger, smaller, AlternativeHypothesis.Greater, Threshold.Zero).PValue;
    }

    /// <summary>
    /// Wilcoxon's signed-rank test of paired differences, with the exact distribution: is their location above or below
    /// 0?
    /// </summary>
    /// <param name="differences">
    /// One or more. Zeros have ranks but take no side (Pratt); equal magnitudes share their ranks.
    /// </param>
    public static LocationShift SignedRank(IReadOnlyList<double> differences)
    {
        int n = differences.Count;
        IEnumerable<double> pairs = Enumerable.Range(0, n)
            .SelectMany(i => Enumerable.Range(i, n - i), (i, j) => (differences[i] + differences[j]) / 2);
        double[] averages = [.. pairs.Order()];

        // Ranks are doubled, so that shared ones are whole numbers.
        int[] ranks = [.. differences.Select(d =>
            (2 * differences.Count(other => Math.Abs(other) < Math.Abs(d)))
                + differences.Count(other => Math.Abs(other) == Math.Abs(d)) + 1)];
        int positive = 0, negative = 0;
        for (int i = 0; i < n; i++)
        {
            positive += differences[i] > 0 ? ranks[i] : 0;
            negative += differences[i] < 0 ? ranks[i] : 0;
        }

        // Under the null hypothesis every sign is a toss of a coin; zeros are left out of the tosses.
        int[] tossed = [.. ranks.Where((_, i) => differences[i] != 0)];
        double[] chance = Distribution(tossed);
        double[] untied = Distribution([.. Enumerable.Range(1, n).Select(rank => 2 * rank)]);
        int cut = 0;
        for (double tail = untied[0]; tail <= IntervalTail; cut++)
        {
            tail += untied[2 * (cut + 1)];
        }

        return Interval(averages, cut) with
        {
            AboveProbability = Tail(chance, positive),
            BelowProbability = Tail(chance, negative),
        };
    }

    /// <summary>
    /// Holm's step-down correction: p-values that may each be held against the family's significance.
    /// </summary>
    /// <param name="probabilities">Raw p-values.</param>
    /// <returns>Adjusted ones, in the same order.</returns>
    public static double[] Holm(IReadOnlyList<double> probabilities)
    {
        int[] order = [.. Enumerable.Range(0, probabilities.Count).OrderBy(i => probabilities[i])];
        double[] adjusted = new double[order.Length];
        double largest = 0;
        for (int rank = 0; rank < order.Length; rank++)
        {
            largest = Math.Max(largest, Math.Min(1, probabilities[order[rank]] * (order.Length - rank)));
            adjusted[order[rank]] = largest;
        }

        return adjusted;
    }

    /// <summary>Chance of each sum of ranks whose signs are tosses of a coin.</summary>
    private static double[] Distribution(int[] ranks)
    {
        double[] chance = new double[ranks.Sum() + 1];
        chance[0] = 1;
        int largest = 0;
        foreach (int rank in ranks)
        {
            largest += rank;
            for (int sum = largest; sum >= 0; sum--)
            {
                chance[sum] = (chance[sum] + (sum >= rank ? chance[sum - rank] : 0)) / 2;
            }
        }

        return chance;
    }

    private static double Tail(double[] chance, int from)
    {
        double tail = 0;
        for (int sum = chance.Length - 1; sum >= from; sum--)
        {
            tail += chance[sum];
        }

        return Math.Min(1, tail);
    }

    private static LocationShift Interval(double[] sorted, int cut)
    {
        double middle = Medians.OfSorted(sorted);
        return cut < 1
            ? new LocationShift(middle, double.NegativeInfinity, double.PositiveInfinity, 1, 1)
            : new LocationShift(middle, sorted[cut - 1], sorted[^cut], 1, 1);
    }
}
