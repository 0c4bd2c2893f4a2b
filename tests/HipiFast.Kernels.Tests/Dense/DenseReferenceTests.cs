using HipiFast.Kernels.Dense;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Networks;

namespace HipiFast.Kernels.Tests.Dense;

public sealed unsafe class DenseReferenceTests
{
    /// <summary>The plain loops beside the vector kernels compute the same thing.</summary>
    [Theory]
    [InlineData(5, 33, 1, 6)]
    [InlineData(12, 64, 6, 9)]
    public void Reference_and_vector_kernels_agree(int inputs, int hidden, int outputs, int batch)
    {
        MlpShape shape = new(inputs, hidden, outputs);
        using MlpParameters network = new(shape);
        network.Initialize(11, 0);
        using NativeBuffer<float> x = new(batch * inputs), dx = new(2 * batch * inputs);
        for (int i = 0; i < x.Length; i++)
        {
            x[i] = MathF.Sin(1.7f * i);
        }

        MatrixView input = new((nint)x.Pointer, batch, inputs, inputs);
        List<float[]> results = [];
        foreach (IDenseKernel kernel in (IDenseKernel[])[new DenseReference(), Variants.CreateSession("managed", 1).Dense])
        {
            using MlpActivations activations = new(shape, batch);
            MatrixView inputGradient = new((nint)dx.Pointer, batch, inputs, inputs);
            float[] gradient = new float[shape.Length];
            kernel.Forward(network, input, activations);
            for (int row = 0; row < batch; row++)
            {
                for (int o = 0; o < outputs; o++)
                {
                    activations.OutputGradient.Row(row)[o] = MathF.Cos(row + (2.3f * o));
                }
            }

            kernel.Backward(network, input, activations, gradient, inputGradient, 0);
            float[] output = new Span<float>(activations.Output.Row(0), batch * shape.OutputStride).ToArray();
            results.Add([.. output, .. gradient, .. dx.Slice(0, batch * inputs)]);
        }

        Assert.Contains(results[0], value => Math.Abs(value) > 0.1f);
        Assert.Equal(results[0].Length, results[1].Length);
        for (int i = 0; i < results[0].Length; i++)
        {
            Assert.InRange(results[1][i] - results[0][i], -1e-5f, 1e-5f);
        }
    }
}
