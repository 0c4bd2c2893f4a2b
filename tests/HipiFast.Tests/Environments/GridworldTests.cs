using HipiFast.Environments;

namespace HipiFast.Tests.Environments;

public sealed class GridworldTests
{
    [Fact]
    public void MovesGoToNeighboursAndStayAtTheEdge()
    {
        const int side = Gridworld.Side, middle = (3 * side) + 3;
        Assert.Equal(middle, Gridworld.Move(middle, 0));
        Assert.Equal(middle - 1, Gridworld.Move(middle, 1));
        Assert.Equal(middle + 1, Gridworld.Move(middle, 2));
        Assert.Equal(middle - side, Gridworld.Move(middle, 3));
        Assert.Equal(middle + side, Gridworld.Move(middle, 4));
        Assert.Equal(0, Gridworld.Move(0, 1));
        Assert.Equal(0, Gridworld.Move(0, 3));
        Assert.Equal(Gridworld.CellCount - 1, Gridworld.Move(Gridworld.CellCount - 1, 2));
        Assert.Equal(Gridworld.CellCount - 1, Gridworld.Move(Gridworld.CellCount - 1, 4));
    }

    [Theory]
    [InlineData(0f, 0f, 0)]
    [InlineData(0.4f, -0.4f, 0)]
    [InlineData(0.6f, 0.5f, 1)]
    [InlineData(0.6f, -0.6f, 1)]
    [InlineData(0.2f, 0.9f, Gridworld.Side)]
    [InlineData(-0.9f, 0.8f, 0)]
    public void TheLargerEntryOfTheActionDecides(float x, float y, int expectedCell)
    {
        using VectorEnvironment environment = EnvironmentRegistry.Create("gridworld", 1);
        environment.Reset(0);
        environment.Step([x, y], out StepResult result);
        float[] expected = new float[2];
        Gridworld.WriteCell(expectedCell, expected);
        Assert.Equal(expected, result.NextObservation.ToArray());
    }

    [Fact]
    public void ReachingTheGoalTerminatesWithTheNextStep()
    {
        using VectorEnvironment environment = EnvironmentRegistry.Create("gridworld", 1);
        environment.Reset(3);
        float[] goal = environment.Task.ToArray(), action = new float[2];
        int steps = 0;
        while (true)
        {
            // Along x first, then along y.
            bool atGoal = environment.Observation.SequenceEqual(goal);
            float dx = goal[0] - environment.Observation[0], dy = goal[1] - environment.Observation[1];
            Gridworld.WriteAction(dx > 0.1f ? 2 : dy > 0.1f ? 4 : 0, action);
            environment.Step(action, out StepResult result);
            Assert.Equal(atGoal, result.Terminated[0] != 0);
            Assert.Equal(atGoal ? 0f : -1f, result.Reward[0]);
            if (atGoal)
            {
                break;
            }

            Assert.True(++steps <= 2 * Gridworld.Side, "the goal was never reached");
        }
    }

    [Fact]
    public void EveryCellButTheStartIsAGoalAndNoiseIsRefused()
    {
        using VectorEnvironment environment = EnvironmentRegistry.Create("gridworld", 2000);
        environment.Reset(1);
        HashSet<(float X, float Y)> goals = [];
        for (int copy = 0; copy < 2000; copy++)
        {
            goals.Add((environment.Task[2 * copy], environment.Task[(2 * copy) + 1]));
        }

        Assert.Equal(Gridworld.CellCount - 1, goals.Count);
        Assert.DoesNotContain((-1f, -1f), goals);
        foreach (string name in new[] { "gridworld", "gridworld-discrete" })
        {
            Assert.Throws<ArgumentException>(
                () => EnvironmentRegistry.Create(name, 1, new EnvironmentSettings { ActionNoise = 0.1f }));
        }
    }

    // Task k stands for cell k + 1: a step from that cell ends the episode under task k and under no other.
    [Fact]
    public void DiscreteTasksAreTheCellsButTheStart()
    {
        const int tasks = Gridworld.CellCount - 1;
        using VectorEnvironment environment = EnvironmentRegistry.Create("gridworld-discrete", 1);
        Assert.Equal(tasks, environment.Shape.TaskDimension);
        Assert.False(environment.Family.HasAchievedTask);
        float[] all = environment.FixedTasks.ToArray();
        Assert.Equal(tasks * tasks, all.Length);
        float[] state = new float[2], action = new float[2], reward = new float[1];
        byte[] terminated = new byte[1];
        for (int cell = 0; cell < Gridworld.CellCount; cell++)
        {
            Gridworld.WriteCell(cell, state);
            for (int k = 0; k < tasks; k++)
            {
                ReadOnlySpan<float> task = all.AsSpan(k * tasks, tasks);
                environment.Family.EvaluateRows(new(state, action, state, rows: 1), task, reward, terminated);
                Assert.Equal(cell == k + 1, terminated[0] != 0);
                Assert.Equal(cell == k + 1 ? 0f : -1f, reward[0]);
            }
        }
    }
}
