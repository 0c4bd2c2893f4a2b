using HipiFast.Benchmarking.Gate;
using HipiFast.Benchmarking.Results;

namespace HipiFast.Benchmarking.Tests.Gate;

/// <summary>
/// Ranks among all differences, against the differences themselves, and at sizes at which those could not be held.
/// </summary>
public class PairwiseDifferencesTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 7)]
    [InlineData(6, 1)]
    [InlineData(5, 8)]
    [InlineData(40, 31)]
    public void EveryRankIsThatOfTheSortedDifferences(int n, int m)
    {
        Random random = new(n + (100 * m));

        // Few different values, so that many differences are equal, beside values of all sizes.
        double[] before = [.. Enumerable.Range(0, n).Select(i => i % 2 == 0 ? random.Next(3)
            : Math.Exp(random.Next(-300, 300)) * random.Next(-1, 2))];
        double[] after = [.. Enumerable.Range(0, m).Select(i => i % 2 == 0 ? random.Next(3)
            : random.NextDouble() - 0.5)];
        double[] sorted = [.. before.SelectMany(_ => after, (b, a) => a - b).Order()];
        PairwiseDifferences differences = new(before, after);
        Assert.Equal(sorted.Length, differences.Count);
        for (int rank = 0; rank < sorted.Length; rank++)
        {
            Assert.Equal(sorted[rank], differences.AtRank(rank));
        }

        Assert.Equal(Medians.OfSorted(sorted), differences.Median);
    }

    [Fact]
    public void AComparisonOfThousandsOfSamplesNeverHoldsTheirDifferences()
    {
        Random random = new(1);
        double[] before = [.. Enumerable.Range(0, 5000).Select(_ => random.NextDouble())];
        double[] after = [.. before.Select(value => value + 0.25)];
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        LocationShift shift = LocationTests.MannWhitney(before, after);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - allocated, 0, 20L << 20);
        Assert.Equal(0.25, shift.Shift, 0.01);
        Assert.InRange(shift.Shift, shift.Low, shift.High);
        Assert.InRange(shift.Probability, 0, 1e-9);
    }
}
