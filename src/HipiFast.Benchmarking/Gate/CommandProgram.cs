using System.Diagnostics;
using HipiFast.Storage;

namespace HipiFast.Benchmarking.Gate;

/// <summary>
/// A command of the user's as a program that is measured: a turn is one run of it, as a process of its own, from its
/// start to its end.
/// </summary>
/// <param name="command">A line for the system's shell.</param>
internal sealed class CommandProgram(string command) : IMeasuredProgram
{
    private const int LongestMessage = 200;

    /// <inheritdoc/>
    public IReadOnlyList<string> Benchmarks { get; } = ["command"];

    /// <inheritdoc/>
    /// <remarks>Every call is the first of its process.</remarks>
    public double FirstCall(int benchmark) => double.NaN;

    /// <inheritdoc/>
    /// <remarks>A command may have threads: it keeps all the processor's cores.</remarks>
    public void Pin(int core)
    {
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">The command failed; one sentence with its last line.</exception>
    public MeasuredTurn Measure(int benchmark, double seconds)
    {
        ProcessStartInfo start = OperatingSystem.IsWindows()
            ? new ProcessStartInfo(ExecutablePath.Find("cmd"), ["/c", command])
            : new ProcessStartInfo("/bin/sh", ["-c", command]);
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        long begun = Stopwatch.GetTimestamp();
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        string error = process.StandardError.ReadToEnd();
        output.Wait();
        process.WaitForExit();
        double elapsed = Stopwatch.GetElapsedTime(begun).TotalSeconds;
        return process.ExitCode == 0
            ? new MeasuredTurn(elapsed)
            : throw new InvalidDataException(
                $"The command '{command}' ended with the exit code {process.ExitCode}{LastLine(error)}; expected 0.");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private static string LastLine(string error)
    {
        string line = error.TrimEnd().Split('\n')[^1].Trim();
        return line.Length == 0 ? string.Empty : $" ({(line.Length > LongestMessage ? line[..LongestMessage] : line)})";
    }
}
