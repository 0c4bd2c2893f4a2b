using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;

namespace HipiFast.Hostile.Tests;

/// <summary>What a process gave.</summary>
internal sealed record ProcessResult(int ExitCode, string Output, string Error);

/// <summary>
/// Runs the built program as a process, by way of a shell where its streams or limits are to be special.
/// </summary>
internal static class HostileProgram
{
    /// <summary>Longer than any of the suite's processes takes, on any machine.</summary>
    private const int PatienceMilliseconds = 240_000;

    /// <summary>A tiny training run.</summary>
    public const string Tiny =
        "train nav2d --steps 300 --initial-random-steps 50 --eval-every 100 --eval-episodes 4 --episode-limit 20 "
        + "--hidden 8 --batch 8 --threads 1";

    /// <summary>A run that does not end by itself.</summary>
    public const string Endless =
        "train nav2d --steps 100000000 --eval-every 1000 --eval-episodes 4 --hidden 8 --batch 8 --gradient-steps 1 "
        + "--threads 1 "
        + "--checkpoint-seconds 0";

    /// <summary>Folder of the runtime that runs these tests.</summary>
    public static string RuntimeFolder { get; } = Path.GetFullPath(
        Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));

    private static string Assembly { get; } =
        Path.Combine(
            Path.GetDirectoryName(System.Reflection.Assembly.GetExecutingAssembly().Location)!, "HipiFast.Cli.dll");

    /// <summary>Runs a shell script in which <c>$HIPIFAST</c> stands for the program, and waits.</summary>
    /// <param name="directory">Working directory.</param>
    /// <param name="script">The script.</param>
    public static ProcessResult Shell(string directory, string script)
    {
        using Process process = Start(directory, script);
        Task<string> error = process.StandardError.ReadToEndAsync(), output = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(PatienceMilliseconds))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"Hangs: {script}");
        }

        return new ProcessResult(process.ExitCode, output.GetAwaiter().GetResult(), error.GetAwaiter().GetResult());
    }

    /// <summary>Starts the program as the process itself; whoever starts it reads its streams.</summary>
    /// <param name="directory">Working directory.</param>
    /// <param name="arguments">Arguments, separated by blanks.</param>
    public static Process StartProgram(string directory, string arguments) =>
        Start(directory, "exec $HIPIFAST " + arguments);

    /// <summary>Sends a signal.</summary>
    /// <param name="process">To whom.</param>
    /// <param name="signal">Its name, such as <c>TERM</c>.</param>
    public static void Signal(Process process, string signal)
    {
        using Process kill = Process.Start("/bin/sh", ["-c", $"kill -{signal} {process.Id}"]);
        kill.WaitForExit();
    }

    /// <summary>Waits for a process's end.</summary>
    /// <param name="process">The process.</param>
    public static ProcessResult End(Process process)
    {
        Task<string> error = process.StandardError.ReadToEndAsync(), output = process.StandardOutput.ReadToEndAsync();
        Assert.True(process.WaitForExit(PatienceMilliseconds), "It hangs.");
        return new ProcessResult(process.ExitCode, output.GetAwaiter().GetResult(), error.GetAwaiter().GetResult());
    }

    /// <summary>Waits until something has come about.</summary>
    /// <param name="process">Whose doing it is; when it has ended, nothing more is to be waited for.</param>
    /// <param name="condition">What.</param>
    public static void Await(Process process, Func<bool> condition)
    {
        Stopwatch watch = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.False(process.HasExited, "It ended too soon.");
            Assert.True(watch.ElapsedMilliseconds < PatienceMilliseconds, "It hangs.");
            Thread.Sleep(5);
        }
    }

    private static Process Start(string directory, string script)
    {
        ProcessStartInfo start = new("/bin/sh", ["-c", script])
        {
            WorkingDirectory = directory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["HIPIFAST"] = $"{RuntimeFolder}/dotnet {Assembly}";
        return Process.Start(start)!;
    }
}
