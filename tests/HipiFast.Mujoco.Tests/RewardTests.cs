using HipiFast.Environments;
using HipiFast.Kernels.Random;
using HipiFast.Mujoco.Environments;
using HipiFast.Mujoco.Simulation;

namespace HipiFast.Mujoco.Tests;

/// <summary>Tasks are drawn from where they should be, and hand-made states are judged as by hand.</summary>
public sealed class RewardTests
{
    [PhysicsTheory]
    [InlineData("quadruped", new[] { -1f, -1f }, new[] { 1f, 1f }, 1f, 1f)]
    [InlineData("quadruped-dense", new[] { -1f, -1f }, new[] { 1f, 1f }, 1f, 1f)]
    [InlineData("quadruped-linear", new[] { -1f, -1f, -0.1f }, new[] { 1f, 1f, -0.1f }, 1f, 1f)]
    [InlineData("finger", new[] { -1f, -1f }, new[] { 1f, 1f }, 1f, 1f)]
    [InlineData("reacher", new[] { -0.834f, -0.834f }, new[] { 0.834f, 0.834f }, 0.208f, 0.834f)]
    [InlineData("sawyer", new[] { -0.2f, 0.2f, -0.4f }, new[] { 0.2f, 0.4f, 0.1f }, 0f, 9f)]
    [InlineData("sawyer-margin", new[] { -0.2f, 0.2f, -0.4f, 0.02f }, new[] { 0.2f, 0.4f, 0.1f, 0.2f }, 0f, 9f)]
    [InlineData("jaco", new[] { -0.3f, -0.6f, -0.4f }, new[] { 0.4f, 0.6f, 0.4f }, 0f, 9f)]
    [InlineData("walker", new[] { -1f, -1f, -1f, -1f, -1f, -1f, -1f }, new[] { 1f, 1f, 1f, 1f, 1f, 1f, 0f }, 0f, 9f)]
    [InlineData("cheetah", new[] { 0f }, new[] { 1f }, 0f, 9f)]
    public void TasksFillTheirRangeAndNoMore(
        string name, float[] low, float[] high, float leastRadius, float largestRadius)
    {
        using VectorEnvironment environment = Physics.Create(name);
        float[] task = new float[low.Length], least = [.. high], largest = [.. low];
        for (uint draw = 0; draw < 2000; draw++)
        {
            environment.TaskDistribution.Sample(task, 5, draw, 0, RandomPurpose.EnvironmentTask);
            for (int i = 0; i < task.Length; i++)
            {
                Assert.InRange(task[i], low[i] - 1e-5f, high[i] + 1e-5f);
                (least[i], largest[i]) = (Math.Min(least[i], task[i]), Math.Max(largest[i], task[i]));
            }

            float radius = task.Length > 1 ? MathF.Sqrt((task[0] * task[0]) + (task[1] * task[1])) : 1f;
            Assert.InRange(radius, leastRadius - 1e-5f, largestRadius + 1e-5f);
        }

        for (int i = 0; i < low.Length; i++)
        {
            Assert.Equal(low[i], least[i], 0.03f);
            Assert.Equal(high[i], largest[i], 0.03f);
        }
    }

    [PhysicsFact]
    public void TheReachersGoalIsAPlaceOfTheFingertip()
    {
        using MujocoEnvironment environment = Physics.Create("reacher");
        float[] observation = environment.ObservationIn(
            moved => (moved.PartsOf(0).Positions[0], moved.PartsOf(0).Positions[1]) = (0, Math.PI / 2));
        Assert.Equal([1f, 0f, 0f, 1f, 0f, 0f, 0.5f, 0.5f, 0f], observation.Select(value => MathF.Round(value, 5)));

        // The fingertip is at (0.12, 0.12) m; the margin is 0.05 m.
        Assert.Equal((0f, true), Physics.Judge(environment, observation, [(0.12f + 0.049f) / 0.24f, 0.5f]));
        Assert.Equal((-1f, false), Physics.Judge(environment, observation, [(0.12f + 0.051f) / 0.24f, 0.5f]));
    }

    [PhysicsFact]
    public void TheFingersGoalIsAPlaceOfTheKnobsTip()
    {
        using MujocoEnvironment environment = Physics.Create("finger");
        float[] observation = environment.ObservationIn(moved => moved.PartsOf(0).Positions[2] = Math.PI / 2);

        // Turned by a quarter the tip, 0.13 m above the hinge at first, lies beside it.
        Assert.Equal(1f, MathF.Abs(observation[2]), 1e-5f);
        Assert.Equal(0f, observation[3], 1e-5f);
        float side = observation[2];

        // Margin 0.1 m on a circle of 0.13 m: an angle of 2 asin(0.05 / 0.13) = 0.7898.
        Assert.Equal((0f, true), Physics.Judge(environment, observation, [side * MathF.Cos(0.78f), MathF.Sin(0.78f)]));
        Assert.Equal(
            (-1f, false), Physics.Judge(environment, observation, [side * MathF.Cos(0.80f), MathF.Sin(0.80f)]));
    }

    [PhysicsFact]
    public void TheQuadrupedsGoalsAreThreeMetresAway()
    {
        using MujocoEnvironment goal = Physics.Create("quadruped"), dense = Physics.Create("quadruped-dense");
        using MujocoEnvironment linear = Physics.Create("quadruped-linear");
        float[] observation = goal.ObservationIn(moved =>
        {
            MujocoState state = moved.PartsOf(0);
            (state.Positions[0], state.Positions[1]) = (1.5, -0.6);
            (state.Velocities[0], state.Velocities[1]) = (0.7, 0.2);
        });
        Assert.Equal(0.5f, observation[0], 1e-6f);
        Assert.Equal(-0.2f, observation[1], 1e-6f);
        Assert.Equal((-1f, false), Physics.Judge(goal, observation, [1f, 0f]));
        Assert.Equal((0f, true), Physics.Judge(goal, observation, [0.82f, -0.2f]));
        float[] action = [1f, -1f, 0f, 0f, 0f, 0f, 0f, 0f, 0f, 0f, 0f, 0.5f];

        // 3 - |(3, 0) - (1.5, -0.6)| - 0.1 * 2.25 + 1.
        (float reward, bool terminated) = Physics.Judge(dense, observation, [1f, 0f], action);
        Assert.Equal(3 - Math.Sqrt((1.5 * 1.5) + (0.6 * 0.6)) - 0.225 + 1, reward, 1e-5);
        Assert.False(terminated);
        (reward, terminated) = Physics.Judge(linear, observation, [0.6f, 0.8f, -0.1f], action);
        Assert.Equal((0.6 * 0.7) + (0.8 * 0.2) - 0.225, reward, 1e-5);
        Assert.False(terminated);
    }

    [PhysicsFact]
    public void TheSawyersMarginIsPartOfTheTask()
    {
        using MujocoEnvironment fixedMargin = Physics.Create("sawyer"), margin = Physics.Create("sawyer-margin");
        fixedMargin.Reset(1);
        float[] observation = fixedMargin.Observation.ToArray();

        // The hand is at (0, 0.6, 0.2) m, emitted relative to (0, 0.7, 0.25) m in half metres.
        Assert.Equal((0f, true), Physics.Judge(fixedMargin, observation, [0.09f, -0.2f, -0.1f]));
        Assert.Equal((-1f, false), Physics.Judge(fixedMargin, observation, [0.11f, -0.2f, -0.1f]));
        Assert.Equal((0f, true), Physics.Judge(margin, observation, [0.11f, -0.2f, -0.1f, 0.12f]));
        Assert.Equal((-1f, false), Physics.Judge(margin, observation, [0.11f, -0.2f, -0.1f, 0.1f]));
    }

    [PhysicsFact]
    public void TheWalkersFeaturesAreThoseOfThePaper()
    {
        using MujocoEnvironment environment = Physics.Create("walker");
        float[] observation = environment.ObservationIn(moved =>
        {
            MujocoState state = moved.PartsOf(0);
            state.Positions[1] = 0.2;
            (state.Velocities[0], state.Velocities[1]) = (1.25, -3);
        });

        // 0.2 m above its stand of 1.3 m, and moving as a whole.
        Assert.Equal(1f, observation[23], 1e-5f);
        Assert.Equal(1.25f, observation[24], 1e-5f);

        // Straight legs: both feet's joints lie 1.25 m below the torso, a little behind the centre of mass, which the
        // feet pull forwards.
        Assert.Equal(observation[25], observation[27], 1e-6f);
        Assert.Equal(observation[26], observation[28], 1e-6f);
        Assert.InRange(observation[25], -0.05f, 0f);
        Assert.InRange(observation[26], -0.3f, 0f);

        // The right hip bent by 0.4 rad swings the right foot, 0.95 m below it, forwards and up; the left one hangs
        // where it was under the torso.
        float[] bent = environment.ObservationIn(moved => moved.PartsOf(0).Positions[6] = 0.4);
        Assert.Equal(0.95 * Math.Sin(0.4), bent[27] - bent[25], 1e-5);
        Assert.Equal(0.95 * (1 - Math.Cos(0.4)), bent[28] - bent[26], 1e-5);
        float[] action = [1f, 0f, 0f, 0f, 0f, -1f], task = [0.5f, -1f, 0f, 0f, 0f, 0f, -0.25f];
        Assert.Equal(0.5f - 1.25f - 0.5f, Physics.Judge(environment, observation, task, action).Reward, 1e-5f);
        Assert.Equal(observation[25], Physics.Judge(environment, observation, [0f, 0f, 1f, 0f, 0f, 0f, 0f]).Reward);
    }

    [PhysicsFact]
    public void TheCheetahsRewardIsInMetresPerSecond()
    {
        using MujocoEnvironment environment = Physics.Create("cheetah");
        float[] observation = environment.ObservationIn(moved => moved.PartsOf(0).Velocities[0] = 2.1);

        // -|2.1 - 1.5| - 0.05 * 1.25.
        (float reward, bool terminated) = Physics.Judge(environment, observation, [0.5f], [1f, 0f, 0.5f, 0f, 0f, 0f]);
        Assert.Equal(-0.6 - 0.0625, reward, 1e-5);
        Assert.False(terminated);
    }

    [PhysicsFact]
    public void EveryTaskOfTheDeskCanBeDone()
    {
        // Velocities along x, y, z and about z, and the fingers (1 open, -1 closed), each for a number of steps of
        // 0.032 s.
        (float[] Action, int Steps)[] grip = [([0f, 0f, 0f, 0f, 1f], 8), (
            [0f, 0f, -1f, 0f, 1f], 9), ([0f, 0f, 0f, 0f, -1f], 12)];
        (float[] Action, int Steps)[] left = [.. grip, (
            [-0.4f, 0f, 0f, 0f, -1f], 25)], right = [.. grip, ([0.4f, 0f, 0f, 0f, -1f], 25)];
        (float[] Action, int Steps)[][] plans =
        [
            Press(-0.25f, 0.17f), Press(0f, 0.19f), Press(0.25f, 0.17f),
            [.. grip, ([0f, 0f, 0.7f, 0f, -1f], 20)],
            left, right,
            [.. grip, ([0f, 0.5f, 0f, 0f, -1f], 20)],
            [.. grip, ([0f, 0f, 0.1f, 0.5f, -1f], 30)],
            [.. grip, ([0f, 0f, 0.1f, -0.5f, -1f], 30)],
        ];
        Assert.Equal(Desk.TaskNames.Length, plans.Length);
        using MujocoEnvironment environment = Physics.Create("desk");
        for (int task = 0; task < plans.Length; task++)
        {
            environment.Reset(1);
            float[] oneHot = environment.FixedTasks.Slice(9 * task, 9).ToArray();
            Assert.All(Enumerable.Range(0, 9), other => Assert.Equal(
                (0f, false),
                Physics.Judge(
                    environment, environment.Observation.ToArray(),
                    environment.FixedTasks.Slice(9 * other, 9).ToArray())));
            foreach ((float[] action, int steps) in plans[task])
            {
                for (int step = 0; step < steps; step++)
                {
                    environment.Step(action, out _);
                }
            }

            float[] state = environment.Observation.ToArray();
            Assert.True(
                Physics.Judge(environment, state, oneHot) == (1f, false),
                $"{Desk.TaskNames[task]}: {string.Join(' ', state.Select(value => value.ToString("0.00")))}");

            // A button's task is nobody else's.
            Assert.All(Enumerable.Range(0, 3).Where(other => other != task), other => Assert.Equal(
                0f, Physics.Judge(environment, state, environment.FixedTasks.Slice(9 * other, 9).ToArray()).Reward));
        }

        static (float[] Action, int Steps)[] Press(float x, float y) =>
            [([x / 0.64f, (y + 0.02f) / 0.64f, 0f, 0f, -1f], 40), ([0f, 0f, -0.6f, 0f, -1f], 15)];
    }
}
