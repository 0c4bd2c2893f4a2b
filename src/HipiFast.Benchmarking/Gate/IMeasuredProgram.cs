using HipiFast.Benchmarking.Timing;

namespace HipiFast.Benchmarking.Gate;

/// <summary>A program that measures benchmarks one turn at a time.</summary>
internal interface IMeasuredProgram : IDisposable
{
    /// <summary>Names of its benchmarks.</summary>
    IReadOnlyList<string> Benchmarks { get; }

    /// <summary>Time of a benchmark's first call in the process, in seconds; NaN where it was not taken.</summary>
    /// <param name="benchmark">Index into <see cref="Benchmarks"/>.</param>
    double FirstCall(int benchmark);

    /// <summary>Keeps the measuring thread on one processor core from now on, where the system can.</summary>
    /// <param name="core">0 or more; counted round over the cores that the program may use.</param>
    void Pin(int core);

    /// <summary>Measures one benchmark for a moment.</summary>
    /// <param name="benchmark">Index into <see cref="Benchmarks"/>.</param>
    /// <param name="seconds">About how long.</param>
    /// <returns>What the calls took.</returns>
    MeasuredTurn Measure(int benchmark, double seconds);
}

/// <summary>What the calls of one turn took.</summary>
/// <param name="MedianSeconds">Median of the calls' times, in seconds.</param>
/// <param name="Calls">All of them; null from a program that tells medians alone.</param>
/// <param name="AllocatedBytes">
/// Bytes that the calls allocated together on the managed heap; 0 where <paramref name="Calls"/> is null.
/// </param>
internal readonly record struct MeasuredTurn(
    double MedianSeconds, LatencyHistogram? Calls = null, long AllocatedBytes = 0);
