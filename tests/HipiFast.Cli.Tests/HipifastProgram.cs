using System.Diagnostics;
using HipiFast.Testing;

namespace HipiFast.Cli.Tests;

/// <summary>Runs the program: in this process for speed, or as a process of its own where it is to be killed.</summary>
internal static class HipifastProgram
{
    /// <summary>Runs a command in this process, with its two streams captured.</summary>
    public static ProcessResult Run(params string[] args) => CapturedConsole.Run(() => CommandLineProgram.Run(args));

    /// <summary>Runs a command in a process of its own, with one environment variable set.</summary>
    public static async Task<ProcessResult> RunWith(string variable, string value, params string[] args)
    {
        ProcessStartInfo start = StartInfo(args);
        start.Environment[variable] = value;
        using ChildProcess process = new(start);
        return await Task.Run(process.End);
    }

    /// <summary>Starts a process of its own.</summary>
    public static ChildProcess Start(params string[] args) => new(StartInfo(args));

    private static ProcessStartInfo StartInfo(string[] args)
    {
        ProcessStartInfo start = new(ChildProgram.Dotnet);
        start.ArgumentList.Add(typeof(CommandLineProgram).Assembly.Location);
        foreach (string arg in args)
        {
            start.ArgumentList.Add(arg);
        }

        return start;
    }
}
