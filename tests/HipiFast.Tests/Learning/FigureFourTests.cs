using HipiFast.Environments;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tasks;
using HipiFast.Learning;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Tests.Relabeling;

namespace HipiFast.Tests.Learning;

/// <summary>
/// The paper's Fig. 4: relabeling stitches crossing trajectories. The dataset has two trajectories that cross at one cell. The first leads from A to
/// the top row and was stopped, from run to run, at each of its goals there; the second leads from B to the goals in the bottom row.
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
public sealed unsafe class FigureFourTests
{
    private const int Stay = 0, Left = 1, Right = 2, Down = 3, Up = 4;
    private const int DrawsPerTransition = 256;

    private static readonly int s_a = Cell(0, 2), s_b = Cell(0, 3), s_crossing = Cell(2, 3);
    private static readonly int[] s_first = [Right, Right, Up, Up, Up, Up, Right, Right, Right, Right];
    private static readonly int[] s_second = [Right, Right, Right, Down, Down, Down, Right, Right, Right];
    private static readonly int[] s_topGoals = [Cell(3, 6), Cell(4, 6), Cell(5, 6), Cell(6, 6)];
    private static readonly int[] s_bottomGoals = [Cell(4, 0), Cell(5, 0), Cell(6, 0)];
    private static readonly int[] s_goals = [.. s_topGoals, .. s_bottomGoals];

    private static readonly TaskFamily s_family = Gridworld.Goal(1, new EnvironmentSettings()).Family;
    private static readonly List<Run> s_runs = [.. Runs(s_a, s_first, s_topGoals), .. Runs(s_b, s_second, s_bottomGoals)];
    private static readonly Step[] s_steps = [.. s_runs.SelectMany(run => run.Steps)];
    private static readonly TransitionShape s_shape = new(2, 2, 2);

    [Fact]
    public void TheTrajectoriesCross()
    {
        Assert.Equal(s_goals.Length, s_runs.Count);
        Assert.All(s_runs, run => Assert.Contains(run.Steps, step => step.Cell == s_crossing));
        Assert.Equal(s_goals, s_runs.Select(run => run.FinalCell));
    }

    [Fact]
    public void FinalStateRelabelingReachesOnlyTheTopRowFromA()
    {
        using TabularQLearning learner = Learn(RelabelByFinalState());
        Assert.Equal(s_topGoals, ReachedFrom(learner, s_a));
        Assert.Equal(s_bottomGoals, ReachedFrom(learner, s_b));
    }

    [Fact]
    public void InverseRlRelabelingReachesEveryGoalFromA()
    {
        using TabularQLearning learner = Learn(RelabelByInverseRl());
        Assert.Equal(s_goals, ReachedFrom(learner, s_a));
        Assert.Equal(s_goals, ReachedFrom(learner, s_b));
    }

    [Fact]
    public void InverseRlFindsBothIntentionsBeforeTheCrossingAndOneAfter()
    {
        List<TabularTransition> labelled = RelabelByInverseRl();
        Assert.Equal(s_goals, Labels(s_a, Right));
        Assert.Equal(s_goals, Labels(s_b, Right));
        Assert.Equal(s_topGoals, Labels(s_crossing, Up));
        Assert.Equal(s_bottomGoals, Labels(s_crossing, Right));

        IEnumerable<int> Labels(int cell, int move) =>
            labelled.Where(step => step.State == cell && step.Action == move)
                .Select(step => step.Task).Distinct().Order().Select(goal => s_goals[goal]);
    }

    /// <summary>Every transition, with the goal where its episode ended as the replay buffer knows it.</summary>
    private static List<TabularTransition> RelabelByFinalState()
    {
        using ReplayBuffer replay = new(s_shape, s_steps.Length);
        int first = 0;
        foreach (Run run in s_runs)
        {
            using TransitionBatch episode = Batch([.. run.Steps], first);
            replay.AppendEpisode(episode);
            first += run.Steps.Count;
        }

        using TransitionBatch batch = Batch(s_steps, 0);
        using Relabeler relabeler = new(s_family, null, new RelabelOptions { Strategy = RelabelStrategy.Final, RelabelFraction = 1 });
        relabeler.Relabel(batch, replay);
        return Labelled(batch);
    }

    /// <summary>Every transition, drawn many times from q(goal | transition) with the soft-optimal returns over the observed transitions as
    /// Q~.</summary>
    private static List<TabularTransition> RelabelByInverseRl()
    {
        using TabularQLearning soft = new(Gridworld.CellCount, Gridworld.MoveCount, s_goals.Length, gamma: 0.99f, temperature: 1f);
        soft.Fit([.. s_steps.SelectMany(step => Enumerable.Range(0, s_goals.Length).Select(goal => Judge(step, goal)))]);
        using FunctionSession session = new((in SoftQProblem problem, int row, int candidate) => soft.Q(
            CellOf(problem.Observation.Slice(2 * row, 2)), MoveOf(problem.Action.Slice(2 * row, 2)), GoalOf(problem.Task.Slice(2 * candidate, 2))));

        // The session answers for the networks.
        using AgentNetworks agent = RelabelData.Agent(s_shape);
        using Relabeler relabeler = new(session, s_family, agent, new RelabelOptions { RelabelFraction = 1, Seed = 4 });
        using TransitionBatch batch = Batch([.. s_steps.SelectMany(step => Enumerable.Repeat(step, DrawsPerTransition))], 0);
        float[] goals = new float[2 * s_goals.Length];
        for (int goal = 0; goal < s_goals.Length; goal++)
        {
            Gridworld.WriteCell(s_goals[goal], goals.AsSpan(2 * goal, 2));
        }

        relabeler.Relabel(batch, goals);
        return Labelled(batch);
    }

    /// <summary>Steps as transitions that were commanded to go to B, which is no goal.</summary>
    private static TransitionBatch Batch(Step[] steps, int firstIndex)
    {
        TransitionBatch batch = new(s_shape, steps.Length) { Count = steps.Length };
        for (int row = 0; row < steps.Length; row++)
        {
            Gridworld.WriteCell(steps[row].Cell, batch.Observation.Slice(2 * row, 2));
            Gridworld.WriteAction(steps[row].Move, batch.Action.Slice(2 * row, 2));
            Gridworld.WriteCell(steps[row].NextCell, batch.NextObservation.Slice(2 * row, 2));
            Gridworld.WriteCell(s_b, batch.Task.Slice(2 * row, 2));
            batch.ReplayIndex[row] = firstIndex + row;
        }

        return batch;
    }

    /// <summary>What a relabeled batch teaches: its labels, rewards and terminations.</summary>
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
        const float half = (Gridworld.Side - 1) / 2f;
        return Cell((int)MathF.Round((observation[0] + 1f) * half), (int)MathF.Round((observation[1] + 1f) * half));
    }

    private static int GoalOf(ReadOnlySpan<float> task)
    {
        int goal = Array.IndexOf(s_goals, CellOf(task));
        Assert.True(goal >= 0, "a label is none of the goals");
        return goal;
    }

    private static int MoveOf(ReadOnlySpan<float> action) =>
        action[0] != 0f ? (action[0] < 0f ? Left : Right) : action[1] != 0f ? (action[1] < 0f ? Down : Up) : Stay;

    private static TabularQLearning Learn(List<TabularTransition> labelled)
    {
        TabularQLearning learner = new(Gridworld.CellCount, Gridworld.MoveCount, s_goals.Length);
        learner.Fit([.. labelled.Distinct()]);
        return learner;
    }

    /// <summary>Reward and termination of a step under a goal, by the gridworld's own family.</summary>
    private static TabularTransition Judge(Step step, int goal)
    {
        float* observation = stackalloc float[2], next = stackalloc float[2], action = stackalloc float[2], task = stackalloc float[2];
        float reward;
        byte terminated;
        Gridworld.WriteCell(step.Cell, new Span<float>(observation, 2));
        Gridworld.WriteCell(step.NextCell, new Span<float>(next, 2));
        Gridworld.WriteAction(step.Move, new Span<float>(action, 2));
        Gridworld.WriteCell(s_goals[goal], new Span<float>(task, 2));
        s_family.EvaluateRows(new TransitionPointers((nint)observation, (nint)action, (nint)next, 1, 2, 2), task, &reward, &terminated);
        return new TabularTransition(step.Cell, step.Move, step.NextCell, goal, reward, terminated != 0);
    }

    /// <summary>The goals that the greedy policy comes to.</summary>
    private static List<int> ReachedFrom(TabularQLearning learner, int start)
    {
        List<int> reached = [];
        for (int goal = 0; goal < s_goals.Length; goal++)
        {
            int cell = start;
            for (int step = 0; step < 50 && cell != s_goals[goal]; step++)
            {
                int move = learner.GreedyAction(cell, goal);
                if (move < 0)
                {
                    break;
                }

                cell = Gridworld.Move(cell, move);
            }

            if (cell == s_goals[goal])
            {
                reached.Add(cell);
            }
        }

        return reached;
    }

    /// <summary>One run per goal on the way: the moves up to it, then the step that ends the episode there.</summary>
    private static IEnumerable<Run> Runs(int start, int[] moves, int[] stops)
    {
        foreach (int stop in stops)
        {
            List<Step> steps = [];
            int cell = start;
            foreach (int move in moves)
            {
                if (cell == stop)
                {
                    break;
                }

                steps.Add(new Step(cell, move, Gridworld.Move(cell, move)));
                cell = steps[^1].NextCell;
            }

            steps.Add(new Step(cell, Stay, cell));
            yield return new Run(steps, cell);
        }
    }

    private static int Cell(int x, int y) => (y * Gridworld.Side) + x;

    private sealed record Run(IReadOnlyList<Step> Steps, int FinalCell);

    private readonly record struct Step(int Cell, int Move, int NextCell);
}
