using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Dense;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Networks;
using HipiFast.Learning;
using HipiFast.Replay;
using HipiFast.Storage;
using HipiFast.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace HipiFast.TorchSharp.Tests;

/// <summary>The cloning policy of torch against the embedded one.</summary>
public sealed unsafe class CloningTests
{
    private static readonly KernelBackend s_backend = KernelRegistry.Default.Resolve("managed");

    [TorchTheory]
    [InlineData(5, 16, 2, 7, false)]
    [InlineData(3, 9, 1, 1, false)]
    [InlineData(17, 40, 3, 33, true)]
    public void BothPoliciesLearnTheSame(int inputs, int hidden, int outputs, int rows, bool asDevice)
    {
        MlpShape shape = new(inputs, hidden, outputs);
        using CloningPolicy expected = new(s_backend, shape, rows, 1e-3f, 4);
        using TorchCloningPolicy found = new(
            s_backend, shape, rows, 1e-3f, 4, new TorchOptions { KeepsDeviceMemory = asDevice });
        using NativeBuffer<float> memory = new(rows * (inputs + 3L + (3 * outputs)));
        SacFixture.Fill(memory.Span, 9);

        // Rows with a gap behind them.
        MatrixView input = new((nint)memory.Pointer, rows, inputs, inputs + 3);
        float* at = memory.Pointer + (rows * (inputs + 3));
        MatrixView target = new((nint)at, rows, outputs, outputs);
        MatrixView a = new((nint)(at + (rows * outputs)), rows, outputs, outputs), b = new(
            (nint)(at + (2 * rows * outputs)), rows, outputs, outputs);
        found.Keep();
        float[] start = Parameters(found);
        double first = found.Step(input, target), last = first;
        Pair.AssertRelative(expected.Step(input, target), first, 1e-5, "first error");
        for (int step = 0; step < 50; step++)
        {
            last = found.Step(input, target);
            Pair.AssertRelative(expected.Step(input, target), last, 1e-3, $"error {step}");
        }

        Assert.True(last < first);
        Pair.AssertClose(Parameters(expected), Parameters(found), 1e-3, "parameters");
        expected.Predict(input, a);
        found.Predict(input, b);
        Pair.AssertClose(new(a.Row(0), rows * outputs), new(b.Row(0), rows * outputs), 5e-3, "prediction");

        found.Restore();
        Assert.Equal(start, Parameters(found));
        found.Predict(input, a);
        Assert.NotEqual(
            new Span<float>(a.Row(0), rows * outputs).ToArray(), new Span<float>(b.Row(0), rows * outputs).ToArray());
    }

    [TorchTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void AModuleIsClonedAsTheSameNetworkIs(bool asDevice)
    {
        const int Rows = 9;
        MlpShape shape = new(5, 12, 2);
        using CloningPolicy expected = new(s_backend, shape, Rows, 1e-3f, 4);
        using WrappedMlp module = new(5, 12, 2);
        module.Fill(expected.Network);
        using NativeBuffer<float> memory = new(Rows * (5 + (3 * 2)));
        SacFixture.Fill(memory.Span, 9);
        MatrixView input = new(
            (nint)memory.Pointer, Rows, 5, 5), target = new((nint)(memory.Pointer + (Rows * 5)), Rows, 2, 2);
        MatrixView a = new(
            (nint)(memory.Pointer + (Rows * 7)), Rows, 2, 2), b = new((nint)(memory.Pointer + (Rows * 9)), Rows, 2, 2);
        float[] kept;
        using (TorchCloningPolicy found = new(
            s_backend, module, 5, 2, 1e-3f, new TorchOptions { KeepsDeviceMemory = asDevice }))
        {
            for (int step = 0; step < 30; step++)
            {
                if (step == 20)
                {
                    found.Keep();
                    expected.Keep();
                }

                Pair.AssertRelative(expected.Step(input, target), found.Step(input, target), 1e-4, $"error {step}");
                Assert.True(module.training);
            }

            found.Predict(input, b);
            expected.Predict(input, a);
            Assert.False(module.training);
            Pair.AssertClose(new(a.Row(0), Rows * 2), new(b.Row(0), Rows * 2), 1e-4, "prediction");
            float[] last = new Span<float>(b.Row(0), Rows * 2).ToArray();
            found.Restore();
            expected.Restore();
            found.Predict(input, b);
            expected.Predict(input, a);
            Pair.AssertClose(new(a.Row(0), Rows * 2), new(b.Row(0), Rows * 2), 1e-4, "prediction of what was kept");
            kept = new Span<float>(b.Row(0), Rows * 2).ToArray();
            Assert.NotEqual(last, kept);
            using TemporaryDirectory temporary = new();
            SafetensorsWriter writer = new();
            found.AddTo(writer, "policy");
            writer.Save(temporary["policy"]);
            using SafetensorsFile file = SafetensorsFile.Open(temporary["policy"]);
            Assert.Equal(
                module.named_parameters().Select(entry => "policy." + entry.name).Order(), file.Tensors.Keys.Order());
            float[] weight = new float[12 * 5];
            file.Read<float>("policy._first.weight", weight);
            Assert.Equal(
                weight, module.named_parameters().First().parameter.detach().contiguous().data<float>().ToArray());
        }

        // The module outlives the policy, with memory of its own.
        using Tensor rows = TorchMemory.Share(memory.Pointer, Rows * 5);
        Pair.AssertClose(
            kept, TorchMemory.Entries(module.call(rows.view(Rows, 5)).detach().contiguous()), 1e-6, "module");
    }

    [TorchFact]
    public void AModuleServesBehaviorCloningFromFitToFile()
    {
        TransitionShape shape = new(3, 2, 1);
        using TransitionBatch data = new(shape, 60) { Count = 60 };
        SacFixture.Fill(data.Observation, 1);
        SacFixture.Fill(data.Task, 2);
        for (int row = 0; row < 60; row++)
        {
            data.Action[2 * row] = MathF.Tanh(data.Observation[3 * row]);
            data.Action[(2 * row) + 1] = MathF.Tanh(data.Task[row]);
        }

        long[] episode = [.. Enumerable.Range(0, 60).Select(row => (long)(row / 6))];
        manual_seed(1);
        using WrappedMlp module = new(4, 16, 2, smooth: true);
        BehaviorCloningOptions options = new() { Batch = 16, LearningRate = 3e-3f, MaxEpochs = 40, Patience = 40 };
        using BehaviorCloning clone = new(
            shape, options,
            (network, chosen) =>
                new TorchCloningPolicy(s_backend, module, network.Inputs, network.Outputs, chosen.LearningRate));
        IReadOnlyList<CloningEpoch> epochs = clone.Fit(data, episode);
        Assert.True(epochs[^1].TrainingLoss < 0.3 * epochs[0].TrainingLoss, $"{epochs[0]}, {epochs[^1]}");
        float[] action = new float[120];
        clone.Act(data.Observation, data.Task, 60, action);
        Assert.True(action.Zip(data.Action.ToArray(), (a, b) => MathF.Abs(a - b)).Average() < 0.25f);
        using TemporaryDirectory temporary = new();
        clone.Save(temporary["policy"]);
        using SafetensorsFile file = SafetensorsFile.Open(temporary["policy"]);
        Assert.Contains("policy._third.weight", file.Tensors.Keys);
        Assert.Contains("action_mean", file.Tensors.Keys);
    }

    [TorchFact]
    public void AModuleThatDoesNotFitIsRefusedInOneSentence()
    {
        AssertRefused(new WrappedMlp(5, 8, 3), "policy module gives [2, 3] for two rows; expected [2, 2]");
        AssertRefused(new WrappedMlp(6, 8, 2), "policy module does not take 5 inputs");
        AssertRefused(nn.Sequential(nn.Linear(5, 2), nn.BatchNorm1d(2)), "has a buffer");
        AssertRefused(nn.Sequential(nn.Tanh()), "has no parameters");

        static void AssertRefused(nn.Module<Tensor, Tensor> module, string expected)
        {
            ArgumentException error = Assert.Throws<ArgumentException>(
                () => new TorchCloningPolicy(s_backend, module, 5, 2, 1e-3f).Dispose());
            Assert.Contains(expected, error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', error.Message);
        }
    }

    private static float[] Parameters(ICloningPolicy policy)
    {
        using TemporaryDirectory temporary = new();
        SafetensorsWriter writer = new();
        policy.AddTo(writer, "policy");
        writer.Save(temporary["policy"]);
        using SafetensorsFile file = SafetensorsFile.Open(temporary["policy"]);
        List<float> values = [];
        foreach ((string name, TensorInfo tensor) in file.Tensors.OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            float[] part = new float[tensor.Shape.Aggregate(1L, (product, size) => product * size)];
            file.Read<float>(name, part);
            values.AddRange(part);
        }

        return [.. values];
    }
}
