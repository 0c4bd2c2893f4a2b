using HipiFast.Benchmarking.Gate;

namespace HipiFast.Benchmarking.Tests.Gate;

/// <summary>Allocations are counted, and a change is one.</summary>
public class AllocationTests
{
    [Theory]
    [InlineData(new[] { 0.0, 0.0 }, new[] { 24.0, 24.0 }, Verdict.Slower)]
    [InlineData(new[] { 24.0, 24.0 }, new[] { 0.0, 0.0 }, Verdict.Faster)]
    [InlineData(new[] { 1000.0 }, new[] { 1001.0 }, Verdict.Slower)]
    [InlineData(new[] { 0.0, 0.0 }, new[] { 0.0, 0.0 }, Verdict.Same)]
    [InlineData(new[] { 0.0, 0.0 }, new[] { 0.02, 0.9 }, Verdict.Same)]
    [InlineData(new[] { 0.0, 30.0 }, new[] { 24.0, 24.0 }, Verdict.Same)]
    public void OneByteMoreInEveryRestartIsMore(double[] before, double[] after, Verdict expected)
    {
        ComparedBenchmark found = Allocation.Compare("a", before, after);
        Assert.Equal((Measure.Allocated, expected), (found.Measure, found.Verdict));
        Assert.Equal(Comparison.Median(before), found.Before);
        Assert.Equal(Comparison.Median(after), found.After);
    }
}
