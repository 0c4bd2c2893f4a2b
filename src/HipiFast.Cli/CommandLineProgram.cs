using System.CommandLine;
using System.CommandLine.Parsing;
using System.Numerics;
using HipiFast.Cli.Relabel;
using HipiFast.Options;
using HipiFast.Training;

namespace HipiFast.Cli;

/// <summary>The <c>hipifast</c> program: its commands, and what its exit codes and errors mean.</summary>
internal static class CommandLineProgram
{
    /// <summary>All went well.</summary>
    public const int Good = 0;

    /// <summary>
    /// Something failed that the user's input is not to blame for: what was asked for cannot run here, say, or the disk
    /// is full.
    /// </summary>
    public const int Failed = 1;

    /// <summary>Bad usage or bad input.</summary>
    public const int BadUsage = 2;

    private static readonly string[] s_savingCommands = ["train", "clone", "reproduce", "relabel"];

    private static readonly Option<bool> s_verbose = new("--verbose")
    {
        Description = "Show where an error arose (stack trace).",
        Recursive = true,
    };

    private static readonly Option<bool> s_json = new("--json")
    {
        Description = "Write results as JSON, for machines.",
        Recursive = true,
    };

    /// <summary>Runs one command.</summary>
    /// <param name="args">Arguments of the program.</param>
    /// <returns>The exit code.</returns>
    public static int Run(string[] args)
    {
        ParseResult? parsed = null;
        try
        {
            RequireWorkingDirectory();
            OptionalComponents.Load();
            // No response files: an argument that begins with @ is that argument.
            parsed = CreateRoot().Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
            if (parsed.Errors.Count > 0)
            {
                return Complain(parsed);
            }

            RequirePaths(parsed);
            EnvironmentAssembly.Load(parsed);
            if (parsed.Action == parsed.CommandResult.Command.Action)
            {
                // Neither --help nor --version.
                OptionalComponents.BuildForGpu();
            }

            return parsed.Invoke(
                new InvocationConfiguration
                {
                    EnableDefaultExceptionHandler = false,
                    ProcessTerminationTimeout = null,
                });
        }
        catch (Exception error)
        {
            ConsoleOutput.Error(error.Message);
            if (parsed?.GetValue(s_verbose) == true)
            {
                Console.Error.WriteLine(error);
            }

            return IsBadInput(error) ? BadUsage : Failed;
        }
    }

    /// <summary>Whether the results of a command are files, and what it prints only tells of them.</summary>
    /// <param name="args">Arguments of the program.</param>
    public static bool SavesItsWork(string[] args) =>
        s_savingCommands.Contains(args.FirstOrDefault(argument => !argument.StartsWith('-')));

    /// <summary>Whether an error is about what the user gave, rather than about the program or the machine.</summary>
    private static bool IsBadInput(Exception error) =>
        error is (ArgumentException or InvalidDataException or IOException or UnauthorizedAccessException)
            && !MachineFailure.Is(error);

    /// <summary>Throws when the directory that relative paths begin at has been deleted.</summary>
    private static void RequireWorkingDirectory()
    {
        try
        {
            _ = Directory.GetCurrentDirectory();
        }
        catch (IOException error)
        {
            throw new InvalidOperationException(
                "The working directory does not exist any more; change to another one.", error);
        }
    }

    private static RootCommand CreateRoot()
    {
        RootCommand root = new(
            "Hindsight relabeling by inverse RL: trains agents for many tasks, and relabels experience.")
        {
            s_verbose,
            s_json,
            TrainCommand.Create(s_json),
            EvalCommand.Create(s_json),
            CloneCommand.Create(s_json),
            CompareCommand.Create(s_json),
            ReproduceCommand.Create(s_json),
            RelabelCommand.Create(s_json),
            LintCommand.Create(s_json),
            BenchCommand.Create(s_json),
            InfoCommand.Create(s_json),
        };
        root.HelpName = "hipifast";
        return root;
    }

    /// <summary>Throws when an option that takes a path was given nothing but blanks.</summary>
    private static void RequirePaths(ParseResult parsed)
    {
        foreach (OptionResult option in parsed.CommandResult.Children.OfType<OptionResult>())
        {
            // A path is shown in help as DIR, FILE or a name with an extension.
            bool isPath = option.Option.HelpName is string name && (name is "DIR" or "FILE" || name.Contains(
                '.', StringComparison.Ordinal));
            if (isPath && option.Tokens.Any(token => string.IsNullOrWhiteSpace(token.Value)))
            {
                throw new ArgumentException(
                    $"{option.Option.Name} is empty; expected a path ({option.Option.HelpName}).");
            }
        }
    }

    /// <summary>
    /// The sentence for an error of the parser, which speaks of .NET types where a number does not parse.
    /// </summary>
    private static string Describe(ParseError error)
    {
        if (error.SymbolResult is not OptionResult { Tokens: [Token token] } option
            || error.Message.StartsWith(option.Option.Name, StringComparison.Ordinal))
        {
            return error.Message;
        }

        Type type = Nullable.GetUnderlyingType(option.Option.ValueType) ?? option.Option.ValueType;
        string? expected = Type.GetTypeCode(type) switch
        {
            TypeCode.Int32 =>
                "a whole number"
                + (BigInteger.TryParse(token.Value, out _) ? $", at most {int.MaxValue}" : string.Empty),
            TypeCode.UInt64 => "a whole number, 0 or more",
            TypeCode.Double => "a number",
            _ => null,
        };
        return expected is null ? error.Message : $"{option.Option.Name} is '{token.Value}'; expected {expected}.";
    }

    /// <summary>One sentence for the first thing wrong with the command line.</summary>
    private static int Complain(ParseResult parsed)
    {
        Command command = parsed.CommandResult.Command;
        string? stray = parsed.UnmatchedTokens.FirstOrDefault();
        if (command is RootCommand && stray is null)
        {
            // No command at all: show what there is.
            command.Parse(["--help"]).Invoke();
            return BadUsage;
        }

        string[] commands = [.. command.Subcommands.Where(
            subcommand => !subcommand.Hidden).Select(subcommand => subcommand.Name)];
        bool group = commands.Length > 0;
        if (stray is null && group)
        {
            ConsoleOutput.Error(
                $"{command.Name} needs a command: {string.Join(", ", commands)} (see hipifast {command.Name} --help).");
        }
        else if (stray is null)
        {
            ConsoleOutput.Error(Describe(parsed.Errors[0]));
        }
        else if (stray.StartsWith('-'))
        {
            IEnumerable<string> known = command.Options.Concat(
                parsed.RootCommandResult.Command.Options).Select(option => option.Name).Distinct();
            string where = command is RootCommand ? string.Empty : $" of {command.Name}";
            string help = command is RootCommand ? "hipifast --help" : $"hipifast {command.Name} --help";
            ConsoleOutput.Error($"Unknown option '{stray}'{where}{NearestName.Suggestion(stray, known)} (see {help}).");
        }
        else if (group)
        {
            ConsoleOutput.Error($"Unknown command '{stray}'{NearestName.Suggestion(stray, commands)}.");
        }
        else
        {
            ConsoleOutput.Error(
                $"Unexpected argument '{stray}' of {command.Name} (see hipifast {command.Name} --help).");
        }

        return BadUsage;
    }
}
