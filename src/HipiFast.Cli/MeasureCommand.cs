using System.CommandLine;
using HipiFast.Benchmarking.Gate;
using HipiFast.Kernels.Backends;

namespace HipiFast.Cli;

/// <summary><c>hipifast bench measure</c>, which <c>bench compare --paired</c> talks to.</summary>
internal static class MeasureCommand
{
    public static Command Create()
    {
        Option<string> backend = new("--backend") { HelpName = "NAME", DefaultValueFactory = _ => KernelRegistry.Auto };
        Option<int> threads = new("--threads") { HelpName = "N", DefaultValueFactory = _ => 1 };
        Option<string> filter = new("--filter") { HelpName = "TEXT", DefaultValueFactory = _ => string.Empty };
        Option<bool> verify = new("--verify");
        Command command = new(
            "measure", "Measure benchmarks as another program tells.") { backend, threads, filter, verify };
        command.Hidden = true;
        command.SetAction(parsed =>
        {
            MeasuringServer.Run(
                OptionalComponents.RequireBackend(parsed.GetRequiredValue(backend), PrecisionMode.Auto),
                parsed.GetValue(threads) > 0 ? parsed.GetValue(threads) : Environment.ProcessorCount,
                parsed.GetRequiredValue(filter),
                parsed.GetValue(verify),
                Console.In,
                Console.Out);
            return CommandLineProgram.Good;
        });
        return command;
    }
}
