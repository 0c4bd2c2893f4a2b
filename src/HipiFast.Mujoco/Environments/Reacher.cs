using HipiFast.Environments;
using HipiFast.Kernels.Tasks;
using HipiFast.Mujoco.Simulation;
using HipiFast.Tasks;

namespace HipiFast.Mujoco.Environments;

/// <summary>The paper's 2D reacher (C.5) in MuJoCo: a two-link arm moves its fingertip to a target.</summary>
/// <remarks>
/// Action: torques of shoulder and wrist. A step is 0.02 s. State (S = 9): cos and sin of both angles, joint velocities
/// / (10 rad/s), fingertip x and y / 0.24 m, time limit. A goal is a fingertip place in the same unit, radius uniform
/// in [0.05, 0.20] m and any angle. Margin 0.05 m (sparse, 0.02 m); 32 fixed goals with one-hot tasks in the discrete
/// version. 1000 steps. An episode begins at rest at uniform joint angles.
/// </remarks>
internal sealed class Reacher : MujocoEnvironment
{
    private static readonly int[] s_achieved = [6, 7];

    // 160 degrees each way, as the model has it.
    private const double WristLimit = 160 * Math.PI / 180;

    private readonly int _fingertip;
    private readonly float _margin;

    private Reacher(
        string name, int count, EnvironmentSettings settings, float margin, TaskFamily family, ITaskDistribution tasks,
        float[] fixedTasks)
        : base(new MujocoSetup(
            name, "reacher", 9, 2, Reacher2d.DefaultEpisodeLimit, 4), count, settings, family, tasks, fixedTasks)
    {
        UseActuators("shoulder", "wrist");
        _fingertip = Sensor("fingertip");
        _margin = margin;
    }

    /// <inheritdoc/>
    protected override DrawingView View => new(DrawingPlane.Top, -0.3, -0.3, 0.6, 0.6);

    /// <summary>Margin 0.05 m.</summary>
    public static Reacher Goal(int count, EnvironmentSettings settings) => Goal("reacher", count, settings, 0.05f);

    /// <summary>Margin 0.02 m.</summary>
    public static Reacher Sparse(int count, EnvironmentSettings settings) =>
        Goal("reacher-sparse", count, settings, 0.02f);

    /// <summary>32 fixed goals, margin 0.05 m.</summary>
    public static Reacher Discrete(int count, EnvironmentSettings settings)
    {
        float margin = settings.Margin ?? 0.05f;
        float[] goals = Reacher2d.Places.Spread(Reacher2d.Rings, Reacher2d.GoalsPerRing);
        OneHotTasks tasks = new(goals.Length / 2);
        TaskFamily family = TaskFamilies.Discrete(s_achieved, goals, margin / Reacher2d.Reach);
        return new Reacher("reacher-discrete", count, settings, margin, family, tasks, tasks.All());
    }

    /// <inheritdoc/>
    protected override void Place(MujocoState state, ref UniformDraws draws)
    {
        state.Positions[0] = draws.Next(-Math.PI, Math.PI);
        state.Positions[1] = draws.Next(-WristLimit, WristLimit);
    }

    /// <inheritdoc/>
    protected override void Describe(MujocoState state, ReadOnlySpan<double> readings, Span<float> observation)
    {
        (double sine, double cosine) = Math.SinCos(state.Positions[0]);
        (observation[0], observation[1]) = ((float)cosine, (float)sine);
        (sine, cosine) = Math.SinCos(state.Positions[1]);
        (observation[2], observation[3]) = ((float)cosine, (float)sine);
        observation[4] = (float)state.Velocities[0] / Reacher2d.VelocityScale;
        observation[5] = (float)state.Velocities[1] / Reacher2d.VelocityScale;
        observation[6] = (float)readings[_fingertip] / Reacher2d.Reach;
        observation[7] = (float)readings[_fingertip + 1] / Reacher2d.Reach;
    }

    /// <inheritdoc/>
    protected override bool TryGoal(ReadOnlySpan<float> task, Span<double> goal)
    {
        ReadOnlySpan<float> place = FixedTasks.IsEmpty
            ? task
            : Reacher2d.Places.Spread(Reacher2d.Rings, Reacher2d.GoalsPerRing).AsSpan(2 * task.IndexOf(1f), 2);
        (goal[0], goal[1], goal[2], goal[3]) = (place[0] * Reacher2d.Reach, place[1] * Reacher2d.Reach, 0, _margin);
        return true;
    }

    private static Reacher Goal(string name, int count, EnvironmentSettings settings, float defaultMargin)
    {
        float margin = settings.Margin ?? defaultMargin;
        return new Reacher(name, count, settings, margin, TaskFamilies.Goal(
            s_achieved, margin / Reacher2d.Reach), Reacher2d.Places, []);
    }
}
