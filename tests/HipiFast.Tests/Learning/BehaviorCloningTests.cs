using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Dense;
using HipiFast.Kernels.Networks;
using HipiFast.Kernels.Random;
using HipiFast.Learning;
using HipiFast.Replay;
using HipiFast.Storage;
using HipiFast.Testing;

namespace HipiFast.Tests.Learning;

public sealed class BehaviorCloningTests
{
    private const int Trajectories = 40, Steps = 25;
    private static readonly TransitionShape s_shape = new(3, 2, 2);
    private static readonly KernelBackend s_backend = KernelRegistry.Default.Resolve("managed");
    private static readonly BehaviorCloningOptions s_options = new()
    {
        Hidden = 32,
        Batch = 50,
        LearningRate = 3e-3f,
        MaxEpochs = 40,
    };

    [Fact]
    public void FitLearnsWhatDependsOnTheTask()
    {
        using TransitionBatch data = Demonstrations(out long[] episode);
        using BehaviorCloning clone = Make(s_options), agnostic = Make(s_options with { TaskConditioned = false });
        IReadOnlyList<CloningEpoch> epochs = clone.Fit(data, episode), blind = agnostic.Fit(data, episode);
        Assert.True(epochs.Min(epoch => epoch.ValidationLoss) < 0.05, $"{epochs[^1]}");

        // Half of each action's variance is the task's and cannot be seen.
        Assert.True(blind.Min(epoch => epoch.ValidationLoss) > 0.3, $"{blind[^1]}");
        float[] action = new float[data.Count * 2];
        clone.Act(data.Observation, data.Task, data.Count, action);
        double squares = 0;
        for (int i = 0; i < action.Length; i++)
        {
            Assert.InRange(action[i], -1f, 1f);
            squares += (action[i] - data.Action[i]) * (action[i] - data.Action[i]);
        }

        Assert.True(Math.Sqrt(squares / action.Length) < 0.12, $"{Math.Sqrt(squares / action.Length)}");
    }

    [Fact]
    public void AnEpochAllocatesNothingButItsEntry()
    {
        using TransitionBatch data = Demonstrations(out long[] episode);
        Allocated(1);
        long one = Allocated(1), many = Allocated(s_options.MaxEpochs);

        // A list of entries grows by doubling.
        Assert.InRange(many - one, 0, 2 * 2 * s_options.MaxEpochs * 64);

        long Allocated(int epochs)
        {
            using BehaviorCloning fitted = new(
                s_shape, s_options with { MaxEpochs = epochs }, (_, _) => new ConstantPolicy());
            long before = GC.GetAllocatedBytesForCurrentThread();
            fitted.Fit(data, episode);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }

    [Fact]
    public void FitStopsWhenTheValidationLossHasRisenThreeTimesAndKeepsTheBest()
    {
        using TransitionBatch data = Demonstrations(out long[] episode);
        double[] validation = [5, 4, 3, 3.5, 3.2, 3.3, 3.4, 3.6, 1];
        ScriptedPolicy? policy = null;
        using BehaviorCloning clone = new(
            s_shape, s_options, (shape, options) => policy = new ScriptedPolicy(validation));
        IReadOnlyList<CloningEpoch> epochs = clone.Fit(data, episode);

        // 3.5 is one rise, 3.2 none, then 3.3, 3.4 and 3.6 are three in a row.
        Assert.Equal(8, epochs.Count);
        Assert.All(epochs.Zip(validation), pair => Assert.Equal(pair.Second, pair.First.ValidationLoss, 4));
        Assert.Equal(3f, policy!.Restored);
    }

    [Fact]
    public void FitHoldsWholeTrajectoriesOutAndIsRepeatable()
    {
        using TransitionBatch data = Demonstrations(out long[] episode);
        using BehaviorCloning one = Make(
            s_options with { MaxEpochs = 3 }), two = Make(s_options with { MaxEpochs = 3 });
        Assert.Equal(one.Fit(data, episode), two.Fit(data, episode));
        HashSet<float> fitted = [], held = [];
        using BehaviorCloning spied = new(
            s_shape, s_options with { MaxEpochs = 1 }, (shape, options) => new SpyPolicy(fitted, held));
        spied.Fit(data, episode);

        // Task entry 1 is the trajectory's number.
        Assert.Equal(Trajectories, fitted.Count + held.Count);
        Assert.Equal(4, held.Count);
        Assert.Empty(fitted.Intersect(held));
    }

    [Fact]
    public void StepDescendsTheGradientOfTheMeanSquaredError()
    {
        // Adam's first step is the sign of the gradient times the rate: compare with central differences of the loss.
        MlpShape shape = new(3, 8, 2);
        using CloningPolicy policy = new(s_backend, shape, 5, 1e-3f, 7);
        using MlpParameters before = new(shape), after = new(shape);
        float[] input = Uniforms(15, 1), target = Uniforms(10, 2);
        before.CopyFrom(policy.Network);
        Step(policy, input, target);
        after.CopyFrom(policy.Network);
        int compared = 0;
        for (int layer = 0; layer < 3; layer++)
        {
            for (int row = 0; row < before.LayerInputs(layer); row++)
            {
                for (int column = 0; column < before.LayerOutputs(layer); column++)
                {
                    double gradient = Difference(before, layer, row, column, input, target);
                    if (Math.Abs(gradient) > 1e-3)
                    {
                        float moved = after.WeightRow(layer, row)[column] - before.WeightRow(layer, row)[column];
                        Assert.InRange(moved, gradient > 0 ? -1.01e-3f : 0.99e-3f, gradient > 0 ? -0.99e-3f : 1.01e-3f);
                        compared++;
                    }
                }
            }
        }

        Assert.True(compared > 30, $"{compared}");
    }

    [Fact]
    public void SaveWritesWhatAnotherProgramNeedsToActTheSame()
    {
        using TransitionBatch data = Demonstrations(out long[] episode);
        using BehaviorCloning clone = Make(s_options with { MaxEpochs = 2 });
        clone.Fit(data, episode);
        using TemporaryDirectory temporary = new();
        clone.Save(temporary["policy.safetensors"]);
        using SafetensorsFile file = SafetensorsFile.Open(temporary["policy.safetensors"]);
        float[][] weight = [Read(
            "policy.0.weight", 32 * 5), Read("policy.1.weight", 32 * 32), Read("policy.2.weight", 2 * 32)];
        float[][] bias = [Read("policy.0.bias", 32), Read("policy.1.bias", 32), Read("policy.2.bias", 2)];
        float[] mean = Read("observation_mean", 3), deviation = Read("observation_deviation", 3);
        float[] actionMean = Read("action_mean", 2), actionDeviation = Read("action_deviation", 2);
        double[] x = [.. Enumerable.Range(0, 3).Select(
            i => ((double)data.Observation[i] - mean[i]) / deviation[i]), data.Task[0], data.Task[1]];
        for (int layer = 0; layer < 3; layer++)
        {
            double[] y = new double[bias[layer].Length];
            for (int o = 0; o < y.Length; o++)
            {
                y[o] = bias[layer][o] + x.Select((value, i) => value * weight[layer][(o * x.Length) + i]).Sum();
                y[o] = layer < 2 ? Math.Max(0, y[o]) : y[o];
            }

            x = y;
        }

        float[] action = new float[2];
        clone.Act(data.Observation[..3], data.Task[..2], 1, action);
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal(Math.Clamp(actionMean[i] + (actionDeviation[i] * x[i]), -1, 1), action[i], 4);
        }

        float[] Read(string name, int length)
        {
            float[] values = new float[length];
            file.Read<float>(name, values);
            return values;
        }
    }

    [Fact]
    public void BadInputIsRefused()
    {
        using TransitionBatch data = Demonstrations(out long[] episode);
        using BehaviorCloning clone = Make(s_options);
        Assert.Contains("2 x 3", Assert.Throws<ArgumentException>(
            () => clone.Act(new float[5], new float[4], 2, new float[4])).Message);
        Assert.Contains(
            "episode numbers", Assert.Throws<ArgumentException>(() => clone.Fit(data, episode.AsSpan(1))).Message);
        Assert.Contains(
            "found 1", Assert.Throws<ArgumentException>(() => clone.Fit(data, new long[data.Count])).Message);
        using TransitionBatch other = new(new TransitionShape(4, 2, 2), 1);
        Assert.Contains("made for", Assert.Throws<ArgumentException>(() => clone.Fit(other, [])).Message);
        Assert.Contains(
            "Patience", Assert.Throws<ArgumentException>(() => Make(s_options with { Patience = 0 })).Message);
        Assert.Contains("ValidationShare", Assert.Throws<ArgumentException>(
            () => Make(s_options with { ValidationShare = 1 })).Message);
    }

    private static BehaviorCloning Make(BehaviorCloningOptions options) => new(s_shape, options, (shape, chosen) =>
        new CloningPolicy(s_backend, shape, chosen.Batch, chosen.LearningRate, chosen.Seed));

    /// <summary>
    /// a = 0.4 (s0, s1) + 0.4 (task, -task), with task +1 or -1 for a whole trajectory and a third, constant entry of
    /// the state.
    /// </summary>
    private static TransitionBatch Demonstrations(out long[] episode)
    {
        TransitionBatch batch = new(s_shape, Trajectories * Steps) { Count = Trajectories * Steps };
        episode = new long[batch.Count];
        float[] numbers = Uniforms(batch.Count * 2, 3);
        for (int row = 0; row < batch.Count; row++)
        {
            int trajectory = row / Steps;
            float task = trajectory % 2 == 0 ? 1 : -1;
            episode[row] = trajectory;
            batch.Observation[3 * row] = numbers[2 * row];
            batch.Observation[(3 * row) + 1] = numbers[(2 * row) + 1];
            batch.Observation[(3 * row) + 2] = 5;
            batch.Task[2 * row] = task;
            batch.Task[(2 * row) + 1] = trajectory / 100f;
            batch.Action[2 * row] = 0.4f * (numbers[2 * row] + task);
            batch.Action[(2 * row) + 1] = 0.4f * (numbers[(2 * row) + 1] - task);
        }

        return batch;
    }

    private static float[] Uniforms(int count, uint stream) =>
        [.. Enumerable.Range(0, count)
            .Select(
                i =>
                    (2 * Philox.ToUniform(Philox.Next((uint)i, 0, stream, (uint)RandomPurpose.SyntheticData, 5).X))
                        - 1)];

    private static unsafe void Step(CloningPolicy policy, float[] input, float[] target)
    {
        fixed (float* x = input, y = target)
        {
            policy.Step(new MatrixView((nint)x, 5, 3, 3), new MatrixView((nint)y, 5, 2, 2));
        }
    }

    private static double Difference(
        MlpParameters network, int layer, int row, int column, float[] input, float[] target)
    {
        const float Half = 1e-3f;
        float value = network.WeightRow(layer, row)[column];
        network.WeightRow(layer, row)[column] = value + Half;
        double above = Loss(network, input, target);
        network.WeightRow(layer, row)[column] = value - Half;
        double below = Loss(network, input, target);
        network.WeightRow(layer, row)[column] = value;
        return (above - below) / (2 * Half);
    }

    private static double Loss(MlpParameters network, float[] input, float[] target)
    {
        double squares = 0;
        for (int sample = 0; sample < 5; sample++)
        {
            double[] x = [input[3 * sample], input[(3 * sample) + 1], input[(3 * sample) + 2]];
            for (int layer = 0; layer < 3; layer++)
            {
                double[] y = [.. network.Bias(layer).ToArray().Select(bias => (double)bias)];
                for (int i = 0; i < x.Length; i++)
                {
                    for (int o = 0; o < y.Length; o++)
                    {
                        y[o] += x[i] * network.WeightRow(layer, i)[o];
                    }
                }

                x = layer < 2 ? [.. y.Select(entry => Math.Max(0, entry))] : y;
            }

            squares += ((x[0] - target[2 * sample]) * (x[0] - target[2 * sample]))
                + ((x[1] - target[(2 * sample) + 1]) * (x[1] - target[(2 * sample) + 1]));
        }

        return squares / 10;
    }

    /// <summary>Predicts 0, learns nothing and allocates nothing.</summary>
    private sealed unsafe class ConstantPolicy : ICloningPolicy
    {
        public double Step(in MatrixView input, in MatrixView target) => 1;

        public void Predict(in MatrixView input, in MatrixView output)
        {
            for (int row = 0; row < output.Rows; row++)
            {
                new Span<float>(output.Row(row), output.Columns).Clear();
            }
        }

        public void Keep()
        {
        }

        public void Restore()
        {
        }

        public void AddTo(SafetensorsWriter writer, string name)
        {
        }

        public void Dispose()
        {
        }
    }

    /// <summary>
    /// Predicts what makes the validation losses of a script; its only parameter that changes is the loss of the epoch
    /// under way.
    /// </summary>
    private sealed unsafe class ScriptedPolicy(double[] validation) : ICloningPolicy
    {
        private int _predictions = -1;
        private float _kept;

        public float Restored { get; private set; }

        // 100 held-out rows make two predictions an epoch.
        private double Loss => validation[_predictions / 2];

        public double Step(in MatrixView input, in MatrixView target) => 1;

        public void Predict(in MatrixView input, in MatrixView output)
        {
            _predictions++;
            for (int row = 0; row < output.Rows; row++)
            {
                for (int i = 0; i < output.Columns; i++)
                {
                    output.Row(row)[i] += (float)Math.Sqrt(Loss);
                }
            }
        }

        public void Keep() => _kept = _predictions < 0 ? 0 : (float)Loss;

        public void Restore() => Restored = _kept;

        public void AddTo(SafetensorsWriter writer, string name)
        {
        }

        public void Dispose()
        {
        }
    }

    /// <summary>Notes which trajectories it is fitted to and which it is asked about.</summary>
    private sealed unsafe class SpyPolicy(HashSet<float> fitted, HashSet<float> held) : ICloningPolicy
    {
        public double Step(in MatrixView input, in MatrixView target)
        {
            Note(input, fitted);
            return 1;
        }

        public void Predict(in MatrixView input, in MatrixView output) => Note(input, held);

        public void Keep()
        {
        }

        public void Restore()
        {
        }

        public void AddTo(SafetensorsWriter writer, string name)
        {
        }

        public void Dispose()
        {
        }

        private static void Note(in MatrixView input, HashSet<float> trajectories)
        {
            for (int row = 0; row < input.Rows; row++)
            {
                trajectories.Add(input.Row(row)[4]);
            }
        }
    }
}
