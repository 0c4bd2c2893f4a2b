using HipiFast.Kernels.Networks;
using HipiFast.Kernels.Random;

namespace HipiFast.Kernels.Dense;

/// <summary>The dense kernels in their plainest form: scalar loops that sum in double. The vector kernels finish their tails with it.</summary>
internal sealed unsafe class DenseReference : IDenseKernel
{
    void IDenseKernel.Adam(
        in AdamStep step, ReadOnlySpan<float> gradient, Span<float> parameters, Span<float> firstMoment, Span<float> secondMoment,
            Span<float> target) => Adam(step, gradient, parameters, firstMoment, secondMoment, target);

    public void Forward(MlpParameters network, in MatrixView input, MlpActivations activations)
    {
        for (int row = 0; row < input.Rows; row++)
        {
            float* h1 = activations.Hidden1.Row(row), h2 = activations.Hidden2.Row(row), y = activations.Output.Row(row);
            Layer(network, 0, input.Row(row), h1, relu: true);
            Layer(network, 1, h1, h2, relu: true);
            Layer(network, 2, h2, y, relu: false);
        }
    }

    public void Backward(
        MlpParameters network, in MatrixView input, MlpActivations activations, Span<float> gradient, in MatrixView inputGradient, int firstInput)
    {
        gradient.Clear();
        for (int row = 0; row < input.Rows; row++)
        {
            float* h1 = activations.Hidden1.Row(row), h2 = activations.Hidden2.Row(row), dy = activations.OutputGradient.Row(row);
            float* dh1 = activations.Hidden1Gradient.Row(row), dh2 = activations.Hidden2Gradient.Row(row);
            LayerBackward(network, 2, dy, h2, dh2, gradient);
            LayerBackward(network, 1, dh2, h1, dh1, gradient);
            LayerBackward(network, 0, dh1, input.Row(row), null, gradient);
            for (int i = 0; row < inputGradient.Rows && i < inputGradient.Columns; i++)
            {
                inputGradient.Row(row)[i] = (float)Dot(network.WeightRow(0, firstInput + i), dh1);
            }
        }
    }

    public static void Adam(
        in AdamStep step, ReadOnlySpan<float> gradient, Span<float> parameters, Span<float> firstMoment, Span<float> secondMoment, Span<float> target)
    {
        float rate = step.CorrectedRate, root = step.RootCorrection;
        for (int i = 0; i < gradient.Length; i++)
        {
            float g = FlushBelow(gradient[i] * step.GradientScale, AdamStep.SmallestMagnitude);
            firstMoment[i] = FlushBelow((step.Beta1 * firstMoment[i]) + ((1f - step.Beta1) * g), AdamStep.SmallestMagnitude);
            secondMoment[i] = FlushBelow((step.Beta2 * secondMoment[i]) + ((1f - step.Beta2) * g * g), AdamStep.SmallestSquare);
            parameters[i] -= rate * firstMoment[i] / ((MathF.Sqrt(secondMoment[i]) * root) + step.Epsilon);
            if (!target.IsEmpty)
            {
                target[i] += step.TargetUpdateRate * (parameters[i] - target[i]);
            }
        }
    }

    public void Add(ReadOnlySpan<float> other, Span<float> sum)
    {
        for (int i = 0; i < sum.Length; i++)
        {
            sum[i] += other[i];
        }
    }

    public double SquaredNorm(ReadOnlySpan<float> values)
    {
        double sum = 0;
        foreach (float value in values)
        {
            sum += (double)value * value;
        }

        return sum;
    }

    public void SampleActions(in MatrixView actorOutput, PolicySample sample, int firstRow, ActionNoise noise)
    {
        int actions = sample.ActionDimension;
        sample.Gather(actorOutput, firstRow, 0, sample.Mean);
        sample.Gather(actorOutput, firstRow, actions, sample.RawLogStd);
        for (int row = firstRow; row < firstRow + actorOutput.Rows; row++)
        {
            for (int d = 0; d < actions; d++)
            {
                PhiloxBlock block = Philox.Next((uint)row, (uint)(d / 4) + noise.BlockOffset, noise.Call, (uint)noise.Purpose, noise.Seed);
                (float cosine, float sine) = d % 4 < 2 ? Philox.ToNormals(block.X, block.Y) : Philox.ToNormals(block.Z, block.W);
                int at = (row * actions) + d;
                float z = d % 2 == 0 ? cosine : sine, logStd = TanhGaussian.ClampLogStd(sample.RawLogStd[at]), std = MathF.Exp(logStd);
                float x = sample.Mean[at] + (std * z), logDerivative = TanhGaussian.LogDerivative(x);
                sample.Noise[at] = z;
                sample.Std[at] = std;
                sample.Action[at] = TanhGaussian.Squash(x);
                sample.Slope[at] = MathF.Exp(logDerivative);
                sample.Term[at] = (-0.5f * z * z) - logStd - TanhGaussian.HalfLogTwoPi - logDerivative;
            }
        }

        sample.SumTerms(firstRow, actorOutput.Rows);
    }

    public void MeanActions(in MatrixView actorOutput, PolicySample sample)
    {
        sample.Gather(actorOutput, 0, 0, sample.Mean);
        for (int i = 0; i < actorOutput.Rows * sample.ActionDimension; i++)
        {
            sample.Action[i] = TanhGaussian.Squash(sample.Mean[i]);
        }
    }

    private static void Layer(MlpParameters network, int layer, float* x, float* y, bool relu)
    {
        ReadOnlySpan<float> bias = network.Bias(layer);
        for (int o = 0; o < bias.Length; o++)
        {
            double sum = bias[o];
            for (int i = 0; i < network.LayerInputs(layer); i++)
            {
                sum += (double)x[i] * network.WeightRow(layer, i)[o];
            }

            y[o] = relu && sum <= 0 ? 0f : (float)sum;
        }
    }

    /// <summary>
    /// Adds one row's weight and bias gradients, and writes the gradient before the ReLU that made x (dx null for the network's input).
    /// </summary>
    private static void LayerBackward(MlpParameters network, int layer, float* dy, float* x, float* dx, Span<float> gradient)
    {
        MlpShape shape = network.Shape;
        (int weight, int bias, int stride) = layer switch
        {
            0 => (shape.Weight1, shape.Bias1, shape.HiddenStride),
            1 => (shape.Weight2, shape.Bias2, shape.HiddenStride),
            _ => (shape.Weight3, shape.Bias3, shape.OutputStride),
        };
        int outputs = network.LayerOutputs(layer);
        for (int i = 0; i < network.LayerInputs(layer); i++)
        {
            if (dx != null)
            {
                dx[i] = x[i] > 0 ? (float)Dot(network.WeightRow(layer, i), dy) : 0f;
            }

            for (int o = 0; !gradient.IsEmpty && o < outputs; o++)
            {
                gradient[weight + (i * stride) + o] += x[i] * dy[o];
            }
        }

        for (int o = 0; !gradient.IsEmpty && o < outputs; o++)
        {
            gradient[bias + o] += dy[o];
        }
    }

    private static float FlushBelow(float value, float least) => MathF.Abs(value) < least ? 0f : value;

    private static double Dot(ReadOnlySpan<float> x, float* y)
    {
        double sum = 0;
        for (int i = 0; i < x.Length; i++)
        {
            sum += (double)x[i] * y[i];
        }

        return sum;
    }
}
