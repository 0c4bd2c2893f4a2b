using System.Runtime.InteropServices;

namespace HipiFast.Cli;

/// <summary>
/// Turns the signals that ask a process to end (an interrupt, a terminal that closes, a quit, a termination) into a
/// token: the work saves and stops. The same signal a second time ends the process the hard way, which loses nothing
/// but time; a hangup does not, as terminal and shell both send it.
/// </summary>
internal sealed class StopSignals : IDisposable
{
    private const int SignalBase = 128;

    private static readonly (PosixSignal Signal, int Number)[] s_signals =
        [(PosixSignal.SIGHUP, 1), (PosixSignal.SIGINT, 2), (PosixSignal.SIGQUIT, 3), (PosixSignal.SIGTERM, 15)];

    private readonly PosixSignalRegistration[] _registrations;
    private readonly HashSet<PosixSignal> _seen = [];
    private int _number;
    private bool _isDisposed;

    public StopSignals() =>
        _registrations = [.. s_signals.Select(
            entry => PosixSignalRegistration.Create(entry.Signal, context => Take(context, entry.Number)))];

    /// <summary>Cancelled by the first signal; jobs that fail may cancel it as well.</summary>
    public CancellationTokenSource Source { get; } = new();

    /// <summary>What the work watches.</summary>
    public CancellationToken Token => Source.Token;

    /// <summary>
    /// The exit code of a program that was asked to stop: 128 and the number of the signal, as shells say it.
    /// </summary>
    public int ExitCode => _number == 0 ? CommandLineProgram.Failed : SignalBase + _number;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
        {
            registration.Dispose();
        }

        lock (_seen)
        {
            _isDisposed = true;
            Source.Dispose();
        }
    }

    private void Take(PosixSignalContext context, int number)
    {
        lock (_seen)
        {
            context.Cancel = !_isDisposed && (_seen.Add(context.Signal) || context.Signal == PosixSignal.SIGHUP);
            _number = _number == 0 ? number : _number;
            if (context.Cancel)
            {
                Source.Cancel();
            }
        }
    }
}
