using System.Globalization;

namespace HipiFast.Testing;

/// <summary>A folder of result files that goes away with the test.</summary>
public sealed class TemporaryResults : IDisposable
{
    public string Root { get; } = Directory.CreateTempSubdirectory("hipifast-compare-").FullName;

    public string this[string name] => Path.Combine(Root, name);

    public string Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(this[name])!);
        File.WriteAllText(this[name], text);
        return this[name];
    }

    /// <summary>A file of our own format.</summary>
    public string WriteResults(string name, params (string Benchmark, double[] Seconds)[] benchmarks) =>
        Write(name, Results(benchmarks));

    public static string Results(params (string Benchmark, double[] Seconds)[] benchmarks) =>
        $$"""
        {"format": "hipifast-benchmarks", "version": 1, "commit": "abc123", "machine": {"processor": "a processor"},
         "benchmarks": [{{string.Join(", ", benchmarks.Select(b => $$"""{"name": "{{b.Benchmark}}", "samples_s": [{{Numbers(b.Seconds)}}]}"""))}}]}
        """;

    /// <summary>
    /// A full report of BenchmarkDotNet, as far as it is read: pilot, warm-up, raw and final measurements.
    /// </summary>
    public static string FullReport(string fullName, params double[] nanoseconds) => Report($$"""
        {"DisplayInfo": "Type.Method: DefaultJob [Size=3]", "FullName": "{{fullName}}", "Measurements": [
          {"IterationMode": "Overhead", "IterationStage": "Actual", "LaunchIndex": 1, "IterationIndex": 1, "Operations": 16, "Nanoseconds": 3},
          {"IterationMode": "Workload", "IterationStage": "Warmup", "LaunchIndex": 1, "IterationIndex": 1, "Operations": 16, "Nanoseconds": 99999},
          {"IterationMode": "Workload", "IterationStage": "Actual", "LaunchIndex": 1, "IterationIndex": 1, "Operations": 16, "Nanoseconds": 88888}
          {{string.Concat(nanoseconds.Select(value => FormattableString.Invariant(
              $$""", {"IterationMode": "Workload", "IterationStage": "Result", "Operations": 16, "Nanoseconds": {{16 * value}}}""")))}}]}
        """);

    public static string Report(string benchmarks) =>
        $$"""{"Title": "T", "HostEnvironmentInfo": {"ProcessorName": "a processor"}, "Benchmarks": [{{benchmarks}}]}""";

    public void Dispose() => Directory.Delete(Root, recursive: true);

    private static string Numbers(double[] values) =>
        string.Join(", ", values.Select(value => value.ToString("R", CultureInfo.InvariantCulture)));
}
