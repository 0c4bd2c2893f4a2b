namespace HipiFast.Benchmarking.Results;

/// <summary>
/// Benchmarks with their raw measurements, from one run of BenchmarkDotNet or of <c>hipifast bench</c>.
/// </summary>
/// <param name="Description">
/// Where they were measured and of what: machine and commit as far as the files say; may be empty.
/// </param>
/// <param name="Benchmarks">The benchmarks by name.</param>
public sealed record ResultSet(string Description, IReadOnlyDictionary<string, BenchmarkMeasurement> Benchmarks)
{
    /// <summary>Names of BenchmarkDotNet's full reports; its brief ones hold no raw measurements.</summary>
    private const string FullReports = "*-report-full*.json";

    /// <summary>Reads a result file, or all of a folder.</summary>
    /// <param name="path">
    /// A result file of <c>hipifast bench --out</c>, a full JSON report of BenchmarkDotNet, or a folder of either (a
    /// folder of BenchmarkDotNet's artifacts is searched for its <c>results</c> too).
    /// </param>
    /// <returns>The result set.</returns>
    /// <exception cref="IOException">There is no such file or folder.</exception>
    /// <exception cref="InvalidDataException">
    /// A file is truncated or foreign, or no benchmark is in them; the message names the file.
    /// </exception>
    public static ResultSet Load(string path)
    {
        if (File.Exists(path))
        {
            return Merge(path, [path]);
        }

        if (!Directory.Exists(path))
        {
            throw new FileNotFoundException($"{path} is neither a file nor a folder; expected benchmark results.");
        }

        string[] files = FindReports(path);
        string results = Path.Combine(path, "results");
        files = files.Length == 0 && Directory.Exists(results) ? FindReports(results) : files;
        return files.Length > 0
            ? Merge(path, files)
            : throw new InvalidDataException(
                $"The folder {path} holds no benchmark results: neither full reports of BenchmarkDotNet "
                + $"({FullReports}; its exporter JsonFull writes "
                + "them) nor files of hipifast bench --out (*.json).");
    }

    private static string[] FindReports(string folder)
    {
        string[] full = Directory.GetFiles(folder, FullReports);

        // Beside its full reports BenchmarkDotNet writes brief ones, which hold too little to compare.
        return [.. (full.Length > 0 ? full : Directory.GetFiles(folder, "*.json")).Order(StringComparer.Ordinal)];
    }

    private static ResultSet Merge(string path, IReadOnlyList<string> files)
    {
        Dictionary<string, BenchmarkMeasurement> benchmarks = [];
        SortedSet<string> descriptions = [];
        foreach (string file in files)
        {
            (string description, IEnumerable<BenchmarkMeasurement> found) = ResultFile.Read(file);
            descriptions.Add(description);
            foreach (BenchmarkMeasurement benchmark in found)
            {
                if (!benchmarks.TryAdd(benchmark.Name, benchmark))
                {
                    throw new InvalidDataException(
                        $"{file} repeats the benchmark '{benchmark.Name}'; expected each once in {path}.");
                }
            }
        }

        return benchmarks.Count > 0
            ? new ResultSet(string.Join("; ", descriptions.Where(text => text.Length > 0)), benchmarks)
            : throw new InvalidDataException($"{path} holds no benchmark.");
    }
}
