using HipiFast.Benchmarking.Oracles;
using HipiFast.Kernels.Networks;
using HipiFast.Learning;
using HipiFast.Replay;
using HipiFast.Testing;

namespace HipiFast.Tests.Learning;

/// <summary>The learner's gradients against central finite differences of the losses in double precision.</summary>
public sealed class SacGradientTests
{
    public static TheoryData<string, TransitionShape, int, int, bool, float> Cases => new()
    {
        // Name, widths, H, rows, twin, upper bound of the critic (0: unbounded).
        { "default", new TransitionShape(3, 2, 2), 9, 7, true, 0f },
        { "one critic", new TransitionShape(2, 1, 1), 17, 5, false, 0f },
        { "bounded critic", new TransitionShape(3, 2, 1), 8, 9, true, 4f },
        { "one bounded critic", new TransitionShape(1, 1, 1), 5, 3, false, 2f },
        { "five action entries", new TransitionShape(2, 5, 3), 6, 4, true, 0f },
        { "one row", new TransitionShape(2, 3, 2), 6, 1, true, 0f },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void GradientsAgreeWithFiniteDifferences(
        string name, TransitionShape shape, int hidden, int rows, bool twin, float high)
    {
        using SacFixture fixture = new(shape, hidden, rows, new SacOptions(), twin, high == 0 ? 0 : -1, high);
        SacOracle oracle = new(fixture.Networks, fixture.Batch, 0, rows, SacFixture.Seed, 0);
        double[] regressands = oracle.Regressands(0.99);
        double criticLoss = oracle.CriticLoss(regressands, 0.5), logAlpha = fixture.Networks.LogAlpha;
        double[][] criticGradients = [
            .. oracle.Critics.Select(network => SacOracle.Differentiate(network, () => oracle.CriticLoss(regressands,
            0.5)))];

        SacLosses losses = fixture.Learner.Update(fixture.Batch, 0, rows);
        AssertRelative(criticLoss, losses.CriticLoss);
        for (int k = 0; k < criticGradients.Length; k++)
        {
            AssertGradient(criticGradients[k], fixture.Learner.CriticOptimizer(k).Gradient, $"{name}, critic {k + 1}");
        }

        // The actor's loss uses the critics after their step; the oracle still holds the actor as it was before its
        // own.
        oracle.SetCritics(fixture.Networks);
        AssertRelative(oracle.ActorLoss(), losses.ActorLoss);
        AssertGradient(SacOracle.Differentiate(
            oracle.Actor, oracle.ActorLoss), fixture.Learner.ActorOptimizer.Gradient, $"{name}, actor");

        double meanLogProbability = oracle.MeanLogProbability();
        double AlphaLoss(double x) => -Math.Exp(x) * (meanLogProbability - shape.ActionDimension);
        AssertRelative(-meanLogProbability, losses.Entropy);
        AssertRelative(AlphaLoss(logAlpha), losses.AlphaLoss);
        double derivative = (AlphaLoss(logAlpha + 1e-6) - AlphaLoss(logAlpha - 1e-6)) / 2e-6;
        AssertRelative(-3e-4 * Math.Sign(derivative), fixture.Networks.LogAlpha - logAlpha, 1e-3);
    }

    [Fact]
    public void AClampedLogStdReceivesNoGradient()
    {
        TransitionShape shape = new(3, 2, 2);
        using SacFixture fixture = new(shape, 9, 6);
        Span<float> bias = fixture.Networks.Actor.Bias(2);
        bias[2] = 5f;
        bias[3] = -30f;
        SacOracle oracle = new(fixture.Networks, fixture.Batch, 0, 6, SacFixture.Seed, 0);
        fixture.Learner.Update(fixture.Batch, 0, 6);
        oracle.SetCritics(fixture.Networks);
        Span<float> gradient = fixture.Learner.ActorOptimizer.Gradient;
        AssertGradient(SacOracle.Differentiate(oracle.Actor, oracle.ActorLoss), gradient, "clamped");
        int start = fixture.Networks.Actor.Shape.Bias3;
        Assert.NotEqual(0f, gradient[start]);
        Assert.NotEqual(0f, gradient[start + 1]);
        Assert.Equal(0f, gradient[start + 2]);
        Assert.Equal(0f, gradient[start + 3]);
    }

    [Fact]
    public void ALaterUpdateOnInnerRowsUsesItsOwnRowsAndNoise()
    {
        TransitionShape shape = new(3, 2, 2);
        using SacFixture fixture = new(shape, 9, 12, new SacOptions { FixedAlpha = 0.3f, Gamma = 0.9f });
        fixture.Learner.Update(fixture.Batch, 0, 12);
        SacOracle oracle = new(fixture.Networks, fixture.Batch, 4, 7, SacFixture.Seed, 1);
        double[] regressands = oracle.Regressands(0.9);
        double[] expected = SacOracle.Differentiate(oracle.Critics[1], () => oracle.CriticLoss(regressands, 0.5));
        SacLosses losses = fixture.Learner.Update(fixture.Batch, 4, 7);
        AssertGradient(expected, fixture.Learner.CriticOptimizer(1).Gradient, "second update");
        oracle.SetCritics(fixture.Networks);
        AssertGradient(SacOracle.Differentiate(
            oracle.Actor, oracle.ActorLoss), fixture.Learner.ActorOptimizer.Gradient, "second update, actor");
        Assert.Equal(0.3f, losses.Alpha, 1e-6f);
        Assert.Equal(0f, losses.AlphaLoss);
        Assert.Equal(0.3f, fixture.Networks.Alpha, 1e-6f);
    }

    [Fact]
    public void TheActorPassInTwoPartsAgreesWithFiniteDifferences()
    {
        // 144 rows of H = 128 lie above the size from which the pass is cut. Differencing every weight in double would
        // take minutes; biases of the last layers see all rows and both parts.
        TransitionShape shape = new(2, 1, 1);
        using SacFixture fixture = new(shape, 128, 144);
        SacOracle oracle = new(fixture.Networks, fixture.Batch, 0, 144, SacFixture.Seed, 0);
        fixture.Learner.Update(fixture.Batch, 0, 144);
        oracle.SetCritics(fixture.Networks);
        MlpShape actor = fixture.Networks.Actor.Shape;
        Span<float> found = fixture.Learner.ActorOptimizer.Gradient;
        foreach (int i in (int[])[
            actor.Bias3, actor.Bias3 + 1, actor.Bias2 + 3, actor.Bias2 + 77, actor.Weight2 + 130, actor.Weight1 + 5,
            actor.Bias1 + 60])
        {
            double value = oracle.Actor.Values[i];
            oracle.Actor.Values[i] = value + 1e-6;
            double above = oracle.ActorLoss();
            oracle.Actor.Values[i] = value - 1e-6;
            double expected = (above - oracle.ActorLoss()) / 2e-6;
            oracle.Actor.Values[i] = value;
            Assert.InRange(found[i] - expected, -2e-5 * (1 + Math.Abs(expected)), 2e-5 * (1 + Math.Abs(expected)));
        }

        Assert.True(Math.Abs(found[actor.Bias3]) > 1e-3);
    }

    [Fact]
    public void ClippingScalesEachNetworkByItsOwnNorm()
    {
        TransitionShape shape = new(3, 2, 2);
        const float Clip = 0.01f;
        using SacFixture fixture = new(shape, 9, 6, new SacOptions { GradientClipNorm = Clip });
        fixture.Learner.Update(fixture.Batch, 0, 6);
        foreach (NetworkOptimizer optimizer in (NetworkOptimizer[])[
            fixture.Learner.ActorOptimizer, fixture.Learner.CriticOptimizer(0), fixture.Learner.CriticOptimizer(1)])
        {
            double norm = Math.Sqrt(optimizer.Gradient.ToArray().Sum(g => (double)g * g));
            Assert.True(norm > Clip);
            for (int i = 0; i < optimizer.Gradient.Length; i++)
            {
                // After one step the first moment is a tenth of the gradient that Adam saw.
                Assert.Equal(0.1 * Clip / norm * optimizer.Gradient[i], optimizer.FirstMoment[i], 1e-8);
            }
        }
    }

    private static void AssertRelative(double expected, double found, double tolerance = 2e-5)
    {
        Assert.InRange(found - expected, -tolerance * Math.Abs(expected), tolerance * Math.Abs(expected));
    }

    private static void AssertGradient(double[] expected, Span<float> found, string what)
    {
        double largest = expected.Max(Math.Abs);
        Assert.True(largest > 1e-4, $"{what}: the gradient is too small to tell anything.");
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.True(
                Math.Abs(found[i] - expected[i]) <= 3e-5 * largest,
                $"{what}, parameter {i}: expected {expected[i]}, found {found[i]}.");
        }
    }
}
