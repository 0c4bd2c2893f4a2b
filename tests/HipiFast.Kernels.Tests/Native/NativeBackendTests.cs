using HipiFast.Benchmarking.Oracles;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Conformance;
using HipiFast.Kernels.Conformance.SoftQ;
using HipiFast.Kernels.Native;
using HipiFast.Kernels.SoftQ;

namespace HipiFast.Kernels.Tests.Native;

/// <summary>
/// The native backends beyond the conformance suite: what bf16 does to posteriors, how they are chosen, and how
/// failures surface.
/// </summary>
public sealed class NativeBackendTests
{
    /// <summary>
    /// Total variation between a row's posterior and the oracle's, on average over the rows, where Q~ spreads over 5
    /// nats.
    /// </summary>
    private const double PosteriorTolerance = 0.02;

    private static IEnumerable<NativeBackend> Backends => KernelRegistry.Default.Backends.OfType<NativeBackend>();

    private static IEnumerable<NativeBackend> Supported => Backends.Where(backend => backend.IsSupported(out _));

    [Fact]
    public void EveryVariantIsRegisteredFastestFirst()
    {
        Assert.Equal(
            ["native-amxbf16", "native-avx512bf16", "native-neonbf16"], Backends.Select(backend => backend.Name));
        Assert.All(Backends, backend => Assert.Equal(
            (NativeBackend.FamilyName, KernelPrecision.Bf16), (backend.Family, backend.Precision)));
    }

    [Fact]
    public void OneThatCannotRunSaysWhyInOneSentence()
    {
        foreach (NativeBackend backend in Backends.Except(Supported))
        {
            Assert.False(backend.IsSupported(out string reason));
            Assert.EndsWith(".", reason, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', reason);
            Assert.Contains(reason, Assert.Throws<NotSupportedException>(
                () => backend.CreateSession(default)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void AutoTakesThemOnlyWhenBf16IsAskedFor()
    {
        Assert.Equal(KernelPrecision.Fp32, KernelRegistry.Default.Resolve(ManagedBackend.FamilyName).Precision);
        if (Supported.FirstOrDefault() is NativeBackend fastest)
        {
            Assert.Same(fastest, KernelRegistry.Default.Resolve(NativeBackend.FamilyName));
            Assert.Same(fastest, KernelRegistry.Default.Resolve(NativeBackend.FamilyName, PrecisionMode.Bf16));
        }
    }

    [Theory]
    [InlineData(64, SoftQEstimator.Critic)]
    [InlineData(64, SoftQEstimator.SoftCritic)]
    [InlineData(64, SoftQEstimator.Bellman)]
    [InlineData(256, SoftQEstimator.Critic)]
    public void PosteriorsStayCloseToTheOracles(int hidden, SoftQEstimator estimator)
    {
        const int Rows = 12, Candidates = 16;
        using SoftQCase data = new(Rows, Candidates, hidden) { Estimator = estimator };
        double[] expected = SoftQOracle.Compute(data.Problem);
        double scale = 5 / Tolerance.Spread(expected);
        foreach (NativeBackend backend in Supported)
        {
            using ComputeSession session = backend.CreateSession(default);
            float[] found = data.Compute(session.SoftQ);
            double total = 0;
            for (int row = 0; row < Rows; row++)
            {
                double[] exact = Posterior(expected.Skip(row * Candidates).Take(Candidates), scale);
                double[] rounded = Posterior(
                    found.Skip(row * Candidates).Take(Candidates).Select(value => (double)value), scale);
                total += exact.Zip(rounded, (p, q) => Math.Abs(p - q)).Sum() / 2;
            }

            Assert.True(
                total / Rows <= PosteriorTolerance,
                $"{backend.Name}: posteriors are {total / Rows:g3} apart on average.");
        }
    }

    [Fact]
    public void TheMultiplyAddLoopCountsWhatItDoes()
    {
        foreach (NativeBackend backend in Supported)
        {
            double once = backend.Variant.Run(1);
            Assert.True(once >= 16 * 64, $"{backend.Name}: {once} operations need fewer than 16 accumulators.");
            Assert.Equal(1000 * once, backend.Variant.Run(1000));
            Assert.Throws<InvalidOperationException>(() => backend.Variant.Run(0));
        }
    }

    [Fact]
    public void ANetworkTooWideIsRefusedInOneSentence()
    {
        foreach (NativeBackend backend in Supported)
        {
            InvalidOperationException refusal = Assert.Throws<InvalidOperationException>(
                () => new NativeMicroKernel(backend.Variant, 1).ScratchFloats(new(1, 20_000, 1)));
            Assert.Contains("out of its range", refusal.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void AnUnknownVariantIsNotFound()
    {
        NativeVariant variant = NativeVariant.Find("nothing");
        Assert.NotEmpty(variant.WhyNot);
        Assert.Equal(-1, variant.Number);
    }

    private static double[] Posterior(IEnumerable<double> logits, double scale)
    {
        double[] scaled = [.. logits.Select(value => value * scale)];
        double max = scaled.Max(), sum = scaled.Sum(value => Math.Exp(value - max));
        return [.. scaled.Select(value => Math.Exp(value - max) / sum)];
    }
}
