using System.Diagnostics;
using System.Runtime.InteropServices;
using HipiFast.Testing;

namespace HipiFast.Hostile.Tests;

/// <summary>
/// Runs the built program as a process, by way of a shell where its streams or limits are to be special.
/// </summary>
internal static class HostileProgram
{
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
        using ChildProcess process = StartShell(directory, script);
        return process.End();
    }

    /// <summary>Starts such a script.</summary>
    /// <param name="directory">Working directory.</param>
    /// <param name="script">The script.</param>
    public static ChildProcess StartShell(string directory, string script)
    {
        ProcessStartInfo start = new("/bin/sh", ["-c", script]) { WorkingDirectory = directory };
        start.Environment["HIPIFAST"] = $"{RuntimeFolder}/dotnet {Assembly}";
        return new ChildProcess(start);
    }

    /// <summary>Starts the program as the process itself.</summary>
    /// <param name="directory">Working directory.</param>
    /// <param name="arguments">Arguments, separated by blanks.</param>
    public static ChildProcess StartProgram(string directory, string arguments) =>
        StartShell(directory, "exec $HIPIFAST " + arguments);

    /// <summary>Whether a run has made its directory and begun its table.</summary>
    /// <param name="run">The directory.</param>
    public static bool HasBegun(string run) =>
        Directory.Exists(run) && Directory.EnumerateFiles(run, "*.csv").Any();
}
