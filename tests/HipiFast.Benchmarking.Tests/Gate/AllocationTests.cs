using HipiFast.Benchmarking.Gate;
using HipiFast.Benchmarking.Results;
using HipiFast.Benchmarking.Timing;

namespace HipiFast.Benchmarking.Tests.Gate;

/// <summary>Allocations are counted, and a change is one.</summary>
public class AllocationTests
{
    [Theory]
    [InlineData(new[] { 0.0, 0.0 }, new[] { 24.0, 24.0 }, Verdict.Slower)]
    [InlineData(new[] { 24.0, 24.0 }, new[] { 0.0, 0.0 }, Verdict.Faster)]
    [InlineData(new[] { 1000.0 }, new[] { 1024.0 }, Verdict.Slower)]
    [InlineData(new[] { 1000.0, 1000.0 }, new[] { 1001.0, 1023.0 }, Verdict.Same)]
    [InlineData(new[] { 7.0, 9.0 }, new[] { 1.0, 3.0 }, Verdict.Same)]
    [InlineData(new[] { 0.0, 0.0 }, new[] { 0.0, 0.0 }, Verdict.Same)]
    [InlineData(new[] { 0.0, 0.0 }, new[] { 0.02, 0.9 }, Verdict.Same)]
    [InlineData(new[] { 0.0, 30.0 }, new[] { 24.0, 24.0 }, Verdict.Same)]
    public void AnObjectMoreInEveryRestartIsMore(double[] before, double[] after, Verdict expected)
    {
        ComparedBenchmark found = Allocation.Compare("a", before, after);
        Assert.Equal((Measure.Allocated, expected), (found.Measure, found.Verdict));
        Assert.Equal(Medians.Of(before), found.Before);
        Assert.Equal(Medians.Of(after), found.After);
    }

    [Theory]
    [InlineData(1000, 1040, Verdict.Same)]
    [InlineData(1000, 1060, Verdict.Slower)]
    [InlineData(1000, 940, Verdict.Faster)]
    [InlineData(0, 24, Verdict.Slower)]
    public void OfSingleCountsAShareIsAskedForToo(double before, double after, Verdict expected) =>
        Assert.Equal(expected, Allocation.Compare("a", [before], [after], share: 0.05).Verdict);

    [Fact]
    public void WhatTheRuntimeAllocatesInATurnIsNoCalls()
    {
        PairedSide side = new();
        foreach (int restart in (int[])[0, 1])
        {
            side.Begin();
            foreach (long bytes in (long[])[32, 8192 + 32, 32])
            {
                LatencyHistogram calls = new();
                calls.Record(1_000_000);
                side.Add(new MeasuredTurn(1e-3, calls, bytes));
            }
        }

        Assert.Equal([32, 32], side.BytesPerCall());
    }
}
