using HipiFast.Benchmarking.Gate;

namespace HipiFast.Benchmarking.Tests.Gate;

/// <summary>The tests of the gate against their definitions: every way to deal signs or labels, counted.</summary>
public class LocationTestsTests
{
    public static TheoryData<double[]> Differences =>
    [
        [1.0], [-1.0], [0.0], [3.0, 1.0, 2.0], [3.0, -1.0, 2.0, 5.0], [1.0, 1.0, -1.0, 2.0, 2.0, -2.0],
        [0.0, 1.0, 0.0, -2.0, 3.0],
        [0.11, 0.09, 0.1, 0.12, 0.08, 0.13, 0.07, 0.101, 0.099, -0.01],
    ];

    [Theory]
    [MemberData(nameof(Differences))]
    public void SignedRankProbabilitiesAreExact(double[] differences)
    {
        double[] magnitudes = [.. differences.Select(Math.Abs)];
        double[] ranks = [.. magnitudes.Select(
            m => magnitudes.Count(other => other < m) + ((magnitudes.Count(other => other == m) + 1) / 2.0))];
        double above = Sum(i => differences[i] > 0), below = Sum(i => differences[i] < 0), reachAbove = 0,
            reachBelow = 0;
        for (int signs = 0; signs < 1 << ranks.Length; signs++)
        {
            double sum = Sum(i => magnitudes[i] != 0 && (signs >> i & 1) != 0);
            reachAbove += sum >= above ? 1 : 0;
            reachBelow += sum >= below ? 1 : 0;
        }

        LocationShift shift = LocationTests.SignedRank(differences);
        Assert.Equal(reachAbove / (1 << ranks.Length), shift.AboveProbability, 1e-12);
        Assert.Equal(reachBelow / (1 << ranks.Length), shift.BelowProbability, 1e-12);

        double Sum(Func<int, bool> counts) => Enumerable.Range(0, ranks.Length).Where(counts).Sum(i => ranks[i]);
    }

    [Fact]
    public void TheIntervalOfPairedDifferencesIsTheOneOfTheBooks()
    {
        // Hollander and Wolfe's depression scores (nine patients): estimate 0.46, and an interval of 96.1% from the 6th
        // smallest average on.
        double[] differences = [0.952, -0.147, 1.022, 0.43, 0.62, 0.59, 0.49, -0.08, 0.01];
        LocationShift shift = LocationTests.SignedRank(differences);
        Assert.Equal(0.46, shift.Shift, 1e-9);
        Assert.Equal((0.01, 0.786), (Math.Round(shift.Low, 3), Math.Round(shift.High, 3)));
        Assert.Equal(0.01953, shift.AboveProbability, 5e-6);
    }

    [Fact]
    public void TooFewDifferencesHaveNoInterval()
    {
        LocationShift shift = LocationTests.SignedRank([0.1, 0.2, 0.3]);
        Assert.Equal((double.NegativeInfinity, double.PositiveInfinity), (shift.Low, shift.High));
    }

    [Fact]
    public void MannWhitneyProbabilitiesAreExactForSmallSamples()
    {
        double[] before = [1.1, 2.3, 0.7, 1.9], after = [2.5, 2.2, 3.1, 1.8, 2.9];
        double[] all = [.. before, .. after];
        double found = U(before, after);
        int reach = 0, ways = 0;
        for (int chosen = 0; chosen < 1 << all.Length; chosen++)
        {
            double[] x = [.. all.Where(
                (_, i) => (chosen >> i & 1) != 0)], y = [.. all.Where((_, i) => (chosen >> i & 1) == 0)];
            ways += x.Length == before.Length ? 1 : 0;
            reach += x.Length == before.Length && U(x, y) >= found ? 1 : 0;
        }

        LocationShift shift = LocationTests.MannWhitney(before, after);
        Assert.Equal(reach / (double)ways, shift.AboveProbability, 1e-9);
        Assert.True(shift.BelowProbability > 0.5);
        Assert.InRange(shift.Shift, shift.Low, shift.High);

        static double U(double[] x, double[] y) => x.Sum(a => y.Count(b => b > a));
    }

    [Fact]
    public void TheShiftIsTheMedianOfTheDifferences()
    {
        LocationShift shift = LocationTests.MannWhitney([1.0, 2, 3], [11.0, 12, 13.5]);
        Assert.Equal(10, shift.Shift, 1e-12);
    }

    [Fact]
    public void HolmStepsDown() => Assert.Equal(
        [0.04, 0.06, 0.06, 0.02], LocationTests.Holm([0.0133333333333, 0.03, 0.04, 0.005]),
        (x, y) => Math.Abs(x - y) < 1e-9);

    [Fact]
    public void HolmStopsAtOne() => Assert.Equal([1.0, 1.0], LocationTests.Holm([0.6, 0.9]));
}
