using HipiFast.Environments;
using HipiFast.Kernels.Tasks;
using HipiFast.Mujoco.Simulation;
using HipiFast.Tasks;

namespace HipiFast.Mujoco.Environments;

/// <summary>The paper's reaching task of the Jaco arm (C.8): the hand goes to a place.</summary>
/// <remarks>
/// Action: velocities of six arm joints and three fingers, 1 being the largest. A step is 0.04 s. State (S = 43): cos
/// and sin of the arm's angles; its velocities in rad/s; its torques / (10 N m); the fingers' angles / (80 degrees) and
/// velocities in rad/s; the hand's place relative to (0.4, 0, 0.3) m / 0.5 m; its x, y and z axes; time limit. Goals
/// are uniform in x in [0.25, 0.6], y in [-0.3, 0.3], z in [0.1, 0.5] m, emitted as the hand's place is. Margin 0.1 m
/// (sparse, 0.03 m). 250 steps. An episode begins at rest with the hand before the arm, angles within 0.1 rad of that.
/// </remarks>
internal sealed class Jaco : MujocoEnvironment
{
    /// <summary>Metres per emitted unit.</summary>
    public const float Scale = 0.5f;

    private const int Joints = 6;
    private const int Fingers = 3;
    private const int HandEntry = (4 * Joints) + (2 * Fingers);
    private const double TorqueScale = 10;
    private const double FingerRange = 80 * Math.PI / 180;
    private const double StartAngle = 0.1;

    private static readonly double[] s_origin = [0.4, 0, 0.3];
    private static readonly double[] s_start = [0, 0, 2.2, 0, 0, 0, 0.7, 0.7, 0.7];

    private readonly float _margin;
    private readonly int _hand;
    private readonly int _axes;
    private readonly int _torques;

    private Jaco(string name, int count, EnvironmentSettings settings, float margin)
        : base(
            new MujocoSetup(name, "jaco", 43, Joints + Fingers, 250, 8),
            count,
            settings,
            TaskFamilies.Goal([HandEntry, HandEntry + 1, HandEntry + 2], margin / Scale),
            new UniformTasks(
                [-0.15f / Scale, -0.3f / Scale, -0.2f / Scale], [0.2f / Scale, 0.3f / Scale, 0.2f / Scale]))
    {
        UseActuators("j1", "j2", "j3", "j4", "j5", "j6", "finger1", "finger2", "finger3");
        _margin = margin;
        _hand = Sensor("hand");
        _axes = Sensor("hand_x");
        _torques = Sensor("torque1");
    }

    /// <inheritdoc/>
    protected override DrawingView View => new(DrawingPlane.Side, -0.5, -0.1, 1.3, 1.2);

    /// <summary>Margin 0.1 m.</summary>
    public static Jaco Goal(int count, EnvironmentSettings settings) =>
        new("jaco", count, settings, settings.Margin ?? 0.1f);

    /// <summary>Margin 0.03 m.</summary>
    public static Jaco Sparse(int count, EnvironmentSettings settings) =>
        new("jaco-sparse", count, settings, settings.Margin ?? 0.03f);

    /// <inheritdoc/>
    protected override void Place(MujocoState state, ref UniformDraws draws)
    {
        for (int i = 0; i < s_start.Length; i++)
        {
            state.Positions[i] = s_start[i] + draws.Next(-StartAngle, StartAngle);
        }
    }

    /// <inheritdoc/>
    protected override void Describe(MujocoState state, ReadOnlySpan<double> readings, Span<float> observation)
    {
        for (int i = 0; i < Joints; i++)
        {
            (double sine, double cosine) = Math.SinCos(state.Positions[i]);
            observation[i] = (float)cosine;
            observation[Joints + i] = (float)sine;
            observation[(2 * Joints) + i] = (float)state.Velocities[i];
            observation[(3 * Joints) + i] = (float)(readings[_torques + i] / TorqueScale);
        }

        for (int i = 0; i < Fingers; i++)
        {
            observation[(4 * Joints) + i] = (float)(state.Positions[Joints + i] / FingerRange);
            observation[(4 * Joints) + Fingers + i] = (float)state.Velocities[Joints + i];
            observation[HandEntry + i] = (float)(readings[_hand + i] - s_origin[i]) / Scale;
        }

        for (int i = 0; i < 9; i++)
        {
            observation[HandEntry + 3 + i] = (float)readings[_axes + i];
        }
    }

    /// <inheritdoc/>
    protected override bool TryGoal(ReadOnlySpan<float> task, Span<double> goal)
    {
        for (int i = 0; i < 3; i++)
        {
            goal[i] = s_origin[i] + (Scale * task[i]);
        }

        goal[3] = _margin;
        return true;
    }
}
