using System.Globalization;
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

    /// <summary>Name of a benchmark's allocations: bytes of a call on the managed heap.</summary>
    public const string Allocated = "allocated_bytes";

    /// <summary><see cref="Version"/> as it stands in a file.</summary>
    internal static readonly string VersionText = Version.ToString(CultureInfo.InvariantCulture);

    private const int LargestFile = 64 << 20;

    /// <summary>Reads a file of at most 64 MiB.</summary>
    /// <param name="path">The file.</param>
    /// <returns>Machine and commit as far as it says, and its benchmarks.</returns>
    /// <exception cref="InvalidDataException">
    /// It is truncated, foreign, too large, or holds a measurement that is none.
    /// </exception>
    public static (string Description, IReadOnlyList<BenchmarkMeasurement> Benchmarks) Read(string path)
    {
        try
        {
            return new ResultReader(path).Read(
                InputFile.ReadUtf8(path, "file of benchmark results (JSON)", LargestFile).Span);
        }
        catch (JsonException error)
        {
            throw new InvalidDataException(
                $"{path} is not a JSON document: it breaks off or goes wrong on line {error.LineNumber + 1}; expected "
                + "benchmark results.");
        }
        catch (InvalidOperationException error)
        {
            // A text of half a surrogate pair, which JSON allows and .NET does not.
            throw new InvalidDataException(
                $"{path} holds a text that is not valid Unicode; expected benchmark results.", error);
        }
    }
}
