using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Dense;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Networks;
using HipiFast.Learning;
using HipiFast.Tests.Learning;

namespace HipiFast.TorchSharp.Tests;

/// <summary>The cloning policy of torch against the embedded one.</summary>
public sealed unsafe class CloningTests
{
    [TorchTheory]
    [InlineData(5, 16, 2, 7, false)]
    [InlineData(3, 9, 1, 1, false)]
    [InlineData(17, 40, 3, 33, true)]
    public void Both_policies_learn_the_same(int inputs, int hidden, int outputs, int rows, bool asDevice)
    {
        MlpShape shape = new(inputs, hidden, outputs);
        KernelBackend backend = KernelRegistry.Default.Resolve("managed");
        using CloningPolicy expected = new(backend, shape, rows, 1e-3f, 4);
        using TorchCloningPolicy found = new(backend, shape, rows, 1e-3f, 4, new TorchOptions { KeepsDeviceMemory = asDevice });
        using NativeBuffer<float> memory = new(rows * (inputs + 3L + (3 * outputs)));
        SacFixture.Fill(memory.Span, 9);

        // Rows with a gap behind them.
        MatrixView input = new((nint)memory.Pointer, rows, inputs, inputs + 3);
        float* at = memory.Pointer + (rows * (inputs + 3));
        MatrixView target = new((nint)at, rows, outputs, outputs);
        MatrixView a = new((nint)(at + (rows * outputs)), rows, outputs, outputs), b = new((nint)(at + (2 * rows * outputs)), rows, outputs, outputs);
        using MlpParameters start = new(shape), of = new(shape), other = new(shape);
        found.Export(start);
        double first = found.Step(input, target), last = first;
        Pair.AssertRelative(expected.Step(input, target), first, 1e-5, "first error");
        for (int step = 0; step < 50; step++)
        {
            last = found.Step(input, target);
            Pair.AssertRelative(expected.Step(input, target), last, 1e-3, $"error {step}");
        }

        Assert.True(last < first);
        expected.Export(of);
        found.Export(other);
        Pair.AssertClose(of.Values, other.Values, 1e-3, "parameters");
        expected.Predict(input, a);
        found.Predict(input, b);
        Pair.AssertClose(new(a.Row(0), rows * outputs), new(b.Row(0), rows * outputs), 5e-3, "prediction");

        found.Import(start);
        found.Export(other);
        Assert.Equal(start.Values.ToArray(), other.Values.ToArray());
        found.Predict(input, a);
        Assert.NotEqual(new Span<float>(a.Row(0), rows * outputs).ToArray(), new Span<float>(b.Row(0), rows * outputs).ToArray());
    }
}
