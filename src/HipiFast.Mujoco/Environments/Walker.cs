using HipiFast.Environments;
using HipiFast.Kernels.Tasks;
using HipiFast.Mujoco.Simulation;
using HipiFast.Tasks;

namespace HipiFast.Mujoco.Environments;

/// <summary>The paper's planar walker (C.9): tasks weight features of its motion.</summary>
/// <remarks>
/// Action: torques of six joints. A step is 0.025 s. State (S = 30): x and z of the x axis of each of the seven bodies;
/// the nine velocities / (10 m/s or rad/s); then the features: torso height - 0.5 m, velocity of the whole along x in
/// m/s, and x and z of the left and of the right foot relative to (0, -0.7) m from the centre of mass; time limit.
/// Task: weights of the six features in [-1, 1] and of the sum of squared actions in [-1, 0]. 100 steps. An episode
/// begins upright, joints within 0.05 rad of straight.
/// </remarks>
internal sealed class Walker : MujocoEnvironment
{
    private const int Bodies = 7;
    private const int Velocities = 9;
    private const int Features = 6;
    private const double VelocityScale = 10;
    private const double StartAngle = 0.05;

    private readonly int _axes;
    private readonly int _torso;
    private readonly int _leftFoot;
    private readonly int _rightFoot;
    private readonly int _centre;
    private readonly int _velocity;

    private Walker(int count, EnvironmentSettings settings)
        : base(
            new MujocoSetup("walker", "walker", (2 * Bodies) + Velocities + Features + 1, 6, 100, 10),
            count,
            settings,
            TaskFamilies.Linear([.. Enumerable.Range((2 * Bodies) + Velocities, Features)], actionCost: true),
            new UniformTasks([-1f, -1f, -1f, -1f, -1f, -1f, -1f], [1f, 1f, 1f, 1f, 1f, 1f, 0f]))
    {
        settings.RefuseMargin(Name);
        UseActuators("left_hip", "left_knee", "left_ankle", "right_hip", "right_knee", "right_ankle");
        _axes = Sensor("torso_axis");
        _torso = Sensor("torso");
        _leftFoot = Sensor("left_foot");
        _rightFoot = Sensor("right_foot");
        _centre = Sensor("centre");
        _velocity = Sensor("centre_velocity");
    }

    /// <inheritdoc/>
    protected override DrawingView View => new(DrawingPlane.Side, -1.2, -0.2, 2.4, 2, Follows: true);

    /// <summary>Linear rewards.</summary>
    public static Walker Linear(int count, EnvironmentSettings settings) => new(count, settings);

    /// <inheritdoc/>
    protected override void Place(MujocoState state, ref UniformDraws draws)
    {
        for (int joint = 3; joint < Velocities; joint++)
        {
            state.Positions[joint] = draws.Next(-StartAngle, StartAngle);
        }
    }

    /// <inheritdoc/>
    protected override void Describe(MujocoState state, ReadOnlySpan<double> readings, Span<float> observation)
    {
        for (int body = 0; body < Bodies; body++)
        {
            observation[2 * body] = (float)readings[_axes + (3 * body)];
            observation[(2 * body) + 1] = (float)readings[_axes + (3 * body) + 2];
        }

        for (int i = 0; i < Velocities; i++)
        {
            observation[(2 * Bodies) + i] = (float)(state.Velocities[i] / VelocityScale);
        }

        Span<float> features = observation[((2 * Bodies) + Velocities)..];
        features[0] = (float)(readings[_torso + 2] - 0.5);
        features[1] = (float)readings[_velocity];
        features[2] = (float)(readings[_leftFoot] - readings[_centre]);
        features[3] = (float)(readings[_leftFoot + 2] - readings[_centre + 2] + 0.7);
        features[4] = (float)(readings[_rightFoot] - readings[_centre]);
        features[5] = (float)(readings[_rightFoot + 2] - readings[_centre + 2] + 0.7);
    }
}
