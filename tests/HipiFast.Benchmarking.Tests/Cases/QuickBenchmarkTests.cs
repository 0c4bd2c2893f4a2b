using HipiFast.Benchmarking.Cases;
using HipiFast.Benchmarking.Timing;
using HipiFast.Replay;

namespace HipiFast.Benchmarking.Tests.Cases;

/// <summary>A first impression takes less than a minute, on simulated machines of every speed.</summary>
public class QuickBenchmarkTests
{
    private const double RoundSeconds = 12e-3, Burst = 60e-3, WarmUp = 0.4;

    [Theory]
    [InlineData(0.01)]
    [InlineData(0.3)]
    [InlineData(3)]
    [InlineData(20)]
    [InlineData(60)]
    [InlineData(150)]
    [InlineData(400)]
    [InlineData(20_000)]
    public void ItTakesLessThanAMinuteOnAnyMachine(double gflops)
    {
        (double seconds, int found, int leftOut) = Simulate(gflops, slowdown: 1);
        Assert.True(seconds < 55, $"{seconds} s at {gflops} GFLOP/s.");
        Assert.Equal(QuickBenchmark.Cases.Count, found + leftOut);
        Assert.True(found >= (gflops < 0.1 ? 1 : 3));
    }

    [Fact]
    public void OnTwoCoresNothingIsLeftOut() => Assert.Equal(0, Simulate(100, slowdown: 1).LeftOut);

    [Fact]
    public void AMachineThatBecomesBusyInTheMiddleMeasuresLess() =>
        Assert.True(Simulate(100, slowdown: 3).Seconds < 60);

    [Fact]
    public void ThePapersSizeIsAmongTheCases()
    {
        // Of the peers' transitions and of the plane's: each is a case of its own.
        foreach (TransitionShape shape in (TransitionShape[])[BenchmarkCase.PeerShape, new(2, 2, 2)])
        {
            Assert.Contains(
                QuickBenchmark.Cases,
                benchmark => benchmark.Shape == shape && benchmark is
                {
                    Kernel: BenchmarkCase.Relabel, Batch: 32, Candidates: 32, Hidden: 64,
                });
        }
    }

    // A machine of a rate, on which a case costs what the timer does with it: its set-up, a call to check, warm-up
    // calls, and as many rounds as fit.
    private static (double Seconds, int Found, int LeftOut) Simulate(double gflops, double slowdown)
    {
        double now = 0;
        int index = 0;
        (IReadOnlyList<BenchmarkCase> found, IReadOnlyList<BenchmarkCase> leftOut) = QuickBenchmark.Run(
            QuickBenchmark.Cases,
            () => now,
            (benchmark, limit) =>
            {
                // Small calls are not as fast as large ones.
                double slow = index++ >= QuickBenchmark.Cases.Count / 2 ? slowdown : 1;
                double call = slow * ((benchmark.Flops / (gflops * 1e9)) + 10e-6);
                double begun = now;
                now += (slow * 0.5) + call;
                now += Math.Max(WarmUp, call);
                int rounds = BenchmarkTimer.RoundsWithin(limit - (now - begun), call, 10_000);
                for (int round = 0; round < rounds && (round == 0 || now - begun + call < limit); round++)
                {
                    now += Math.Max(call, RoundSeconds) + Math.Clamp(0.2 * call, 3e-3, Burst);
                }

                return (benchmark, call);
            });
        return (now, found.Count, leftOut.Count);
    }
}
