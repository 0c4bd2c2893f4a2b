using System.CommandLine;
using System.Globalization;
using HipiFast.Storage;
using HipiFast.Training;

namespace HipiFast.Cli;

/// <summary><c>hipifast compare</c>: the runs of several strategies side by side, paired by seed.</summary>
internal static class CompareCommand
{
    public static Command Create(Option<bool> json)
    {
        Argument<string[]> runs = new("RUN")
        {
            Description =
                "Run directories (from hipifast train --seeds); the others are compared with the first, seed by seed.",
            Arity = ArgumentArity.OneOrMore,
        };
        Option<string[]> names = new("--names")
        {
            Description = "Names of the runs in the table and the picture. Default: the directories'.",
            HelpName = "A B ...",
            AllowMultipleArgumentsPerToken = true,
        };
        Option<string?> title = new("--title") { Description = "Heading of the picture.", HelpName = "TEXT" };
        Option<string?> figure = new("--out")
        {
            Description = "Draw the curves (mean and spread over seeds) to this SVG file.",
            HelpName = "FILE",
        };
        Command command = new(
            "compare",
            "Compare training runs: area under the success curve, final success, and differences paired by seed; where "
            + "no run has a success, as "
            + "when tasks never end, the same of returns.")
        {
            runs, names, title, figure,
        };
        command.SetAction(parsed => Run(
            new ConsoleOutput(parsed.GetValue(json)),
            parsed.GetRequiredValue(runs),
            parsed.GetValue(names) ?? [],
            parsed.GetValue(title),
            parsed.GetValue(figure)));
        return command;
    }

    private static int Run(ConsoleOutput output, string[] paths, string[] names, string? title, string? figure)
    {
        if (names.Length != 0 && names.Length != paths.Length)
        {
            throw new ArgumentException(
                $"--names gives {names.Length} names for {paths.Length} runs; expected one each.");
        }

        if (figure is not null)
        {
            OutputPath.RequireWritable(figure);
        }

        SeedGroup[] groups = [.. paths.Select(SeedGroup.Load)];
        bool isRate = ScoreColumn.Of(groups.SelectMany(
            group => group.Curves.Values).SelectMany(curve => curve.Values)) == MetricColumn.SuccessRate;
        string metric = isRate ? "success" : "return";
        if (!isRate)
        {
            groups = [.. paths.Select(path => SeedGroup.Load(path, MetricColumn.EpisodeReturn))];
        }

        string[] labels = names.Length == 0 ? [.. groups.Select(group => group.Name)] : names;
        PairedDifference[] differences = [.. groups.Skip(1).Select(groups[0].AreaMinus)];
        output.Table(
            [
                "run", "seeds", $"area under {metric} curve", $"final {metric}",
                $"{labels[0]} minus this (s.e.; seeds ahead)"
            ],
            groups.Select((group, index) => (IReadOnlyList<string>)
            [
                labels[index],
                group.Curves.Count.ToString(CultureInfo.InvariantCulture),
                group.Area.Describe(),
                group.Final.Describe(),
                index == 0 ? string.Empty : Describe(differences[index - 1]),
            ]));
        output.Document(writer =>
        {
            writer.WriteStartArray();
            for (int i = 0; i < groups.Length; i++)
            {
                writer.WriteStartObject();
                writer.WriteString("run", labels[i]);
                writer.WriteString(
                    "metric", RunLogs.NameOf(isRate ? MetricColumn.SuccessRate : MetricColumn.EpisodeReturn));
                writer.WriteNumber("seeds", groups[i].Curves.Count);
                NumberText.Write(writer, "area_mean", groups[i].Area.Mean);
                NumberText.Write(writer, "area_deviation", groups[i].Area.Deviation);
                NumberText.Write(writer, "final_mean", groups[i].Final.Mean);
                NumberText.Write(writer, "final_deviation", groups[i].Final.Deviation);
                if (i > 0)
                {
                    NumberText.Write(writer, "first_minus_this_mean", differences[i - 1].Mean);
                    NumberText.Write(writer, "first_minus_this_standard_error", differences[i - 1].StandardError);
                    writer.WriteNumber("seeds_ahead", differences[i - 1].Ahead);
                    writer.WriteNumber("seeds_in_common", differences[i - 1].Seeds);
                }

                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        });
        if (figure is not null)
        {
            LearningCurveSvg picture = isRate
                ? new(title ?? "success rate") { ValueRange = (0, 1) }
                : new(title ?? "return") { ValueLabel = "return" };
            for (int i = 0; i < groups.Length; i++)
            {
                picture.Add(labels[i], [.. groups[i].Curves.Values]);
            }

            picture.Save(figure);
            output.Line($"wrote {figure} (mean and spread over the seeds)");
        }

        return CommandLineProgram.Good;
    }

    private static string Describe(PairedDifference difference) => string.Create(
        CultureInfo.InvariantCulture,
        $"{difference.Mean:+0.000;-0.000;0.000} ({difference.StandardError:0.000}; {difference.Ahead} of "
        + $"{difference.Seeds})");
}
