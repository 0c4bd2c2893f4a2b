using System.Diagnostics;
using System.Text;

namespace HipiFast.Testing;

/// <summary>What a process gave.</summary>
/// <param name="ExitCode">Its exit code; 128 and the signal's number where it was killed.</param>
/// <param name="Output">Its standard output.</param>
/// <param name="Error">Its standard error.</param>
public sealed record ProcessResult(int ExitCode, string Output, string Error);

/// <summary>
/// A process that does not outlive its test. One that hangs is killed by a timer of its own, so that waits for it have
/// no limits and no test asserts a time: what fails is what the test expects of its end.
/// </summary>
public sealed class ChildProcess : IDisposable
{
    /// <summary>Longer than any process of the tests takes, on any machine.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(10);

    private readonly Process _process;
    private readonly StringBuilder _output = new(), _error = new();
    private readonly Task _streams;
    private readonly Timer _timer;

    /// <param name="start">What is started; its streams are read from here on.</param>
    public ChildProcess(ProcessStartInfo start)
        : this(start, s_patience)
    {
    }

    /// <param name="start">What is started; its streams are read from here on.</param>
    /// <param name="patience">After how long it is killed.</param>
    public ChildProcess(ProcessStartInfo start, TimeSpan patience)
    {
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        _process = Process.Start(start)!;
        Id = _process.Id;
        _streams = Task.WhenAll(
            ReadAsync(_process.StandardOutput, _output), ReadAsync(_process.StandardError, _error));
        _timer = new Timer(_ => GiveUp(), null, patience, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Its number.</summary>
    public int Id { get; }

    /// <summary>What it has written to its standard output so far.</summary>
    public string Output => TextOf(_output);

    /// <summary>What it has written to its standard error so far.</summary>
    public string Error => TextOf(_error);

    /// <summary>Whether it has ended.</summary>
    public bool HasEnded => _process.HasExited;

    /// <summary>Waits for its end.</summary>
    /// <returns>What it gave.</returns>
    public ProcessResult End()
    {
        _process.WaitForExit();
        _streams.Wait();
        return new ProcessResult(_process.ExitCode, Output, Error);
    }

    /// <summary>Waits for its end, but not for long.</summary>
    /// <param name="milliseconds">How long at the most.</param>
    /// <returns>Whether it has ended.</returns>
    public bool EndsWithin(int milliseconds) => _process.WaitForExit(milliseconds);

    /// <summary>Waits until something has come about by its doing.</summary>
    /// <param name="condition">What.</param>
    public void Await(Func<bool> condition)
    {
        while (!condition())
        {
            Assert.False(HasEnded, $"It ended too soon: {Error}");
            Thread.Sleep(5);
        }
    }

    /// <summary>Sends it a signal.</summary>
    /// <param name="name">The signal's name, such as <c>TERM</c>.</param>
    public void Signal(string name)
    {
        using Process kill = Process.Start("/bin/sh", ["-c", $"kill -{name} {Id}"]);
        kill.WaitForExit();
    }

    /// <summary>Kills it and what it has started; nothing when it has ended.</summary>
    public void Kill() => _process.Kill(entireProcessTree: true);

    public void Dispose()
    {
        // Waits for a call of the timer that is under way.
        _timer.DisposeAsync().AsTask().Wait();
        Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    private void GiveUp()
    {
        lock (_error)
        {
            _error.AppendLine("It did not end by itself and was killed.");
        }

        Kill();
    }

    private static async Task ReadAsync(StreamReader stream, StringBuilder text)
    {
        char[] buffer = new char[4096];
        for (int count; (count = await stream.ReadAsync(buffer).ConfigureAwait(false)) > 0;)
        {
            lock (text)
            {
                text.Append(buffer, 0, count);
            }
        }
    }

    private static string TextOf(StringBuilder text)
    {
        lock (text)
        {
            return text.ToString();
        }
    }
}
