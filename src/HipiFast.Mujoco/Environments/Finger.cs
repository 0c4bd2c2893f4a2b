using HipiFast.Environments;
using HipiFast.Kernels.Tasks;
using HipiFast.Mujoco.Simulation;
using HipiFast.Tasks;

namespace HipiFast.Mujoco.Environments;

/// <summary>The paper's finger (C.4): a finger of two links turns a knob until the knob's tip is at a place.</summary>
/// <remarks>
/// Action: torques of both joints. A step is 0.02 s. State (S = 10): joint angles / (110 degrees), the knob's tip
/// relative to its hinge, x and z / 0.13 m, velocities of joints and hinge / (10 rad/s), log(1 + force in N) of the two
/// touch sensors, time limit. A goal is a place of the tip in the same unit, on its circle at a uniform angle; margin
/// 0.1 m. 1000 steps. An episode begins at rest at uniform angles without contact.
/// </remarks>
internal sealed class Finger : MujocoEnvironment
{
    // Of the knob, hinge to tip, m; and of the finger's joints, as the model has them.
    private const float Radius = 0.13f;
    private const double JointLimit = 110 * Math.PI / 180;
    private const double VelocityScale = 10;

    private readonly float _margin;
    private readonly int _tip;
    private readonly int _hinge;
    private readonly int _touch;

    private Finger(int count, EnvironmentSettings settings, float margin)
        : base(
            new MujocoSetup("finger", "finger", 10, 2, 1000, 4),
            count,
            settings,
            TaskFamilies.Goal([2, 3], margin / Radius),
            new RingTasks(Radius, Radius, Radius))
    {
        UseActuators("proximal", "distal");
        _margin = margin;
        _tip = Sensor("tip");
        _hinge = Sensor("hinge");
        _touch = Sensor("touch_front");
    }

    /// <inheritdoc/>
    protected override DrawingView View => new(DrawingPlane.Side, -0.45, 0, 0.9, 0.7);

    /// <inheritdoc/>
    protected override bool StartsWithoutContact => true;

    /// <summary>Margin 0.1 m.</summary>
    public static Finger Goal(int count, EnvironmentSettings settings) => new(count, settings, settings.Margin ?? 0.1f);

    /// <inheritdoc/>
    protected override void Place(MujocoState state, ref UniformDraws draws)
    {
        state.Positions[0] = draws.Next(-JointLimit, JointLimit);
        state.Positions[1] = draws.Next(-JointLimit, JointLimit);
        state.Positions[2] = draws.Next(-Math.PI, Math.PI);
    }

    /// <inheritdoc/>
    protected override void Describe(MujocoState state, ReadOnlySpan<double> readings, Span<float> observation)
    {
        observation[0] = (float)(state.Positions[0] / JointLimit);
        observation[1] = (float)(state.Positions[1] / JointLimit);
        observation[2] = (float)(readings[_tip] - readings[_hinge]) / Radius;
        observation[3] = (float)(readings[_tip + 2] - readings[_hinge + 2]) / Radius;
        for (int i = 0; i < 3; i++)
        {
            observation[4 + i] = (float)(state.Velocities[i] / VelocityScale);
        }

        observation[7] = (float)Math.Log(1 + readings[_touch]);
        observation[8] = (float)Math.Log(1 + readings[_touch + 1]);
    }

    /// <inheritdoc/>
    protected override bool TryGoal(ReadOnlySpan<float> task, Span<double> goal)
    {
        // The hinge stands still at (0.2, 0.4).
        (goal[0], goal[1], goal[2], goal[3]) = (0.2 + (Radius * task[0]), 0, 0.4 + (Radius * task[1]), _margin);
        return true;
    }
}
