using HipiFast.Benchmarking.Oracles;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Conformance;
using HipiFast.Kernels.Conformance.Backends;
using HipiFast.Kernels.Conformance.SoftQ;
using HipiFast.Kernels.Networks;
using HipiFast.Kernels.SoftQ;

namespace HipiFast.Kernels.Ilgpu.Tests.TensorCores;

/// <summary>SoftQ in bf16 on the tensor cores of a CUDA device: the whole suite.</summary>
[RunsBackend(TensorTestBackend.Cuda)]
public sealed class TensorSoftQConformance : SoftQContract
{
    protected override long BytesPerCall => Sessions.BytesPerCall;

    protected override ComputeSession CreateSession(int maxThreads) => TensorTestBackend.Open(TensorTestBackend.Cuda);
}

/// <summary>
/// SoftQ in bf16 on emulated tensor cores, where 32 threads of the system make a warp: a few small cases of everything.
/// Beyond 39.5 KB of weights, from 129 hidden units on, these are read in slices.
/// </summary>
public sealed class TensorSoftQTests
{
    /// <summary>
    /// Total variation between a row's posterior and the oracle's, on average over the rows, where Q~ spreads over 5
    /// nats.
    /// </summary>
    private const double PosteriorTolerance = 0.02;

    private static ComputeSession OneWarp => TensorTestBackend.Open(TensorTestBackend.OneWarp);

    public static TheoryData<int, SoftQEstimator> Widths
    {
        get
        {
            TheoryData<int, SoftQEstimator> cases = [];
            // Weights whole up to 128; then in two slices, of which the last is shorter or is not, and in three.
            foreach (int hidden in (int[])[1, 16, 40, 64, 96, 128, 144, 200, 256, 272])
            {
                foreach (SoftQEstimator estimator in Enum.GetValues<SoftQEstimator>())
                {
                    cases.Add(hidden, estimator);
                }
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void EveryWidthAgreesWithTheOracle(int hidden, SoftQEstimator estimator)
    {
        (int rows, int candidates) = hidden > 128 ? (3, 2) : (5, 7);
        using SoftQCase data = new(rows, candidates, hidden) { Estimator = estimator };
        data.AssertConforms(OneWarp);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 9)]
    [InlineData(9, 1)]
    [InlineData(65, 2)]
    [InlineData(17, 19)]
    public void EverySizeAgreesWithTheOracle(int rows, int candidates)
    {
        using SoftQCase data = new(rows, candidates, 17);
        foreach (SoftQEstimator estimator in Enum.GetValues<SoftQEstimator>())
        {
            data.Estimator = estimator;
            data.AssertConforms(OneWarp);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(17)]
    public void EveryActionDimensionAgreesWithTheOracle(int actionDimension)
    {
        using SoftQCase data = new(7, 5, 32, actionDimension: actionDimension);
        foreach (SoftQEstimator estimator in (SoftQEstimator[])[SoftQEstimator.SoftCritic, SoftQEstimator.Bellman])
        {
            data.Estimator = estimator;
            data.AssertConforms(OneWarp);
        }
    }

    [Theory]
    [InlineData(64, 33)]
    [InlineData(128, 17)]
    [InlineData(200, 17)]
    public void WarpsSideBySideAgreeWithTheOracle(int hidden, int rows)
    {
        // Four below each other, two by two, and two by two with slices, of two tiles and a row each way.
        using SoftQCase data = new(rows, 9, hidden);
        data.AssertConforms(TensorTestBackend.Open(TensorTestBackend.FourWarps));
    }

    [Theory]
    [InlineData(SoftQEstimator.Critic)]
    [InlineData(SoftQEstimator.SoftCritic)]
    [InlineData(SoftQEstimator.Bellman)]
    public void EveryCombinationOfOptionsAgreesWithTheOracle(SoftQEstimator estimator)
    {
        using SoftQCase data = new(6, 8, 33) { Estimator = estimator };
        MlpParameters second = data.Critic2!;
        foreach (TwinCombination twin in Enum.GetValues<TwinCombination>())
        {
            foreach (bool hasSecond in (bool[])[true, false])
            {
                data.Twin = twin;
                data.Critic2 = hasSecond ? second : null;
                data.Range = hasSecond ? default : new CriticRange(-12, 3);
                data.ExactTerminalValue = hasSecond;
                data.AssertConforms(OneWarp);
            }
        }

        data.Critic2 = second;
    }

    [Theory]
    [InlineData(SoftQEstimator.Critic)]
    [InlineData(SoftQEstimator.SoftCritic)]
    [InlineData(SoftQEstimator.Bellman)]
    public void PosteriorsStayCloseToTheOracles(SoftQEstimator estimator)
    {
        const int Rows = 8, Candidates = 16;
        using SoftQCase data = new(Rows, Candidates, 64) { Estimator = estimator };
        double[] expected = SoftQOracle.Compute(data.Problem);
        double scale = 5 / Tolerance.Spread(expected), total = 0;
        float[] found = data.Compute(OneWarp.SoftQ);
        for (int row = 0; row < Rows; row++)
        {
            double[] exact = Posterior(expected.Skip(row * Candidates).Take(Candidates), scale);
            double[] rounded = Posterior(
                found.Skip(row * Candidates).Take(Candidates).Select(value => (double)value), scale);
            total += exact.Zip(rounded, (p, q) => Math.Abs(p - q)).Sum() / 2;
        }

        Assert.True(total / Rows <= PosteriorTolerance, $"Posteriors are {total / Rows:g3} apart on average.");
    }

    [Fact]
    public void BadInputSpoilsItsOwnRowAndColumnOnly()
    {
        using SoftQCase data = new(9, 11, 48);
        float[] good = data.Compute(OneWarp.SoftQ);
        data.Observation[4 * data.ObservationDimension] = float.NaN;
        data.Task[(7 * data.TaskDimension) + 1] = float.NaN;
        float[] spoiled = data.Compute(OneWarp.SoftQ);
        for (int pair = 0; pair < good.Length; pair++)
        {
            if (pair / 11 == 4 || pair % 11 == 7)
            {
                Assert.True(float.IsNaN(spoiled[pair]), $"Pair {pair} hides a NaN as {spoiled[pair]}.");
            }
            else
            {
                Assert.Equal(good[pair], spoiled[pair]);
            }
        }
    }

    [Fact]
    public void ANetworkOfNaNGivesNaN()
    {
        foreach (int layer in (int[])[0, 1, 2])
        {
            using SoftQCase data = new(3, 8, 20);
            data.Critic2!.Bias(layer).Fill(float.NaN);
            data.Critic2.MarkChanged();
            Assert.All(data.Compute(OneWarp.SoftQ), value => Assert.True(float.IsNaN(value)));
        }
    }

    [Fact]
    public void ChangedParametersAreSeen()
    {
        using SoftQCase data = new(6, 9, 40) { Estimator = SoftQEstimator.Bellman };
        data.AssertConforms(OneWarp);
        SoftQCase.ScaleOutput(data.Critic1, -1.5f);
        foreach (ref float weight in data.Actor!.WeightRow(1, 3))
        {
            weight += 0.3f;
        }

        data.Actor.MarkChanged();
        data.AssertConforms(OneWarp);
    }

    [Fact]
    public void RepeatedCallsGiveTheSameBits()
    {
        using SoftQCase data = new(17, 9, 200) { Estimator = SoftQEstimator.SoftCritic };
        float[] first = data.Compute(OneWarp.SoftQ);
        Tolerance.AssertSame(first, data.Compute(OneWarp.SoftQ), "Q~ again");
    }

    private static double[] Posterior(IEnumerable<double> values, double scale)
    {
        double[] scores = [.. values.Select(value => value * scale)];
        double max = scores.Max(), sum = scores.Sum(score => Math.Exp(score - max));
        return [.. scores.Select(score => Math.Exp(score - max) / sum)];
    }
}
