using HipiFast.Kernels.Random;
using HipiFast.Kernels.Tasks;
using HipiFast.Testing;

namespace HipiFast.Kernels.Tests.Tasks;

public sealed unsafe class TaskFamilyTests
{
    private const int S = 5, A = 3;

    // Goals of the discrete family, [3, 2].
    private static readonly float[] s_goals = [0f, 0f, 1f, -1f, 0.5f, 0.5f];

    /// <summary>
    /// Families with a plain double-precision account of each: (s, a, s', task) to (reward, terminated).
    /// </summary>
    public static TheoryData<string> Families => [.. Cases.Keys];

    private static Dictionary<string, Case> Cases { get; } = new()
    {
        ["goal"] = new(
            TaskFamilies.Goal([1, 3], 0.7f), (s, _, _, task) => Reach(Distance(s, [1, 3], task), 0.7f, -1, 0)),
        ["goal with rewards, on the next state"] = new(
            TaskFamilies.Goal([4], 0.4f, -2f, 3f, judgeNext: true),
            (_, _, next, task) => Reach(Distance(next, [4], task), 0.4f, -2, 3)),
        ["goal in every entry"] = new(
            TaskFamilies.Goal([0, 1, 2, 3, 4], 1.2f),
            (s, _, _, task) => Reach(Distance(s, [0, 1, 2, 3, 4], task), 1.2f, -1, 0)),
        ["goal beyond the block path"] = new(
            TaskFamilies.Goal(Repeat(2, 40), 3f),
            (s, _, _, task) => Reach(Distance(s, Repeat(2, 40), task), 3f, -1, 0)),
        ["goal-margin"] = new(TaskFamilies.GoalAndMargin([0, 2]), (s, _, _, task) => Reach(
            Distance(s, [0, 2], task[..2]), task[2], -1, 0)),
        ["goal-margin on the next state"] = new(
            TaskFamilies.GoalAndMargin([3], 0f, 1f, judgeNext: true),
            (_, _, next, task) => Reach(Distance(next, [3], task[..1]), task[1], 0, 1)),
        ["discrete"] = new(TaskFamilies.Discrete([0, 1], s_goals, 0.6f), (s, _, _, task) => Reach(
            Distance(s, [0, 1], Selected(task)), 0.6f, -1, 0)),
        ["linear"] = new(
            TaskFamilies.Linear([4, 0, 2]),
            (s, _, _, task) => (((double)task[0] * s[4]) + ((double)task[1] * s[0]) + ((double)task[2] * s[2]), false)),
        ["linear with action cost"] = new(
            TaskFamilies.Linear([1], actionCost: true),
            (s, a, _, task) => (((double)task[0] * s[1]) + (task[1] * Squares(a)), false)),
        ["linear beyond the block path"] = new(
            TaskFamilies.Linear(Repeat(1, 70)), (s, _, _, task) => (task.Sum(weight => (double)weight * s[1]), false)),
        ["dense"] = new(TaskFamilies.Dense([2, 4]), (s, _, _, task) => (-Distance(s, [2, 4], task), false)),
        ["dense with action cost"] = new(
            TaskFamilies.Dense([0], 0.05f), (s, a, _, task) => (-Distance(s, [0], task) - (0.05f * Squares(a)), false)),
        ["dense with weight and offset"] = new(
            TaskFamilies.Dense([1, 0], 0.1f, 2.5f, 4f),
            (s, a, _, task) => (4 - (2.5 * Distance(s, [1, 0], task)) - (0.1f * Squares(a)), false)),
        ["intervals"] = new(
            TaskFamilies.Intervals([(0, 0f, 0.5f), (3, -9f, 0.2f), (0, 0.1f, 9f)], -0.5f, 2f),
            (s, _, _, task) => (Array.IndexOf(task, task.Max()) switch
            {
                0 => s[0] is >= 0f and <= 0.5f,
                1 => s[3] <= 0.2f,
                _ => s[0] >= 0.1f,
            } ? 2 : -0.5, false)),
        ["dense beyond the block path"] = new(
            TaskFamilies.Dense(Repeat(3, 33)), (s, _, _, task) => (-Distance(s, Repeat(3, 33), task), false)),
    };

    [Theory]
    [MemberData(nameof(Families))]
    public void PairsAndRowsAgreeWithThePlainAccount(string name)
    {
        Case subject = Cases[name];
        TaskFamily family = subject.Family;
        int p = family.TaskDimension, terminations = 0, pairs = 0;
        foreach ((int rows, int count) in new[] { (1, 1), (3, 7), (2, 8), (5, 16), (4, 17), (13, 33) })
        {
            // The results' rows are wider than K; what lies beyond must stay as it was.
            int stride = count + 3;
            float[] s = Values(rows * S, 1), a = Values(rows * A, 2), next = Values(rows * S, 3),
                tasks = Tasks(name, count, p);
            float[] reward = new float[rows * stride], terminated = new float[rows * stride];
            Array.Fill(reward, 77f);
            Array.Fill(terminated, 77f);
            fixed (float* sp = s, ap = a, np = next, tp = tasks, rp = reward, dp = terminated)
            {
                TransitionPointers transitions = new((nint)sp, (nint)ap, (nint)np, rows, S, A);
                family.EvaluatePairs(transitions, tp, count, rp, dp, stride);
                for (int k = 0; k < count; k++)
                {
                    float[] rowTasks = [.. Enumerable.Repeat(
                        tasks[(k * p)..((k + 1) * p)], rows).SelectMany(task => task)];
                    float[] rowReward = new float[rows];
                    byte[] rowTerminated = new byte[rows];
                    fixed (float* rt = rowTasks, rr = rowReward)
                    fixed (byte* rd = rowTerminated)
                    {
                        family.EvaluateRows(transitions, rt, rr, rd);
                    }

                    for (int row = 0; row < rows; row++)
                    {
                        // Bit for bit between the two paths, to rounding against the account.
                        Assert.Equal(rowReward[row], reward[(row * stride) + k]);
                        Assert.Equal(rowTerminated[row], terminated[(row * stride) + k]);
                        (double expected, bool ends) = subject.Account(
                            s[(row * S)..((row + 1) * S)],
                            a[(row * A)..((row + 1) * A)],
                            next[(row * S)..((row + 1) * S)],
                            tasks[(k * p)..((k + 1) * p)]);
                        Assert.Equal(expected, rowReward[row], 2e-5 * (1 + Math.Abs(expected)));
                        Assert.Equal(ends, rowTerminated[row] != 0);
                        terminations += rowTerminated[row];
                        pairs++;
                    }
                }
            }

            for (int row = 0; row < rows; row++)
            {
                Assert.All(reward[((row * stride) + count)..((row + 1) * stride)], value => Assert.Equal(77f, value));
                Assert.All(
                    terminated[((row * stride) + count)..((row + 1) * stride)], value => Assert.Equal(77f, value));
            }
        }

        // The data tell the cases apart: goals are sometimes reached and sometimes not.
        bool isGoal = name.StartsWith("goal", StringComparison.Ordinal) || name == "discrete";
        Assert.True(
            isGoal ? terminations > 0 && terminations < pairs : terminations == 0,
            $"{terminations} of {pairs} terminated");
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void AnAchievedTaskIsAchieved(string name)
    {
        TaskFamily family = Cases[name].Family;
        const int rows = 20;
        int p = family.TaskDimension;
        float[] s = Values(rows * S, 5), a = new float[rows * A], commanded = Tasks(name, rows, p);
        float[] achieved = new float[rows * p], reward = new float[rows];
        byte[] terminated = new byte[rows];
        fixed (float* sp = s, ap = a, cp = commanded, tp = achieved, rp = reward)
        fixed (byte* dp = terminated)
        {
            if (!family.HasAchievedTask)
            {
                nint state = (nint)sp, task = (nint)cp;
                Assert.Contains(
                    "no map from states to tasks",
                    Assert.Throws<InvalidOperationException>(
                        () => family.AchievedTasks((float*)state, (float*)task, rows, S, (float*)task)).Message,
                    StringComparison.Ordinal);
                return;
            }

            family.AchievedTasks(sp, cp, rows, S, tp);

            // s serves as s' too, so that families which judge the next state see the same.
            family.EvaluateRows(new TransitionPointers((nint)sp, (nint)ap, (nint)sp, rows, S, A), tp, rp, dp);
            bool dense = name.StartsWith("dense", StringComparison.Ordinal);
            Assert.All(terminated, value => Assert.Equal(dense ? 0 : 1, value));
            if (dense)
            {
                Assert.All(
                    reward, value => Assert.Equal(name.EndsWith("offset", StringComparison.Ordinal) ? 4f : 0f, value));
            }

            // In place.
            family.AchievedTasks(sp, cp, rows, S, cp);
            Assert.Equal(achieved, commanded);
        }
    }

    [Fact]
    public void HandComputedValues()
    {
        float[] s = [3f, 4f, 0f, 1f, 2f], a = [1f, -2f, 0.5f], next = [0f, 0f, 0f, 0f, 0f];

        // The margin itself counts as reached; anything more does not.
        Check(TaskFamilies.Goal([0, 1], 5f), [0f, 0f], 0f, true);
        Check(TaskFamilies.Goal([0, 1], 4.999f), [0f, 0f], -1f, false);
        Check(TaskFamilies.Goal([0, 1], 5f, 0f, 1f), [0f, 0f], 1f, true);
        Check(TaskFamilies.Goal([0, 1], 0f), [3f, 4f], 0f, true);
        Check(TaskFamilies.Goal([0, 1], 0f, judgeNext: true), [0f, 0f], 0f, true);
        Check(TaskFamilies.GoalAndMargin([0, 1]), [0f, 0f, 5f], 0f, true);
        Check(TaskFamilies.GoalAndMargin([0, 1]), [0f, 0f, 4f], -1f, false);
        Check(TaskFamilies.GoalAndMargin([0, 1]), [3f, 4f, -0.5f], -1f, false);
        Check(TaskFamilies.GoalAndMargin([0, 1]), [3f, 4f, float.NaN], -1f, false);
        Check(TaskFamilies.Discrete([0], [3f, 9f], 0.1f), [1f, 0f], 0f, true);
        Check(TaskFamilies.Discrete([0], [3f, 9f], 0.1f), [0f, 1f], -1f, false);
        Check(TaskFamilies.Linear([0, 4], true), [2f, -1f, -0.1f], 6f - 2f - 0.525f, false);
        Check(TaskFamilies.Dense([0, 1], 0.1f), [0f, 0f], -5.525f, false);
        Check(TaskFamilies.Dense([0, 1], 0.1f, 2f, 1f), [0f, 0f], -9.525f, false);

        // Both bounds belong to the interval.
        Check(TaskFamilies.Intervals([(0, 3f, 4f), (1, 0f, 3.99f)]), [1f, 0f], 1f, false);
        Check(TaskFamilies.Intervals([(0, 2f, 3f), (1, 0f, 3.99f)]), [1f, 0f], 1f, false);
        Check(TaskFamilies.Intervals([(0, 2f, 3f), (1, 0f, 3.99f)]), [0f, 1f], 0f, false);

        void Check(TaskFamily family, float[] task, float reward, bool terminated)
        {
            Assert.Equal(task.Length, family.TaskDimension);
            float found;
            byte ended;
            fixed (float* sp = s, ap = a, np = next, tp = task)
            {
                family.EvaluateRows(new TransitionPointers((nint)sp, (nint)ap, (nint)np, 1, S, A), tp, &found, &ended);
            }

            Assert.Equal(reward, found, 1e-6f);
            Assert.Equal(terminated, ended != 0);
        }
    }

    [Fact]
    public void TheCommandedMarginIsKept()
    {
        float[] s = [1f, 2f, 3f, 4f, 5f], commanded = [9f, 9f, 0.25f];
        fixed (float* sp = s, cp = commanded)
        {
            TaskFamilies.GoalAndMargin([3, 0]).AchievedTasks(sp, cp, 1, S, cp);
        }

        Assert.Equal([4f, 1f, 0.25f], commanded);
    }

    // Every built-in family, reading a state entry that states of four entries do not have.
    public static TheoryData<string> BeyondTheState { get; } =
        new("goal", "goal-margin", "discrete", "linear", "dense", "intervals");

    [Theory]
    [MemberData(nameof(BeyondTheState))]
    public void StatesWithoutTheEntriesThatAFamilyReadsAreRefused(string name)
    {
        const int beyond = 4, rows = 2, width = 4;
        TaskFamily family = name switch
        {
            "goal" => TaskFamilies.Goal([0, beyond], 0.5f),
            "goal-margin" => TaskFamilies.GoalAndMargin([beyond, 0]),
            "discrete" => TaskFamilies.Discrete([beyond], [1f, 2f], 0.5f),
            "linear" => TaskFamilies.Linear([0, beyond], actionCost: true),
            "dense" => TaskFamilies.Dense([beyond]),
            _ => TaskFamilies.Intervals([(0, 0f, 1f), (beyond, 0f, 1f)]),
        };
        int p = family.TaskDimension;
        float[] s = new float[rows * width], a = new float[rows], task = new float[rows * p], reward = new float[4];
        float[] ended = new float[4];
        Refused(() => family.EvaluatePairs(new(s, a, s, rows), task, reward, ended));
        Refused(() => family.EvaluateRows(new(s, a, s, rows), task, reward.AsSpan(0, rows), new byte[rows]));
        Refused(() => family.CheckObservationDimension(width));
        if (family.HasAchievedTask)
        {
            Refused(() => family.AchievedTasks(s, task, new float[task.Length]));
        }

        // One more entry is enough.
        float[] wide = new float[rows * (width + 1)];
        family.EvaluatePairs(new(wide, a, wide, rows), task, reward, ended);

        static void Refused(Action call) => Assert.Equal(
            "The task family reads state entry 4; the states have 4 entries.",
            Assert.Throws<ArgumentException>(call).Message);
    }

    [Fact]
    public void IndicesOfMillionsAreRefusedNotRead()
    {
        TaskFamily family = TaskFamilies.Goal([16_000_000], 0.5f);
        float[] s = new float[4], a = new float[1], task = new float[1];
        Assert.Throws<ArgumentException>(
            () => family.EvaluateRows(new(s, a, s, rows: 1), task, new float[1], new byte[1]));
    }

    [Fact]
    public void SpansOfOtherLengthsAreRefused()
    {
        TaskFamily family = TaskFamilies.Goal([0, 1], 0.5f);
        float[] s = new float[8], a = new float[2], task = new float[4], reward = new float[2];
        byte[] ended = new byte[2];
        family.EvaluateRows(new(s, a, s, rows: 2), task, reward, ended);
        Refused("3 transitions", () => _ = new TransitionRows(s, a, s, rows: 3).Rows);
        Refused("after the step", () => _ = new TransitionRows(s, a, s.AsSpan(1), rows: 2).Rows);
        Refused("4 entries for tasks; found 3", () =>
            family.EvaluateRows(new(s, a, s, rows: 2), task.AsSpan(1), reward, ended));
        Refused("2 entries for rewards; found 1", () =>
            family.EvaluateRows(new(s, a, s, rows: 2), task, reward.AsSpan(1), ended));
        Refused("4 entries for terminations; found 2", () =>
            family.EvaluatePairs(new(s, a, s, rows: 2), task, new float[4], reward));
        Refused("achieved tasks", () => family.AchievedTasks(s, task, new float[3]));

        static void Refused(string part, Action call) =>
            Assert.Contains(part, Assert.Throws<ArgumentException>(call).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void EvaluationAllocatesNothing()
    {
        float[] s = Values(32 * S, 1), a = Values(32 * A, 2), tasks = Values(64 * 2, 3),
            results = new float[2 * 32 * 64];
        byte[] terminated = new byte[32];
        TaskFamily family = TaskFamilies.Goal([0, 1], 0.5f);
        fixed (float* sp = s, ap = a, tp = tasks, rp = results)
        fixed (byte* dp = terminated)
        {
            TransitionPointers transitions = new((nint)sp, (nint)ap, (nint)sp, 32, S, A);
            nint state = (nint)sp, task = (nint)tp, result = (nint)rp, end = (nint)dp;
            SteadyState.AssertAllocatesNothing(() =>
            {
                float* rewards = (float*)result;
                family.EvaluatePairs(transitions, (float*)task, 64, rewards, rewards + (32 * 64), 64);
                family.EvaluateRows(transitions, (float*)task, rewards, (byte*)end);
                family.AchievedTasks((float*)state, (float*)task, 32, S, rewards);
            });
        }
    }

    [Fact]
    public void BadArgumentsAreRefused()
    {
        Assert.Throws<ArgumentException>(() => TaskFamilies.Goal([], 1f));
        Assert.Throws<ArgumentException>(() => TaskFamilies.Goal([-1], 1f));
        Assert.Throws<ArgumentException>(() => TaskFamilies.Goal([0], -1f));
        Assert.Throws<ArgumentException>(() => TaskFamilies.Goal([0], float.NaN));
        Assert.Throws<ArgumentException>(() => TaskFamilies.GoalAndMargin([0], float.PositiveInfinity));
        Assert.Throws<ArgumentException>(() => TaskFamilies.Discrete([0, 1], [1f], 1f));
        Assert.Throws<ArgumentException>(() => TaskFamilies.Discrete([0, 1], [], 1f));
        Assert.Throws<ArgumentException>(() => TaskFamilies.Discrete([0], [float.NaN], 1f));
        Assert.Throws<ArgumentException>(() => TaskFamilies.Linear([]));
        Assert.Throws<ArgumentException>(() => TaskFamilies.Dense([0], -0.1f));
        Assert.Throws<ArgumentException>(() => TaskFamilies.Dense([0], 0f, 0f));
        Assert.Throws<ArgumentException>(() => TaskFamilies.Dense([0], 0f, 1f, float.NaN));
        Assert.Throws<ArgumentException>(() => TaskFamilies.Intervals([]));
        Assert.Throws<ArgumentException>(() => TaskFamilies.Intervals([(-1, 0f, 1f)]));
        Assert.Throws<ArgumentException>(() => TaskFamilies.Intervals([(0, 1f, 0f)]));
        Assert.Throws<ArgumentException>(() => TaskFamilies.Intervals([(0, 0f, float.PositiveInfinity)]));
        Assert.Throws<ArgumentException>(() => TaskFamilies.Intervals([(0, 0f, 1f)], float.NaN));
    }

    private static (double Reward, bool Terminated) Reach(double distance, float margin, double before, double at) =>
        distance <= margin ? (at, true) : (before, false);

    private static double Distance(float[] state, int[] indices, float[] goal) =>
        Math.Sqrt(indices.Select((index, d) => Math.Pow((double)state[index] - goal[d], 2)).Sum());

    private static double Squares(float[] action) => action.Sum(value => (double)value * value);

    private static float[] Selected(float[] task) =>
        s_goals[(2 * Array.IndexOf(task, 1f))..((2 * Array.IndexOf(task, 1f)) + 2)];

    private static int[] Repeat(int index, int times) => [.. Enumerable.Repeat(index, times)];

    private static float[] Values(int count, uint stream)
    {
        float[] values = new float[count];
        for (int i = 0; i < count; i++)
        {
            values[i] = (
                2f * Philox.ToUniform(Philox.Next((uint)i, stream, 0, (uint)RandomPurpose.SyntheticData, 3).X)) - 1f;
        }

        return values;
    }

    private static float[] Tasks(string name, int count, int dimension)
    {
        float[] tasks = Values(count * dimension, 4);
        for (int k = 0; k < count; k++)
        {
            if (name == "discrete")
            {
                tasks.AsSpan(k * dimension, dimension).Clear();
                tasks[(k * dimension) + (k % dimension)] = 1f;
            }
            else if (name.StartsWith("goal-margin", StringComparison.Ordinal))
            {
                tasks[((k + 1) * dimension) - 1] = MathF.Abs(tasks[((k + 1) * dimension) - 1]);
            }
            else if (name == "goal beyond the block path")
            {
                // Goals near the states' range in all 40 entries at once, so that some are reached.
                tasks.AsSpan(k * dimension, dimension).Fill(tasks[k * dimension]);
            }
        }

        return tasks;
    }

    private sealed record Case(
        TaskFamily Family, Func<float[], float[], float[], float[], (double Reward, bool Terminated)> Account);
}
