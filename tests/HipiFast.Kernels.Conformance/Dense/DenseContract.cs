using HipiFast.Benchmarking.Oracles;
using HipiFast.Kernels.Dense;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Networks;
using HipiFast.Kernels.Random;

namespace HipiFast.Kernels.Conformance.Dense;

/// <summary>
/// What every implementation of <see cref="IDenseKernel"/> must do; one sealed subclass per implementation.
/// </summary>
public abstract unsafe partial class DenseContract
{
    /// <summary>Relative to the largest entry of the same array: fp32 sums of up to about a thousand terms.</summary>
    private const double Tolerance = 2e-5;

    public static TheoryData<int, int, int, int> Shapes
    {
        get
        {
            TheoryData<int, int, int, int> shapes = [];
            int[] outputs = [1, 2, 4, 14, 80];
            int[] inputs = [1, 3, 6, 8, 13, 35];
            int n = 0;
            foreach (int hidden in (int[])[1, 7, 16, 32, 33, 64, 256])
            {
                foreach (int batch in (int[])[1, 3, 32, 100])
                {
                    if (hidden < 256 || batch < 100)
                    {
                        // Every hidden width meets the single output, which has a path of its own, and each other width
                        // of output in turn.
                        shapes.Add(inputs[n % inputs.Length], hidden, 1, batch);
                        shapes.Add(inputs[(n + 2) % inputs.Length], hidden, outputs[1 + (n % 4)], batch);
                        n++;
                    }
                }
            }

            shapes.Add(5, 33, 1, 6);
            shapes.Add(12, 64, 6, 9);
            shapes.Add(12, 1024, 1, 2);
            shapes.Add(12, 1024, 4, 5);
            return shapes;
        }
    }

    internal abstract IDenseKernel Kernel { get; }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void ForwardAndBackwardAgreeWithDouble(int inputs, int hidden, int outputs, int batch)
    {
        using Problem problem = new(new MlpShape(inputs, hidden, outputs), batch);
        Kernel.Forward(problem.Network, problem.Input, problem.Activations);
        NetworkOracle oracle = new(problem.Network);
        double[][][] values = [.. problem.X.Select(oracle.Layers)];
        for (int layer = 1; layer <= 3; layer++)
        {
            MatrixView found =
                layer switch
                {
                    1 => problem.Activations.Hidden1,
                    2 => problem.Activations.Hidden2,
                    _ => problem.Activations.Output,
                };
            AssertClose(values.Select(v => v[layer]).ToArray(), found, $"layer {layer}");
        }

        float[] gradient = Filled(problem.Network.Shape.Length);
        Kernel.Backward(problem.Network, problem.Input, problem.Activations, gradient, problem.InputGradient, 0);
        (double[][,] weights, double[][] biases, double[][] inputGradients) = oracle.Backward(
            problem.X, problem.OutputGradient);
        MlpShape shape = problem.Network.Shape;
        AssertLayer(weights[0], biases[0], gradient, shape.Weight1, shape.Bias1, shape.HiddenStride);
        AssertLayer(weights[1], biases[1], gradient, shape.Weight2, shape.Bias2, shape.HiddenStride);
        AssertLayer(weights[2], biases[2], gradient, shape.Weight3, shape.Bias3, shape.OutputStride);
        AssertClose(inputGradients, problem.InputGradient, "input");
        AssertPaddingIsZero(shape, gradient);
    }

    [Theory]
    [InlineData(5, 33, 1, 7)]
    [InlineData(5, 64, 1, 40)]
    [InlineData(9, 64, 4, 32)]
    public void WantedColumnsOfTheInputGradientAreThoseOfTheWhole(
        int inputs, int hidden, int outputs, int batch)
    {
        using Problem problem = new(new MlpShape(inputs, hidden, outputs), batch);
        Kernel.Forward(problem.Network, problem.Input, problem.Activations);
        Kernel.Backward(problem.Network, problem.Input, problem.Activations, [], problem.InputGradient, 0);
        using NativeBuffer<float> memory = new(batch * 2);
        MatrixView part = new((nint)memory.Pointer, batch, 2, 2);
        Kernel.Backward(problem.Network, problem.Input, problem.Activations, [], part, 1);
        for (int row = 0; row < batch; row++)
        {
            Assert.Equal(problem.InputGradient.Row(row)[1], part.Row(row)[0]);
            Assert.Equal(problem.InputGradient.Row(row)[2], part.Row(row)[1]);
        }
    }

    [Theory]
    [InlineData(5, 33, 7, 0)]
    [InlineData(5, 64, 40, 0)]
    [InlineData(5, 64, 40, 1)]
    [InlineData(4, 128, 33, 1)]
    [InlineData(4, 16, 3, 2)]
    public void RowsWithoutOutputGradientGetNoneAndChangeNoOther(int inputs, int hidden, int batch, int idle)
    {
        // Every row idle, every other one, or the first ones.
        using Problem problem = new(new MlpShape(inputs, hidden, 1), batch);
        Kernel.Forward(problem.Network, problem.Input, problem.Activations);
        Kernel.Backward(problem.Network, problem.Input, problem.Activations, [], problem.InputGradient, 0);
        float[] whole = new Span<float>(problem.InputGradient.Row(0), batch * inputs).ToArray();
        bool[] isIdle = [.. Enumerable.Range(0, batch).Select(
            row => idle switch { 0 => true, 1 => row % 2 == 0, _ => row < batch - 1 })];
        for (int row = 0; row < batch; row++)
        {
            problem.Activations.OutputGradient.Row(row)[0] *= isIdle[row] ? 0 : 1;
        }

        Kernel.Backward(problem.Network, problem.Input, problem.Activations, [], problem.InputGradient, 0);
        for (int i = 0; i < batch * inputs; i++)
        {
            Assert.Equal(isIdle[i / inputs] ? 0f : whole[i], problem.InputGradient.Row(0)[i]);
        }
    }

    [Fact]
    public void AUnitAtExactlyZeroPassesNoGradient()
    {
        using Problem problem = new(new MlpShape(3, 20, 1), 6);
        problem.Network.Bias(0)[4] = 0;
        for (int i = 0; i < 3; i++)
        {
            problem.Network.WeightRow(0, i)[4] = 0;
        }

        float[] gradient = new float[problem.Network.Shape.Length];
        Kernel.Forward(problem.Network, problem.Input, problem.Activations);
        Kernel.Backward(problem.Network, problem.Input, problem.Activations, gradient, default, 0);
        Assert.Equal(0f, gradient[problem.Network.Shape.Bias1 + 4]);
        Assert.Contains(gradient.AsSpan(problem.Network.Shape.Bias1, 20).ToArray(), value => value != 0);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void NaNInTheInputReachesTheOutput(int outputs)
    {
        using Problem problem = new(new MlpShape(3, 20, outputs), 9);
        problem.Input.Row(5)[1] = float.NaN;
        Kernel.Forward(problem.Network, problem.Input, problem.Activations);
        Assert.True(float.IsNaN(problem.Activations.Output.Row(5)[0]));
        Assert.True(float.IsFinite(problem.Activations.Output.Row(4)[0]));
        Assert.True(float.IsFinite(problem.Activations.Output.Row(6)[0]));
    }

    [Theory]
    [InlineData(7, 33, 1)]
    [InlineData(7, 33, 6)]
    public void ARowHasTheSameBitsInAnyBatch(int inputs, int hidden, int outputs)
    {
        using Problem problem = new(new MlpShape(inputs, hidden, outputs), 21);
        Kernel.Forward(problem.Network, problem.Input, problem.Activations);
        float[] together = [.. Enumerable.Range(0, 21).Select(row => problem.Activations.Output.Row(row)[0])];
        float[] alone = new float[21];
        for (int row = 0; row < 21; row++)
        {
            Kernel.Forward(problem.Network, problem.Input.Slice(row, 1), problem.Activations);
            alone[row] = problem.Activations.Output.Row(0)[0];
        }

        Assert.Equal(together, alone);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(16)]
    [InlineData(67)]
    public void AdamAgreesWithDoubleOverSeveralSteps(int length)
    {
        float[] parameters = Random(length, 1), m = new float[length], v = new float[length],
            target = Random(length, 2);
        double[] expected = [.. parameters.Select(p => (double)p)], em = new double[length], ev = new double[length];
        double[] expectedTarget = [.. target.Select(t => (double)t)];
        float[] start = [.. parameters];
        for (int step = 1; step <= 12; step++)
        {
            // Gradients from 1e-6 to 10: Adam's steps must not depend on their size.
            float[] gradient = [.. Random(length, 100 + (uint)step).Select((g, i) => g * MathF.Pow(10, (i % 8) - 6))];
            gradient[0] = 0;
            AdamStep options = new(1e-2f, step, GradientScale: 0.5f, TargetUpdateRate: 0.05f);
            Kernel.Adam(options, gradient, parameters, m, v, target);
            for (int i = 0; i < length; i++)
            {
                double g = gradient[i] * 0.5;
                em[i] = (0.9 * em[i]) + (0.1 * g);
                ev[i] = (0.999 * ev[i]) + (0.001 * g * g);
                double corrected = em[i] / (1 - Math.Pow(0.9, step)), root = Math.Sqrt(
                    ev[i] / (1 - Math.Pow(0.999, step)));
                expected[i] -= 0.01 * corrected / (root + 1e-8);
                expectedTarget[i] += 0.05 * (expected[i] - expectedTarget[i]);
            }
        }

        for (int i = 0; i < length; i++)
        {
            // 12 steps of at most about 0.01 each: the sum of the steps to 1e-5 of itself, plus the rounding of the
            // parameter.
            Assert.InRange(parameters[i] - expected[i], -3e-6, 3e-6);

            // Twelve roundings of a target of magnitude below 4, and a twentieth of the parameter's error in each.
            Assert.InRange(target[i] - expectedTarget[i], -6e-6, 6e-6);
        }

        Assert.Equal(start[0], parameters[0]);
        Assert.All(Enumerable.Range(1, length - 1), i => Assert.True(Math.Abs(parameters[i] - start[i]) > 1e-4));
    }

    [Fact]
    public void WithoutATargetTheParametersGetTheSameBits()
    {
        float[] gradient = Random(35, 1), with = Random(35, 2), without = [.. with], target = Random(35, 3);
        float[][] moments = [new float[35], new float[35], new float[35], new float[35]];
        Kernel.Adam(new AdamStep(1e-2f, 1, TargetUpdateRate: 0.5f), gradient, with, moments[0], moments[1], target);
        Kernel.Adam(new AdamStep(1e-2f, 1, TargetUpdateRate: 0.5f), gradient, without, moments[2], moments[3], []);
        Assert.Equal(with, without);
        Assert.Equal(moments[0], moments[2]);
        Assert.Equal(moments[1], moments[3]);
    }

    [Fact]
    public void MomentsOfAnUnusedParameterEndAtZeroAndNeverBecomeSubnormal()
    {
        float[] parameters = new float[17], m = new float[17], v = new float[17], gradient = new float[17];
        gradient.AsSpan().Fill(1e-12f);
        for (int step = 1; step <= 400; step++)
        {
            Kernel.Adam(new AdamStep(1e-3f, step), gradient, parameters, m, v, []);
            gradient.AsSpan().Fill(step < 5 ? 1e-12f : 1e-20f);
            Assert.DoesNotContain(m, float.IsSubnormal);
            Assert.DoesNotContain(v, float.IsSubnormal);
        }

        Assert.All(m, value => Assert.Equal(0f, value));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(16)]
    [InlineData(67)]
    public void AddAndNormAgreeWithDouble(int length)
    {
        float[] online = Random(length, 1), sum = Random(length, 2), before = [.. sum];
        Kernel.Add(online, sum);
        double norm = 0;
        for (int i = 0; i < length; i++)
        {
            Assert.Equal(before[i] + online[i], sum[i]);
            norm += (double)online[i] * online[i];
        }

        Assert.InRange(Kernel.SquaredNorm(online) / norm, 1 - 1e-6, 1 + 1e-6);
        Assert.Equal(0.0, Kernel.SquaredNorm([]));
    }

    [Fact]
    public void ShapesThatDisagreeAreRefused()
    {
        using Problem problem = new(new MlpShape(3, 8, 1), 4);
        using MlpActivations other = new(new MlpShape(3, 9, 1), 4);
        MatrixView wide = problem.Input with { Columns = 2 };
        Assert.Throws<ArgumentException>(() => Kernel.Forward(problem.Network, wide, problem.Activations));
        Assert.Throws<ArgumentException>(() => Kernel.Forward(problem.Network, problem.Input, other));
        Assert.Throws<ArgumentException>(
            () => Kernel.Forward(problem.Network, problem.Input with { Rows = 5 }, problem.Activations));
        Assert.Throws<ArgumentException>(
            () => Kernel.Backward(problem.Network, problem.Input, problem.Activations, new float[3], default, 0));
        Assert.Throws<ArgumentException>(
            () => Kernel.Backward(problem.Network, problem.Input, problem.Activations, [], problem.InputGradient, 1));
        Assert.Throws<ArgumentException>(
            () => Kernel.Adam(new AdamStep(1, 1), new float[3], new float[3], new float[2], new float[3], []));
        Assert.Throws<ArgumentOutOfRangeException>(() => Kernel.Adam(new AdamStep(1, 0), [], [], [], [], []));
        Assert.Throws<ArgumentException>(
            () =>
                Kernel.Adam(new AdamStep(1, 1), new float[3], new float[3], new float[3], new float[3], new float[2]));
    }

    private static float[] Filled(int length)
    {
        float[] values = new float[length];
        values.AsSpan().Fill(1e9f);
        return values;
    }

    private static float[] Random(int length, uint stream) =>
        [.. Enumerable.Range(0, length).Select(i => Philox.ToNormals(
            Philox.Next((uint)i, 0, stream, (uint)RandomPurpose.SyntheticData, 7).X, Philox.Next((uint)i, 0, stream,
                (uint)RandomPurpose.SyntheticData, 7).Y).Cosine)];

    private static void AssertClose(double[][] expected, MatrixView found, string what)
    {
        double scale = expected.Max(row => row.Max(Math.Abs));
        for (int row = 0; row < expected.Length; row++)
        {
            for (int column = 0; column < expected[row].Length; column++)
            {
                double error = Math.Abs(found.Row(row)[column] - expected[row][column]);
                Assert.True(
                    error <= Tolerance * scale,
                    $"{what} [{row}, {column}]: expected {expected[row][column]}, found {found.Row(row)[column]}");
            }

            for (int column = expected[row].Length; column < found.Columns; column++)
            {
                Assert.Equal(0f, found.Row(row)[column]);
            }
        }
    }

    private static void AssertLayer(
        double[,] weights, double[] biases, float[] gradient, int weight, int bias, int stride)
    {
        double scale = biases.Max(Math.Abs);
        foreach (double value in weights)
        {
            scale = Math.Max(scale, Math.Abs(value));
        }

        for (int o = 0; o < biases.Length; o++)
        {
            Assert.InRange(gradient[bias + o] - biases[o], -Tolerance * scale, Tolerance * scale);
            for (int i = 0; i < weights.GetLength(0); i++)
            {
                Assert.InRange(
                    gradient[weight + (i * stride) + o] - weights[i, o], -Tolerance * scale, Tolerance * scale);
            }
        }
    }

    /// <summary>Everything outside the unpadded weights and biases is zero.</summary>
    private static void AssertPaddingIsZero(MlpShape shape, float[] gradient)
    {
        bool[] used = new bool[shape.Length];
        void Use(int start, int rows, int columns, int stride)
        {
            for (int row = 0; row < rows; row++)
            {
                used.AsSpan(start + (row * stride), columns).Fill(true);
            }
        }

        Use(shape.Weight1, shape.Inputs + 1, shape.Hidden, shape.HiddenStride);
        Use(shape.Weight2, shape.Hidden, shape.Hidden, shape.HiddenStride);
        Use(shape.Bias2, 1, shape.Hidden, shape.HiddenStride);
        Use(shape.Weight3, shape.Hidden, shape.Outputs, shape.OutputStride);
        Use(shape.Bias3, 1, shape.Outputs, shape.OutputStride);
        for (int i = 0; i < used.Length; i++)
        {
            Assert.True(used[i] || gradient[i] == 0, $"Padding entry {i} of {shape} is {gradient[i]}.");
        }
    }

    private sealed class Problem : IDisposable
    {
        private readonly NativeBuffer<float> _memory;

        public Problem(MlpShape shape, int batch)
        {
            Network = new MlpParameters(shape);
            Network.Initialize(3, 0);
            Activations = new MlpActivations(shape, batch);

            // Rows one float longer than needed: kernels must respect the stride.
            _memory = new NativeBuffer<float>(batch * ((2 * shape.Inputs) + 1));
            Input = new MatrixView((nint)_memory.Pointer, batch, shape.Inputs, shape.Inputs + 1);
            InputGradient = new MatrixView(
                (nint)(_memory.Pointer + (batch * (shape.Inputs + 1))), batch, shape.Inputs, shape.Inputs);
            float[] x = Random(batch * shape.Inputs, 20), dy = Random(batch * shape.Outputs, 21);
            for (int row = 0; row < batch; row++)
            {
                x.AsSpan(row * shape.Inputs, shape.Inputs).CopyTo(new Span<float>(Input.Row(row), shape.Inputs));
                Input.Row(row)[shape.Inputs] = 1e9f;
                dy.AsSpan(row * shape.Outputs, shape.Outputs).CopyTo(
                    new Span<float>(Activations.OutputGradient.Row(row), shape.Outputs));
            }

            X = [.. x.Chunk(shape.Inputs).Select(row => row.Select(value => (double)value).ToArray())];
            OutputGradient = [.. dy.Chunk(shape.Outputs).Select(row => row.Select(value => (double)value).ToArray())];
        }

        public MlpParameters Network { get; }

        public MlpActivations Activations { get; }

        public MatrixView Input { get; }

        public MatrixView InputGradient { get; }

        public double[][] X { get; }

        public double[][] OutputGradient { get; }

        public void Dispose()
        {
            Network.Dispose();
            Activations.Dispose();
            _memory.Dispose();
        }
    }
}
