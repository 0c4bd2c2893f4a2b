using HipiFast.Benchmarking.Timing;

namespace HipiFast.Benchmarking.Tests.Timing;

public class LatencyHistogramTests
{
    [Fact]
    public void PercentilesAreRightWithinABucket()
    {
        LatencyHistogram histogram = new();
        Random random = new(1);
        long[] durations = [.. Enumerable.Range(0, 20_000).Select(_ => (long)Math.Exp(random.NextDouble() * 25))];
        foreach (long duration in durations)
        {
            histogram.Record(duration);
        }

        Array.Sort(durations);
        foreach (double share in (double[])[0.001, 0.25, 0.5, 0.95, 0.99, 1])
        {
            // Half a nanosecond and half a bucket, of which there are 64 to a doubling.
            double expected = durations[(int)Math.Ceiling(share * durations.Length) - 1];
            Assert.Equal(expected, histogram.Percentile(share) * 1e9, 0.5 + (expected / 64));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(127)]
    [InlineData(128)]
    [InlineData(129)]
    [InlineData(255)]
    [InlineData(256)]
    [InlineData(long.MaxValue)]
    public void EveryDurationHasABucket(long nanoseconds)
    {
        LatencyHistogram histogram = new();
        histogram.Record(nanoseconds);
        Assert.Equal(nanoseconds, histogram.Percentile(1) * 1e9, 0.5 + (nanoseconds / 64.0));
    }

    [Fact]
    public void WithoutDurationsThereIsNoPercentile() =>
        Assert.True(double.IsNaN(new LatencyHistogram().Percentile(0.5)));

    [Fact]
    public void AHistogramIsReadAsItWasWrittenAndAdded()
    {
        LatencyHistogram one = new(), sum = new();
        Random random = new(2);
        for (int i = 0; i < 1000; i++)
        {
            one.Record(random.Next(50, 5000));
        }

        Assert.True(LatencyHistogram.TryParse(one.ToString(), out LatencyHistogram read));
        Assert.Equal(one.Buckets.ToArray(), read.Buckets.ToArray());
        sum.Add(one);
        sum.Add(read);
        Assert.Equal(2000, sum.Count);
        Assert.Equal(one.Percentile(0.99), sum.Percentile(0.99));
        sum.Clear();
        Assert.Equal((0, string.Empty), (sum.Count, sum.ToString()));
    }

    [Theory]
    [InlineData("1")]
    [InlineData("1:-1")]
    [InlineData("-1:1")]
    [InlineData("99999:1")]
    [InlineData("1:99999999999999999999")]
    [InlineData("x:1")]
    public void WhatIsNoHistogramIsRefused(string text) => Assert.False(LatencyHistogram.TryParse(text, out _));
}
