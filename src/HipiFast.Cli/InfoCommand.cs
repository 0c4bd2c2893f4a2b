using System.CommandLine;

namespace HipiFast.Cli;

/// <summary><c>hipifast info</c>: what this machine has, and what the program makes of it.</summary>
internal static class InfoCommand
{
    public static Command Create(Option<bool> json)
    {
        Command command = new(
            "info", "Show this machine, its instruction sets, the backends and packages found, and the environments.")
        {
            EnvironmentAssembly.Option,
        };
        command.SetAction(parsed =>
        {
            new ProgramInfo().Write(new ConsoleOutput(parsed.GetValue(json)));
            return CommandLineProgram.Good;
        });
        return command;
    }
}
