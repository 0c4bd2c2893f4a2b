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

    public static string Results(params (string Benchmark, double[] Seconds)[] benchmarks)
    {
        IEnumerable<string> parts = benchmarks.Select(
            part => $$"""{"name": "{{part.Benchmark}}", "samples_s": [{{Numbers(part.Seconds)}}]}""");
        return $$"""
            {"format": "hipifast-benchmarks", "version": 1, "commit": "abc123", "machine": {"processor": "a processor"},
             "benchmarks": [{{string.Join(", ", parts)}}]}
            """;
    }

    /// <summary>
    /// A full report of BenchmarkDotNet, as far as it is read: pilot, warm-up, raw and final measurements.
    /// </summary>
    public static string FullReport(string fullName, params double[] nanoseconds)
    {
        IEnumerable<string> measurements =
        [
            Measurement("Overhead", "Actual", 3), Measurement("Workload", "Warmup", 99999),
            Measurement("Workload", "Actual", 88888),
            .. nanoseconds.Select(value => Measurement("Workload", "Result", 16 * value)),
        ];
        return Report($$"""
            {"DisplayInfo": "Type.Method: DefaultJob [Size=3]", "FullName": "{{fullName}}", "Measurements": [
              {{string.Join(",\n  ", measurements)}}]}
            """);
    }

    public static string Report(string benchmarks) =>
        $$"""{"Title": "T", "HostEnvironmentInfo": {"ProcessorName": "a processor"}, "Benchmarks": [{{benchmarks}}]}""";

    public void Dispose() => Directory.Delete(Root, recursive: true);

    private static string Measurement(string mode, string stage, double nanoseconds) => FormattableString.Invariant(
        $$"""
        {"IterationMode": "{{mode}}", "IterationStage": "{{stage}}", "LaunchIndex": 1, "IterationIndex": 1,
         "Operations": 16, "Nanoseconds": {{nanoseconds}}}
        """);

    private static string Numbers(double[] values) =>
        string.Join(", ", values.Select(value => value.ToString("R", CultureInfo.InvariantCulture)));
}
