using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using HipiFast.Benchmarking.Results;
using HipiFast.Environments;
using HipiFast.Kernels.Random;
using HipiFast.Storage;

namespace HipiFast.Benchmarking.Throughput;

/// <summary>Steps per second of one environment under random actions: the median over rounds of equal length.</summary>
/// <param name="Environment">Its name.</param>
/// <param name="Copies">Copies stepped together.</param>
/// <param name="Threads">Most threads.</param>
/// <param name="StepsPerSecond">Steps of all copies together.</param>
/// <param name="Slowest">Of the slowest round.</param>
/// <param name="Fastest">Of the fastest round.</param>
internal sealed record EnvironmentBenchmark(
    string Environment, int Copies, int Threads, double StepsPerSecond, double Slowest, double Fastest)
{
    private const int Rounds = 5;

    // Actions are drawn beforehand, as many sets as make a random walk long.
    private const int ActionSets = 64;

    /// <summary>Heads of the columns.</summary>
    public static IReadOnlyList<string> Header { get; } = ["environment", "copies", "threads", "steps/s", "min-max"];

    /// <summary>Measures an environment.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="copies">Copies.</param>
    /// <param name="threads">Most threads; 0 for one per core.</param>
    /// <param name="seconds">Of all rounds together.</param>
    /// <returns>The result.</returns>
    public static EnvironmentBenchmark Measure(string name, int copies, int threads, double seconds)
    {
        using VectorEnvironment environment = EnvironmentRegistry.Create(
            name, copies, new EnvironmentSettings { Threads = threads });
        int width = copies * environment.Shape.ActionDimension;
        float[] actions = new float[ActionSets * width];
        for (int i = 0; i < actions.Length; i++)
        {
            actions[i] = (
                2f * Philox.ToUniform(Philox.Next((uint)i, 0, 0, (uint)RandomPurpose.SyntheticData, 1).X)) - 1f;
        }

        environment.Reset(1);
        int next = 0;
        Run(seconds / Rounds / 2);
        double[] rates = new double[Rounds];
        for (int round = 0; round < Rounds; round++)
        {
            rates[round] = Run(seconds / Rounds);
        }

        Spread rate = Spread.Of(rates);
        int used = threads > 0
            ? Math.Min(threads, System.Environment.ProcessorCount)
            : System.Environment.ProcessorCount;
        return new EnvironmentBenchmark(name, copies, Math.Min(used, copies), rate.Median, rate.Low, rate.High);

        double Run(double limit)
        {
            long start = Stopwatch.GetTimestamp(), steps = 0;
            double elapsed;
            do
            {
                environment.Step(actions.AsSpan(next * width, width), out _);
                next = (next + 1) % ActionSets;
                steps += copies;
                elapsed = Stopwatch.GetElapsedTime(start).TotalSeconds;
            }
            while (elapsed < limit);
            return steps / elapsed;
        }
    }

    /// <summary>A row of the table.</summary>
    /// <returns>One text per column.</returns>
    public IReadOnlyList<string> Cells() =>
    [
        Environment,
        Copies.ToString(CultureInfo.InvariantCulture),
        Threads.ToString(CultureInfo.InvariantCulture),
        NumberText.Count((long)StepsPerSecond),
        $"{NumberText.Count((long)Slowest)}-{NumberText.Count((long)Fastest)}",
    ];

    /// <summary>Writes the row for machines.</summary>
    /// <param name="writer">Where to.</param>
    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("environment", Environment);
        writer.WriteNumber("copies", Copies);
        writer.WriteNumber("threads", Threads);
        writer.WriteNumber("steps_per_s", StepsPerSecond);
        writer.WriteNumber("slowest", Slowest);
        writer.WriteNumber("fastest", Fastest);
        writer.WriteEndObject();
    }
}
