using HipiFast.Benchmarking.Gate;
using HipiFast.Benchmarking.Timing;

namespace HipiFast.Benchmarking.Tests.Gate;

/// <summary>The comparison of 99th percentiles: what it finds, and how seldom it is wrong.</summary>
public class TailTestTests
{
    private const int Restarts = 20, Calls = 60;

    [Fact]
    public void TheShiftIsThatOfThePercentiles()
    {
        Random random = new(1);
        LocationShift shift = TailTest.Compare(Draw(random, 1), Draw(random, 2), 1)!.Value;
        Assert.Equal(Math.Log(2), shift.Shift, 0.1);
        Assert.InRange(Math.Log(2), shift.Low, shift.High);
        Assert.True(shift.Probability < 1e-3);
        Assert.True(shift.AboveProbability < shift.BelowProbability);
        LocationShift back = TailTest.Compare(Draw(new Random(2), 2), Draw(new Random(3), 1), 1)!.Value;
        Assert.True(back.Shift < 0 && back.BelowProbability < 1e-3);
    }

    [Fact]
    public void UnderNoChangeSmallProbabilitiesAreAsRareAsTheySay()
    {
        // 200 comparisons, of which 10 are expected below 5%: more than 20 come about once in a thousand times.
        int small = Enumerable.Range(0, 200).Count(seed =>
        {
            Random random = new(seed);
            return TailTest.Compare(Draw(random, 1), Draw(random, 1), seed)!.Value.Probability < 0.05;
        });
        Assert.InRange(small, 1, 20);
    }

    [Fact]
    public void ABadMinuteOfOneProgramIsNoTail()
    {
        // A twentieth of one side's calls are twenty times as long, all of them in one restart.
        Random random = new(4);
        LatencyHistogram[] before = Draw(random, 1), after = [.. Draw(random, 1)[1..], .. Draw(random, 20)[..1]];
        LocationShift shift = TailTest.Compare(before, after, 1)!.Value;
        Assert.True(shift.Shift > Math.Log(2));
        Assert.True(shift.Probability > 0.1);
    }

    [Fact]
    public void TooFewCallsTellNothing()
    {
        LatencyHistogram[] few = [.. Draw(new Random(5), 1)[..4]];
        Assert.Null(TailTest.Compare(few, few, 1));
    }

    [Fact]
    public void TheSameCallsHaveTheSameTail()
    {
        LatencyHistogram[] calls = Draw(new Random(6), 1);
        LocationShift shift = TailTest.Compare(calls, calls, 1)!.Value;
        Assert.Equal((0, 0, 0, 1), (shift.Shift, shift.Low, shift.High, shift.Probability));
    }

    [Fact]
    public void CallsBeyondTheRangeOfAnIntCountAllTheSame()
    {
        // More than 2^31 calls in a bucket; those that take twice the time after, 64 buckets on, are 0.5% or 3% of all.
        Assert.Equal(0, ShiftOf(tail: 20_000_000), 1e-9);
        Assert.Equal(Math.Log(2), ShiftOf(tail: 130_000_000), 1e-9);

        static double ShiftOf(int tail) => TailTest.Compare(Restarts(1001, tail), Restarts(1065, tail), 1)!.Value.Shift;

        static LatencyHistogram[] Restarts(int bucket, int tail) => [.. Enumerable.Repeat(Many(bucket, tail), 4)];

        static LatencyHistogram Many(int bucket, int tail)
        {
            string text = $"1000:{int.MaxValue} 1000:{int.MaxValue} {bucket}:{tail}";
            Assert.True(LatencyHistogram.TryParse(text, out LatencyHistogram histogram));
            return histogram;
        }
    }

    // Restarts of a millisecond's calls whose processes are lucky or not by 3%, with a tail of a tenth.
    private static LatencyHistogram[] Draw(Random random, double factor) =>
        [.. Enumerable.Range(0, Restarts).Select(_ =>
        {
            LatencyHistogram histogram = new();
            double process = factor * (1 + (0.06 * (random.NextDouble() - 0.5)));
            for (int call = 0; call < Calls; call++)
            {
                double tail = random.NextDouble() < 0.1 ? 1 + random.NextDouble() : 1;
                histogram.Record((long)(1e6 * process * tail));
            }

            return histogram;
        })];
}
