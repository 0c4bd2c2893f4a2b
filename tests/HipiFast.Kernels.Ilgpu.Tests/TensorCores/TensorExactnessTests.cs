using HipiFast.Kernels.Backends;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tests;
using HipiFast.Kernels.Tests.SoftQ;

namespace HipiFast.Kernels.Ilgpu.Tests.TensorCores;

/// <summary>
/// The kernels on tensor cores against what bf16 rounding of the second layers' operands makes of the same problem. The oracle's bounds, made for bf16,
/// would let a small fault of the layout pass; these are those of fp32.
/// </summary>
public sealed class TensorExactnessTests
{
    /// <summary>
    /// What fp32 may leave between the two, on average over the pairs and relative to the spread: the bounds must say something.
    /// </summary>
    private const double MeanBound = 3e-4;

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

    private static void AssertExact(ComputeSession session, SoftQCase data)
    {
        Bf16SoftQReference.Bounded[] expected = Bf16SoftQReference.Compute(data.Problem);
        double spread = Math.Max(1, Tolerance.Spread(expected.Select(pair => pair.Value))), mean = expected.Average(pair => pair.Error) / spread;
        Assert.True(mean < MeanBound, $"The bounds say little: {mean:g3} of the spread on average.");
        float[] found = data.Compute(session.SoftQ);
        for (int pair = 0; pair < found.Length; pair++)
        {
            Assert.True(
                Math.Abs(found[pair] - expected[pair].Value) <= expected[pair].Error,
                $"Pair {pair}: expected {expected[pair].Value:R}, found {found[pair]:R}, bound {expected[pair].Error:g3}.");
        }
    }
}
