using System.CommandLine;

namespace HipiFast.Cli.Relabel;

/// <summary><c>hipifast relabel</c>: relabels a file of transitions or trajectories.</summary>
internal static class RelabelCommand
{
    public static Command Create(Option<bool> json)
    {
        RelabelArguments arguments = new();
        Command command = new("relabel", "Relabel a file of transitions: for each, which task it was good for.");
        foreach (Option option in arguments.All)
        {
            command.Add(option);
        }

        command.SetAction(parsed =>
        {
            RelabelRun.Execute(new ConsoleOutput(parsed.GetValue(json)), arguments.Read(parsed));
            return CommandLineProgram.Good;
        });
        return command;
    }
}
