using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using HipiFast.Experiments;
using HipiFast.Training;
using Spectre.Console;
using Panel = HipiFast.Experiments.Panel;

namespace HipiFast.Cli;

/// <summary><c>hipifast reproduce</c>: runs the experiments of the paper's figures and reports what they show here.</summary>
internal static class ReproduceCommand
{
    private const int RefreshMilliseconds = 250;

    public static Command Create(Option<bool> json)
    {
        Argument<string> figure = new("FIGURE") { Description = string.Join(", ", FigureCatalog.All.Select(entry => entry.Name)) + "." };
        Option<bool> quick = new("--quick") { Description = "A first impression in minutes: fewer steps, evaluations and seeds." };
        Option<string?> seeds = new("--seeds")
        {
            Description = "Seeds. Default: 1,2,3,4,5; 1,2 with --quick where agents are trained for each seed.",
            HelpName = "a,b,c",
        };
        Option<string?> panels = new("--panels") { Description = "Only these panels, such as nav2d,reacher. Default: all.", HelpName = "a,b" };
        Option<string?> output = new("--out")
        {
            Description = "Directory of the runs and the report; what it holds already is continued. Default: reproduction/FIGURE or FIGURE-quick.",
            HelpName = "DIR",
        };
        Command command = new(
            "reproduce",
            "Run the experiments of one of the paper's figures; writes an HTML report with what the paper claims and what this run shows.")
        {
            figure, quick, seeds, panels, output,
        };
        command.SetAction(parsed =>
        {
            Figure chosen = FigureCatalog.Find(parsed.GetRequiredValue(figure));
            bool isQuick = parsed.GetValue(quick);
            IReadOnlyList<ulong> list = parsed.GetValue(seeds) is string text ? SeedList.Parse(text) : chosen.DefaultSeeds(isQuick);
            string directory = parsed.GetValue(output) ?? Path.Combine("reproduction", isQuick ? chosen.Name + "-quick" : chosen.Name);
            return Run(
                new ConsoleOutput(parsed.GetValue(json)), Choose(chosen, parsed.GetValue(panels)), new ExperimentContext(directory, isQuick, list));
        });
        return command;
    }

    private static Figure Choose(Figure figure, string? list)
    {
        if (list is null)
        {
            return figure;
        }

        string[] names = list.Split(',', StringSplitOptions.TrimEntries);
        string? unknown = names.FirstOrDefault(name => figure.Panels.All(panel => panel.Name != name));
        return unknown is null
            ? figure with { Panels = [.. figure.Panels.Where(panel => names.Contains(panel.Name))] }
            : throw new ArgumentException(
                $"{figure.Name} has no panel '{unknown}'; expected {string.Join(", ", figure.Panels.Select(panel => panel.Name))}.");
    }

    private static int Run(ConsoleOutput console, Figure figure, ExperimentContext context)
    {
        if (File.Exists(context.Directory))
        {
            throw new IOException($"Cannot write to '{context.Directory}': it is a file; expected a directory.");
        }

        // What is wrong with the directory is found before any work is done.
        Panel[] possible = [.. figure.Panels.Where(panel => panel.Unavailable is null)];
        ExperimentJob[] first = JobsOf(possible, context, 0);
        foreach (Panel panel in figure.Panels.Except(possible))
        {
            console.Line($"{panel.Name}: left out. {panel.Unavailable}");
        }

        Directory.CreateDirectory(context.Directory);
        for (int round = 0; possible.Any(panel => panel.Rounds > round); round++)
        {
            if (!Work(console, round == 0 ? first : JobsOf(possible, context, round)))
            {
                console.Line("Stopped before the end; everything so far is saved. The same command continues it.");
                return CommandLineProgram.Failed;
            }
        }

        PanelReport[] reports =
        [
            .. figure.Panels.Select(panel => panel.Unavailable is string reason
                ? new PanelReport(panel.Title, Verdict.NotRun, [reason], [], null, [])
                : panel.Report(context)),
        ];
        string path = Path.Combine(context.Directory, "report.html");
        FigureReport.Save(path, figure, context, reports);
        Show(console, figure, reports, path);
        return CommandLineProgram.Good;
    }

    private static ExperimentJob[] JobsOf(Panel[] panels, ExperimentContext context, int round) =>
        [.. panels.Where(panel => panel.Rounds > round).SelectMany(panel => panel.Jobs(context, round))];

    private static bool Work(ConsoleOutput console, ExperimentJob[] jobs)
    {
        using CancellationTokenSource stop = new();
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Ask);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Ask);
        double[] done = new double[jobs.Length];
        ParallelJobs running = ParallelJobs.Start(jobs.Length, Do, stop);
        Watch(console, jobs, done, () => running.IsRunning);
        running.Join();
        return !stop.IsCancellationRequested;

        void Do(int index)
        {
            jobs[index].Run(share => Volatile.Write(ref done[index], share), stop.Token);
            if (!stop.IsCancellationRequested)
            {
                Volatile.Write(ref done[index], 1);
                if (!console.Interactive)
                {
                    console.Line(string.Create(
                        CultureInfo.InvariantCulture, $"{jobs[index].Label} ({done.Count(share => share >= 1)} of {jobs.Length})"));
                }
            }
        }

        void Ask(PosixSignalContext context)
        {
            if (!stop.IsCancellationRequested)
            {
                context.Cancel = true;
                stop.Cancel();
            }
        }
    }

    private static void Watch(ConsoleOutput console, ExperimentJob[] jobs, double[] done, Func<bool> running)
    {
        if (!console.Interactive || jobs.Length == 0)
        {
            while (running())
            {
                Thread.Sleep(RefreshMilliseconds);
            }

            return;
        }

        AnsiConsole.Progress().Start(context =>
        {
            ProgressTask all = context.AddTask($"{jobs.Length} runs", maxValue: jobs.Length);
            while (running())
            {
                all.Value = done.Sum();
                int current = Array.FindIndex(done, share => share is > 0 and < 1);
                all.Description = current < 0 ? $"{jobs.Length} runs" : Markup.Escape(jobs[current].Label);
                Thread.Sleep(RefreshMilliseconds);
            }

            all.Value = jobs.Length;
        });
    }

    private static void Show(ConsoleOutput console, Figure figure, PanelReport[] reports, string path)
    {
        console.Line($"The paper: {figure.Claim}");
        foreach (PanelReport report in reports)
        {
            console.Line($"{report.Title}: {FigureReport.Describe(report.Verdict)}");
            foreach (string finding in report.Findings)
            {
                console.Line($"  {finding}");
            }
        }

        console.Line($"wrote {path}");
        console.Document(writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("figure", figure.Name);
            writer.WriteString("report", path);
            writer.WriteStartArray("panels");
            foreach (PanelReport report in reports)
            {
                writer.WriteStartObject();
                writer.WriteString("title", report.Title);
                writer.WriteString("verdict", ConfigKey.Kebab(report.Verdict.ToString()));
                writer.WriteStartArray("findings");
                foreach (string finding in report.Findings)
                {
                    writer.WriteStringValue(finding);
                }

                writer.WriteEndArray();
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        });
    }
}
