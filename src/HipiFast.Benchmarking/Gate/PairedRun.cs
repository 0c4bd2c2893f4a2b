using HipiFast.Benchmarking.Results;

namespace HipiFast.Benchmarking.Gate;

/// <summary>How long and how often a paired run measures.</summary>
/// <param name="Restarts">
/// How often both programs are started anew. Where a process's memory lies decides a few percent of its speed for all
/// of its life, so measurements within one process are one draw of that luck, however many they are; the test sees one
/// difference per restart.
/// </param>
/// <param name="Turns">Pairs of turns of each benchmark per restart.</param>
/// <param name="TurnSeconds">Length of a turn.</param>
/// <param name="Seed">Decides which of the two has the first turn of each pair.</param>
public sealed record PairedPlan(int Restarts = 20, int Turns = 5, double TurnSeconds = 4e-3, int Seed = 1)
{
    /// <summary>Throws when a number is out of range.</summary>
    /// <exception cref="ArgumentException">One sentence that names it.</exception>
    public void Validate()
    {
        GateRule.Check(Restarts is >= 2 and <= 100, "number of restarts", Restarts, "2 to 100");
        GateRule.Check(Turns is >= 1 and <= 10_000, "number of turns", Turns, "1 to 10000");
        GateRule.Check(
            TurnSeconds is > 0 and <= 10, "length of a turn", TurnSeconds * 1e3, "milliseconds above 0, at most 10000");
    }
}

/// <summary>
/// Runs two builds in turns, A B B A A B ..., a few milliseconds each and never both at once, and judges the ratio of
/// turns that follow each other: what a shared machine does to the clock it does to both.
/// </summary>
/// <remarks>
/// Beside the median of each turn it compares the 99th percentile of all calls (<see cref="TailTest"/>), the time of
/// the first call in a process (the restarts but the first, in which results are checked, are pairs), and the bytes
/// that a call allocates, which are counted and no question of luck.
/// </remarks>
public static class PairedRun
{
    /// <summary>Compares two builds.</summary>
    /// <param name="baseFolder">Folder of the built program to compare with.</param>
    /// <param name="newFolder">Folder of the built program to judge.</param>
    /// <param name="options">Options of the programs' measuring mode.</param>
    /// <param name="plan">How long and how often.</param>
    /// <param name="rule">What counts as a change.</param>
    /// <returns>The comparison.</returns>
    /// <exception cref="IOException">A folder is missing or holds no program.</exception>
    /// <exception cref="InvalidDataException">
    /// A program cannot measure, a benchmark's result is wrong, or the programs have no benchmark in common.
    /// </exception>
    public static Comparison Compare(
        string baseFolder, string newFolder, IReadOnlyList<string> options, PairedPlan plan, GateRule rule)
    {
        rule.Validate();
        plan.Validate();
        MeasuringProcess.CheckFolder(baseFolder);
        MeasuringProcess.CheckFolder(newFolder);
        return Compare(
            baseFolder,
            newFolder,
            restart =>
            {
                // What a build computes is the same in each of its processes: checked in the first.
                string[] arguments = restart == 0 ? [.. options, "--verify"] : [.. options];

                // They prepare side by side, which takes half the time; as the one that starts later has the machine to
                // itself in the end, each is that one in every other restart.
                string[] folders = restart % 2 == 0 ? [baseFolder, newFolder] : [newFolder, baseFolder];
                MeasuringProcess first = new(folders[0], arguments);
                MeasuringProcess? second = null;
                try
                {
                    second = new MeasuringProcess(folders[1], arguments);
                    first.AwaitReady();
                    second.AwaitReady();
                    return restart % 2 == 0 ? (first, second) : (second, first);
                }
                catch
                {
                    first.Dispose();
                    second?.Dispose();
                    throw;
                }
            },
            plan,
            rule);
    }

    /// <summary>
    /// Compares two commands of the user's, whatever they run: each turn is one run, from the start of its process to
    /// the end, and each restart gives the median log ratio of its turns.
    /// </summary>
    /// <param name="baseCommand">A line for the system's shell, to compare with.</param>
    /// <param name="newCommand">The line to judge.</param>
    /// <param name="plan">How often; the length of a turn is the command's.</param>
    /// <param name="rule">What counts as a change.</param>
    /// <returns>The comparison, of one benchmark called <c>command</c>.</returns>
    /// <exception cref="InvalidDataException">A command failed; one sentence with its last line.</exception>
    public static Comparison CompareCommands(string baseCommand, string newCommand, PairedPlan plan, GateRule rule)
    {
        rule.Validate();
        plan.Validate();
        return Compare(
            baseCommand, newCommand, _ => (new CommandProgram(baseCommand), new CommandProgram(newCommand)), plan,
            rule);
    }

    /// <summary>The same with programs that are started by the caller.</summary>
    internal static Comparison Compare(
        string baseName, string newName, Func<int, (IMeasuredProgram Before, IMeasuredProgram After)> start,
        PairedPlan plan, GateRule rule)
    {
        Random random = new(plan.Seed);
        string[] names = [], gone = [], added = [];
        Dictionary<string, PairedBenchmark> measured = [];
        for (int restart = 0; restart < plan.Restarts; restart++)
        {
            (IMeasuredProgram before, IMeasuredProgram after) = start(restart);
            using (before)
            using (after)
            {
                // Cores of a shared machine are not equally fast at one moment (each has strangers of its own beside
                // it), and a program stays where it is: on different ones, the luck of the core would be the ratio.
                before.Pin(restart);
                after.Pin(restart);
                (names, gone, added) = Comparison.Match(baseName, before.Benchmarks, newName, after.Benchmarks);
                (string Name, int Before, int After)[] common =
                    [.. names.Select(
                        name => (name, IndexOf(before.Benchmarks, name), IndexOf(after.Benchmarks, name)))];
                foreach ((string name, _, _) in common)
                {
                    measured.TryAdd(name, new PairedBenchmark());
                }

                foreach ((string name, int indexBefore, int indexAfter) in common)
                {
                    measured[name].Begin(before.FirstCall(indexBefore), after.FirstCall(indexAfter));
                }

                double[][] ratios = [.. names.Select(_ => new double[plan.Turns])];
                for (int turn = 0; turn < plan.Turns; turn++)
                {
                    for (int i = 0; i < common.Length; i++)
                    {
                        (string name, int indexBefore, int indexAfter) = common[i];
                        bool afterFirst = random.Next(2) == 1;
                        MeasuredTurn late = afterFirst ? after.Measure(indexAfter, plan.TurnSeconds) : default;
                        MeasuredTurn early = before.Measure(indexBefore, plan.TurnSeconds);
                        late = afterFirst ? late : after.Measure(indexAfter, plan.TurnSeconds);
                        measured[name].Before.Add(early);
                        measured[name].After.Add(late);
                        ratios[i][turn] = Math.Log(late.MedianSeconds / early.MedianSeconds);
                    }
                }

                for (int i = 0; i < common.Length; i++)
                {
                    measured[common[i].Name].Shifts.Add(Medians.Of(ratios[i]));
                }
            }
        }

        Contrast[] contrasts = [.. names.SelectMany(name => measured[name].Contrasts(name, plan.Seed))];
        IEnumerable<ComparedBenchmark> allocations = names.Select(name => measured[name].Allocations(name)).OfType<
            ComparedBenchmark>();
        return new Comparison(
            rule,
            $"paired, {plan.Restarts} restarts of {plan.Turns} turns, Wilcoxon signed rank, p99 by swapped restarts",
            baseName,
            newName,
            [.. Comparison.Judge(contrasts, rule), .. allocations],
            gone,
            added);
    }

    private static int IndexOf(IReadOnlyList<string> names, string name) =>
        names.Index().First(entry => entry.Item == name).Index;
}
