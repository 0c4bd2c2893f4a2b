using System.Globalization;
using HipiFast.Benchmarking.Timing;

namespace HipiFast.Benchmarking.Gate;

/// <summary>
/// Lines between the gate and a measuring program. The program says <see cref="Greeting"/>, its benchmarks (name, tab,
/// seconds of the first call), <see cref="Ready"/>; then it answers every turn with the median of the calls' times in
/// seconds, the bytes that they allocated, and a histogram of their times, until its input ends.
/// </summary>
public static class MeasuringProtocol
{
    /// <summary>First line; the number is the protocol's version.</summary>
    public const string Greeting = "hipifast-measure 2";

    /// <summary>First line of programs that list names alone and answer with medians alone.</summary>
    public const string MediansGreeting = "hipifast-measure 1";

    /// <summary>Ends the list of benchmarks, one to a line.</summary>
    public const string Ready = "ready";

    /// <summary>A turn.</summary>
    /// <param name="benchmark">Index of the benchmark.</param>
    /// <param name="seconds">About how long to measure.</param>
    /// <returns>The line.</returns>
    public static string Turn(int benchmark, double seconds) =>
        string.Create(CultureInfo.InvariantCulture, $"{benchmark} {seconds}");

    /// <summary>Reads a turn.</summary>
    /// <param name="line">The line.</param>
    /// <param name="count">How many benchmarks there are.</param>
    /// <returns>What <see cref="Turn"/> was given.</returns>
    /// <exception cref="InvalidDataException">It is no turn.</exception>
    public static (int Benchmark, double Seconds) ParseTurn(string line, int count)
    {
        string[] parts = line.Split(' ');
        return parts.Length == 2 && int.TryParse(
            parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int benchmark) && benchmark < count
            && double.TryParse(parts[1], CultureInfo.InvariantCulture, out double seconds) && seconds > 0
            ? (benchmark, seconds)
            : throw new InvalidDataException(
                $"A turn is '{line}'; expected the index of one of {count} benchmarks and a number of seconds.");
    }

    /// <summary>A line of the list of benchmarks.</summary>
    /// <param name="name">The benchmark.</param>
    /// <param name="firstCall">Seconds of its first call, NaN where that was not taken.</param>
    internal static string Entry(string name, double firstCall) =>
        string.Create(CultureInfo.InvariantCulture, $"{name}\t{firstCall}");

    /// <summary>Reads <see cref="Entry"/>, or a name alone.</summary>
    internal static (string Name, double FirstCall) ParseEntry(string line)
    {
        int tab = line.LastIndexOf('\t');
        return tab < 0 ? (line, double.NaN)
            : (line[..tab], double.TryParse(
                line.AsSpan(tab + 1), CultureInfo.InvariantCulture, out double seconds) && seconds > 0
                    ? seconds
                    : double.NaN);
    }

    /// <summary>The answer to a turn.</summary>
    internal static string Answer(in MeasuredTurn turn) => string.Create(
        CultureInfo.InvariantCulture, $"{turn.MedianSeconds:R} {turn.AllocatedBytes} {turn.Calls}");

    /// <summary>Reads <see cref="Answer"/>, or a median alone.</summary>
    /// <returns>False where the line is neither.</returns>
    internal static bool TryParseAnswer(string? line, out MeasuredTurn turn)
    {
        turn = default;
        string[] parts = (line ?? string.Empty).Split(' ', 3);
        if (!double.TryParse(parts[0], CultureInfo.InvariantCulture, out double median)
            || !(median > 0 && double.IsFinite(median)))
        {
            return false;
        }

        turn = new MeasuredTurn(median);
        if (parts.Length == 1)
        {
            return true;
        }

        bool whole = long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out long bytes)
            & parts.Length == 3;
        if (!whole || !LatencyHistogram.TryParse(parts[2], out LatencyHistogram calls))
        {
            return false;
        }

        turn = new MeasuredTurn(median, calls, bytes);
        return calls.Count > 0;
    }
}
