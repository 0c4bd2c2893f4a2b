using System.Globalization;

namespace HipiFast.Benchmarking.Gate;

/// <summary>
/// Lines between the gate and a measuring program. The program says <see cref="Greeting"/>, the names of its
/// benchmarks, <see cref="Ready"/>; then it answers every turn with the median of the calls' times in seconds, until
/// its input ends.
/// </summary>
public static class MeasuringProtocol
{
    /// <summary>First line; the number is the protocol's version.</summary>
    public const string Greeting = "hipifast-measure 1";

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
}
