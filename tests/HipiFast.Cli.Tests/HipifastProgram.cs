using System.Diagnostics;
using HipiFast.Testing;

namespace HipiFast.Cli.Tests;

/// <summary>What a run of the program gave.</summary>
internal sealed record ProgramResult(int ExitCode, string Output, string Error);

/// <summary>Runs the program: in this process for speed, or as a process of its own where it is to be killed.</summary>
internal static class HipifastProgram
{
    private static readonly Lock s_console = new();

    /// <summary>Runs a command in this process, with its two streams captured.</summary>
    public static ProgramResult Run(params string[] args)
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
                return new ProgramResult(exitCode, capturedOutput.ToString(), capturedError.ToString());
            }
            finally
            {
                Console.SetOut(output);
                Console.SetError(error);
            }
        }
    }

    /// <summary>Runs a command in a process of its own, with one environment variable set.</summary>
    public static async Task<ProgramResult> RunWith(string variable, string value, params string[] args)
    {
        ProcessStartInfo start = StartInfo(args);
        start.Environment[variable] = value;
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return new ProgramResult(process.ExitCode, output, await error);
    }

    /// <summary>Starts a process of its own; its streams are read until its end.</summary>
    public static Process Start(params string[] args)
    {
        Process process = Process.Start(StartInfo(args))!;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private static ProcessStartInfo StartInfo(string[] args)
    {
        ProcessStartInfo start = new(ChildProgram.Dotnet)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add(typeof(CommandLineProgram).Assembly.Location);
        foreach (string arg in args)
        {
            start.ArgumentList.Add(arg);
        }

        return start;
    }
}
