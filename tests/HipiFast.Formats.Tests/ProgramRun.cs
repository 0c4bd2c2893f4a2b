using HipiFast.Cli;
using HipiFast.Testing;

namespace HipiFast.Formats.Tests;

/// <summary>Runs commands of the program in this process.</summary>
internal static class ProgramRun
{
    public static ProcessResult Run(params string[] args) => CapturedConsole.Run(() => CommandLineProgram.Run(args));
}
