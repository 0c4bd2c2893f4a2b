using System.Globalization;
using System.Text.Json;
using HipiFast.Benchmarking.Machine;
using HipiFast.Storage;

namespace HipiFast.Benchmarking.Results;

/// <summary>
/// Writes result files for <c>hipifast bench compare</c>: format, version, date, commit, machine, benchmarks with raw
/// measurements, peaks.
/// </summary>
internal static class BenchmarkResultFile
{
    /// <summary>Writes a file in one piece.</summary>
    public static void Save(string path, IReadOnlyList<BenchmarkResult> results, IReadOnlyList<MachinePeak> peaks)
    {
        AtomicFile.Write(path, stream =>
        {
            using Utf8JsonWriter writer = new(stream, JsonText.Options);
            writer.WriteStartObject();
            writer.WriteString("format", ResultFile.Format);
            writer.WriteNumber("version", ResultFile.Version);
            writer.WriteString(
                "measured", DateTime.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
            writer.WriteString("commit", MachineDescription.Commit);
            writer.WriteStartObject("machine");
            MachineDescription.Write(writer);
            writer.WriteEndObject();
            writer.WriteStartArray("benchmarks");
            foreach (BenchmarkResult result in results)
            {
                result.WriteWithSamples(writer);
            }

            writer.WriteEndArray();
            writer.WriteStartArray("peaks");
            foreach (MachinePeak peak in peaks)
            {
                peak.Write(writer);
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        });
    }
}
