using HipiFast.Kernels.Random;
using HipiFast.Kernels.Tasks;
using HipiFast.Tasks;

namespace HipiFast.Environments;

/// <summary>
/// The paper's 2D reacher (C.5) on a plain rigid-body model: a two-link arm in the horizontal plane moves its fingertip
/// to a target.
/// </summary>
/// <remarks>
/// <para>Action: torques of shoulder and wrist in [-1, 1], times 0.05 N m; a step is 0.02 s in four Runge-Kutta
/// substeps. An episode begins at rest with uniform joint angles (the wrist within its 160 degrees).</para>
/// <para>State (S = 8): cos q1, sin q1, cos q2, sin q2, joint velocities / (10 rad/s), fingertip x and y / 0.24 m. A
/// goal is a fingertip place in the same unit (the arm's reach), radius uniform in [0.05, 0.20] m and any angle; it is
/// judged on the state before the step.</para>
/// <para>Versions: margin 0.05 m; sparse, margin 0.02 m; 32 fixed goals with one-hot tasks, margin 0.05 m. All 1000
/// steps.</para>
/// </remarks>
public sealed class Reacher2d : SimulatedEnvironment, IDrawnEnvironment
{
    /// <summary>Metres per emitted unit: the arm's reach.</summary>
    public const float Reach = TwoLinkArm.ArmLength + TwoLinkArm.HandLength;

    /// <summary>Joint velocity per emitted unit, rad/s.</summary>
    public const float VelocityScale = 10f;

    /// <summary>Steps of an episode, unless set.</summary>
    public const int DefaultEpisodeLimit = 1000;

    /// <summary>Rings of fixed goals.</summary>
    public const int Rings = 4;

    /// <summary>Fixed goals on each ring.</summary>
    public const int GoalsPerRing = 8;

    private const float Gear = 0.05f;
    private const float TimeStep = 0.02f;
    private const int Substeps = 4;

    private static readonly int[] s_achieved = [6, 7];

    private readonly TwoLinkArm _arm = new();
    private readonly float _actionNoise;
    private readonly float _margin;

    private Reacher2d(
        string name, int count, float margin, EnvironmentSettings settings, TaskFamily family, ITaskDistribution tasks,
        ReadOnlySpan<float> fixedTasks = default)
        : base(name, count, 8, 2, 4, settings.EpisodeLimit ?? DefaultEpisodeLimit, family, tasks, fixedTasks)
    {
        _actionNoise = settings.ActionNoise ?? 0f;
        _margin = margin;
    }

    /// <summary>
    /// Where goals lie: fingertip places between 0.05 m and 0.20 m from the shoulder, in units of the reach.
    /// </summary>
    public static RingTasks Places { get; } = new(0.05f, 0.20f, Reach);

    /// <summary>The goal as the task: margin 0.05 m.</summary>
    /// <param name="count">Copies.</param>
    /// <param name="settings">Changes.</param>
    /// <returns>The environment.</returns>
    public static Reacher2d Goal(int count, EnvironmentSettings settings) => Goal("reacher2d", count, settings, 0.05f);

    /// <summary>The goal as the task, hard to hit: margin 0.02 m.</summary>
    /// <param name="count">Copies.</param>
    /// <param name="settings">Changes.</param>
    /// <returns>The environment.</returns>
    public static Reacher2d Sparse(int count, EnvironmentSettings settings) =>
        Goal("reacher2d-sparse", count, settings, 0.02f);

    /// <summary>32 fixed goals (eight on each of four rings), one-hot tasks: margin 0.05 m.</summary>
    /// <param name="count">Copies.</param>
    /// <param name="settings">Changes.</param>
    /// <returns>The environment.</returns>
    public static Reacher2d Discrete(int count, EnvironmentSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        float[] goals = Places.Spread(Rings, GoalsPerRing);
        OneHotTasks tasks = new(Rings * GoalsPerRing);
        float margin = settings.Margin ?? 0.05f;
        TaskFamily family = TaskFamilies.Discrete(s_achieved, goals, margin / Reach);
        return new Reacher2d("reacher2d-discrete", count, margin, settings, family, tasks, tasks.All());
    }

    /// <inheritdoc/>
    public string DrawSvg(int copy, int width, int height)
    {
        ThrowIfDisposed();
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)copy, (uint)Count);
        const double Side = 2.2 * Reach;
        PlanePicture picture = new(-Side / 2, -Side / 2, Side, width, height);
        ReadOnlySpan<float> task = Task.Slice(copy * Shape.TaskDimension, Shape.TaskDimension);
        ReadOnlySpan<float> goal = task.Length == 2
            ? task
            : Places.Spread(Rings, GoalsPerRing).AsSpan(2 * task.IndexOf(1f), 2);
        picture.Goal(goal[0] * Reach, goal[1] * Reach, _margin);
        ArmState state = StateOf(copy);
        double elbowX = TwoLinkArm.ArmLength * Math.Cos(state.Shoulder),
            elbowY = TwoLinkArm.ArmLength * Math.Sin(state.Shoulder);
        (float x, float y) = TwoLinkArm.Fingertip(state);
        picture.Line(0, 0, elbowX, elbowY, 0.02, "#59636e");
        picture.Line(elbowX, elbowY, x, y, 0.02, "#8c959f");
        picture.Disc(x, y, 0.01, "#0072b2");
        return picture.Close();
    }

    /// <inheritdoc/>
    protected override void StartEpisode(int copy, in EnvironmentRandom random)
    {
        PhiloxBlock words = random.Block(copy);
        StateColumn(0)[copy] = MathF.PI * ((2f * Philox.ToUniform(words.X)) - 1f);
        StateColumn(1)[copy] = _arm.WristLimit * ((2f * Philox.ToUniform(words.Y)) - 1f);
        StateColumn(2)[copy] = 0f;
        StateColumn(3)[copy] = 0f;
    }

    /// <inheritdoc/>
    protected override void Advance(in EnvironmentRandom random)
    {
        ReadOnlySpan<float> action = Actions;
        for (int copy = 0; copy < Count; copy++)
        {
            if (IsResting(copy))
            {
                continue;
            }

            float shoulder = action[2 * copy], wrist = action[(2 * copy) + 1];
            if (_actionNoise > 0f)
            {
                PhiloxBlock words = random.Block(copy);
                (float first, float second) = Philox.ToNormals(words.X, words.Y);
                shoulder = Math.Clamp(shoulder + (_actionNoise * first), -1f, 1f);
                wrist = Math.Clamp(wrist + (_actionNoise * second), -1f, 1f);
            }

            ArmState state = StateOf(copy);
            for (int substep = 0; substep < Substeps; substep++)
            {
                state = _arm.Integrate(state, Gear * shoulder, Gear * wrist, TimeStep / Substeps);
            }

            StateColumn(0)[copy] = state.Shoulder;
            StateColumn(1)[copy] = state.Wrist;
            StateColumn(2)[copy] = state.ShoulderVelocity;
            StateColumn(3)[copy] = state.WristVelocity;
        }
    }

    /// <inheritdoc/>
    protected override void Observe(int copy, Span<float> observation)
    {
        ArmState state = StateOf(copy);
        (observation[1], observation[0]) = MathF.SinCos(state.Shoulder);
        (observation[3], observation[2]) = MathF.SinCos(state.Wrist);
        observation[4] = state.ShoulderVelocity / VelocityScale;
        observation[5] = state.WristVelocity / VelocityScale;
        (float x, float y) = TwoLinkArm.Fingertip(state);
        observation[6] = x / Reach;
        observation[7] = y / Reach;
    }

    private static Reacher2d Goal(string name, int count, EnvironmentSettings settings, float margin)
    {
        ArgumentNullException.ThrowIfNull(settings);
        float chosen = settings.Margin ?? margin;
        return new Reacher2d(name, count, chosen, settings, TaskFamilies.Goal(s_achieved, chosen / Reach), Places);
    }

    private ArmState StateOf(int copy) =>
        new(StateColumn(0)[copy], StateColumn(1)[copy], StateColumn(2)[copy], StateColumn(3)[copy]);
}
