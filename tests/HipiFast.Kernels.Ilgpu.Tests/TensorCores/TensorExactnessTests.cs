using HipiFast.Kernels.Backends;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tests;
using HipiFast.Kernels.Tests.SoftQ;

namespace HipiFast.Kernels.Ilgpu.Tests.TensorCores;

/// <summary>
/// The kernels on tensor cores against what bf16 rounding of the second layers' operands makes of the same problem. The oracle's bounds, made for bf16,
/// would let a small fault of the layout pass; what is left here is fp32's.
/// </summary>
public sealed class TensorExactnessTests
{
    /// <summary>How many of its errors a pair may be off.</summary>
    private const double Deviations = 6;

    /// <summary>
    /// What that may come to on average over the pairs, relative to the spread: a fifth of what bf16 may be off, or the test says nothing.
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
                foreach (SoftQEstimator estimator in Enum.GetValues<SoftQEstimator>())
                {
                    cases.Add(hidden, kilobytes, estimator);
                }
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(EightWarps))]
    public void EightWarpsDifferByRoundingOfFp32Only(int hidden, int sharedKilobytes, SoftQEstimator estimator)
    {
        string backend = sharedKilobytes == TensorTestBackend.SharedKilobytes ? TensorTestBackend.EightWarps : TensorTestBackend.EightWarpsWhole;
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

    [Theory]
    [InlineData(40, 33, 256)]
    [InlineData(65, 33, 128)]
    [InlineData(20, 17, 512)]
    public void Explore(int rows, int candidates, int hidden)
    {
        foreach (SoftQEstimator estimator in Enum.GetValues<SoftQEstimator>())
        {
            using SoftQCase data = new(rows, candidates, hidden) { Estimator = estimator };
            double[] exact = HipiFast.Kernels.Tests.Oracles.SoftQOracle.Compute(data.Problem);
            double spread = Tolerance.Spread(exact);
            double[] sorted = [.. exact.Order()];
            foreach ((bool actor, bool critics) in ((bool, bool)[])[(true, true), (true, false), (false, true), (false, false)])
            {
                Bf16SoftQReference.Bounded[] found = Bf16SoftQReference.Compute(data.Problem, actor, critics);
                double[] errors = [.. found.Select((pair, i) => Math.Abs(pair.Value - exact[i]))];
                int worst = Array.IndexOf(errors, errors.Max());
                Console.WriteLine($"EXPLORE {rows}x{candidates} H {hidden} {estimator} spread {spread:g4} inner 90% {sorted[(int)(0.95 * sorted.Length)] - sorted[(int)(0.05 * sorted.Length)]:g4} actor {actor} critics {critics}: max {errors.Max() / spread:g3} at {exact[worst]:g5} mean {errors.Average() / spread:g3} median {errors.Order().ElementAt(errors.Length / 2):g3} fp32 {found.Average(pair => pair.Error) / spread:g3}");
            }
        }
    }

    private static void AssertExact(ComputeSession session, SoftQCase data)
    {
        Bf16SoftQReference.Bounded[] expected = Bf16SoftQReference.Compute(data.Problem);
        double spread = Math.Max(1, Tolerance.Spread(expected.Select(pair => pair.Value))), mean = Deviations * expected.Average(pair => pair.Error) / spread;
        Assert.True(mean < MeanBound, $"The bounds say little: {mean:g3} of the spread on average.");
        float[] found = data.Compute(session.SoftQ);
        for (int pair = 0; pair < found.Length; pair++)
        {
            Assert.True(
                Math.Abs(found[pair] - expected[pair].Value) <= Deviations * expected[pair].Error,
                $"Pair {pair}: expected {expected[pair].Value:R}, found {found[pair]:R}, error of fp32 {expected[pair].Error:g3}.");
        }
    }
}
