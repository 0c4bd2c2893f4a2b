using HipiFast.Kernels.Random;
using HipiFast.Kernels.Tasks;
using HipiFast.Tasks;

namespace HipiFast.Environments;

/// <summary>
/// The paper's 2D navigation (C.7): a point in the FourRooms map, from the lower left corner to a goal at least 15
/// units away.
/// </summary>
/// <remarks>
/// <para>Action: the wanted change of position, in [-1, 1]^2. One draw of N(0, <c>ActionNoise</c>^2) is added to both
/// entries, the sum is clipped to [-1, 1], and the point makes ten substeps of a tenth of it; in each, first x then y
/// moves if the place it would come to is free.</para>
/// <para>State and goals are emitted as <c>x / 16.5 - 1</c>, in [-1, 1], and judged in those units (margin / 16.5), on
/// the state before the step.</para>
/// <para>Four versions: a goal as the task; the same with a small margin; 16 fixed goals with one-hot tasks; goal and
/// margin as the task.</para>
/// </remarks>
public sealed class Nav2d : SimulatedEnvironment, IDrawnEnvironment
{
    /// <summary>Map units per emitted unit: half a side of the map.</summary>
    public const float Scale = FourRooms.Side / 2f;

    /// <summary>Goals are at least this far from the start, in map units.</summary>
    public const float LeastGoalDistance = 15f;

    /// <summary>Standard deviation of the action noise, unless set.</summary>
    public const float DefaultActionNoise = 1f;

    /// <summary>
    /// Largest distance from the goal that counts as reached, in map units, unless set or the version's own.
    /// </summary>
    public const float DefaultMargin = 1f;

    /// <summary>Steps of an episode, unless set or the version's own.</summary>
    public const int DefaultEpisodeLimit = 100;

    /// <summary>Substeps per step.</summary>
    public const int Substeps = 10;

    private const string WallColor = "#59636e";
    private static readonly int[] s_achieved = [0, 1];

    // Cells of the 11 x 11 map; a goal lies in the middle of one. Spread over the three rooms away from the start, at
    // least 15 units from it.
    private static readonly (int X, int Y)[] s_fixedGoals =
    [
        (6, 0), (10, 0), (8, 1), (6, 3), (10, 3), (8, 4),
        (0, 6), (4, 6), (2, 8), (0, 10), (5, 8), (4, 10),
        (7, 6), (10, 6), (8, 8), (10, 10),
    ];

    private readonly float _actionNoise;
    private readonly float _margin;

    private Nav2d(
        string name,
        int count,
        int episodeLimit,
        float margin,
        EnvironmentSettings settings,
        TaskFamily family,
        ITaskDistribution tasks,
        ReadOnlySpan<float> fixedTasks = default)
        : base(name, count, 2, 2, 2, settings.EpisodeLimit ?? episodeLimit, family, tasks, fixedTasks)
    {
        _actionNoise = settings.ActionNoise ?? DefaultActionNoise;
        _margin = margin;
    }

    /// <summary>The goal as the task: margin 1.0 map units, 100 steps.</summary>
    /// <param name="count">Copies.</param>
    /// <param name="settings">Changes.</param>
    /// <returns>The environment.</returns>
    public static Nav2d Goal(int count, EnvironmentSettings settings) =>
        Goal("nav2d", count, settings, DefaultMargin, DefaultEpisodeLimit);

    /// <summary>The goal as the task, hard to hit: margin 0.3 map units, 75 steps.</summary>
    /// <param name="count">Copies.</param>
    /// <param name="settings">Changes.</param>
    /// <returns>The environment.</returns>
    public static Nav2d Sparse(int count, EnvironmentSettings settings) =>
        Goal("nav2d-sparse", count, settings, 0.3f, 75);

    /// <summary>16 fixed goals, one-hot tasks: margin 1.0 map units, 100 steps.</summary>
    /// <param name="count">Copies.</param>
    /// <param name="settings">Changes.</param>
    /// <returns>The environment.</returns>
    public static Nav2d Discrete(int count, EnvironmentSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        float[] goals = new float[2 * s_fixedGoals.Length];
        for (int k = 0; k < s_fixedGoals.Length; k++)
        {
            goals[2 * k] = Emit((s_fixedGoals[k].X + 0.5f) * FourRooms.Dilation);
            goals[(2 * k) + 1] = Emit((s_fixedGoals[k].Y + 0.5f) * FourRooms.Dilation);
        }

        OneHotTasks tasks = new(s_fixedGoals.Length);
        float margin = settings.Margin ?? DefaultMargin;
        TaskFamily family = TaskFamilies.Discrete(s_achieved, goals, margin / Scale);
        return new Nav2d("nav2d-discrete", count, DefaultEpisodeLimit, margin, settings, family, tasks, tasks.All());
    }

    /// <summary>Goal and margin as the task, the margin uniform in [0.3, 2.0] map units: 100 steps.</summary>
    /// <param name="count">Copies.</param>
    /// <param name="settings">Changes; the margin is the task's and cannot be set.</param>
    /// <returns>The environment.</returns>
    /// <exception cref="ArgumentException">A margin is set.</exception>
    public static Nav2d WithMargin(int count, EnvironmentSettings settings)
    {
        const string name = "nav2d-margin";
        ArgumentNullException.ThrowIfNull(settings);
        settings.RefuseMargin(name);
        return new Nav2d(
            name, count, DefaultEpisodeLimit, float.NaN, settings, TaskFamilies.GoalAndMargin(s_achieved),
            new GoalTasks(0.3f / Scale, 2f / Scale));
    }

    /// <inheritdoc/>
    public string DrawSvg(int copy, int width, int height)
    {
        ThrowIfDisposed();
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)copy, (uint)Count);
        // The map's edge is where an agent may stand, and a dot there reaches beyond it: a wall around the map leaves
        // it room.
        const double Wall = 1, Outer = FourRooms.Side + (2 * Wall);
        PlanePicture picture = new(-Wall, -Wall, Outer, width, height);
        foreach (double edge in (ReadOnlySpan<double>)[-Wall, FourRooms.Side])
        {
            picture.Rectangle(edge, -Wall, Wall, Outer, WallColor);
            picture.Rectangle(-Wall, edge, Outer, Wall, WallColor);
        }

        for (int cell = 0; cell < FourRooms.Side * FourRooms.Side; cell++)
        {
            int x = cell / FourRooms.Side, y = cell % FourRooms.Side;
            if (!FourRooms.IsFree(x + 0.5f, y + 0.5f))
            {
                picture.Rectangle(x, y, 1.05, 1.05, WallColor);
            }
        }

        ReadOnlySpan<float> task = Task.Slice(copy * Shape.TaskDimension, Shape.TaskDimension);
        if (task.Length == s_fixedGoals.Length)
        {
            (int x, int y) = s_fixedGoals[task.IndexOf(1f)];
            picture.Goal((x + 0.5) * FourRooms.Dilation, (y + 0.5) * FourRooms.Dilation, _margin);
        }
        else
        {
            picture.Goal((task[0] + 1) * Scale, (task[1] + 1) * Scale, task.Length == 3 ? task[2] * Scale : _margin);
        }

        picture.Disc(StateColumn(0)[copy], StateColumn(1)[copy], 0.7, "#0072b2");
        return picture.Close();
    }

    /// <inheritdoc/>
    protected override void StartEpisode(int copy, in EnvironmentRandom random)
    {
        StateColumn(0)[copy] = 0f;
        StateColumn(1)[copy] = 0f;
    }

    /// <inheritdoc/>
    protected override void Advance(in EnvironmentRandom random)
    {
        Span<float> x = StateColumn(0), y = StateColumn(1);
        ReadOnlySpan<float> action = Actions;
        for (int copy = 0; copy < Count; copy++)
        {
            if (IsResting(copy))
            {
                continue;
            }

            float noise = 0f;
            if (_actionNoise > 0f)
            {
                PhiloxBlock words = random.Block(copy);
                noise = _actionNoise * Philox.ToNormals(words.X, words.Y).Cosine;
            }

            float dx = Math.Clamp(action[2 * copy] + noise, -1f, 1f) / Substeps;
            float dy = Math.Clamp(action[(2 * copy) + 1] + noise, -1f, 1f) / Substeps;
            float px = x[copy], py = y[copy];
            for (int substep = 0; substep < Substeps; substep++)
            {
                px = FourRooms.IsFree(px + dx, py) ? px + dx : px;
                py = FourRooms.IsFree(px, py + dy) ? py + dy : py;
            }

            x[copy] = px;
            y[copy] = py;
        }
    }

    /// <inheritdoc/>
    protected override void Observe(int copy, Span<float> observation)
    {
        observation[0] = Emit(StateColumn(0)[copy]);
        observation[1] = Emit(StateColumn(1)[copy]);
    }

    private static Nav2d Goal(string name, int count, EnvironmentSettings settings, float margin, int episodeLimit)
    {
        ArgumentNullException.ThrowIfNull(settings);
        float chosen = settings.Margin ?? margin;
        return new Nav2d(name, count, episodeLimit, chosen, settings, TaskFamilies.Goal(
            s_achieved, chosen / Scale), new GoalTasks());
    }

    private static float Emit(float coordinate) => (coordinate / Scale) - 1f;

    /// <summary>
    /// A uniform free cell plus a uniform offset in it, drawn again while it is too near the start; then, for goal and
    /// margin, a uniform margin.
    /// </summary>
    private sealed class GoalTasks(float leastMargin = float.NaN, float largestMargin = float.NaN) : ITaskDistribution
    {
        public int TaskDimension => float.IsNaN(leastMargin) ? 2 : 3;

        public void Sample(Span<float> task, ulong seed, uint index, uint call, RandomPurpose purpose)
        {
            for (uint attempt = 0; ; attempt++)
            {
                PhiloxBlock words = Philox.Next(index, attempt, call, (uint)purpose, seed);
                int cell = FourRooms.FreeCells[(int)(((ulong)words.X * (ulong)FourRooms.FreeCells.Length) >> 32)];
                float x = (cell / FourRooms.Side) + Philox.ToUniform(words.Y),
                    y = (cell % FourRooms.Side) + Philox.ToUniform(words.Z);

                // A cell plus an offset just below 1 can round up into the next cell, which may be a wall.
                if ((x * x) + (y * y) >= LeastGoalDistance * LeastGoalDistance && FourRooms.IsFree(x, y))
                {
                    task[0] = Emit(x);
                    task[1] = Emit(y);
                    if (task.Length == 3)
                    {
                        task[2] = leastMargin + ((largestMargin - leastMargin) * Philox.ToUniform(words.W));
                    }

                    return;
                }
            }
        }
    }
}
