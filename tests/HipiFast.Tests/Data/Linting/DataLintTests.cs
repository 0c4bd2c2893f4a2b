using HipiFast.Data;
using HipiFast.Data.Linting;
using HipiFast.Kernels.Tasks;
using HipiFast.Replay;
using HipiFast.Testing;

namespace HipiFast.Tests.Data.Linting;

/// <summary>Every fault is found in a file that has it, and nothing in one that has none.</summary>
public sealed class DataLintTests : IDisposable
{
    private const int Episodes = 12;
    private const int Steps = 25;

    private static readonly TaskFamily s_family = TaskFamilies.Goal([0, 1], 0.06f);

    private readonly TemporaryDirectory _directory = new();

    // A walk in the plane that remembers its last step, and a gripper that opens and closes.
    private readonly float[][][] _states = new float[Episodes][][];
    private readonly float[][][] _actions = new float[Episodes][][];
    private readonly float[][] _goals = new float[Episodes][];

    public DataLintTests()
    {
        Random random = new(3);
        float Draw() => (random.NextSingle() * 2) - 1;
        for (int e = 0; e < Episodes; e++)
        {
            _states[e] = [.. Enumerable.Range(0, Steps + 1).Select(_ => new float[5])];
            _actions[e] = [.. Enumerable.Range(0, Steps).Select(_ => new[] { Draw(), Draw() })];
            _states[e][0] = [3 * Draw(), 3 * Draw(), 0, 0, 0];
            for (int t = 0; t < Steps; t++)
            {
                float[] s = _states[e][t], a = _actions[e][t];
                _states[e][t + 1] =
                    [s[0] + (a[0] * 0.05f), s[1] + (a[1] * 0.05f), a[0], a[1], random.Next(9) == 0 ? 1 - s[4] : s[4]];
            }

            // Somewhere on the way.
            _goals[e] = [_states[e][15][0], _states[e][15][1]];
        }
    }

    public static TheoryData<string> Layouts => ["stored", "shifted", "invalid"];

    public void Dispose() => _directory.Dispose();

    [Theory]
    [MemberData(nameof(Layouts))]
    public void ACleanFileHasNone(string layout)
    {
        LintReport report = Check(layout, _ => { });
        Assert.Empty(report.Findings);
        Assert.Equal(Episodes * Steps, report.Transitions);
        Assert.Equal(Episodes, report.Episodes);
    }

    [Fact]
    public void NumbersThatAreNone()
    {
        LintFinding finding = Single(LintFault.NonFinite, "stored", table =>
        {
            table.Actions[(7 * 2) + 1] = float.NaN;
            table.Rewards[50] = float.PositiveInfinity;
        });
        Assert.Equal((2, 7L, "action, column 1"), (finding.Count, finding.FirstRow, finding.Detail));
    }

    [Fact]
    public void FlagsThatAreNone() => Assert.Equal(
        (1, 9L), Where(Single(LintFault.WrongFlag, "stored", table => table.Terminated[9] = 3)));

    [Fact]
    public void ActionsOutside() => Assert.Equal(
        (2, 4L),
        Where(Single(LintFault.OutsideAction, "shifted", table => (table.Actions[8], table.Actions[99]) = (1.5f, -2))));

    // D4RL's mazes: time-outs marked a row late or early, so that a transition leads from one episode to the next.
    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public void JumpsAcrossTimeOuts(int shift)
    {
        LintReport report = Check("shifted", table =>
        {
            byte[] moved = new byte[table.Truncated.Length];
            for (int row = 0; row < moved.Length; row++)
            {
                if (table.Truncated[row] != 0 && row + shift < moved.Length)
                {
                    moved[row + shift] = 1;
                }
            }

            table.Truncated = moved;
        });
        LintFinding finding = Assert.Single(report.Findings, found => found.Fault == LintFault.Jump);
        Assert.InRange(finding.Count, Episodes - 2, Episodes);
        Assert.Equal(Steps, finding.FirstRow);
    }

    [Fact]
    public void AnEndThatIsMissing()
    {
        LintFinding finding = Single(
            LintFault.Jump, "shifted", table => table.Truncated[(4 * (Steps + 1)) - 1] = 0);
        Assert.Equal((1, (4 * (Steps + 1)) - 1L), (finding.Count, finding.FirstRow));
    }

    [Fact]
    public void AnEndThatIsMissingWithStoredStates()
    {
        LintReport report = Check("stored", table => table.Truncated[(4 * Steps) - 1] = 0);
        LintFinding finding = Assert.Single(report.Findings);
        Assert.Equal((LintFault.Discontinuity, 1L, (4 * Steps) - 1L), (finding.Fault, finding.Count, finding.FirstRow));
    }

    // d3rlpy: the state after the last step is the state before it again.
    [Fact]
    public void TheLastStateRepeated()
    {
        LintFinding finding = Single(LintFault.RepeatedLast, "stored", table =>
        {
            for (int row = Steps - 1; row < table.Rows; row += Steps)
            {
                table.States.AsSpan(row * 5, 5).CopyTo(table.Next.AsSpan(row * 5));
            }
        });
        Assert.Equal((Episodes, Steps - 1L), (finding.Count, finding.FirstRow));
    }

    // Minari: both columns are the states before the step.
    [Fact]
    public void NextStatesThatAreTheStates() => Assert.Equal(
        (Episodes * Steps, 0L),
        Where(Single(LintFault.NextIsSame, "stored", table => table.Next = [.. table.States])));

    [Fact]
    public void EpisodesOfOneStep()
    {
        LintFinding finding = Single(LintFault.ShortEpisode, "stored", table =>
        {
            // An episode of its own, somewhere else, that no termination ended.
            Array.Clear(table.Terminated);
            table.Truncated[10] = table.Truncated[11] = 1;
            for (int row = 11; row < Steps; row++)
            {
                for (int copy = 0; copy < 2; copy++)
                {
                    table.States[(row * 5) + copy] += row == 11 ? 2 : 1;
                    table.Next[(row * 5) + copy] += row == 11 ? 2 : 1;
                }
            }
        });
        Assert.Equal((1, 11L), (finding.Count, finding.FirstRow));
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public void TimeLimitsMidway(string layout)
    {
        int rows = layout == "stored" ? Steps : Steps + 1;
        LintReport report = Check(layout, table =>
        {
            Array.Clear(table.Terminated);
            table.Truncated[11] = 1;
            table.Truncated[(3 * rows) + 14] = 1;
            if (layout == "invalid")
            {
                table.Valid![11] = table.Valid[(3 * rows) + 14] = 0;
            }

            // A steady walk, as most have.
            for (int e = 0; e < Episodes; e++)
            {
                for (int t = 0; t < rows; t++)
                {
                    int row = (e * rows) + t;
                    table.States[row * 5] = e + (0.04f * t);
                    table.States[(row * 5) + 1] = -e + (0.03f * t);
                    table.Next[row * 5] = e + (0.04f * (t + 1));
                    table.Next[(row * 5) + 1] = -e + (0.03f * (t + 1));
                    (table.States[(row * 5) + 2], table.States[(row * 5) + 3]) = (0.4f + (t * 1e-4f), 0.3f);
                    (table.Next[(row * 5) + 2], table.Next[(row * 5) + 3]) = (0.4f + ((t + 1) * 1e-4f), 0.3f);
                }
            }
        });
        LintFinding finding = Assert.Single(report.Findings);
        Assert.Equal((LintFault.TimeLimitMidway, 2L, 11L), (finding.Fault, finding.Count, finding.FirstRow));
    }

    [Fact]
    public void RewardsOfAnotherConvention()
    {
        LintReport report = Check("stored", table => table.JudgeNext = true, s_family);
        LintFinding finding = Assert.Single(report.Findings, found => found.Fault == LintFault.Reward);
        Assert.Contains("judge", finding.Detail, StringComparison.Ordinal);
        report = Check("stored", table => table.Rewards[17] = 0.5f, s_family);
        finding = Assert.Single(report.Findings);
        Assert.Equal((LintFault.Reward, 1L, 17L), (finding.Fault, finding.Count, finding.FirstRow));
        Assert.DoesNotContain("judge", finding.Detail, StringComparison.Ordinal);
        report = Check("stored", table => table.Terminated[5] ^= 1, s_family);
        Assert.Equal((LintFault.Termination, 1L, 5L), (
            report.Findings[0].Fault, report.Findings[0].Count, report.Findings[0].FirstRow));
        Assert.Empty(Check("stored", _ => { }, s_family).Findings);
    }

    [Fact]
    public void WhatIsKeptHasNoFaults()
    {
        string path = Write("shifted", table =>
        {
            table.Actions[8] = 1.5f;
            table.States[40 * 5] = float.NaN;
            table.Truncated[(4 * (Steps + 1)) - 1] = 0;
        });
        (LintReport report, long kept) = DataLint.Repair(path, _directory["kept.npz"]);
        Assert.Equal(
            [LintFault.NonFinite, LintFault.OutsideAction, LintFault.Jump], report.Findings.Select(found => found.Fault));

        // The state before a broken one has lost its next state; the row that lacked its end crosses to the next episode.
        Assert.Equal(report.Transitions - 4, kept);
        LintReport after = DataLint.Check(_directory["kept.npz"]);
        Assert.Empty(after.Findings);
        Assert.Equal(kept, after.Transitions);
        using DataFile file = DataFormats.Open(_directory["kept.npz"]);
        Assert.Equal(kept, DataArrays.Read<double>(file, "extra").Length);
        Assert.Equal(5, DataArrays.Read<double>(file, "extra")[4]);
    }

    [Fact]
    public void RepairedRewardsAreTheFamilys()
    {
        string path = Write("stored", table => (table.Rewards[17], table.Terminated[3]) = (0.5f, 1));
        (_, long kept) = DataLint.Repair(path, _directory["kept.npz"], family: s_family);
        Assert.Equal(Episodes * Steps, kept);
        Assert.Empty(DataLint.Check(_directory["kept.npz"], family: s_family).Findings);
    }

    private static (int Count, long FirstRow) Where(LintFinding finding) => ((int)finding.Count, finding.FirstRow);

    private LintFinding Single(LintFault fault, string layout, Action<Table> change)
    {
        LintFinding finding = Assert.Single(Check(layout, change).Findings);
        Assert.Equal(fault, finding.Fault);
        return finding;
    }

    private LintReport Check(string layout, Action<Table> change, TaskFamily? family = null) =>
        DataLint.Check(Write(layout, change), family: family);

    private string Write(string layout, Action<Table> change)
    {
        bool isStored = layout == "stored";
        int rows = isStored ? Steps : Steps + 1, all = Episodes * rows;
        Table table = new(all) { Valid = layout == "invalid" ? new byte[all] : null };
        for (int e = 0; e < Episodes; e++)
        {
            for (int t = 0; t < rows; t++)
            {
                int row = (e * rows) + t;
                _states[e][t].CopyTo(table.States, row * 5);
                _states[e][Math.Min(t + 1, Steps)].CopyTo(table.Next, row * 5);
                _actions[e][Math.Min(t, Steps - 1)].CopyTo(table.Actions, row * 2);
                _goals[e].CopyTo(table.Goals, row * 2);
                table.Truncated[row] = t == rows - 1 ? (byte)1 : (byte)0;
                if (table.Valid is not null)
                {
                    table.Valid[row] = t < Steps ? (byte)1 : (byte)0;
                }
            }
        }

        table.Judge();
        change(table);
        if (table.JudgeNext)
        {
            (float[] terminated, byte[] flags) = (table.Rewards, [.. table.Terminated]);
            table.Judge();
            table.Terminated = flags;
            Assert.Same(terminated, table.Rewards);
        }

        string path = _directory["x.npz"];
        List<DataSource> columns =
        [
            DataArrays.Of("observations", table.States, all, 5), DataArrays.Of("actions", table.Actions, all, 2),
            DataArrays.Of("goal", table.Goals, all, 2), DataArrays.Of("rewards", table.Rewards),
            DataArrays.Of("terminals", table.Terminated), DataArrays.Of("timeouts", table.Truncated),
            DataArrays.Of("episode", table.Numbers()),
            DataArrays.Of("extra", [.. Enumerable.Range(0, all).Select(row => (double)row)]),
        ];
        if (isStored)
        {
            columns.Add(DataArrays.Of("next_observations", table.Next, all, 5));
        }

        if (table.Valid is not null)
        {
            columns.Add(DataArrays.Of("valids", table.Valid));
        }

        DataArrays.Write(path, [.. columns]);
        return path;
    }

    private sealed class Table(int rows)
    {
        public int Rows => rows;

        public float[] States { get; } = new float[rows * 5];

        public float[] Next { get; set; } = new float[rows * 5];

        public float[] Actions { get; } = new float[rows * 2];

        public float[] Goals { get; } = new float[rows * 2];

        public float[] Rewards { get; } = new float[rows];

        public byte[] Terminated { get; set; } = new byte[rows];

        public byte[] Truncated { get; set; } = new byte[rows];

        public byte[]? Valid { get; init; }

        public bool JudgeNext { get; set; }

        // Ends of the task end no episode here: the episodes are those of the time limits.
        public long[] Numbers()
        {
            long[] numbers = new long[rows];
            for (int row = 1; row < rows; row++)
            {
                numbers[row] = numbers[row - 1] + (Truncated[row - 1] != 0 ? 1 : 0);
            }

            return numbers;
        }

        public void Judge()
        {
            ReadOnlySpan<float> states = JudgeNext ? Next : States, next = JudgeNext ? States : Next;
            s_family.EvaluateRows(new TransitionRows(states, Actions, next, rows), Goals, Rewards, Terminated);
        }
    }
}
