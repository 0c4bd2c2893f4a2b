using System.CommandLine;
using System.Globalization;
using HipiFast.Experiments;
using HipiFast.Options;
using HipiFast.Storage;
using HipiFast.Training;
using Spectre.Console;
using Panel = HipiFast.Experiments.Panel;

namespace HipiFast.Cli;

/// <summary>
/// <c>hipifast reproduce</c>: runs the experiments of the paper's figures and reports what they show here.
/// </summary>
internal static class ReproduceCommand
{
    private const int RefreshMilliseconds = 250;

    public static Command Create(Option<bool> json)
    {
        Argument<string> figure = new("FIGURE") { Description = string.Join(
            ", ", FigureCatalog.All.Select(entry => entry.Name)) + "." };
        Option<bool> quick = new("--quick")
        {
            Description = "A first impression in minutes: fewer steps, evaluations and seeds.",
        };
        Option<string?> seeds = new("--seeds")
        {
            Description = "Seeds. Default: 1,2,3,4,5; 1,2 with --quick where agents are trained for each seed.",
            HelpName = "a,b,c",
        };
        Option<string?> panels = new("--panels")
        {
            Description = "Only these panels, such as nav2d,reacher. Default: all.",
            HelpName = "a,b",
        };
        Option<string?> output = new("--out")
        {
            Description =
                "Directory of the runs and the report; what it holds already is continued. Default: "
                + "reproduction/FIGURE or FIGURE-quick.",
            HelpName = "DIR",
        };
        Command command = new(
            "reproduce",
            "Run the experiments of one of the paper's figures; writes an HTML report with what the paper claims and "
            + "what this run shows.")
        {
            figure, quick, seeds, panels, output,
        };
        command.SetAction(parsed =>
        {
            Figure chosen = FigureCatalog.Find(parsed.GetRequiredValue(figure));
            bool isQuick = parsed.GetValue(quick);
            IReadOnlyList<ulong> list = parsed.GetValue(seeds) is string text
                ? SeedList.Parse(text)
                : chosen.DefaultSeeds(isQuick);
            string directory = parsed.GetValue(output) ?? Path.Combine(
                "reproduction", isQuick ? chosen.Name + "-quick" : chosen.Name);
            ExperimentContext context = new(directory, isQuick, list);
            string[]? names = parsed.GetValue(panels)?.Split(',', StringSplitOptions.TrimEntries);
            return Run(new ConsoleOutput(parsed.GetValue(json)), chosen, new FigureRun(chosen, context, names));
        });
        return command;
    }

    private static int Run(ConsoleOutput console, Figure figure, FigureRun run)
    {
        int unavailable = run.LeftOut.Count;
        if (run.IsHopeless)
        {
            throw new NotSupportedException($"Nothing of {figure.Name} can be run here. {run.LeftOut[0].Reason}");
        }

        foreach ((Panel panel, string reason) in run.LeftOut)
        {
            console.Line($"{panel.Name}: left out. {reason}");
        }

        using DirectoryLock held = run.Begin();
        using StopSignals stop = new();
        for (int round = 0; round < run.Rounds; round++)
        {
            if (!Work(console, run, round, stop))
            {
                console.Line("Stopped before the end; everything so far is saved. The same command continues it.");
                return stop.ExitCode;
            }
        }

        IReadOnlyList<PanelReport> reports = run.WriteReport();
        Show(console, figure, reports, run.ReportPath);
        return run.LeftOut.Count > unavailable ? CommandLineProgram.Failed : CommandLineProgram.Good;
    }

    private static bool Work(ConsoleOutput console, FigureRun run, int round, StopSignals stop)
    {
        IReadOnlyList<(Panel Panel, ExperimentJob Job)> jobs = run.Jobs(round);
        double[] done = new double[jobs.Count];
        ParallelJobs running = ParallelJobs.Start(jobs.Count, Do, stop.Source);
        Watch(console, [.. jobs.Select(entry => entry.Job)], done, () => running.IsRunning);
        running.Join();
        return !stop.Token.IsCancellationRequested;

        void Do(int index)
        {
            (Panel panel, ExperimentJob job) = jobs[index];
            string outcome = string.Empty;
            try
            {
                job.Run(share => Volatile.Write(ref done[index], share), stop.Token);
            }
            catch (Exception error) when (
                error is TrainingDivergedException or IOException or UnauthorizedAccessException
                    or InvalidDataException)
            {
                // The others of many hours go on; the report says what is missing.
                run.Fail(panel, job, error);
                outcome = $" failed: {error.Message}";
            }

            if (!stop.Token.IsCancellationRequested)
            {
                Volatile.Write(ref done[index], 1);
                if (!console.Interactive)
                {
                    console.Line(string.Create(
                        CultureInfo.InvariantCulture,
                        $"{job.Label} ({done.Count(share => share >= 1)} of {jobs.Count}){outcome}"));
                }
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

    private static void Show(ConsoleOutput console, Figure figure, IReadOnlyList<PanelReport> reports, string path)
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
                writer.WriteString("verdict", OptionNames.Kebab(report.Verdict));
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
