using System.Text.Json;
using HipiFast.Storage;

namespace HipiFast.Benchmarking.Results;

/// <summary>
/// The two kinds of result files: those of <c>hipifast bench --out</c> (an object with
/// <c>"format": "hipifast-benchmarks"</c>, a version, the machine, the commit, and per benchmark a name and its raw
/// <c>samples_s</c>), and BenchmarkDotNet's full JSON reports.
/// </summary>
public static class ResultFile
{
    /// <summary>Value of <c>format</c>.</summary>
    public const string Format = "hipifast-benchmarks";

    /// <summary>Value of <c>version</c>.</summary>
    public const int Version = 1;

    /// <summary>Name of a benchmark's array of raw measurements, in seconds per call.</summary>
    public const string Samples = "samples_s";

    private const int LargestFile = 64 << 20;

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <returns>Machine and commit as far as it says, and its benchmarks.</returns>
    /// <exception cref="InvalidDataException">
    /// It is truncated, foreign, or holds a measurement that is none.
    /// </exception>
    public static (string Description, IReadOnlyList<BenchmarkMeasurement> Benchmarks) Read(string path)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(InputFile.ReadUtf8(path, "file of benchmark results (JSON)", LargestFile));
        }
        catch (JsonException error)
        {
            throw new InvalidDataException(
                $"{path} is not a JSON document: it breaks off or goes wrong on line {error.LineNumber + 1}; expected "
                + "benchmark results.");
        }

        using (document)
        {
            try
            {
                return Read(path, document.RootElement);
            }
            catch (InvalidOperationException error)
            {
                // A text of half a surrogate pair, which JSON allows and .NET does not.
                throw new InvalidDataException(
                    $"{path} holds a text that is not valid Unicode; expected benchmark results.", error);
            }
        }
    }

    private static (
        string Description, IReadOnlyList<BenchmarkMeasurement> Benchmarks) Read(string path, JsonElement root)
    {
        if (root.ValueKind == JsonValueKind.Object && Text(root, "format") == Format)
        {
            return ReadOwn(path, root);
        }

        return root.ValueKind == JsonValueKind.Object && root.TryGetProperty(
            "HostEnvironmentInfo", out JsonElement host)
            && root.TryGetProperty(
                "Benchmarks", out JsonElement benchmarks) && benchmarks.ValueKind == JsonValueKind.Array
            ? (Text(host, "ProcessorName") ?? string.Empty, ReadBenchmarkDotNet(path, benchmarks))
            : throw new InvalidDataException(
                $"{path} is JSON but not benchmark results; expected a file of hipifast bench --out or a full report "
                + "of BenchmarkDotNet.");
    }

    private static (
        string Description, IReadOnlyList<BenchmarkMeasurement> Benchmarks) ReadOwn(string path, JsonElement root)
    {
        if (!root.TryGetProperty("version", out JsonElement version) || version.ValueKind != JsonValueKind.Number
            || !version.TryGetInt32(out int number) || number != Version)
        {
            string found = version.ValueKind == JsonValueKind.Undefined ? "none" : version.GetRawText();
            throw new InvalidDataException($"{path} has version {found} of the result format; expected {Version}.");
        }

        if (!root.TryGetProperty(
            "benchmarks", out JsonElement benchmarks) || benchmarks.ValueKind != JsonValueKind.Array)
        {
            throw new InvalidDataException($"{path} has no array 'benchmarks'.");
        }

        string? processor = root.TryGetProperty("machine", out JsonElement machine) ? Text(machine, "processor") : null;
        string?[] parts = [processor, Text(root, "commit")];
        return (
            string.Join(", ", parts.Where(part => !string.IsNullOrEmpty(part))),
            [.. benchmarks.EnumerateArray().Select(benchmark =>
            {
                string name = Text(benchmark, "name") ?? throw new InvalidDataException(
                    $"{path} has a benchmark without a name.");
                return new BenchmarkMeasurement(name, Numbers(path, name, benchmark, Samples), Peak(benchmark));
            })]);
    }

    private static double? Peak(JsonElement benchmark)
    {
        double peak = Number(benchmark, "peak_gflops");
        peak = double.IsNaN(peak) ? Number(benchmark, "limit_entries_per_s") : peak;
        return peak > 0 && double.IsFinite(peak) ? peak : null;
    }

    private static List<BenchmarkMeasurement> ReadBenchmarkDotNet(string path, JsonElement benchmarks)
    {
        List<BenchmarkMeasurement> found = [];
        HashSet<string> names = [];
        foreach (JsonElement benchmark in benchmarks.EnumerateArray())
        {
            string name = Text(benchmark, "FullName") ?? throw new InvalidDataException(
                $"{path} has a benchmark without a FullName.");

            // Several jobs of one benchmark share its full name; "Type.Method: Job(...) [parameters]" tells them apart.
            if (!names.Add(name))
            {
                string display = Text(benchmark, "DisplayInfo") ?? string.Empty;
                int job = display.IndexOf(": ", StringComparison.Ordinal);
                name += job < 0 ? string.Empty : " " + display[(job + 2)..].Split('[')[0].Trim();
            }

            found.Add(new BenchmarkMeasurement(name, BenchmarkDotNetSeconds(path, name, benchmark)));
        }

        return found;
    }

    /// <summary>
    /// Workload iterations with the overhead taken off (stage Result); without those, as they were measured (Actual).
    /// </summary>
    private static List<double> BenchmarkDotNetSeconds(string path, string name, JsonElement benchmark)
    {
        if (!benchmark.TryGetProperty(
            "Measurements", out JsonElement measurements) || measurements.ValueKind != JsonValueKind.Array)
        {
            throw new InvalidDataException(
                $"{path} has no raw measurements of '{name}'; expected a full report of BenchmarkDotNet (its exporter "
                + "JsonFull).");
        }

        foreach (string stage in (string[])["Result", "Actual"])
        {
            List<double> seconds = [];
            foreach (JsonElement measurement in measurements.EnumerateArray())
            {
                if (Text(measurement, "IterationMode") == "Workload" && Text(measurement, "IterationStage") == stage)
                {
                    seconds.Add(Positive(
                        path, name, Number(measurement, "Nanoseconds") * 1e-9 / Number(measurement, "Operations")));
                }
            }

            if (seconds.Count > 0)
            {
                return seconds;
            }
        }

        throw new InvalidDataException(
            $"{path} has no measurement of '{name}'; the benchmark failed or was cut short.");
    }

    private static List<double> Numbers(string path, string name, JsonElement benchmark, string property)
    {
        if (!benchmark.TryGetProperty(
            property, out JsonElement array) || array.ValueKind != JsonValueKind.Array || array.GetArrayLength() == 0)
        {
            throw new InvalidDataException($"{path} has no raw measurements ('{property}') of '{name}'.");
        }

        return [.. array.EnumerateArray().Select(
            value => Positive(path, name, value.ValueKind == JsonValueKind.Number ? value.GetDouble() : 0))];
    }

    private static double Positive(string path, string name, double seconds) => seconds > 0 && double.IsFinite(seconds)
        ? seconds
        : throw new InvalidDataException($"{path} has a measurement of '{name}' that is not a time above 0.");

    private static string? Text(JsonElement element, string property) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(property, out JsonElement value)
        && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;

    private static double Number(JsonElement element, string property) =>
        element.TryGetProperty(property, out JsonElement value) && value.ValueKind == JsonValueKind.Number
            ? value.GetDouble()
            : double.NaN;
}
