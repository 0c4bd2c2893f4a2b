using HipiFast.Environments;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tasks;
using HipiFast.Learning;
using HipiFast.Relabeling;
using HipiFast.Replay;

namespace HipiFast.Experiments;

/// <summary>
/// The paper's Fig. 4: relabeling stitches crossing trajectories. The dataset has two trajectories that cross at one
/// cell. The first leads from A to the top row and was stopped, from run to run, at each of its goals there; the second
/// leads from B to the goals in the bottom row.
/// <code>
///   6  . . # g g g g      g: goals, runs stop here
///   5  . . # . . . .      #: first trajectory, A to the top row
///   4  . . # . . . .      *: second trajectory, B to the bottom row
///   3  B * C * . . .      C: where they cross
///   2  A # # * . . .
///   1  . . . * . . .
///   0  . . . * g g g
/// </code>
/// </summary>
/// <remarks>
/// Every transition is relabeled, either with the goal where its run ended, or with draws from q(goal | transition),
/// with the soft-optimal returns over the observed transitions as Q~. Q-learning on either dataset then says which
/// goals its greedy policy comes to.
/// </remarks>
public static class StitchingExperiment
{
    /// <summary>Where the first trajectory begins.</summary>
    public static readonly int StartA = Gridworld.Cell(0, 2);

    /// <summary>Where the second trajectory begins.</summary>
    public static readonly int StartB = Gridworld.Cell(0, 3);

    /// <summary>The cell on both trajectories.</summary>
    public static readonly int Crossing = Gridworld.Cell(2, 3);

    private const int Stay = 0, Left = 1, Right = 2, Down = 3, Up = 4;
    private const int DrawsPerTransition = 256;
    private const int MostSteps = Gridworld.CellCount;

    private static readonly int[] s_firstMoves = [Right, Right, Up, Up, Up, Up, Right, Right, Right, Right];
    private static readonly int[] s_secondMoves = [Right, Right, Right, Down, Down, Down, Right, Right, Right];
    private static readonly int[] s_topGoals =
        [Gridworld.Cell(3, 6), Gridworld.Cell(4, 6), Gridworld.Cell(5, 6), Gridworld.Cell(6, 6)];
    private static readonly int[] s_bottomGoals =
        [Gridworld.Cell(4, 0), Gridworld.Cell(5, 0), Gridworld.Cell(6, 0)];
    private static readonly int[] s_goals = [.. s_topGoals, .. s_bottomGoals];

    private static readonly TaskFamily s_family = Gridworld.Goal(1, new EnvironmentSettings()).Family;
    private static readonly StitchingRun[] s_runs = [.. Runs(
        StartA, s_firstMoves, s_topGoals), .. Runs(StartB, s_secondMoves, s_bottomGoals)];
    private static readonly GridStep[] s_steps = [.. s_runs.SelectMany(run => run.Steps)];
    private static readonly TransitionShape s_shape = new(2, 2, 2);

    /// <summary>Cells of the goals in the top row, then in the bottom row.</summary>
    public static IReadOnlyList<int> Goals => s_goals;

    /// <summary>Cells of the goals in the top row.</summary>
    public static IReadOnlyList<int> TopGoals => s_topGoals;

    /// <summary>Cells of the goals in the bottom row.</summary>
    public static IReadOnlyList<int> BottomGoals => s_bottomGoals;

    /// <summary>The dataset: one run per goal.</summary>
    public static IReadOnlyList<StitchingRun> Dataset => s_runs;

    /// <summary>Labels every transition of the dataset.</summary>
    /// <param name="strategy"><see cref="RelabelStrategy.Final"/> or <see cref="RelabelStrategy.InverseRl"/>.</param>
    /// <param name="seed">Philox key of the draws.</param>
    /// <returns>Labelled transitions; their task is an index into <see cref="Goals"/>.</returns>
    /// <exception cref="ArgumentException">The strategy is another.</exception>
    public static IReadOnlyList<TabularTransition> Relabel(RelabelStrategy strategy, ulong seed) => strategy switch
    {
        RelabelStrategy.Final => RelabelByFinalState(),
        RelabelStrategy.InverseRl => RelabelByInverseRl(seed),
        _ => throw new ArgumentException(
            $"The relabeling strategy is {strategy}; expected Final or InverseRl.", nameof(strategy)),
    };

    /// <summary>Q-learning on labelled transitions; the goals that the greedy policy then comes to.</summary>
    /// <param name="labelled">What <see cref="Relabel"/> returned.</param>
    /// <param name="start">Cell to start from.</param>
    /// <returns>Cells of the goals reached, in the order of <see cref="Goals"/>.</returns>
    public static IReadOnlyList<int> GoalsReached(IReadOnlyList<TabularTransition> labelled, int start)
    {
        using TabularQLearning learner = new(Gridworld.CellCount, Gridworld.MoveCount, s_goals.Length);
        learner.Fit([.. labelled.Distinct()]);
        return [.. Enumerable.Range(0, s_goals.Length).Where(
            goal => Reaches(learner, start, goal)).Select(goal => s_goals[goal])];
    }

    private static bool Reaches(TabularQLearning learner, int start, int goal)
    {
        int cell = start;
        for (int step = 0; step < MostSteps && cell != s_goals[goal]; step++)
        {
            int move = learner.GreedyAction(cell, goal);
            if (move < 0)
            {
                return false;
            }

            cell = Gridworld.Move(cell, move);
        }

        return cell == s_goals[goal];
    }

    private static List<TabularTransition> RelabelByFinalState()
    {
        using ReplayBuffer replay = new(s_shape, s_steps.Length);
        int first = 0;
        foreach (StitchingRun run in s_runs)
        {
            using TransitionBatch episode = Batch([.. run.Steps], first);
            replay.AppendEpisode(episode);
            first += run.Steps.Count;
        }

        using TransitionBatch batch = Batch(s_steps, 0);
        using Relabeler relabeler = new(
            s_family, null, new RelabelOptions { Strategy = RelabelStrategy.Final, RelabelFraction = 1 });
        relabeler.Relabel(batch, replay);
        return Labelled(batch);
    }

    private static List<TabularTransition> RelabelByInverseRl(ulong seed)
    {
        using TabularQLearning soft = new(
            Gridworld.CellCount, Gridworld.MoveCount, s_goals.Length, gamma: 0.99f, temperature: 1f);
        soft.Fit(
            [.. s_steps.SelectMany(step => Enumerable.Range(0, s_goals.Length).Select(goal => Judge(step, goal)))]);
        using ComputeSession session = FunctionSession.Create(
            (in SoftQProblem problem, int row, int candidate) => soft.Q(
            CellOf(problem.Observation.Slice(2 * row, 2)), MoveOf(problem.Action.Slice(2 * row, 2)),
            GoalOf(problem.Task.Slice(2 * candidate, 2))));

        // The table is exact where a step ends the task, too.
        using Relabeler relabeler = new(
            session, s_family, null,
            new RelabelOptions { RelabelFraction = 1, Seed = seed, ExactTerminalValue = false });
        using TransitionBatch batch = Batch(
            [.. s_steps.SelectMany(step => Enumerable.Repeat(step, DrawsPerTransition))], 0);
        float[] goals = new float[2 * s_goals.Length];
        for (int goal = 0; goal < s_goals.Length; goal++)
        {
            Gridworld.WriteCell(s_goals[goal], goals.AsSpan(2 * goal, 2));
        }

        relabeler.Relabel(batch, goals);
        return Labelled(batch);
    }

    // Steps as transitions that were commanded to go to B, which is no goal.
    private static TransitionBatch Batch(GridStep[] steps, int firstIndex)
    {
        TransitionBatch batch = new(s_shape, steps.Length) { Count = steps.Length };
        for (int row = 0; row < steps.Length; row++)
        {
            Gridworld.WriteCell(steps[row].Cell, batch.Observation.Slice(2 * row, 2));
            Gridworld.WriteAction(steps[row].Move, batch.Action.Slice(2 * row, 2));
            Gridworld.WriteCell(steps[row].NextCell, batch.NextObservation.Slice(2 * row, 2));
            Gridworld.WriteCell(StartB, batch.Task.Slice(2 * row, 2));
            batch.ReplayIndex[row] = firstIndex + row;
        }

        return batch;
    }

    private static List<TabularTransition> Labelled(TransitionBatch batch)
    {
        List<TabularTransition> labelled = [];
        for (int row = 0; row < batch.Count; row++)
        {
            labelled.Add(new TabularTransition(
                CellOf(batch.Observation.Slice(2 * row, 2)),
                MoveOf(batch.Action.Slice(2 * row, 2)),
                CellOf(batch.NextObservation.Slice(2 * row, 2)),
                GoalOf(batch.Task.Slice(2 * row, 2)),
                batch.Reward[row],
                batch.Terminated[row] != 0));
        }

        return labelled;
    }

    private static int CellOf(ReadOnlySpan<float> observation)
    {
        const float Half = (Gridworld.Side - 1) / 2f;
        return Gridworld.Cell(
            (int)MathF.Round((observation[0] + 1f) * Half), (int)MathF.Round((observation[1] + 1f) * Half));
    }

    private static int GoalOf(ReadOnlySpan<float> task)
    {
        int goal = Array.IndexOf(s_goals, CellOf(task));
        return goal >= 0 ? goal : throw new InvalidOperationException(
            $"A transition was labelled with cell {CellOf(task)}, which is no goal.");
    }

    private static int MoveOf(ReadOnlySpan<float> action) =>
        action[0] != 0f ? (action[0] < 0f ? Left : Right) : action[1] != 0f ? (action[1] < 0f ? Down : Up) : Stay;

    // Reward and termination of a step under a goal, by the gridworld's own family.
    private static TabularTransition Judge(GridStep step, int goal)
    {
        Span<float> observation = stackalloc float[2], next = stackalloc float[2], action = stackalloc float[2];
        Span<float> task = stackalloc float[2], reward = stackalloc float[1];
        Span<byte> terminated = stackalloc byte[1];
        Gridworld.WriteCell(step.Cell, observation);
        Gridworld.WriteCell(step.NextCell, next);
        Gridworld.WriteAction(step.Move, action);
        Gridworld.WriteCell(s_goals[goal], task);
        s_family.EvaluateRows(new TransitionRows(observation, action, next, rows: 1), task, reward, terminated);
        return new TabularTransition(step.Cell, step.Move, step.NextCell, goal, reward[0], terminated[0] != 0);
    }

    // One run per goal on the way: the moves up to it, then the step that ends the episode there.
    private static IEnumerable<StitchingRun> Runs(int start, int[] moves, int[] stops)
    {
        foreach (int stop in stops)
        {
            List<GridStep> steps = [];
            int cell = start;
            foreach (int move in moves)
            {
                if (cell == stop)
                {
                    break;
                }

                steps.Add(new GridStep(cell, move, Gridworld.Move(cell, move)));
                cell = steps[^1].NextCell;
            }

            steps.Add(new GridStep(cell, Stay, cell));
            yield return new StitchingRun(steps, cell);
        }
    }
}

/// <summary>One run of the dataset of <see cref="StitchingExperiment"/>.</summary>
/// <param name="Steps">Its steps.</param>
/// <param name="FinalCell">Where it ended.</param>
public sealed record StitchingRun(IReadOnlyList<GridStep> Steps, int FinalCell);

/// <summary>A move in the grid.</summary>
/// <param name="Cell">From.</param>
/// <param name="Move">Move number of <see cref="Gridworld"/>.</param>
/// <param name="NextCell">To.</param>
public readonly record struct GridStep(int Cell, int Move, int NextCell);
