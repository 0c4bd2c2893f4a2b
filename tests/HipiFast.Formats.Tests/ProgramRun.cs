using HipiFast.Cli;
using HipiFast.Testing;

namespace HipiFast.Formats.Tests;

/// <summary>Runs commands of the program in this process, with its two streams captured.</summary>
internal static class ProgramRun
{
    private static readonly Lock s_console = new();

    public static ProcessResult Run(params string[] args)
    {
        lock (s_console)
        {
            TextWriter output = Console.Out, error = Console.Error;
            using StringWriter capturedOutput = new(), capturedError = new();
            try
            {
                Console.SetOut(TextWriter.Synchronized(capturedOutput));
                Console.SetError(TextWriter.Synchronized(capturedError));
                int exitCode = CommandLineProgram.Run(args);
                return new ProcessResult(exitCode, capturedOutput.ToString(), capturedError.ToString());
            }
            finally
            {
                Console.SetOut(output);
                Console.SetError(error);
            }
        }
    }
}
