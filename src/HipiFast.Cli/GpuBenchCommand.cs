using System.CommandLine;
using System.Text;
using System.Text.Json;
using HipiFast.Benchmarking.Devices;
using HipiFast.Kernels.Backends;
using HipiFast.Storage;

namespace HipiFast.Cli;

/// <summary>
/// <c>hipifast bench gpu</c>: conformance of a device with the managed engine, then the times of every kernel on it.
/// </summary>
internal static class GpuBenchCommand
{
    private static readonly string[] s_backends = ["cuda", "ilgpu"];

    public static Command Create(Option<bool> json)
    {
        Option<string?> backend = new("--backend")
        {
            Description =
                "Backends to measure, separated by commas. Default: cuda and ilgpu in every precision, where they have "
                + "a GPU.",
            HelpName = string.Join(",", s_backends),
        };
        Option<string?> device = new("--device")
        {
            Description = "Device of the backends, such as cuda:0. Default: the first.",
            HelpName = "ID",
        };
        Option<bool> quick = new("--quick") { Description = "Few and tiny cases: that everything runs, not how fast." };
        Option<bool> check = new("--check") { Description = "Conformance only." };
        Option<string?> peers = new("--peers")
        {
            Description =
                "Times of bench/peers/relabel_torch.py to compare with, each line with the way (eager, compiled) "
                + "and the precision put before it.",
            HelpName = "FILE",
        };
        Option<string?> output = new("--out")
        {
            Description = "Folder for DEVICE.json and DEVICE.md. Default: none are written.",
            HelpName = "DIR",
        };
        Command command = new(
            "gpu",
            "A GPU: conformance with the managed engine, then whole relabel calls and every kernel in them, beside the "
            + "device's peaks.")
        {
            backend, device, quick, check, peers, output,
        };
        command.SetAction(parsed => Run(
            new ConsoleOutput(parsed.GetValue(json)),
            Backends(parsed.GetValue(backend), parsed.GetValue(device)),
            parsed.GetValue(device),
            parsed.GetValue(quick),
            parsed.GetValue(check),
            parsed.GetValue(peers) is string path ? PeerResult.Read(path) : [],
            parsed.GetValue(output)));
        return command;
    }

    private static KernelBackend[] Backends(string? list, string? device)
    {
        if (list is not null)
        {
            return
            [
                .. list.Split(',', StringSplitOptions.TrimEntries).Select(
                    name => OptionalComponents.RequireBackend(name, PrecisionMode.Auto, device))
                    .Select(backend => backend.Devices.Count > 0
                        ? backend
                        : throw new ArgumentException(
                            $"Backend '{backend.Name}' runs on the processor; bench gpu measures "
                            + $"{string.Join(" and ", s_backends)}.")),
            ];
        }

        // Every precision of both.
        List<string> reasons = [];
        List<KernelBackend> found = [];
        foreach (string family in s_backends)
        {
            KernelBackend[] members = [.. KernelRegistry.Default.Backends.Where(backend => backend.Family == family)];
            KernelBackend[] usable = [.. members.Where(
                backend => backend.IsSupported(out _) && HasGpu(backend, device))];
            found.AddRange(usable);
            if (usable.Length == 0)
            {
                string reason = string.Empty;
                reasons.Add(
                    members.Length == 0
                        ? $"{family} is {OptionalComponents.All.First(part => part.Name == family).Status}"
                    : members[0].IsSupported(out reason)
                        ? $"{family} has {(DeviceInfo.IsAny(device) ? "no GPU" : $"no GPU '{device}'")}"
                    : $"{family} cannot run here: {reason.TrimEnd('.')}");
            }
        }

        return found.Count > 0
            ? [.. found]
            : throw new NotSupportedException($"There is no GPU to measure here: {string.Join("; ", reasons)}.");
    }

    private static bool HasGpu(KernelBackend backend, string? device) => backend.HasDevice(device)
        && DeviceInfo.Find(backend.Devices, device, backend.Name).Id != DeviceInfo.Cpu;

    private static int Run(
        ConsoleOutput output, KernelBackend[] backends, string? device, bool quick, bool checkOnly,
        IReadOnlyList<PeerResult> peers, string? folder)
    {
        List<DeviceReport> reports = [];
        foreach (KernelBackend backend in backends)
        {
            DeviceReport report = new()
            {
                Backend = backend.Name,
                Precision = backend.Precision,
                Device = DeviceInfo.Find(backend.Devices, device, backend.Name),
                Peers = peers,
            };
            reports.Add(report);
            output.Line($"{backend.Name} on {report.Device.Description}");
            Check(report, backend, device, quick);
            int failed = report.Conformance.Count(result => !result.Passed);
            foreach (ConformanceResult result in report.Conformance.Where(result => !result.Passed))
            {
                string error = double.IsFinite(result.Error)
                    ? $"error {NumberText.Count(result.Error * 1e6)}e-6"
                    : "refused or not finite";
                output.Line($"  failed: {result.Name}, {error}");
            }

            output.Line(
                $"conformance with the managed engine: {report.Conformance.Count - failed} passed, {failed} failed");
            if (!checkOnly)
            {
                Measure(report, new DeviceBenchmark(
                    backend, device, quick ? DeviceBenchmarkSelection.Quick : DeviceBenchmarkSelection.Full));
                output.Line(
                    $"peaks: {NumberText.Fixed(report.Peaks.Flops * 1e-9, 1)} GFLOP/s, "
                    + $"{NumberText.Fixed(report.Peaks.BytesPerSecond * 1e-9, 1)} GB/s");
                output.Table(DeviceReport.Header, report.Results.Select(report.Cells));
                output.Line(string.Empty);
                output.Table(DeviceReport.ReplayHeader, report.Replay.Select(report.ReplayCells));
                foreach (string reason in report.LeftOut)
                {
                    output.Line("left out: " + reason);
                }
            }

            output.Line(string.Empty);
        }

        output.Document(writer => WriteAll(writer, reports, peers));
        if (folder is not null)
        {
            Directory.CreateDirectory(folder);
            string name = Path.Combine(folder, reports[0].FileName);
            AtomicFile.WriteAllText(name + ".json", JsonText.Write(writer => WriteAll(writer, reports, peers)));
            AtomicFile.WriteAllText(name + ".md", Markdown(reports, peers));
            output.Line($"written: {name}.json, {name}.md");
        }

        return reports.All(report => report.Conforms) ? CommandLineProgram.Good : CommandLineProgram.Failed;
    }

    private static void Check(DeviceReport report, KernelBackend backend, string? device, bool quick)
    {
        using ComputeSession session = backend.CreateSession(new SessionOptions(Device: device));
        using ComputeSession managed = ManagedBackend.Best.CreateSession(default);
        report.Conformance.AddRange(new DeviceConformance(session, managed).Run(quick));
    }

    private static void Measure(DeviceReport report, DeviceBenchmark benchmark)
    {
        report.Results.AddRange(benchmark.Run());
        report.Replay = benchmark.RunReplay();
        report.Peaks = benchmark.Peaks;
        report.Resources = benchmark.Resources;
        report.LeftOut = benchmark.LeftOut;
    }

    private static void WriteAll(Utf8JsonWriter writer, List<DeviceReport> reports, IReadOnlyList<PeerResult> peers)
    {
        writer.WriteStartObject();
        writer.WriteStartArray("devices");
        reports.ForEach(report => report.Write(writer));
        writer.WriteEndArray();
        writer.WriteStartArray("peers");
        foreach (PeerResult peer in peers)
        {
            DeviceReport.Write(writer, peer);
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static string Markdown(List<DeviceReport> reports, IReadOnlyList<PeerResult> peers)
    {
        StringBuilder text = new();
        text.AppendLine(System.Globalization.CultureInfo.InvariantCulture, $"# {reports[0].Device.Name}").AppendLine();
        text.AppendLine("Made by `bench/gpu.sh`.").AppendLine();
        reports.ForEach(report => report.Append(text));
        if (peers.Count > 0)
        {
            DeviceReport.AppendPeers(text, peers);
        }

        return text.ToString();
    }
}
