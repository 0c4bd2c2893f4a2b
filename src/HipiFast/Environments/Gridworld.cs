using HipiFast.Kernels.Random;
using HipiFast.Kernels.Tasks;
using HipiFast.Tasks;

namespace HipiFast.Environments;

/// <summary>
/// A small grid of cells with goal cells as tasks, in the manner of the paper's Fig. 4: from the lower left corner to
/// any other cell.
/// </summary>
/// <remarks>
/// <para>Five moves (stay, left, right, down, up) stand behind a continuous action in [-1, 1]^2: the entry of larger
/// magnitude decides, the first of equals; from 0.5 up it moves one cell along its axis in the direction of its sign,
/// below that the agent stays. A move out of the grid stays.</para>
/// <para>State and goals are emitted as <c>2 x / (Side - 1) - 1</c>, in [-1, 1]; a goal is reached within half a cell
/// (<c>Margin</c>, in cells), judged on the state before the step. 50 steps. There is no noise.</para>
/// <para>Two versions: a goal as the task; one-hot tasks, one for every cell but the start. There is no sparse version
/// of its own, as a goal is a single cell already.</para>
/// </remarks>
public sealed class Gridworld : SimulatedEnvironment, IDrawnEnvironment
{
    /// <summary>Cells along a side.</summary>
    public const int Side = 7;

    /// <summary>Number of cells.</summary>
    public const int CellCount = Side * Side;

    /// <summary>Number of moves: stay, left, right, down, up.</summary>
    public const int MoveCount = 5;

    private const int GoalCount = CellCount - 1;
    private const float CellsPerUnit = (Side - 1) / 2f;
    private const float LeastPush = 0.5f;

    private static readonly int[] s_achieved = [0, 1];
    private static readonly (int X, int Y)[] s_moves = [(0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)];

    private Gridworld(
        string name,
        int count,
        EnvironmentSettings settings,
        TaskFamily family,
        ITaskDistribution tasks,
        ReadOnlySpan<float> fixedTasks = default)
        : base(name, count, 2, 2, 2, settings.EpisodeLimit ?? 50, family, tasks, fixedTasks)
    {
    }

    /// <summary>The goal cell as the task.</summary>
    /// <param name="count">Copies.</param>
    /// <param name="settings">Changes; there is no action noise to set.</param>
    /// <returns>The environment.</returns>
    /// <exception cref="ArgumentException">An action noise is set.</exception>
    public static Gridworld Goal(int count, EnvironmentSettings settings)
    {
        const string name = "gridworld";
        ArgumentNullException.ThrowIfNull(settings);
        settings.RefuseActionNoise(name);
        return new Gridworld(
            name, count, settings, TaskFamilies.Goal(s_achieved, EmittedMargin(settings)), new CellTasks());
    }

    /// <summary>One-hot tasks: task k is cell k + 1, so that every cell but the start, cell 0, is a goal.</summary>
    /// <param name="count">Copies.</param>
    /// <param name="settings">Changes; there is no action noise to set.</param>
    /// <returns>The environment.</returns>
    /// <exception cref="ArgumentException">An action noise is set.</exception>
    public static Gridworld Discrete(int count, EnvironmentSettings settings)
    {
        const string name = "gridworld-discrete";
        ArgumentNullException.ThrowIfNull(settings);
        settings.RefuseActionNoise(name);
        float[] goals = new float[2 * GoalCount];
        for (int k = 0; k < GoalCount; k++)
        {
            WriteCell(k + 1, goals.AsSpan(2 * k, 2));
        }

        OneHotTasks tasks = new(GoalCount);
        TaskFamily family = TaskFamilies.Discrete(s_achieved, goals, EmittedMargin(settings));
        return new Gridworld(name, count, settings, family, tasks, tasks.All());
    }

    /// <summary>Number of a cell: <c>y * Side + x</c>.</summary>
    /// <param name="x">From the left, in [0, <see cref="Side"/>).</param>
    /// <param name="y">From below, in [0, <see cref="Side"/>).</param>
    /// <returns>In [0, <see cref="CellCount"/>).</returns>
    public static int Cell(int x, int y) => (y * Side) + x;

    /// <summary>The action that makes a move.</summary>
    /// <param name="move">In [0, <see cref="MoveCount"/>).</param>
    /// <param name="action">Result <c>[2]</c>.</param>
    public static void WriteAction(int move, Span<float> action)
    {
        action[0] = s_moves[move].X;
        action[1] = s_moves[move].Y;
    }

    /// <summary>What the networks see of a cell, as a state or as a goal.</summary>
    /// <param name="cell">In [0, <see cref="CellCount"/>).</param>
    /// <param name="observation">Result <c>[2]</c>.</param>
    public static void WriteCell(int cell, Span<float> observation)
    {
        observation[0] = ((cell % Side) / CellsPerUnit) - 1f;
        observation[1] = ((cell / Side) / CellsPerUnit) - 1f;
    }

    /// <summary>The cell that a move leads to.</summary>
    /// <param name="cell">In [0, <see cref="CellCount"/>).</param>
    /// <param name="move">In [0, <see cref="MoveCount"/>).</param>
    /// <returns>The neighbour, or the cell itself at the grid's edge.</returns>
    public static int Move(int cell, int move)
    {
        return Cell(
            Math.Clamp((cell % Side) + s_moves[move].X, 0, Side - 1),
            Math.Clamp((cell / Side) + s_moves[move].Y, 0, Side - 1));
    }

    /// <inheritdoc/>
    public string DrawSvg(int copy, int width, int height)
    {
        ThrowIfDisposed();
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)copy, (uint)Count);
        PlanePicture picture = new(0, 0, Side, width, height);
        for (int line = 0; line <= Side; line++)
        {
            picture.Line(line, 0, line, Side, 0.02, "#d0d7de");
            picture.Line(0, line, Side, line, 0.02, "#d0d7de");
        }

        ReadOnlySpan<float> task = Task.Slice(copy * Shape.TaskDimension, Shape.TaskDimension);
        if (task.Length == GoalCount)
        {
            int cell = task.IndexOf(1f) + 1;
            picture.Goal((cell % Side) + 0.5, (cell / Side) + 0.5, 0.5);
        }
        else
        {
            picture.Goal(((task[0] + 1) * CellsPerUnit) + 0.5, ((task[1] + 1) * CellsPerUnit) + 0.5, 0.5);
        }

        picture.Disc(StateColumn(0)[copy] + 0.5, StateColumn(1)[copy] + 0.5, 0.25, "#0072b2");
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

            int cell = Move(Cell((int)x[copy], (int)y[copy]), MoveOf(action[2 * copy], action[(2 * copy) + 1]));
            x[copy] = cell % Side;
            y[copy] = cell / Side;
        }
    }

    /// <inheritdoc/>
    protected override void Observe(int copy, Span<float> observation) =>
        WriteCell(Cell((int)StateColumn(0)[copy], (int)StateColumn(1)[copy]), observation);

    private static float EmittedMargin(EnvironmentSettings settings) => (settings.Margin ?? 0.5f) / CellsPerUnit;

    private static int MoveOf(float x, float y)
    {
        float largest = MathF.Max(MathF.Abs(x), MathF.Abs(y));
        if (largest < LeastPush)
        {
            return 0;
        }

        return MathF.Abs(x) == largest ? (x < 0f ? 1 : 2) : (y < 0f ? 3 : 4);
    }

    /// <summary>Uniform over the cells other than the start.</summary>
    private sealed class CellTasks : ITaskDistribution
    {
        public int TaskDimension => 2;

        public void Sample(Span<float> task, ulong seed, uint index, uint call, RandomPurpose purpose)
        {
            uint word = Philox.Next(index, 0, call, (uint)purpose, seed).X;
            WriteCell(1 + (int)(((ulong)word * GoalCount) >> 32), task);
        }
    }
}
