using HipiFast.Environments;
using HipiFast.Mujoco.Native;
using HipiFast.Mujoco.Simulation;

namespace HipiFast.Mujoco.Tests;

/// <summary>Models against plain equations of what they stand for.</summary>
public sealed class ModelTests
{
    [PhysicsFact]
    public void TheReacherMovesAsItsEquationsOfMotionSay()
    {
        using MujocoModel model = new("reacher", MujocoModel.Text("reacher"));
        using MujocoSimulator simulator = new(model);
        double[] state = new double[model.Sizes.State], readings = new double[model.Sizes.Sensors];
        simulator.InitialState(state);
        (state[1], state[2]) = (0.4, -0.9);
        TwoLinkArm arm = new();
        ArmState expected = new(0.4f, -0.9f, 0f, 0f);
        for (int step = 0; step < 50; step++)
        {
            double shoulder = 0.05 * Math.Sin(0.3 * step), wrist = 0.03 * Math.Cos(0.2 * step);
            simulator.Step([shoulder, wrist], 4, state, readings);
            for (int substep = 0; substep < 20; substep++)
            {
                expected = arm.Integrate(expected, (float)shoulder, (float)wrist, 0.001f);
            }
        }

        // A second of motion by MuJoCo's method of order 1 at 5 ms: a few per cent of the way travelled.
        Assert.True(Math.Abs(expected.Shoulder - 0.4) > 0.2 || Math.Abs(expected.Wrist + 0.9) > 0.2);
        Assert.Equal(expected.Shoulder, state[1], 0.05);
        Assert.Equal(expected.Wrist, state[2], 0.05);
        ArmState own = new((float)state[1], (float)state[2], (float)state[3], (float)state[4]);
        simulator.Read(state, readings);
        (float x, float y) = TwoLinkArm.Fingertip(own);
        Assert.Equal(x, readings[0], 1e-6);
        Assert.Equal(y, readings[1], 1e-6);
    }

    [PhysicsFact]
    public void TheSawyersHandFollowsItsTargetAndPointsDown()
    {
        using MujocoModel model = new("sawyer", MujocoModel.Text("sawyer"));
        int pointing = model.Find(MujocoKind.Sensor, "pointing").Address;
        using MujocoSimulator simulator = new(model);

        // Without a margin no goal ends the episode on the way.
        using MujocoEnvironment environment = Physics.Create("sawyer", 1, new EnvironmentSettings { Margin = 0f });
        environment.Reset(1);
        double[] readings = new double[model.Sizes.Sensors];
        float[] start = environment.Observation.ToArray();
        Assert.Equal(0, start[0], 1e-3f);
        Assert.Equal(-0.1f / 0.5f, start[1], 1e-3f);
        Assert.Equal(-0.05f / 0.5f, start[2], 1e-3f);

        // 0.2 m along each axis in turn: out, right, up.
        float[][] moves = [[0f, 1f, 0f, -1f], [1f, 0f, 0f, -1f], [0f, 0f, 1f, 1f]];
        foreach (float[] move in moves)
        {
            for (int step = 0; step < 20; step++)
            {
                environment.Step(move, out _);
            }
        }

        for (int step = 0; step < 10; step++)
        {
            environment.Step([0f, 0f, 0f, 1f], out _);
        }

        Assert.Equal(0.2f / 0.5f, environment.Observation[0], 5e-3f);
        Assert.Equal(0.1f / 0.5f, environment.Observation[1], 5e-3f);
        Assert.Equal(0.15f / 0.5f, environment.Observation[2], 5e-3f);
        Assert.Equal(1f, environment.Observation[9], 0.05f);
        simulator.Read(environment.StateOf(0), readings);
        Assert.Equal(-1, readings[pointing + 2], 1e-2);

        // The target stops at the end of the workspace, and the arm with it.
        for (int step = 0; step < 60; step++)
        {
            environment.Step([0f, -1f, 1f, 0f], out _);
        }

        Assert.Equal((0.4f - 0.7f) / 0.5f, environment.Observation[1], 0.02f);
        Assert.Equal((0.5f - 0.25f) / 0.5f, environment.Observation[2], 0.02f);
    }

    [PhysicsFact]
    public void TheJacosJointsMoveAsCommandedAndItsHandIsWhereTheLengthsSay()
    {
        using MujocoEnvironment environment = Physics.Create("jaco");
        environment.Reset(3);
        float[] action = [0.5f, -0.4f, 0.3f, 1f, -1f, 0.2f, -0.5f, -0.5f, -0.5f];
        double[] largest = [0.63, 0.63, 0.63, 0.84, 0.84, 0.84];
        for (int step = 0; step < 25; step++)
        {
            environment.Step(action, out _);
        }

        for (int joint = 0; joint < 6; joint++)
        {
            // The servos hold a velocity against the joints' friction to a few per cent.
            Assert.Equal(
                action[joint] * largest[joint], environment.PartsOf(0).Velocities[joint], 0.08 * largest[joint]);
        }

        // With straight wrist joints the arm is a planar chain turned about the vertical.
        float[] observation = environment.ObservationIn(moved =>
        {
            Span<double> angles = moved.PartsOf(0).Positions;
            (angles[0], angles[1], angles[2], angles[3]) = (0.6, 0.4, 0.9, 0.3);
        });
        double radius = (0.41 * Math.Sin(0.4)) + ((0.2073 + (2 * 0.0741) + 0.16) * Math.Sin(1.3));
        double height = 0.2755 + (0.41 * Math.Cos(0.4)) + ((0.2073 + (2 * 0.0741) + 0.16) * Math.Cos(1.3));
        Assert.Equal((radius * Math.Cos(0.6)) + (0.0098 * Math.Sin(0.6)), 0.4 + (0.5 * observation[30]), 1e-5);
        Assert.Equal((radius * Math.Sin(0.6)) - (0.0098 * Math.Cos(0.6)), 0.5 * observation[31], 1e-5);
        Assert.Equal(height, 0.3 + (0.5 * observation[32]), 1e-5);
        Assert.Equal(Math.Cos(0.6), observation[0], 1e-6);
        Assert.Equal(Math.Sin(0.4), observation[7], 1e-6);
    }

    [PhysicsTheory]
    [InlineData("walker")]
    [InlineData("quadruped")]
    public void EpisodesBeginUpright(string name)
    {
        using MujocoEnvironment environment = Physics.Create(name, 20);
        environment.Reset(8);
        int width = environment.Shape.ObservationDimension;
        for (int copy = 0; copy < 20; copy++)
        {
            ReadOnlySpan<float> observation = environment.Observation.Slice(copy * width, width);
            if (name == "walker")
            {
                Assert.Equal(1f, observation[0], 1e-6f);
                Assert.Equal(1.3f - 0.5f, observation[23], 1e-6f);
            }
            else
            {
                Assert.Equal(1f, observation[8], 1e-6f);
                Assert.Equal((0f, 0f), (observation[0], observation[1]));
            }
        }
    }

    [PhysicsFact]
    public void AFingerBeginsWithoutTouching()
    {
        using MujocoModel model = new("finger", MujocoModel.Text("finger"));
        using MujocoSimulator simulator = new(model);
        using MujocoEnvironment environment = Physics.Create("finger", 200);
        environment.Reset(6);
        double[] readings = new double[model.Sizes.Sensors];
        for (int copy = 0; copy < 200; copy++)
        {
            Assert.Equal(0, simulator.Read(environment.StateOf(copy), readings));
        }
    }
}
