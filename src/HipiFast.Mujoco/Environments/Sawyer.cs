using HipiFast.Environments;
using HipiFast.Kernels.Tasks;
using HipiFast.Mujoco.Simulation;
using HipiFast.Tasks;

namespace HipiFast.Mujoco.Environments;

/// <summary>The paper's reaching task of the Sawyer arm (C.6): the hand goes to a place.</summary>
/// <remarks>
/// Action: a move of the hand's target by up to 0.01 m along x, y and z, and the fingers' opening. The target keeps to
/// the workspace x in [-0.5, 0.5], y in [0.4, 1], z in [0.05, 0.5] m. A step is 0.025 s. State (S = 11): the hand's
/// place relative to (0, 0.7, 0.25) m / 0.5 m, its velocity in m/s, the target's place relative to the hand's / 0.05 m,
/// the fingers' opening in [0, 1], time limit. Goals are uniform in x in [-0.1, 0.1], y in [0.8, 0.9], z in [0.05, 0.3]
/// m, emitted as the hand's place is. Margin 0.05 m; or, as part of the task, uniform in [0.01, 0.1] m. 150 steps. An
/// episode begins at rest with the hand at (0, 0.6, 0.2) m.
/// </remarks>
internal sealed class Sawyer : MujocoEnvironment
{
    /// <summary>Metres per emitted unit.</summary>
    public const float Scale = 0.5f;

    private const double TargetStep = 0.01;
    private const double LagScale = 0.05;
    private const double FingerRange = 0.04;
    private const int Joints = 7;
    private const float LeastMargin = 0.01f;
    private const float LargestMargin = 0.1f;

    private static readonly int[] s_achieved = [0, 1, 2];
    private static readonly double[] s_origin = [0, 0.7, 0.25];
    private static readonly double[] s_low = [-0.5, 0.4, 0.05];
    private static readonly double[] s_high = [0.5, 1, 0.5];
    private static readonly double[] s_goalLow = [-0.1, 0.8, 0.05];
    private static readonly double[] s_goalHigh = [0.1, 0.9, 0.3];

    // Joint angles at which the hand is at (0, 0.6, 0.2) m and points down: where the model comes to rest when its
    // target stands there.
    private static readonly double[] s_start = [-0.2822, -0.9379, 0.0175, 1.8014, -0.0160, 0.7074, -0.2560];

    private readonly float _margin;
    private readonly int _hand;
    private readonly int _velocity;

    private Sawyer(
        string name, int count, EnvironmentSettings settings, TaskFamily family, ITaskDistribution tasks, float margin)
        : base(new MujocoSetup(name, "sawyer", 11, 4, 150, 5), count, settings, family, tasks)
    {
        UseActuators("left_finger", "right_finger");
        _margin = margin;
        _hand = Sensor("hand");
        _velocity = Sensor("hand_velocity");
    }

    /// <inheritdoc/>
    protected override DrawingView View => new(DrawingPlane.Top, -0.8, -0.25, 1.6, 1.5);

    /// <summary>Margin 0.05 m.</summary>
    public static Sawyer Goal(int count, EnvironmentSettings settings)
    {
        float margin = settings.Margin ?? 0.05f;
        UniformTasks tasks = new([.. Emitted(s_goalLow)], [.. Emitted(s_goalHigh)]);
        return new Sawyer("sawyer", count, settings, TaskFamilies.Goal(s_achieved, margin / Scale), tasks, margin);
    }

    /// <summary>Goal and margin as the task.</summary>
    public static Sawyer WithMargin(int count, EnvironmentSettings settings)
    {
        const string name = "sawyer-margin";
        settings.RefuseMargin(name);
        UniformTasks tasks = new(
            [.. Emitted(s_goalLow), LeastMargin / Scale], [.. Emitted(s_goalHigh), LargestMargin / Scale]);
        return new Sawyer(name, count, settings, TaskFamilies.GoalAndMargin(s_achieved), tasks, 0f);
    }

    /// <inheritdoc/>
    protected override void Place(MujocoState state, ref UniformDraws draws) => s_start.CopyTo(state.Positions);

    /// <inheritdoc/>
    protected override void Control(ReadOnlySpan<float> action, MujocoState state, Span<double> control)
    {
        Span<double> target = state.MocapPositions;
        for (int i = 0; i < 3; i++)
        {
            target[i] = Math.Clamp(target[i] + (TargetStep * action[i]), s_low[i], s_high[i]);
        }

        control[0] = Scaled(0, action[3]);
        control[1] = Scaled(1, action[3]);
    }

    /// <inheritdoc/>
    protected override void Describe(MujocoState state, ReadOnlySpan<double> readings, Span<float> observation)
    {
        for (int i = 0; i < 3; i++)
        {
            observation[i] = (float)(readings[_hand + i] - s_origin[i]) / Scale;
            observation[3 + i] = (float)readings[_velocity + i];
            observation[6 + i] = (float)((state.MocapPositions[i] - readings[_hand + i]) / LagScale);
        }

        observation[9] = (float)((state.Positions[Joints] + state.Positions[Joints + 1]) / (2 * FingerRange));
    }

    /// <inheritdoc/>
    protected override bool TryGoal(ReadOnlySpan<float> task, Span<double> goal)
    {
        for (int i = 0; i < 3; i++)
        {
            goal[i] = s_origin[i] + (Scale * task[i]);
        }

        goal[3] = task.Length == 4 ? Scale * task[3] : _margin;
        return true;
    }

    private static IEnumerable<float> Emitted(double[] place) =>
        place.Select((value, i) => (float)(value - s_origin[i]) / Scale);
}
