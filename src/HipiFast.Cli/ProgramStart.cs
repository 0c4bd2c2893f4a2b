using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace HipiFast.Cli;

/// <summary>
/// What happens before the first command: the process must be able to open files, and its streams must be its own. Uses
/// nothing but the runtime's core library, as every further assembly is a file to open.
/// </summary>
internal static partial class ProgramStart
{
    // Assemblies take two descriptors each; a training run of one seed takes about sixty of them.
    private const int NeededDescriptors = 96;
    private const int StandardError = 2;

    /// <summary>Runs the program.</summary>
    /// <param name="args">Its arguments.</param>
    /// <returns>The exit code.</returns>
    public static int Run(string[] args)
    {
        try
        {
            if (!OperatingSystem.IsWindows() && !HasDescriptors())
            {
                Say(
                    $"this process may open too few files: it needs {NeededDescriptors} more than its start took; "
                    + "raise the limit (ulimit -n 256).");
                return CommandLineProgram.Failed;
            }

            return RunCommand(args);
        }
        catch (Exception error) when (!OperatingSystem.IsWindows())
        {
            // Errors of commands are told where they arise; what comes to here keeps the program from telling anything.
            Say($"the program cannot run here: {error.Message.ReplaceLineEndings(" ")}");
            return CommandLineProgram.Failed;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int RunCommand(string[] args)
    {
        StandardStreams.Guard();
        return StandardStreams.ExitCode(CommandLineProgram.Run(args), CommandLineProgram.SavesItsWork(args));
    }

    private static bool HasDescriptors()
    {
        List<SafeFileHandle> handles = new(NeededDescriptors);
        try
        {
            while (handles.Count < NeededDescriptors)
            {
                handles.Add(File.OpenHandle("/dev/null"));
            }

            return true;
        }
        catch (IOException)
        {
            return false;
        }
        finally
        {
            foreach (SafeFileHandle handle in handles)
            {
                handle.Dispose();
            }
        }
    }

    /// <summary>
    /// A sentence on standard error, without the console's classes, which open descriptors themselves.
    /// </summary>
    private static void Say(string sentence)
    {
        byte[] bytes = Encoding.UTF8.GetBytes($"hipifast: {sentence}\n");

        // Where this fails, the exit code says it.
        _ = WriteDescriptor(StandardError, bytes, bytes.Length);
    }

    [LibraryImport("libc", EntryPoint = "write")]
    private static partial nint WriteDescriptor(int descriptor, ReadOnlySpan<byte> bytes, nint count);
}
