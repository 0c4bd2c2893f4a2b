using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using HipiFast.Benchmarking.Cases;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Devices.Peaks;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Storage;

namespace HipiFast.Benchmarking.Devices;

/// <summary>One line of what relabel_torch.py prints.</summary>
/// <param name="Name">The way it was run: <see cref="Eager"/> or <see cref="Compiled"/>.</param>
/// <param name="Precision">Arithmetic.</param>
/// <param name="Estimator">Estimator.</param>
/// <param name="Style">Pairs written out, or the first layer shared.</param>
/// <param name="Size">B = K.</param>
/// <param name="Hidden">H.</param>
/// <param name="Seconds">Median of a call; NaN where it failed.</param>
internal readonly record struct PeerResult(
    string Name, KernelPrecision Precision, string Estimator, string Style, int Size, int Hidden, double Seconds)
{
    /// <summary>Operation by operation.</summary>
    public const string Eager = "eager";

    /// <summary>By torch.compile.</summary>
    public const string Compiled = "compiled";

    /// <summary>
    /// Reads lines of the form <c>NAME,PRECISION,estimator,style,B,T,H,median_ms,pairs_per_s</c>; others are passed
    /// over.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <returns>The results.</returns>
    public static IReadOnlyList<PeerResult> Read(string path)
    {
        List<PeerResult> results = [];
        foreach (string line in File.ReadLines(path))
        {
            string[] fields = line.Split(',');
            if (fields.Length == 9 && Enum.TryParse(fields[1], ignoreCase: true, out KernelPrecision precision)
                && int.TryParse(fields[4], out int size) && int.TryParse(fields[6], out int hidden))
            {
                bool isNumber = double.TryParse(
                    fields[7], NumberStyles.Float, CultureInfo.InvariantCulture, out double milliseconds);
                results.Add(new PeerResult(
                    fields[0], precision, fields[2], fields[3], size, hidden,
                    isNumber ? milliseconds / 1000 : double.NaN));
            }
        }

        return results;
    }

    /// <summary>The faster style of a way, in the precision of a backend.</summary>
    /// <param name="peers">All results.</param>
    /// <param name="name">The way.</param>
    /// <param name="precision">The precision.</param>
    /// <param name="benchmark">The case.</param>
    /// <returns>Seconds; NaN where it was not measured or failed.</returns>
    public static double Best(
        IReadOnlyList<PeerResult> peers, string name, KernelPrecision precision, BenchmarkCase benchmark) =>
        peers.Where(
            peer => peer.Name == name && peer.Precision == precision && peer.Estimator == benchmark.EstimatorName
                && peer.Size == benchmark.Batch && peer.Size == benchmark.Candidates
                && peer.Hidden == benchmark.Hidden && double.IsFinite(peer.Seconds))
            .Select(peer => peer.Seconds).DefaultIfEmpty(double.NaN).Min();
}

/// <summary>What <c>bench gpu</c> found on one device through one backend.</summary>
internal sealed partial class DeviceReport
{
    public required string Backend { get; init; }

    public required KernelPrecision Precision { get; init; }

    public required DeviceInfo Device { get; init; }

    public List<ConformanceResult> Conformance { get; } = [];

    public DevicePeaks Peaks { get; set; }

    public List<DeviceBenchmarkResult> Results { get; } = [];

    public IReadOnlyList<DeviceReplayResult> Replay { get; set; } = [];

    public IReadOnlyDictionary<string, KernelResources> Resources { get; set; } =
        new Dictionary<string, KernelResources>();

    public IReadOnlyList<string> LeftOut { get; set; } = [];

    /// <summary>PyTorch's times on the same device.</summary>
    public required IReadOnlyList<PeerResult> Peers { get; init; }

    /// <summary>Whether every comparison passed.</summary>
    public bool Conforms => Conformance.All(result => result.Passed);

    /// <summary>Columns of <see cref="Cells"/>.</summary>
    public static IReadOnlyList<string> Header { get; } =
    [
        "estimator", "B = K", "H", "plain ms", "graph ms", "resident ms", "upload", "kernels", "download", "pairs/s",
        "soft-q TFLOP/s", "of peak",
        "logZ of bandwidth", "x eager", "x compiled",
    ];

    /// <summary>Columns of <see cref="ReplayCells"/>.</summary>
    public static IReadOnlyList<string> ReplayHeader { get; } =
        ["batch from a ring", "draw ms", "gather ms", "of bandwidth"];

    /// <summary>Name of the result files: the device's name in lower case, words joined by dashes.</summary>
    public string FileName => NotWord().Replace(Device.Name.ToLowerInvariant(), "-").Trim('-');

    /// <summary>A result as a row of a table.</summary>
    public IReadOnlyList<string> Cells(DeviceBenchmarkResult result)
    {
        // The segments' kernel reads the matrix twice: for the maxima, then for the sums. Where the critics leave the
        // segments, it has nothing to do.
        double bytes = 2.0 * result.Case.Batch * result.Case.Candidates * sizeof(float);
        double bandwidth = bytes / result.Operations.GetValueOrDefault(
            DeviceKernelNames.LogPartitionSegments) / Peaks.BytesPerSecond;
        return
        [
            result.Case.EstimatorName,
            result.Case.Batch.ToString(CultureInfo.InvariantCulture),
            result.Case.Hidden.ToString(CultureInfo.InvariantCulture),
            Milliseconds(result.Plain),
            Milliseconds(result.Graph),
            Milliseconds(result.Resident),
            Milliseconds(result.Upload),
            Milliseconds(result.Kernels),
            Milliseconds(result.Download),
            result.PairsPerSecond.ToString("0.00E+0", CultureInfo.InvariantCulture),
            Number(result.SoftQFlops * 1e-12, 2),
            Number(result.SoftQFlops / Peaks.Flops, 2),
            Number(bandwidth, 2),
            Number(PeerResult.Best(Peers, PeerResult.Eager, Precision, result.Case) / result.Best, 2),
            Number(PeerResult.Best(Peers, PeerResult.Compiled, Precision, result.Case) / result.Best, 2),
        ];
    }

    /// <summary>A batch of the ring as a row of a table.</summary>
    public IReadOnlyList<string> ReplayCells(DeviceReplayResult result) =>
    [
        result.Rows.ToString(CultureInfo.InvariantCulture),
        Milliseconds(result.Draw),
        Milliseconds(result.Gather),
        Number(result.Bytes / result.Gather / Peaks.BytesPerSecond, 2),
    ];

    /// <summary>Writes the results as JSON.</summary>
    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("backend", Backend);
        writer.WriteString("device", Device.Name);
        writer.WriteString("device_id", Device.Id);
        writer.WriteNumber("memory_bytes", Device.MemoryBytes);
        writer.WriteNumber("compute_capability", Device.Capability / 10.0);
        writer.WriteNumber("multiprocessors", Device.Multiprocessors);
        NumberText.Write(writer, "peak_gflops", Peaks.Flops * 1e-9);
        NumberText.Write(writer, "peak_bytes_per_s", Peaks.BytesPerSecond);
        writer.WriteBoolean("conforms", Conforms);
        writer.WriteStartArray("conformance");
        foreach (ConformanceResult result in Conformance)
        {
            writer.WriteStartObject();
            writer.WriteString("name", result.Name);
            NumberText.Write(writer, "error", result.Error);
            writer.WriteBoolean("passed", result.Passed);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("kernels");
        foreach ((string name, KernelResources resources) in Resources)
        {
            writer.WriteStartObject();
            writer.WriteString("kernel", name);
            writer.WriteNumber("registers", resources.Registers);
            writer.WriteNumber("local_bytes", resources.LocalBytes);
            writer.WriteNumber("shared_bytes", resources.SharedBytes);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("results");
        foreach (DeviceBenchmarkResult result in Results)
        {
            writer.WriteStartObject();
            writer.WriteString("kernel", result.Case.Kernel);
            writer.WriteString("variant", Backend);
            writer.WriteString("estimator", result.Case.EstimatorName);
            writer.WriteString("precision", Name(Precision));
            writer.WriteNumber("batch", result.Case.Batch);
            writer.WriteNumber("candidates", result.Case.Candidates);
            writer.WriteNumber("hidden", result.Case.Hidden);
            NumberText.Write(writer, "median_s", result.Best);
            NumberText.Write(writer, "plain_s", result.Plain);
            NumberText.Write(writer, "graph_s", result.Graph);
            NumberText.Write(writer, "resident_s", result.Resident);
            NumberText.Write(writer, "pairs_per_s", result.PairsPerSecond);
            NumberText.Write(writer, "gflops", result.SoftQFlops * 1e-9);
            NumberText.Write(writer, "peak_gflops", Peaks.Flops * 1e-9);
            NumberText.Write(writer, "fraction_of_peak", result.SoftQFlops / Peaks.Flops);
            NumberText.Write(writer, "eager_s", PeerResult.Best(Peers, PeerResult.Eager, Precision, result.Case));
            NumberText.Write(writer, "compiled_s", PeerResult.Best(Peers, PeerResult.Compiled, Precision, result.Case));
            writer.WriteStartObject("device_s");
            foreach (
                (string name, double seconds) in result.Operations.OrderBy(entry => entry.Key, StringComparer.Ordinal))
            {
                NumberText.Write(writer, name, seconds);
            }

            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("replay");
        foreach (DeviceReplayResult result in Replay)
        {
            writer.WriteStartObject();
            writer.WriteString("kernel", BenchmarkCase.ReplaySample);
            writer.WriteString("variant", Backend);
            writer.WriteNumber("batch", result.Rows);
            NumberText.Write(writer, "draw_s", result.Draw);
            NumberText.Write(writer, "gather_s", result.Gather);
            NumberText.Write(writer, "bytes_per_s", result.Bytes / result.Gather);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("left_out");
        foreach (string reason in LeftOut)
        {
            writer.WriteStringValue(reason);
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    /// <summary>Adds the results as Markdown.</summary>
    public void Append(StringBuilder text)
    {
        text.AppendLine(CultureInfo.InvariantCulture, $"## {Backend} on {Device.Description}").AppendLine();
        int failed = Conformance.Count(result => !result.Passed);
        text.AppendLine(
            CultureInfo.InvariantCulture,
            $"Conformance with the managed engine: {Conformance.Count - failed} passed, {failed} failed.");
        foreach (ConformanceResult result in Conformance.Where(result => !result.Passed))
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"* failed: {result.Name} (error {result.Error:0.0E+0})");
        }

        text.AppendLine();
        if (Results.Count > 0)
        {
            string work = Precision == KernelPrecision.Bf16 ? "bf16 products by mma.sync" : "fp32 multiply-adds";
            text.AppendLine(
                CultureInfo.InvariantCulture,
                $"Measured peaks: {Peaks.Flops * 1e-12:F2} TFLOP/s of {work}, {Peaks.BytesPerSecond * 1e-9:F0} GB/s of "
                + $"copying.").AppendLine();
            Table(text, Header, Results.Select(Cells));
            text.AppendLine(
                "Whole relabel calls: plain, graph and resident are wall time, transfers included (medians); resident "
                + "is a batch that was on the "
                + "device already. The split is device time. The floor of the work is the second layers' "
                + "multiply-adds, and fractions are of the "
                + "measured peaks. x eager, x compiled: PyTorch's time for the same in the same precision, its faster "
                + "style, over the faster of "
                + "plain and graph.")
                .AppendLine();
            Table(text, ReplayHeader, Replay.Select(ReplayCells));
            Table(
                text,
                ["kernel", "registers", "spilled bytes", "shared bytes"],
                Resources.Where(entry => entry.Value.Registers >= 0).Select(entry => (IReadOnlyList<string>)
                [
                    entry.Key,
                    entry.Value.Registers.ToString(CultureInfo.InvariantCulture),
                    entry.Value.LocalBytes.ToString(CultureInfo.InvariantCulture),
                    entry.Value.SharedBytes.ToString(CultureInfo.InvariantCulture),
                ]));
        }

        foreach (string reason in LeftOut)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"* left out: {reason}");
        }
    }

    /// <summary>Adds the peers' times as Markdown.</summary>
    public static void AppendPeers(StringBuilder text, IReadOnlyList<PeerResult> peers)
    {
        text.AppendLine("## PyTorch").AppendLine();
        Table(
            text,
            ["way", "precision", "estimator", "style", "B = K", "H", "ms", "pairs/s"],
            peers.Select(peer => (IReadOnlyList<string>)
            [
                peer.Name, Name(peer.Precision), peer.Estimator, peer.Style,
                peer.Size.ToString(CultureInfo.InvariantCulture),
                peer.Hidden.ToString(CultureInfo.InvariantCulture),
                Milliseconds(peer.Seconds),
                double.IsNaN(peer.Seconds)
                    ? "failed"
                    : ((double)peer.Size * peer.Size / peer.Seconds).ToString("0.00E+0", CultureInfo.InvariantCulture),
            ]));
    }

    /// <summary>Writes a peer's time as JSON.</summary>
    public static void Write(Utf8JsonWriter writer, PeerResult peer)
    {
        writer.WriteStartObject();
        writer.WriteString("way", peer.Name);
        writer.WriteString("precision", Name(peer.Precision));
        writer.WriteString("estimator", peer.Estimator);
        writer.WriteString("style", peer.Style);
        writer.WriteNumber("batch", peer.Size);
        writer.WriteNumber("hidden", peer.Hidden);
        NumberText.Write(writer, "median_s", peer.Seconds);
        writer.WriteEndObject();
    }

    // Nothing at all where there are no rows.
    private static void Table(StringBuilder text, IReadOnlyList<string> header, IEnumerable<IReadOnlyList<string>> rows)
    {
        IReadOnlyList<string>[] all = [.. rows];
        if (all.Length == 0)
        {
            return;
        }

        foreach (IReadOnlyList<string> row in all.Prepend([.. header.Select(_ => "---")]).Prepend(header))
        {
            string cells = string.Join(" | ", row.Select(DisplayText.MarkdownCell));
            text.AppendLine(CultureInfo.InvariantCulture, $"| {cells} |");
        }

        text.AppendLine();
    }

    private static string Name(KernelPrecision precision) => precision == KernelPrecision.Bf16 ? "bf16" : "fp32";

    private static string Milliseconds(double seconds) => Number(seconds * 1000, 3);

    private static string Number(double value, int decimals) => double.IsFinite(value)
        ? NumberText.Fixed(value, decimals)
        : "-";

    [GeneratedRegex("[^a-z0-9]+")]
    private static partial Regex NotWord();
}
