using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace HipiFast.Cli;

/// <summary>
/// The process's standard streams, made such that losing one never ends the work: a stream that was closed before the
/// start is not mistaken for a file that took its number, and one that fails (a full disk, a terminal that is gone) is
/// warned of once and left alone from then on.
/// </summary>
internal static partial class StandardStreams
{
    private const int Input = 0, Output = 1, Error = 2;
    private const int GetDescriptorFlags = 1;
    private const int CloseOnExec = 1;

    // Numbers of closed streams, occupied so that no file of the program gets them.
    private static readonly List<SafeFileHandle> s_occupied = [];

    private static string? s_outputLoss;

    /// <summary>Puts writers that cannot fail in the place of the console's.</summary>
    public static void Guard()
    {
        bool hasInput = IsOpen(Input), hasOutput = IsOpen(Output), hasError = IsOpen(Error);
        Occupy();
        if (!hasInput)
        {
            Console.SetIn(TextReader.Null);
        }

        Console.SetError(new EnduringWriter(hasError ? OpenOrNull(() => Console.Error) : null, _ => { }));
        TextWriter? output = hasOutput ? OpenOrNull(() => Console.Out) : null;
        Console.SetOut(new EnduringWriter(output, LoseOutput));
    }

    /// <summary>The exit code of a command, now that its output is written.</summary>
    /// <param name="code">What the command itself says.</param>
    /// <param name="savesItsWork">Whether its results are files; otherwise they are what it prints.</param>
    /// <returns>
    /// <paramref name="code"/>, or that of a failure where all went well but for the loss of the command's results.
    /// </returns>
    public static int ExitCode(int code, bool savesItsWork)
    {
        Console.Out.Flush();
        return code == CommandLineProgram.Good && s_outputLoss is not null && !savesItsWork
            ? CommandLineProgram.Failed
            : code;
    }

    private static void LoseOutput(string reason)
    {
        if (Interlocked.CompareExchange(ref s_outputLoss, reason, null) is null)
        {
            ConsoleOutput.Error(
                $"Standard output cannot be written ({reason}); what would be shown from here on is lost.");
        }
    }

    private static TextWriter? OpenOrNull(Func<TextWriter> open)
    {
        try
        {
            return open();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>
    /// Whether a stream was open when the process began. The runtime opens all its own files such that they close in
    /// children; what a parent handed down is never so.
    /// </summary>
    private static bool IsOpen(int descriptor)
    {
        if (OperatingSystem.IsWindows())
        {
            return true;
        }

        int flags = DescriptorFlags(descriptor, GetDescriptorFlags);
        return flags >= 0 && (flags & CloseOnExec) == 0;
    }

    private static void Occupy()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        while (DescriptorFlags(Input, GetDescriptorFlags) < 0
            || DescriptorFlags(Output, GetDescriptorFlags) < 0
            || DescriptorFlags(Error, GetDescriptorFlags) < 0)
        {
            s_occupied.Add(File.OpenHandle("/dev/null", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite));
        }
    }

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int DescriptorFlags(int descriptor, int command);
}
