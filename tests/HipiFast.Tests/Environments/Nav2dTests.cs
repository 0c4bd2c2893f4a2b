using HipiFast.Environments;
using HipiFast.Kernels.Random;
using HipiFast.Testing;

namespace HipiFast.Tests.Environments;

public sealed class Nav2dTests
{
    private static readonly EnvironmentSettings s_calm = new() { ActionNoise = 0f };

    [Fact]
    public void TheMapIsFourRoomsEnlargedByThree()
    {
        Assert.Equal(33, FourRooms.Side);

        // The classic map has 121 cells, of which 17 are walls.
        Assert.Equal((121 - 17) * 9, FourRooms.FreeCells.Length);
        Assert.True(FourRooms.IsFree(0f, 0f));
        Assert.True(FourRooms.IsFree(33f, 33f));
        Assert.False(FourRooms.IsFree(-0.01f, 5f));
        Assert.False(FourRooms.IsFree(5f, 33.01f));
        Assert.False(FourRooms.IsFree(float.NaN, 5f));

        // The two doors of the room at the start, and the wall beside each.
        Assert.True(FourRooms.IsFree(16f, 4f));
        Assert.False(FourRooms.IsFree(16f, 7f));
        Assert.True(FourRooms.IsFree(7f, 16f));
        Assert.False(FourRooms.IsFree(4f, 16f));
    }

    [Fact]
    public void EpisodesStartInTheLowerLeftAndGoalsAreFreeAndFarAway()
    {
        const int copies = 2000;
        using VectorEnvironment environment = EnvironmentRegistry.Create("nav2d", copies);
        environment.Reset(17);
        double nearest = double.MaxValue, sumX = 0;
        for (int copy = 0; copy < copies; copy++)
        {
            Assert.Equal(-1f, environment.Observation[2 * copy]);
            Assert.Equal(-1f, environment.Observation[(2 * copy) + 1]);
            float x = (environment.Task[2 * copy] + 1f) * Nav2d.Scale, y = (
                environment.Task[(2 * copy) + 1] + 1f) * Nav2d.Scale;
            Assert.True(FourRooms.IsFree(x, y), $"goal {x}, {y}");
            nearest = Math.Min(nearest, Math.Sqrt((x * x) + (y * y)));
            sumX += x;
        }

        Assert.InRange(nearest, 14.999, 15.5);
        Assert.InRange(sumX / copies, 17.0, 21.0);
    }

    [Fact]
    public void WallsAreNeverEntered()
    {
        const int copies = 64;
        using VectorEnvironment environment = EnvironmentRegistry.Create(
            "nav2d", copies, new EnvironmentSettings { EpisodeLimit = 400 });
        environment.Reset(2);
        float[] action = new float[2 * copies];
        float farthest = 0f;
        for (uint step = 0; step < 800; step++)
        {
            // A slow drift towards a direction of the copy's own, so that all rooms are visited.
            for (int copy = 0; copy < copies; copy++)
            {
                (float sine, float cosine) = MathF.SinCos((copy * 0.1f) + (step * 0.02f));
                (action[2 * copy], action[(2 * copy) + 1]) = (cosine, sine);
            }

            environment.Step(action, out StepResult result);
            for (int copy = 0; copy < copies; copy++)
            {
                float x = (result.NextObservation[2 * copy] + 1f) * Nav2d.Scale, y = (
                    result.NextObservation[(2 * copy) + 1] + 1f) * Nav2d.Scale;

                // Undoing the scaling rounds: a point on a wall's face may seem to be a hair inside it.
                Assert.True(IsFreeWithin(x, y, 1e-4f), $"({x}, {y}) at step {step}");
                farthest = MathF.Max(farthest, x + y);
            }
        }

        Assert.True(farthest > 40f, $"no copy came far: {farthest}");

        static bool IsFreeWithin(float x, float y, float slack) =>
            FourRooms.IsFree(x, y) || FourRooms.IsFree(x - slack, y) || FourRooms.IsFree(x + slack, y)
                || FourRooms.IsFree(x, y - slack)
            || FourRooms.IsFree(x, y + slack) || FourRooms.IsFree(Math.Clamp(x, 0f, 33f), Math.Clamp(y, 0f, 33f));
    }

    [Fact]
    public void AnActionMovesByItselfAndBlockedAxesStay()
    {
        using VectorEnvironment environment = EnvironmentRegistry.Create("nav2d", 1, s_calm);
        environment.Reset(0);
        environment.Step([0.5f, -1f], out StepResult result);
        Assert.Equal(0.5f, (result.NextObservation[0] + 1f) * Nav2d.Scale, 1e-4f);
        Assert.Equal(0f, (result.NextObservation[1] + 1f) * Nav2d.Scale, 1e-4f);

        // Entries beyond [-1, 1] are clipped.
        environment.Step([7f, 0.25f], out result);
        Assert.Equal(1.5f, (result.NextObservation[0] + 1f) * Nav2d.Scale, 1e-4f);
        Assert.Equal(0.25f, (result.NextObservation[1] + 1f) * Nav2d.Scale, 1e-4f);
    }

    [Fact]
    public void OneDrawOfNoiseMovesBothAxesAndTheSumIsClipped()
    {
        const int copies = 4000;
        using VectorEnvironment environment = EnvironmentRegistry.Create("nav2d", copies);
        environment.Reset(4);
        float[] action = new float[2 * copies];

        // Far enough from the corner that no axis is blocked.
        for (int step = 0; step < 8; step++)
        {
            Array.Fill(action, 1f);
            environment.Step(action, out _);
        }

        Array.Clear(action);
        float[] before = environment.Observation.ToArray();
        environment.Step(action, out StepResult result);
        int clipped = 0;
        double sum = 0, squares = 0;
        for (int copy = 0; copy < copies; copy++)
        {
            float dx = (result.NextObservation[2 * copy] - before[2 * copy]) * Nav2d.Scale;
            float dy = (result.NextObservation[(2 * copy) + 1] - before[(2 * copy) + 1]) * Nav2d.Scale;
            Assert.Equal(dx, dy, 1e-4f);
            Assert.InRange(dx, -1.0001f, 1.0001f);
            clipped += MathF.Abs(dx) > 0.9999f ? 1 : 0;
            sum += dx;
            squares += dx * dx;
        }

        // N(0, 1) clipped to [-1, 1]: 31.7% at the ends, variance 0.516.
        Assert.InRange(clipped / (double)copies, 0.28, 0.36);
        Assert.InRange(sum / copies, -0.05, 0.05);
        Assert.InRange(squares / copies, 0.48, 0.55);
    }

    [Fact]
    public void AnEpisodeTerminatesOneStepAfterTheMarginIsEntered()
    {
        // The largest margin covers everything: the first state is already at the goal, reward 0.
        using VectorEnvironment everywhere = EnvironmentRegistry.Create(
            "nav2d", 1, new EnvironmentSettings { Margin = 50f });
        everywhere.Reset(0);
        everywhere.Step([1f, 1f], out StepResult result);
        Assert.Equal(0f, result.Reward[0]);
        Assert.Equal(1, result.Terminated[0]);
        Assert.Equal(0, result.Truncated[0]);

        using VectorEnvironment environment = EnvironmentRegistry.Create(
            "nav2d", 40, new EnvironmentSettings { Margin = 8f });
        environment.Reset(0);
        float[] action = new float[80];
        bool[] near = new bool[40];
        int successes = 0;
        for (uint step = 0; step < 300; step++)
        {
            EnvironmentContract.RandomActions(action, 2, step, 1);
            for (int copy = 0; copy < 40; copy++)
            {
                near[copy] = Distance(environment.Observation, environment.Task, copy) <= 8.0;
                action[2 * copy] += 0.3f;
                action[(2 * copy) + 1] += 0.3f;
            }

            environment.Step(action, out result);
            for (int copy = 0; copy < 40; copy++)
            {
                Assert.Equal(near[copy], result.Terminated[copy] != 0);
                Assert.Equal(near[copy] ? 0f : -1f, result.Reward[copy]);
                successes += result.Terminated[copy];
            }
        }

        Assert.True(successes > 10);

        static double Distance(ReadOnlySpan<float> observation, ReadOnlySpan<float> task, int copy)
        {
            double dx = observation[2 * copy] - task[2 * copy], dy = observation[(2 * copy) + 1] - task[(2 * copy) + 1];
            return Nav2d.Scale * Math.Sqrt((dx * dx) + (dy * dy));
        }
    }

    [Fact]
    public void VersionsHaveTheirOwnMarginsAndLimits()
    {
        using VectorEnvironment sparse = EnvironmentRegistry.Create("nav2d-sparse", 1);
        Assert.Equal(75, sparse.EpisodeLimit);
        using VectorEnvironment discrete = EnvironmentRegistry.Create("nav2d-discrete", 1);
        Assert.Equal(16, discrete.Shape.TaskDimension);
        using VectorEnvironment margin = EnvironmentRegistry.Create("nav2d-margin", 500);
        Assert.Equal(3, margin.Shape.TaskDimension);
        margin.Reset(3);
        for (int copy = 0; copy < 500; copy++)
        {
            Assert.InRange(margin.Task[(3 * copy) + 2] * Nav2d.Scale, 0.299f, 2.001f);
        }
    }

    [Fact]
    public void GoalsOfTheDiscreteVersionAreFreeAndFarAway()
    {
        using VectorEnvironment environment = EnvironmentRegistry.Create("nav2d-discrete", 1);
        GoalTable table = default;
        float[] constants = environment.Family.Accept<GoalTable, float[]>(ref table);
        Assert.Equal(2 + (2 * 16), constants.Length);
        for (int k = 0; k < 16; k++)
        {
            float x = (constants[2 + (2 * k)] + 1f) * Nav2d.Scale, y = (constants[3 + (2 * k)] + 1f) * Nav2d.Scale;
            Assert.True(FourRooms.IsFree(x, y));
            Assert.True((x * x) + (y * y) >= 15f * 15f);
        }
    }

    [Fact]
    public void DrawsOfTasksDependOnPurposeIndexAndCallAlone()
    {
        using VectorEnvironment environment = EnvironmentRegistry.Create("nav2d", 1);
        float[] a = new float[2], b = new float[2], c = new float[2];
        environment.TaskDistribution.Sample(a, 1, 5, 9, RandomPurpose.RandomTask);
        environment.TaskDistribution.Sample(b, 1, 5, 9, RandomPurpose.RandomTask);
        environment.TaskDistribution.Sample(c, 1, 5, 10, RandomPurpose.RandomTask);
        Assert.Equal(a, b);
        Assert.NotEqual(a, c);
    }

    private struct GoalTable : Kernels.Tasks.ITaskFamilyVisitor<float[]>
    {
        public readonly float[] Visit<TFamily>(in TFamily definition, ReadOnlySpan<float> constants)
            where TFamily : unmanaged, Kernels.Tasks.ITaskFamily => constants.ToArray();
    }
}
