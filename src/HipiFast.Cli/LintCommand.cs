using System.CommandLine;
using System.Globalization;
using HipiFast.Data;
using HipiFast.Data.Linting;
using HipiFast.Kernels.Tasks;
using HipiFast.Options;
using HipiFast.Storage;
using HipiFast.Tasks;

namespace HipiFast.Cli;

/// <summary><c>hipifast lint</c>: what is wrong with a file of transitions, though it reads without
/// complaint.</summary>
internal static class LintCommand
{
    public static Command Create(Option<bool> json)
    {
        Argument<string> file = new("FILE")
        {
            Description = "Transitions: safetensors, npz, HDF5 (Minari, D4RL) or Parquet (LeRobot); docs/formats.md.",
        };
        Option<string?> family = new("--family")
        {
            Description = "Task family: rewards and terminations are compared with its own under each row's task.",
            HelpName = "F.json",
        };
        Option<string?> columns = new("--columns")
        {
            Description = "Which column is what, as relabel takes it.",
            HelpName = "ROLE=NAME,...",
        };
        Option<bool> drop = new("--drop-bad")
        {
            Description =
                "Also write the rows without fault (--out), each with its next state; rewards and terminations that "
                + "disagree are the family's there.",
        };
        Option<string?> output = new("--out")
        {
            Description = "File to write with --drop-bad, in the format of FILE.",
            HelpName = "Y.safetensors",
        };
        Command command = new(
            "lint", "Look through a file of transitions for faults; exit code 1 where there are any, 0 where none.")
        {
            file, family, columns, drop, output,
        };
        command.SetAction(parsed =>
        {
            string? path = parsed.GetValue(output);
            if (parsed.GetValue(drop) != path is not null)
            {
                throw new ArgumentException("--drop-bad and --out go together: what is kept is written there.");
            }

            return Run(
                new ConsoleOutput(parsed.GetValue(json)), parsed.GetRequiredValue(file), parsed.GetValue(family),
                parsed.GetValue(columns), path);
        });
        return command;
    }

    private static int Run(ConsoleOutput console, string path, string? familyPath, string? columns, string? output)
    {
        if (output is not null)
        {
            OutputPath.RequireWritable(output);
        }

        using TransitionReader reader = DataInput.Open(path, columns, checksValues: false);
        if (output is not null && DataInput.FormatOf(output, reader) != reader.Format)
        {
            throw new ArgumentException(
                $"--out '{output}' is named as a file of {DataInput.FormatOf(output, reader)}; what is kept goes into "
                + $"the format of '{path}', {reader.Format}.");
        }

        TaskFamily? family = familyPath is null
            ? null
            : TaskFamilyJson.Read(familyPath, reader.TaskDimension > 0 ? reader.Shape() : null);
        if (family is not null && reader.TaskDimension == 0)
        {
            throw new InvalidDataException(
                $"'{path}' has no tasks (no column 'task'), so that --family cannot judge its rewards.");
        }

        DataInput.Describe(console, reader);
        using StopSignals stop = new();
        using LintedFile? kept = output is null ? null : new LintedFile(reader, output);
        LintReport report;
        try
        {
            report = DataLint.Run(reader, family, kept, null, stop.Token);
        }
        catch (OperationCanceledException)
        {
            console.Line("Stopped before the end; nothing was written.");
            return stop.ExitCode;
        }

        kept?.Save();
        Show(console, path, report, kept?.Count, output);
        return report.Findings.Count == 0 ? CommandLineProgram.Good : CommandLineProgram.Failed;
    }

    private static void Show(ConsoleOutput console, string path, LintReport report, long? kept, string? output)
    {
        string episodes = report.Episodes == 0
            ? "without episodes"
            : $"{NumberText.Count(report.Episodes)} episodes";
        console.Line(
            $"{path}: {NumberText.Count(report.Rows)} rows, {NumberText.Count(report.Transitions)} transitions, {episodes}");
        if (report.Findings.Count == 0)
        {
            console.Line("no faults found");
        }
        else
        {
            console.Table(
                ["fault", "count", "first row", "there"],
                report.Findings.Select(finding => (IReadOnlyList<string>)
                [
                    OptionNames.Kebab(finding.Fault), NumberText.Count(finding.Count),
                    finding.FirstRow.ToString(CultureInfo.InvariantCulture), finding.Detail,
                ]));
        }

        if (kept is long count)
        {
            console.Line($"wrote {NumberText.Count(count)} rows to {output}");
        }

        console.Document(writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("file", path);
            writer.WriteNumber("rows", report.Rows);
            writer.WriteNumber("transitions", report.Transitions);
            writer.WriteNumber("episodes", report.Episodes);
            writer.WriteStartArray("findings");
            foreach (LintFinding finding in report.Findings)
            {
                writer.WriteStartObject();
                writer.WriteString("fault", OptionNames.Kebab(finding.Fault));
                writer.WriteNumber("count", finding.Count);
                writer.WriteNumber("first_row", finding.FirstRow);
                writer.WriteString("detail", finding.Detail);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            if (kept is long rows)
            {
                writer.WriteNumber("kept", rows);
                writer.WriteString("out", output);
            }

            writer.WriteEndObject();
        });
    }
}
