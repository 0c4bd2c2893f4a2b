using HipiFast.Learning;
using HipiFast.Replay;
using HipiFast.Storage;
using HipiFast.Testing;

namespace HipiFast.Tests.Learning;

public sealed class SacLearnerTests
{
    private static readonly TransitionShape s_shape = new(4, 2, 2);

    [Theory]
    [InlineData(64, 70)] // threads, actor in one part
    [InlineData(128, 150)] // threads, actor in two parts
    public void ThreadsDoNotChangeABit(int hidden, int rows)
    {
        using SacFixture one = new(
            s_shape, hidden, rows, maxThreads: 1), two = new(s_shape, hidden, rows, maxThreads: 2);
        for (int update = 0; update < 20; update++)
        {
            Assert.Equal(one.Learner.Update(one.Batch, 0, rows), two.Learner.Update(two.Batch, 0, rows));
        }

        Assert.Equal(one.State(), two.State());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ContinuingFromACheckpointIsNotHavingStopped(bool twin)
    {
        using TemporaryDirectory directory = new();
        string path = directory["state.safetensors"];
        using SacFixture first = new(s_shape, 12, 9, twin: twin), second = new(s_shape, 12, 9, twin: twin);
        Train(first, 7);
        SafetensorsWriter writer = new();
        first.Learner.SaveState(writer, "agent.");
        writer.Save(path);
        using (SafetensorsFile file = SafetensorsFile.Open(path))
        {
            Train(second, 3);
            second.Learner.LoadState(file, "agent.");
            Assert.Throws<InvalidDataException>(() => second.Learner.LoadState(file, "other."));
        }

        Assert.Equal(7, second.Learner.UpdateCount);
        Assert.Equal(first.State(), second.State());
        Train(first, 10);
        Train(second, 10);
        Assert.Equal(first.State(), second.State());

        static void Train(SacFixture fixture, int updates)
        {
            for (int i = 0; i < updates; i++)
            {
                fixture.Learner.Update(fixture.Batch, 0, 9);
            }
        }
    }

    [Fact]
    public void CriticsFindTheValueOfAOneStepProblem()
    {
        // Every transition ends its episode, so Q(s, a, psi) is the reward: here a plane in state, action and task.
        using SacFixture fixture = new(s_shape, 32, 64, new SacOptions { LearningRate = 3e-3f });
        TransitionBatch batch = fixture.Batch;
        batch.Terminated.Fill(1);
        for (int row = 0; row < 64; row++)
        {
            batch.Reward[row] = 0.5f + (0.4f * batch.Observation[4 * row]) - batch.Action[2 * row]
                + (0.3f * batch.Task[(2 * row) + 1]);
        }

        float start = fixture.Learner.Update(batch, 0, 64).CriticLoss;
        SacLosses losses = default;
        for (int update = 0; update < 1500; update++)
        {
            losses = fixture.Learner.Update(batch, 0, 64);
        }

        Assert.True(start > 0.3f, $"{start}");
        Assert.True(losses.CriticLoss < 1e-3f, $"{losses}");
        Assert.Equal(batch.Reward.ToArray().Average(), losses.MeanQ, 0.05);
    }

    [Fact]
    public void TheActorMovesToTheBetterAction()
    {
        // Reward is highest at action 0.5; the mean action must come to lie there, and alpha steers the entropy to its
        // target.
        TransitionShape shape = new(1, 1, 1);
        using SacFixture fixture = new(shape, 32, 64, new SacOptions { LearningRate = 3e-3f });
        TransitionBatch batch = fixture.Batch;
        batch.Terminated.Fill(1);
        float[] action = new float[64];
        for (int row = 0; row < 64; row++)
        {
            batch.Reward[row] = -10f * MathF.Pow(batch.Action[row] - 0.5f, 2);
        }

        SacLosses losses = default;
        for (int update = 0; update < 3000; update++)
        {
            losses = fixture.Learner.Update(batch, 0, 64);
        }

        fixture.Learner.Act(batch.Observation, batch.Task, 64, true, 0, 0, action);
        Assert.InRange(action.Average(), 0.4f, 0.6f);
        Assert.InRange(losses.Entropy, -1.4f, -0.6f);
    }

    [Fact]
    public void BadValuesInABatchAreNamedAndChangeNothing()
    {
        using SacFixture fixture = new(s_shape, 8, 10);
        float[] before = fixture.State();
        Expect("Observation of row 7, column 2 is NaN", batch => batch.Observation[(7 * 4) + 2] = float.NaN);
        Expect("Next observation of row 3, column 0", batch => batch.NextObservation[3 * 4] = float.NegativeInfinity);
        Expect("Reward of row 2, column 0 is NaN", batch => batch.Reward[2] = float.NaN);
        Expect("Task of row 9, column 1", batch => batch.Task[(9 * 2) + 1] = float.PositiveInfinity);
        Expect("Action of row 4, column 0", batch => batch.Action[4 * 2] = float.NaN);
        Assert.Equal(before, fixture.State());
        Assert.Equal(0, fixture.Learner.UpdateCount);

        // A bad row outside the rows of the update is no concern of it.
        fixture.Batch.Reward[0] = float.NaN;
        fixture.Learner.Update(fixture.Batch, 1, 9);

        // A finite batch whose loss overflows is refused too.
        fixture.Batch.Reward[1] = float.MaxValue;
        float[] after = fixture.State();
        Assert.Contains("critic loss", Assert.Throws<InvalidDataException>(
            () => fixture.Learner.Update(fixture.Batch, 1, 9)).Message);
        Assert.Equal(after, fixture.State());

        void Expect(string message, Action<TransitionBatch> spoil)
        {
            using SacFixture source = new(s_shape, 8, 10);
            spoil(source.Batch);
            Assert.Contains(message, Assert.Throws<InvalidDataException>(
                () => fixture.Learner.Update(source.Batch, 0, 10)).Message);
        }
    }

    [Fact]
    public void BadArgumentsAreRefused()
    {
        using SacFixture fixture = new(s_shape, 8, 10), other = new(new TransitionShape(4, 2, 3), 8, 10);
        Assert.Throws<ArgumentException>(() => fixture.Learner.Update(fixture.Batch, 1, 10));
        Assert.Throws<ArgumentException>(() => fixture.Learner.Update(fixture.Batch, 0, 0));
        Assert.Throws<ArgumentException>(() => fixture.Learner.Update(other.Batch, 0, 10));
        Assert.Throws<ArgumentException>(
            () => fixture.Learner.Act(new float[4], new float[2], 1, true, 0, 0, new float[3]));
        Assert.Throws<ArgumentException>(() => new SacOptions { Gamma = 1.5f }.Validate());
        Assert.Throws<ArgumentException>(() => new SacOptions { LearningRate = float.NaN }.Validate());
        Assert.Throws<ArgumentException>(() => new SacOptions { FixedAlpha = -1f }.Validate());
    }

    [Fact]
    public void SampledActionsHaveThePolicySDistribution()
    {
        using SacFixture fixture = new(s_shape, 8, 10);
        const int Rows = 20_000;
        float[] observation = new float[Rows * 4], task = new float[Rows * 2], action = new float[Rows * 2],
            mean = new float[2];
        fixture.Networks.Actor.Bias(2)[0] = 0.3f;
        fixture.Networks.Actor.Bias(2)[2] = -0.5f;
        fixture.Learner.Act(observation, task, Rows, false, 7, 3, action);
        fixture.Learner.Act(observation.AsSpan(0, 4), task.AsSpan(0, 2), 1, true, 7, 3, mean);
        double[] x = [.. Enumerable.Range(0, Rows).Select(row => Math.Atanh(action[2 * row]))];
        double center = Math.Atanh(mean[0]), std = Math.Sqrt(x.Average(value => Math.Pow(value - center, 2)));
        fixture.Networks.Actor.Bias(2)[2] += 1f;
        fixture.Learner.Act(observation, task, Rows, false, 7, 3, action);
        double wider = Math.Sqrt(
            Enumerable.Range(0, Rows).Average(row => Math.Pow(Math.Atanh(action[2 * row]) - center, 2)));

        // Standard errors: std / sqrt(20000) of the mean, 0.5 % of a standard deviation.
        Assert.Equal(center, x.Average(), 4 * std / Math.Sqrt(Rows));
        Assert.Equal(Math.E, wider / std, 0.001);
        Assert.InRange(x.Count(value => Math.Abs(value - center) < std) / (double)Rows, 0.67, 0.695);

        // Row r draws the same in any batch; another call or seed draws otherwise.
        float[] again = new float[10];
        fixture.Learner.Act(observation.AsSpan(0, 20), task.AsSpan(0, 10), 5, false, 7, 3, again);
        Assert.Equal(action.AsSpan(0, 10).ToArray(), again);
        fixture.Learner.Act(observation.AsSpan(0, 20), task.AsSpan(0, 10), 5, false, 7, 4, again);
        Assert.NotEqual(action.AsSpan(0, 10).ToArray(), again);
    }
}
