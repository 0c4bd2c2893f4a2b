using HipiFast.Benchmarking.Oracles;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Conformance;
using HipiFast.Kernels.Conformance.SoftQ;
using HipiFast.Kernels.Devices.SoftQ;
using HipiFast.Kernels.SoftQ;

namespace HipiFast.Kernels.Ilgpu.Tests.TensorCores;

/// <summary>
/// The kernels on tensor cores against what bf16 rounding of the second layers' operands makes of the same problem. The
/// oracle's bounds, made for bf16, would let a small fault of the layout pass; what is left here is fp32's.
/// </summary>
public sealed class TensorExactnessTests
{
    /// <summary>
    /// Hidden units, the device, rows and candidates. A case for every way in which eight warps share a network, as
    /// narrow as it can be: one to four warps along the hidden units, all of these at once or in several chunks, whole
    /// blocks or a part of the last; weights whole, in slices of equal length, or with a shorter last one; an even
    /// number of slices in a tile, or an odd one, behind which the halves of the ring have changed places.
    /// </summary>
    public static TheoryData<int, string, int, int, SoftQEstimator> EightWarps
    {
        get
        {
            TheoryData<int, string, int, int, SoftQEstimator> cases = [];
            foreach ((int hidden, string backend, int rows, int candidates) in ((int, string, int, int)[])
                [
                    // One warp wide, two with a part of the last block, two, four with a part and tiles below and
                    // beside each other, four.
                    (64, TensorTestBackend.EightWarpsWhole, 57, 3),
                    (72, TensorTestBackend.EightWarpsWhole, 19, 9),
                    (128, TensorTestBackend.EightWarpsWhole, 19, 9),
                    (200, TensorTestBackend.EightWarpsWhole, 17, 9),
                    (256, TensorTestBackend.EightWarpsWhole, 3, 8),

                    // Three chunks: whole, and in three slices each.
                    (144, TensorTestBackend.EightWarpsWhole, 3, 9),
                    (144, TensorTestBackend.EightWarps, 3, 9),

                    // Two warps wide: one chunk in four slices, in three, in three of which the last is shorter with
                    // tiles below each other, two in seven.
                    (128, TensorTestBackend.EightWarps, 19, 9),
                    (96, TensorTestBackend.EightWarps, 3, 9),
                    (72, TensorTestBackend.EightWarps, 65, 3),
                    (200, TensorTestBackend.EightWarps, 3, 9),

                    // The longest slices that any device has, one warp wide: five chunks in two, of which the last is
                    // shorter.
                    (272, TensorTestBackend.EightWarpsLong, 3, 9),
                ])
            {
                // The critics alone are a part of both. How warps share a network does not depend on which of the two it
                // is: they take turns, and the machine that runs the same kernels as PTX has both at every width.
                cases.Add(
                    hidden, backend, rows, candidates,
                    cases.Count % 2 == 0 ? SoftQEstimator.SoftCritic : SoftQEstimator.Bellman);
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(EightWarps))]
    public void EightWarpsDifferByRoundingOfFp32Only(
        int hidden, string backend, int rows, int candidates, SoftQEstimator estimator)
    {
        using SoftQCase data = new(rows, candidates, hidden) { Estimator = estimator };
        Bf16SoftQReference.AssertExact(TensorTestBackend.Open(backend), data);
    }

    [Theory]
    [InlineData(96, TensorTestBackend.FewSharedKilobytes, 1, 2)]
    [InlineData(272, TensorTestBackend.LongSlicesSharedKilobytes, 0, 16)]
    public void SlicesAreAsLongAsTheCasesAreFor(int stride, int sharedKilobytes, int shift, int steps)
    {
        DeviceInfo device = new("cpu", "CPU", 0, 0, 1, TensorTile.WarpSize, 256, sharedKilobytes << 10);
        TensorTile tile = TensorTile.For(device, stride);
        Assert.Equal((8, shift, steps), (tile.Warps, tile.ColumnShift, tile.SliceSteps));
    }

    [Theory]
    [InlineData(TensorTestBackend.OneWarp, 96, 13, 5)]
    [InlineData(TensorTestBackend.OneWarp, 16, 65, 1)]
    [InlineData(TensorTestBackend.FourWarps, 128, 17, 8)]
    [InlineData(TensorTestBackend.FourWarps, 200, 3, 3)]
    public void FewerWarpsToo(string backend, int hidden, int rows, int candidates)
    {
        using SoftQCase data = new(rows, candidates, hidden);
        foreach (SoftQEstimator estimator in Enum.GetValues<SoftQEstimator>())
        {
            data.Estimator = estimator;
            Bf16SoftQReference.AssertExact(TensorTestBackend.Open(backend), data);
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

        // Where it shows most, the kernel is as exact as elsewhere.
        int row = Math.Min(worst / data.Candidates, data.Rows - 2);
        Bf16SoftQReference.AssertExact(TensorTestBackend.Open(TensorTestBackend.EightWarpsWhole), data, row, 2);
    }

    [Theory]
    [InlineData(SoftQEstimator.SoftCritic)]
    [InlineData(SoftQEstimator.Bellman)]
    public void DeviationsNextToNothingTakeNoMoreThanFp32(SoftQEstimator estimator)
    {
        // Deviations of the policy so small that Q~ spreads over hundreds of thousands of nats.
        using SoftQCase data = new(19, 8, 128) { Estimator = estimator };
        SoftQCase.ScaleOutput(data.Actor!, 6);
        Assert.InRange(Tolerance.Spread(SoftQOracle.Compute(data.Problem)), 1e5, double.PositiveInfinity);
        Bf16SoftQReference.AssertExact(TensorTestBackend.Open(TensorTestBackend.EightWarpsWhole), data);
    }

    private static double[] Errors(double[] exact, SoftQCase data, bool roundsActor, bool roundsCritics) =>
        [.. Bf16SoftQReference.Compute(
            data.Problem, roundsActor, roundsCritics).Zip(exact, (pair, value) => Math.Abs(pair.Value - value))];
}
