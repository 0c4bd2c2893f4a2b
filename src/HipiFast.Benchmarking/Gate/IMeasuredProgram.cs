namespace HipiFast.Benchmarking.Gate;

/// <summary>A program that measures benchmarks one turn at a time.</summary>
internal interface IMeasuredProgram : IDisposable
{
    /// <summary>Names of its benchmarks.</summary>
    IReadOnlyList<string> Benchmarks { get; }

    /// <summary>Keeps the measuring thread on one processor core from now on, where the system can.</summary>
    /// <param name="core">0 or more; counted round over the cores that the program may use.</param>
    void Pin(int core);

    /// <summary>Measures one benchmark for a moment.</summary>
    /// <param name="benchmark">Index into <see cref="Benchmarks"/>.</param>
    /// <param name="seconds">About how long.</param>
    /// <returns>Median of the calls' times, in seconds.</returns>
    double Measure(int benchmark, double seconds);
}
