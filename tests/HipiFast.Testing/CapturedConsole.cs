namespace HipiFast.Testing;

/// <summary>Runs what writes to the console in this process, with its two streams captured; one at a time.</summary>
public static class CapturedConsole
{
    private static readonly Lock s_console = new();

    /// <summary>Runs a program.</summary>
    /// <param name="program">The program; returns its exit code.</param>
    /// <returns>The exit code, and what it wrote.</returns>
    public static ProcessResult Run(Func<int> program)
    {
        lock (s_console)
        {
            TextWriter output = Console.Out, error = Console.Error;
            using StringWriter capturedOutput = new(), capturedError = new();
            try
            {
                Console.SetOut(TextWriter.Synchronized(capturedOutput));
                Console.SetError(TextWriter.Synchronized(capturedError));
                return new ProcessResult(program(), capturedOutput.ToString(), capturedError.ToString());
            }
            finally
            {
                Console.SetOut(output);
                Console.SetError(error);
            }
        }
    }
}
