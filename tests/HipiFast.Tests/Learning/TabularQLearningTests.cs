using HipiFast.Learning;

namespace HipiFast.Tests.Learning;

public sealed class TabularQLearningTests
{
    // A corridor 0 - 1 - 2 - 3; action 1 goes right, action 0 left; task 0 ends with the step out of 3.
    private static readonly TabularTransition[] s_corridor =
    [
        new(0, 1, 1, 0, -1f, false), new(1, 1, 2, 0, -1f, false), new(2, 1, 3, 0, -1f, false),
        new(3, 1, 3, 0, 0f, true),
        new(1, 0, 0, 0, -1f, false), new(2, 0, 1, 0, -1f, false),
    ];

    [Fact]
    public void HardValuesAreTheDiscountedDistances()
    {
        using TabularQLearning learner = new(4, 2, 2, gamma: 0.9f);
        learner.Fit(s_corridor);
        Assert.Equal(0f, learner.Value(3, 0), 1e-4f);
        Assert.Equal(-1f, learner.Value(2, 0), 1e-4f);
        Assert.Equal(-1.9f, learner.Value(1, 0), 1e-4f);
        Assert.Equal(-2.71f, learner.Value(0, 0), 1e-4f);
        Assert.Equal(-1f - (0.9f * 2.71f), learner.Q(1, 0, 0), 1e-4f);
        Assert.Equal(1, learner.GreedyAction(1, 0));

        // Never tried: the value of never being done.
        Assert.Equal(-10f, learner.Q(0, 0, 0), 1e-4f);
        Assert.Equal(-10f, learner.Value(2, 1), 1e-4f);
        Assert.Equal(-1, learner.GreedyAction(2, 1));
    }

    [Fact]
    public void SoftValuesSolveTheSoftBellmanEquation()
    {
        const float gamma = 0.95f, temperature = 0.5f;
        using TabularQLearning learner = new(4, 2, 1, gamma, temperature);
        int sweeps = learner.Fit(s_corridor, tolerance: 1e-6f);
        Assert.InRange(sweeps, 2, 9999);
        foreach (TabularTransition step in s_corridor)
        {
            double next = 0;
            if (!step.Terminated)
            {
                double sum = 0;
                foreach (int action in step.NextState is 0 or 3 ? new[] { 1 } : [0, 1])
                {
                    sum += Math.Exp(learner.Q(step.NextState, action, 0) / (double)temperature);
                }

                next = temperature * Math.Log(sum);
            }

            Assert.Equal(step.Reward + (gamma * next), learner.Q(step.State, step.Action, 0), 1e-4);
        }
    }

    [Fact]
    public void SmallerLearningRatesReachTheSameValues()
    {
        using TabularQLearning learner = new(4, 2, 1, gamma: 0.9f);
        learner.Fit(s_corridor, tolerance: 1e-6f, learningRate: 0.3f);
        Assert.Equal(-2.71f, learner.Value(0, 0), 1e-3f);
    }

    [Fact]
    public void StepsOutOfRangeAreRefused()
    {
        using TabularQLearning learner = new(4, 2, 1);
        ArgumentException exception = Assert.Throws<ArgumentException>(
            () => learner.Fit([s_corridor[0], new(4, 0, 0, 0, 0f, false)]));
        Assert.Contains("Step 1", exception.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => learner.Fit([new(0, 0, 0, 1, 0f, false)]));
        Assert.Throws<ArgumentException>(() => learner.Fit([new(0, 0, 0, 0, float.NaN, false)]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new TabularQLearning(4, 2, 1, gamma: 1f));
        Assert.Throws<ArgumentOutOfRangeException>(() => learner.Fit(s_corridor, learningRate: 0f));
    }
}
