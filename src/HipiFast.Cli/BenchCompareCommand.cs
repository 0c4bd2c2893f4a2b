using System.CommandLine;
using HipiFast.Benchmarking.Gate;

namespace HipiFast.Cli;

/// <summary><c>hipifast bench compare BASE NEW</c>: the regression gate.</summary>
internal static class BenchCompareCommand
{
    private const int Regression = 1;

    public static Command Create(Option<bool> json)
    {
        Command command = new(
            "compare", "Compare two sets of benchmark results, or two builds (--paired); exit code 1 on a regression.");
        GateRule rule = new();
        PairedPlan plan = new();
        Argument<string> before = new("BASE")
        {
            Description = "Results to compare with: a file or a folder; with --paired, the folder of a built program; "
                + "with --command, a line for the shell.",
        };
        Argument<string> after = new("NEW")
        {
            Description = "Results to judge, or the folder of the built program, or the line for the shell.",
        };
        Option<bool> paired = new("--paired")
        {
            Description = "Run two builds in turns and judge the ratio, instead of reading results.",
        };
        Option<bool> ofCommands = new("--command")
        {
            Description = "Paired: BASE and NEW are commands of yours, each run as a whole in every turn.",
        };
        Option<double> threshold = Number(
            "--threshold", "PERCENT", "Smallest change that counts, in percent.", rule.Threshold * 100);
        Option<double> tail = Number(
            "--tail-threshold", "PERCENT",
            "Paired: smallest change of a 99th percentile or a first call that counts, in percent.",
            rule.TailThreshold * 100);
        Option<double> floor = Number(
            "--noise-floor", "NS", "Smallest change that counts, in nanoseconds per call.",
            rule.NoiseFloorSeconds * 1e9);
        Option<double> significance = Number(
            "--significance", "P", "Largest chance of a false alarm over all benchmarks together.", rule.Significance);
        Option<bool> markdown = new("--markdown") { Description = "Write the table as Markdown." };
        Option<bool> all = new("--all") { Description = "Show benchmarks that did not change, too." };
        Option<int> restarts = new("--restarts")
        {
            Description = "Paired: how often both programs start anew.",
            HelpName = "N",
            DefaultValueFactory = _ => plan.Restarts,
        };
        Option<int> turns = new("--turns")
        {
            Description = "Paired: pairs of turns of each benchmark per restart.",
            HelpName = "N",
            DefaultValueFactory = _ => plan.Turns,
        };
        Option<double> turn = Number(
            "--turn-ms", "MS", "Paired: length of a turn, in milliseconds.", plan.TurnSeconds * 1e3);
        Option<int> seed = new("--seed")
        {
            Description = "Paired: decides who has the first turn of each pair.",
            HelpName = "S",
            DefaultValueFactory = _ => plan.Seed,
        };
        Option<string?> filter = new("--filter")
        {
            Description = "Paired: only benchmarks whose name contains this.",
            HelpName = "TEXT",
        };
        foreach (Argument argument in (Argument[])[before, after])
        {
            command.Add(argument);
        }

        foreach (
            Option option in (Option[])
            [
                paired, ofCommands, threshold, tail, floor, significance, markdown, all, restarts, turns, turn, seed, filter
            ])
        {
            command.Add(option);
        }

        command.SetAction(parsed =>
        {
            rule = new GateRule(
                parsed.GetValue(threshold) / 100, parsed.GetValue(floor) * 1e-9, parsed.GetValue(significance),
                parsed.GetValue(tail) / 100);
            string basePath = parsed.GetRequiredValue(before), newPath = parsed.GetRequiredValue(after);
            if (!parsed.GetValue(paired) && ((Option[])[ofCommands, restarts, turns, turn, seed, filter, tail]).Any(
                IsGiven))
            {
                throw new ArgumentException(
                    "--command, --restarts, --turns, --turn-ms, --seed, --filter and --tail-threshold are about "
                    + "--paired, which was not given.");
            }

            PairedPlan asked = new(
                parsed.GetValue(restarts), parsed.GetValue(turns), parsed.GetValue(turn) * 1e-3,
                parsed.GetValue(seed));
            if (parsed.GetValue(ofCommands))
            {
                if (((Option[])[turn, filter, tail]).Any(IsGiven))
                {
                    throw new ArgumentException(
                        "--turn-ms, --filter and --tail-threshold do not apply to --command: a turn is one run of a "
                        + "command.");
                }

                // A whole process is slow, and as much of another place in memory as a restart is.
                asked = IsGiven(turns) ? asked : asked with { Turns = 1 };
                return Show(PairedRun.CompareCommands(basePath, newPath, asked, rule));
            }

            string[] options = parsed.GetValue(filter) is { Length: > 0 } text ? ["--filter", text] : [];
            Comparison comparison = parsed.GetValue(paired)
                ? PairedRun.Compare(
                    basePath,
                    newPath,
                    options,
                    asked,
                    rule)
                : Comparison.OfResults(basePath, newPath, rule);
            return Show(comparison);

            int Show(Comparison made)
            {
                ComparisonReport report = new(made, parsed.GetValue(all));
                Console.Out.Write(
                    parsed.GetValue(json) ? report.Json()
                    : parsed.GetValue(markdown) ? report.Markdown()
                    : report.Table());
                return made.HasRegression ? Regression : CommandLineProgram.Good;
            }

            bool IsGiven(Option option) => parsed.GetResult(option) is { Implicit: false };
        });
        return command;
    }

    private static Option<double> Number(string name, string help, string description, double value) =>
        new(name) { Description = description, HelpName = help, DefaultValueFactory = _ => value };
}
