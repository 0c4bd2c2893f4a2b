using HipiFast.Benchmarking.Oracles;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Conformance;
using HipiFast.Kernels.Conformance.SoftQ;
using HipiFast.Kernels.SoftQ;

namespace HipiFast.Kernels.Ilgpu.Tests.TensorCores;

/// <summary>
/// The kernels on tensor cores against what bf16 rounding of the second layers' operands makes of the same problem. The
/// oracle's bounds, made for bf16, would let a small fault of the layout pass; what is left here is fp32's.
/// </summary>
public sealed class TensorExactnessTests
{
    /// <summary>How many of its errors a pair may be off.</summary>
    private const double Deviations = 6;

    /// <summary>
    /// What that may come to on average over the pairs, relative to the spread: a fifth of what bf16 may be off, or the
    /// test says nothing.
    /// </summary>
    private const double MeanBound = 2e-3;

    // As wide as warps side by side, and between: one to four columns of warps, whole and in slices.
    public static TheoryData<int, int, SoftQEstimator> EightWarps
    {
        get
        {
            TheoryData<int, int, SoftQEstimator> cases = [];
            foreach ((int hidden, int kilobytes) in ((int, int)[])
                [
                    (64, TensorTestBackend.HopperSharedKilobytes), (72, TensorTestBackend.HopperSharedKilobytes),
                    (128, TensorTestBackend.HopperSharedKilobytes), (200, TensorTestBackend.HopperSharedKilobytes),
                    (256, TensorTestBackend.HopperSharedKilobytes), (256, TensorTestBackend.SharedKilobytes),
                    (300, TensorTestBackend.HopperSharedKilobytes), (400, TensorTestBackend.SharedKilobytes),
                    (512, TensorTestBackend.HopperSharedKilobytes), (1024, TensorTestBackend.HopperSharedKilobytes),
                ])
            {
                // The critics alone are a part of both.
                cases.Add(hidden, kilobytes, SoftQEstimator.SoftCritic);
                cases.Add(hidden, kilobytes, SoftQEstimator.Bellman);
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(EightWarps))]
    public void EightWarpsDifferByRoundingOfFp32Only(int hidden, int sharedKilobytes, SoftQEstimator estimator)
    {
        string backend = sharedKilobytes == TensorTestBackend.SharedKilobytes
            ? TensorTestBackend.EightWarps
            : TensorTestBackend.EightWarpsWhole;
        (int rows, int candidates) = hidden > 256 ? (3, 9) : (19, 9);
        using SoftQCase data = new(rows, candidates, hidden) { Estimator = estimator };
        AssertExact(TensorTestBackend.Open(backend), data);
    }

    [Theory]
    [InlineData(TensorTestBackend.OneWarp, 96, 13, 5)]
    [InlineData(TensorTestBackend.OneWarp, 16, 70, 1)]
    [InlineData(TensorTestBackend.FourWarps, 128, 33, 9)]
    [InlineData(TensorTestBackend.FourWarps, 200, 3, 3)]
    public void FewerWarpsToo(string backend, int hidden, int rows, int candidates)
    {
        using SoftQCase data = new(rows, candidates, hidden);
        foreach (SoftQEstimator estimator in Enum.GetValues<SoftQEstimator>())
        {
            data.Estimator = estimator;
            AssertExact(TensorTestBackend.Open(backend), data);
        }
    }

    /// <summary>
    /// The log-probability of an action z deviations from the mean has the slope z^2 in the actor's log deviation, so
    /// where z is large its bf16 rounding shows beyond the bounds of bf16, however well the rest is computed.
    /// </summary>
    [Fact]
    public void FarFromThePolicyTheActorsRoundingIsWhatShows()
    {
        using SoftQCase data = new(65, 33, 128) { Estimator = SoftQEstimator.SoftCritic };
        double[] exact = SoftQOracle.Compute(data.Problem), all = Errors(exact, data, true, true), actor = Errors(
            exact, data, true, false);
        double[] critics = Errors(exact, data, false, true);
        int worst = Array.IndexOf(all, all.Max());
        Assert.InRange(all[worst], Tolerance.OfSpread(exact, KernelPrecision.Bf16), double.PositiveInfinity);
        Assert.InRange(actor[worst], 0.8 * all[worst], 1.2 * all[worst]);
        Assert.InRange(critics.Max(), 0, 0.5 * Tolerance.OfSpread(exact, KernelPrecision.Bf16));
        AssertExact(TensorTestBackend.Open(TensorTestBackend.EightWarpsWhole), data);
    }

    [Theory]
    [InlineData(SoftQEstimator.SoftCritic)]
    [InlineData(SoftQEstimator.Bellman)]
    public void DeviationsNextToNothingTakeNoMoreThanFp32(SoftQEstimator estimator)
    {
        // Deviations of the policy so small that Q~ spreads over hundreds of thousands of nats.
        using SoftQCase data = new(19, 9, 256) { Estimator = estimator };
        SoftQCase.ScaleOutput(data.Actor!, 6);
        Assert.InRange(Tolerance.Spread(SoftQOracle.Compute(data.Problem)), 1e5, double.PositiveInfinity);
        AssertExact(TensorTestBackend.Open(TensorTestBackend.EightWarpsWhole), data);
    }

    private static double[] Errors(double[] exact, SoftQCase data, bool roundsActor, bool roundsCritics) =>
        [.. Bf16SoftQReference.Compute(
            data.Problem, roundsActor, roundsCritics).Zip(exact, (pair, value) => Math.Abs(pair.Value - value))];

    private static void AssertExact(ComputeSession session, SoftQCase data)
    {
        Bf16SoftQReference.Bounded[] expected = Bf16SoftQReference.Compute(data.Problem);
        double spread = Math.Max(1, Tolerance.Spread(expected.Select(pair => pair.Value)));
        double mean = Deviations * expected.Average(pair => pair.Error) / spread;
        Assert.True(mean < MeanBound, $"The bounds say little: {mean:g3} of the spread on average.");
        float[] found = data.Compute(session.SoftQ);
        for (int pair = 0; pair < found.Length; pair++)
        {
            Assert.True(
                Math.Abs(found[pair] - expected[pair].Value) <= Deviations * expected[pair].Error,
                $"Pair {pair}: expected {expected[pair].Value:R}, found {found[pair]:R}, error of fp32 "
                + $"{expected[pair].Error:g3}.");
        }
    }
}
