using HipiFast.Environments;
using HipiFast.Testing;

namespace HipiFast.Tests.Environments;

public sealed class Reacher2dTests
{
    [Theory]
    [InlineData(0.3f, 0.7f, 4f, -6f)]
    [InlineData(-1f, 2.5f, -3f, 8f)]
    [InlineData(0f, 0f, 5f, 0f)]
    public void EnergyIsKeptWithoutDampingAndTorque(
        float shoulder, float wrist, float shoulderVelocity, float wristVelocity)
    {
        TwoLinkArm arm = new() { Damping = 0f, WristLimit = float.PositiveInfinity };
        ArmState state = new(shoulder, wrist, shoulderVelocity, wristVelocity);
        float energy = TwoLinkArm.Energy(state);
        for (int step = 0; step < 4000; step++)
        {
            state = arm.Integrate(state, 0f, 0f, 0.005f);
            Assert.InRange(TwoLinkArm.Energy(state), 0.99f * energy, 1.01f * energy);
        }
    }

    [Fact]
    public void TheWorkOfTheTorquesIsTheGainInEnergy()
    {
        TwoLinkArm arm = new() { Damping = 0f, WristLimit = float.PositiveInfinity };
        ArmState state = new(0.2f, 1f, 0f, 0f);
        double work = 0;
        for (int step = 0; step < 200; step++)
        {
            ArmState next = arm.Integrate(state, 0.02f, -0.01f, 0.001f);
            work += (0.02 * 0.0005 * (state.ShoulderVelocity + next.ShoulderVelocity))
                - (0.01 * 0.0005 * (state.WristVelocity + next.WristVelocity));
            state = next;
        }

        Assert.True(work > 1e-3);
        Assert.Equal(work, TwoLinkArm.Energy(state), 0.005 * work);
    }

    [Fact]
    public void DampingBringsTheArmToRest()
    {
        TwoLinkArm arm = new();
        ArmState state = new(0f, 1f, 5f, -5f);
        for (int step = 0; step < 2000; step++)
        {
            state = arm.Integrate(state, 0f, 0f, 0.005f);
        }

        Assert.True(TwoLinkArm.Energy(state) < 1e-9f);
    }

    [Fact]
    public void TheWristStopsAtItsLimit()
    {
        using VectorEnvironment environment = EnvironmentRegistry.Create("reacher2d", 8);
        environment.Reset(1);
        float[] action = new float[16];
        for (int step = 0; step < 200; step++)
        {
            for (int copy = 0; copy < 8; copy++)
            {
                action[(2 * copy) + 1] = (copy & 1) == 0 ? 1f : -1f;
            }

            environment.Step(action, out _);
        }

        float limit = new TwoLinkArm().WristLimit;
        for (int copy = 0; copy < 8; copy++)
        {
            ReadOnlySpan<float> observation = environment.Observation.Slice(8 * copy, 8);
            Assert.Equal((copy & 1) == 0 ? limit : -limit, MathF.Atan2(observation[3], observation[2]), 1e-4f);
            Assert.Equal(0f, observation[5], 1e-4f);
        }
    }

    [Fact]
    public void TheStateIsConsistentAndFullTorqueStaysInRange()
    {
        const int copies = 32;
        using VectorEnvironment environment = EnvironmentRegistry.Create("reacher2d", copies);
        environment.Reset(6);
        float[] action = new float[2 * copies];
        for (uint step = 0; step < 500; step++)
        {
            // Full torques that switch now and then: the fastest that the arm gets.
            EnvironmentContract.RandomActions(action, 2, step / 7, 1);
            for (int i = 0; i < action.Length; i++)
            {
                action[i] = MathF.CopySign(1f, action[i]);
            }

            environment.Step(action, out StepResult result);
            for (int copy = 0; copy < copies; copy++)
            {
                ReadOnlySpan<float> s = result.NextObservation.Slice(8 * copy, 8);
                Assert.Equal(1f, (s[0] * s[0]) + (s[1] * s[1]), 1e-5f);
                Assert.Equal(1f, (s[2] * s[2]) + (s[3] * s[3]), 1e-5f);
                Assert.InRange(s[4], -1.5f, 1.5f);
                Assert.InRange(s[5], -1.5f, 1.5f);

                // Fingertip from the angles: 0.12 (cos q1 + cos(q1 + q2)) over a reach of 0.24.
                Assert.Equal(0.5f * (s[0] + (s[0] * s[2]) - (s[1] * s[3])), s[6], 1e-5f);
                Assert.Equal(0.5f * (s[1] + (s[1] * s[2]) + (s[0] * s[3])), s[7], 1e-5f);
            }
        }
    }

    [Fact]
    public void GoalsLieInTheRingAndWithinReach()
    {
        using VectorEnvironment environment = EnvironmentRegistry.Create("reacher2d-sparse", 1000);
        environment.Reset(2);
        double sum = 0;
        for (int copy = 0; copy < 1000; copy++)
        {
            float x = environment.Task[2 * copy] * Reacher2d.Reach,
                y = environment.Task[(2 * copy) + 1] * Reacher2d.Reach;
            float radius = MathF.Sqrt((x * x) + (y * y));
            Assert.InRange(radius, 0.0499f, 0.2001f);
            sum += radius;
        }

        Assert.InRange(sum / 1000, 0.12, 0.13);

        // The wrist's limit leaves a hole of radius 0.24 cos(80 degrees) around the shoulder, smaller than the ring's.
        Assert.True(Reacher2d.Reach * MathF.Cos(new TwoLinkArm().WristLimit / 2f) < 0.05f);
    }

    [Fact]
    public void MarginsLimitsAndNoiseAreTheVersions()
    {
        using VectorEnvironment environment = EnvironmentRegistry.Create("reacher2d-discrete", 1);
        Assert.Equal(1000, environment.EpisodeLimit);
        Assert.Equal(32, environment.Shape.TaskDimension);
        using VectorEnvironment noisy = EnvironmentRegistry.Create(
            "reacher2d", 1, new EnvironmentSettings { ActionNoise = 0.5f });
        noisy.Reset(1);
        noisy.Step([0f, 0f], out StepResult result);
        Assert.NotEqual(0f, result.NextObservation[4]);
        using VectorEnvironment calm = EnvironmentRegistry.Create("reacher2d", 1);
        calm.Reset(1);
        calm.Step([0f, 0f], out result);
        Assert.Equal(0f, result.NextObservation[4]);
    }
}
