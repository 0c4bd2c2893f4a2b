using System.CommandLine;
using HipiFast.Benchmarking.Throughput;
using HipiFast.Kernels.Backends;

namespace HipiFast.Cli;

/// <summary><c>hipifast bench scaling</c>: how the cost of relabel calls grows with their size.</summary>
internal static class ScalingCommand
{
    /// <summary>The subcommand.</summary>
    /// <param name="json">The program's <c>--json</c>.</param>
    /// <param name="threads">The option <c>--threads</c>.</param>
    public static Command Create(Option<bool> json, Option<int> threads)
    {
        Option<string> backend = new("--backend")
        {
            Description = "Backend to measure.",
            HelpName = "NAME",
            DefaultValueFactory = _ => KernelRegistry.Auto,
        };
        Option<int> hidden = new("--hidden")
        {
            Description = "Width of the networks, 1 to 8192.",
            HelpName = "H",
            DefaultValueFactory = _ => 64,
        };
        Option<double> budget = new("--memory-budget")
        {
            Description =
                "Memory for Q~ in MiB, beyond which it is computed twice. Small, for that to come soon; the library's "
                + "default is 1024.",
            HelpName = "MIB",
            DefaultValueFactory = _ => 4,
        };
        Option<double> longest = new("--longest")
        {
            Description = "Stop once a call takes so many seconds.",
            HelpName = "F",
            DefaultValueFactory = _ => 1.5,
        };
        Command command = new(
            "scaling",
            "Relabel calls of growing size: cost per pair, the exponent of its growth, and where the two-pass form "
            + "takes over.")
        {
            backend, hidden, threads, budget, longest,
        };
        command.SetAction(parsed =>
        {
            double mebibytes = parsed.GetValue(budget), seconds = parsed.GetValue(longest);
            int width = parsed.GetValue(hidden);
            if (!(mebibytes > 0 && mebibytes <= 1 << 20) || !(seconds > 0 && seconds <= 3600)
                || width is < 1 or > 8192)
            {
                throw new ArgumentException(
                    "--memory-budget is above 0, at most 1048576; --longest above 0, at most 3600; --hidden 1 to "
                    + "8192.");
            }

            KernelBackend chosen = OptionalComponents.RequireBackend(
                parsed.GetRequiredValue(backend), PrecisionMode.Auto);
            return Show(
                new ConsoleOutput(parsed.GetValue(json)),
                ScalingStudy.Run(
                    chosen, width, parsed.GetValue(threads), (long)(mebibytes * (1 << 20)), seconds));
        });
        return command;
    }

    private static int Show(ConsoleOutput output, ScalingStudy study)
    {
        output.Table(ScalingStudy.Header, study.Rows());
        foreach (string finding in study.Findings())
        {
            output.Line(finding);
        }

        output.Document(study.Write);
        return CommandLineProgram.Good;
    }
}
