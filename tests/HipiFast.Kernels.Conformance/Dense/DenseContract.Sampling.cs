using HipiFast.Kernels.Dense;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Networks;
using HipiFast.Kernels.Random;

namespace HipiFast.Kernels.Conformance.Dense;

/// <summary>Actions drawn from an actor's outputs, and the gradients that flow back.</summary>
public abstract unsafe partial class DenseContract
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 100)]
    [InlineData(2, 33)]
    [InlineData(3, 17)]
    [InlineData(6, 31)]
    [InlineData(9, 5)]
    public void SampledActionsAgreeWithDouble(int actions, int rows)
    {
        using Draws draws = new(actions, rows);
        ActionNoise noise = new(77, 32768, 5, RandomPurpose.LearnerAction);
        Kernel.SampleActions(draws.Output, draws.Sample, 0, noise);
        for (int row = 0; row < rows; row++)
        {
            double logProbability = 0;
            for (int d = 0; d < actions; d++)
            {
                double z = Normal(row, d, noise), mean = draws.Output.Row(row)[d];
                double logStd = Math.Clamp(draws.Output.Row(row)[actions + d], -20.0, 2.0);
                double x = mean + (Math.Exp(logStd) * z);

                // z is good to 2e-6 and x to that times the standard deviation; tanh is flatter than the identity.
                double error = 1e-6 + (4e-6 * Math.Exp(logStd) * (1 + Math.Abs(z)));
                Assert.InRange(draws.Sample.Action[(row * actions) + d] - Math.Tanh(x), -error, error);
                logProbability += (-0.5 * z * z) - logStd - (0.5 * Math.Log(2 * Math.PI)) - LogDerivative(x);
            }

            // Each term is a sum of a few numbers, each good to about 2e-6 of itself; 2 |x| is the largest, with x of
            // at most 40 here.
            Assert.InRange(draws.Sample.LogProbability[row] - logProbability, -1e-4 * actions, 1e-4 * actions);
        }

        Kernel.MeanActions(draws.Output, draws.Sample);
        for (int i = 0; i < rows * actions; i++)
        {
            Assert.Equal(Math.Tanh(draws.Output.Row(i / actions)[i % actions]), draws.Sample.Action[i], 1e-6);
        }
    }

    [Fact]
    public void TheGradientOfSampledActionsAgreesWithDouble()
    {
        const int Actions = 3, Rows = 21;
        const double Weight = 0.3;
        using Draws draws = new(Actions, Rows);
        ActionNoise noise = new(78, 0, 6, RandomPurpose.LearnerAction);
        Kernel.SampleActions(draws.Output, draws.Sample, 0, noise);
        float[] first = Random(Rows * Actions, 51), second = Random(Rows * Actions, 52),
            found = new float[Rows * 2 * Actions];
        fixed (float* f1 = first, f2 = second, to = found)
        {
            draws.Sample.Backward(f1, f2, (float)Weight, 0, new MatrixView((nint)to, Rows, 2 * Actions, 2 * Actions));
        }

        int clamped = 0;
        for (int at = 0; at < Rows * Actions; at++)
        {
            int row = at / Actions, d = at % Actions;
            double mean = draws.Output.Row(row)[d], raw = draws.Output.Row(row)[Actions + d], z = Normal(row, d, noise);
            double std = Math.Exp(Math.Clamp(raw, -20, 2)), a = Math.Tanh(mean + (std * z)),
                cosh = Math.Cosh(mean + (std * z));
            double slope = ((first[at] + (double)second[at]) / (cosh * cosh)) + (2 * Weight * a);
            double inside = raw is >= -20 and <= 2 ? (slope * std * z) - Weight : 0;
            clamped += raw is >= -20 and <= 2 ? 0 : 1;
            Assert.InRange(found[(row * 2 * Actions) + d] - slope, -1e-4, 1e-4);
            Assert.InRange(found[(row * 2 * Actions) + Actions + d] - inside, -1e-3, 1e-3);
        }

        Assert.InRange(clamped, 1, (Rows * Actions) - 1);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    public void ARowSamplesTheSameBitsInAnyPart(int actions)
    {
        const int Rows = 41;
        using Draws whole = new(actions, Rows), parts = new(actions, Rows);
        ActionNoise noise = new(79, 1, 7, RandomPurpose.BehaviorAction);
        Kernel.SampleActions(whole.Output, whole.Sample, 0, noise);
        Kernel.SampleActions(parts.Output.Slice(32, 9), parts.Sample, 32, noise);
        Kernel.SampleActions(parts.Output.Slice(0, 32), parts.Sample, 0, noise);
        Assert.Equal(
            new Span<float>(whole.Sample.Action, Rows * actions), new Span<float>(parts.Sample.Action, Rows * actions));
        Assert.Equal(
            new Span<float>(whole.Sample.LogProbability, Rows), new Span<float>(parts.Sample.LogProbability, Rows));
    }

    [Fact]
    public void BadOutputsOfTheActorStayInTheirRows()
    {
        using Draws draws = new(2, 20);
        draws.Output.Row(3)[1] = float.NaN;
        draws.Output.Row(7)[0] = float.PositiveInfinity;
        draws.Output.Row(9)[3] = float.NaN;
        Kernel.SampleActions(draws.Output, draws.Sample, 0, new ActionNoise(80, 0, 8, RandomPurpose.LearnerAction));
        Assert.True(float.IsNaN(draws.Sample.Action[7]) && float.IsNaN(draws.Sample.LogProbability[3]));
        Assert.True(float.IsFinite(draws.Sample.Action[6]));
        Assert.Equal(1f, draws.Sample.Action[14]);
        Assert.False(float.IsFinite(draws.Sample.LogProbability[7]));
        Assert.True(float.IsNaN(draws.Sample.Action[19]) && float.IsNaN(draws.Sample.LogProbability[9]));
        for (int row = 0; row < 20; row++)
        {
            Assert.Equal(row is not (3 or 7 or 9), float.IsFinite(draws.Sample.LogProbability[row]));
        }
    }

    [Fact]
    public void SamplesThatDoNotFitAreRefused()
    {
        using Draws draws = new(2, 20);
        ActionNoise noise = new(81, 0, 0, RandomPurpose.LearnerAction);
        Assert.Throws<ArgumentException>(() => Kernel.SampleActions(draws.Output, draws.Sample, 16, noise));
        Assert.Throws<ArgumentException>(() => Kernel.SampleActions(draws.Output.Slice(0, 4), draws.Sample, 3, noise));
        Assert.Throws<ArgumentException>(
            () => Kernel.SampleActions(draws.Output with { Columns = 3 }, draws.Sample, 0, noise));
        Assert.Throws<ArgumentException>(() => Kernel.MeanActions(draws.Output with { Rows = 21 }, draws.Sample));
    }

    private static double Normal(int row, int d, ActionNoise noise)
    {
        PhiloxBlock block = Philox.Next(
            (uint)row, (uint)(d / 4) + noise.BlockOffset, noise.Call, (uint)noise.Purpose, noise.Seed);
        (uint first, uint second) = d % 4 < 2 ? (block.X, block.Y) : (block.Z, block.W);
        double radius = Math.Sqrt(
            -2 * Math.Log(Philox.ToUniform(first))), angle = 2 * Math.PI * Philox.ToUniform(second);
        return radius * (d % 2 == 0 ? Math.Cos(angle) : Math.Sin(angle));
    }

    private static double LogDerivative(double x) =>
        2 * (Math.Log(2) - Math.Abs(x) - Math.Log(1 + Math.Exp(-2 * Math.Abs(x))));

    /// <summary>
    /// Outputs of an actor, some with a log standard deviation beyond its bounds, and a sample for them.
    /// </summary>
    private sealed class Draws : IDisposable
    {
        private readonly NativeBuffer<float> _memory;

        public Draws(int actions, int rows)
        {
            int stride = (2 * actions) + 3;
            _memory = new NativeBuffer<float>(rows * stride);
            Output = new MatrixView((nint)_memory.Pointer, rows, 2 * actions, stride);
            Sample = new PolicySample(actions, rows);
            float[] values = Random(rows * 2 * actions, 40);
            for (int i = 0; i < values.Length; i++)
            {
                int row = i / (2 * actions), column = i % (2 * actions);
                Output.Row(row)[column] = column < actions
                    ? 2 * values[i]
                    : (i % 7) switch { 0 => 3f, 3 => -21f, _ => values[i] - 1 };
            }
        }

        public MatrixView Output { get; }

        public PolicySample Sample { get; }

        public void Dispose()
        {
            Sample.Dispose();
            _memory.Dispose();
        }
    }
}
