using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text.Json;
using HipiFast.Benchmarking.Machine;
using HipiFast.Environments;
using HipiFast.Kernels.Backends;
using HipiFast.Storage;
using HipiFast.Training;

namespace HipiFast.Cli;

/// <summary>What this machine has and what the program makes of it, as tables and as JSON.</summary>
internal sealed class ProgramInfo
{
    private readonly (string? Name, string Text) _auto = Choose(PrecisionMode.Auto);
    private readonly (string? Name, string Text) _autoBf16 = Choose(PrecisionMode.Bf16);
    private readonly (KernelBackend Backend, bool Supported, string Text)[] _backends;
    private readonly (KernelBackend Backend, DeviceInfo Device)[] _devices;

    /// <summary>Looks at the machine.</summary>
    public ProgramInfo()
    {
        _backends =
        [
            .. KernelRegistry.Default.Backends.Select(backend => backend.IsSupported(out string reason)
                ? (backend, true, backend.Description)
                : (backend, false, "cannot run here: " + reason)),
        ];
        _devices =
        [
            .. _backends.Where(entry => entry.Supported)
                .SelectMany(entry => entry.Backend.Devices.Select(device => (entry.Backend, device))),
        ];
    }

    private static IEnumerable<string> Environments => EnvironmentRegistry.Names.Select(entry => entry.Name);

    /// <summary>Writes the tables, or the JSON document.</summary>
    /// <param name="output">Where to.</param>
    public void Write(ConsoleOutput output)
    {
        WriteMachine(output);
        WriteBackends(output);
        WriteDevices(output);
        WriteParts(output);
        output.Document(WriteJson);
    }

    private static void WriteMachine(ConsoleOutput output)
    {
        string instructions = string.Join(
            ", ", MachineDescription.InstructionSets.Where(set => set.Has).Select(set => set.Name));
        output.Table(
            ["machine", string.Empty],
            [
                ["processor", MachineDescription.Processor],
                ["system", $"{MachineDescription.System} ({MachineDescription.Architecture})"],
                ["cores", Environment.ProcessorCount.ToString(CultureInfo.InvariantCulture)],
                ["memory", NumberText.Fixed(MachineDescription.MemoryGibibytes, 1) + " GiB"],
                ["instruction sets", instructions.Length == 0 ? "none that the kernels use" : instructions],
                ["vector width", $"{Vector<byte>.Count * 8} bits (Vector<T>)"],
                [".NET", RuntimeInformation.FrameworkDescription],
                ["hipifast", typeof(InfoCommand).Assembly.GetName().Version!.ToString(3)],
            ]);
    }

    private void WriteBackends(ConsoleOutput output)
    {
        output.Line(string.Empty);
        output.Table(
            ["backend", "family", "precision", "status"],
            _backends.Select(entry => (IReadOnlyList<string>)
            [
                entry.Backend.Name + ChosenBy(entry.Backend.Name),
                entry.Backend.Family,
                PrecisionName(entry.Backend),
                entry.Text,
            ]));
        output.Line($"auto takes: {_auto.Text}; with --precision bf16: {_autoBf16.Text}");
    }

    private void WriteDevices(ConsoleOutput output)
    {
        if (_devices.Length > 0)
        {
            output.Line(string.Empty);
            output.Table(
                ["device", "backend", "name", "memory", "compute capability"],
                _devices.Select(entry => (IReadOnlyList<string>)
                [
                    entry.Device.Id,
                    entry.Backend.Name,
                    entry.Device.Name,
                    Memory(entry.Device),
                    Capability(entry.Device),
                ]));
        }
    }

    private static void WriteParts(ConsoleOutput output)
    {
        output.Line(string.Empty);
        output.Table(
            ["optional part", "provides", "status"],
            OptionalComponents.All.Select(part =>
                (IReadOnlyList<string>)[part.Assembly, $"{part.Provides} {part.Name}", part.Status]));
        output.Line(string.Empty);
        output.Line("learners: " + string.Join(", ", LearnerRegistry.Names));
        output.Line("environments: " + string.Join(", ", Environments));
    }

    private void WriteJson(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        MachineDescription.Write(writer);
        writer.WriteString("commit", MachineDescription.Commit);
        writer.WriteString("auto_backend", _auto.Name);
        writer.WriteString("auto_bf16_backend", _autoBf16.Name);
        writer.WriteStartArray("backends");
        foreach ((KernelBackend backend, bool supported, string text) in _backends)
        {
            writer.WriteStartObject();
            writer.WriteString("name", backend.Name);
            writer.WriteString("family", backend.Family);
            writer.WriteString("precision", PrecisionName(backend));
            writer.WriteBoolean("supported", supported);
            writer.WriteString("status", text);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("devices");
        foreach ((KernelBackend backend, DeviceInfo device) in _devices)
        {
            writer.WriteStartObject();
            writer.WriteString("id", device.Id);
            writer.WriteString("backend", backend.Name);
            writer.WriteString("name", device.Name);
            writer.WriteNumber("memory_bytes", device.MemoryBytes);
            writer.WriteNumber("compute_capability", device.Capability / 10.0);
            writer.WriteNumber("multiprocessors", device.Multiprocessors);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("optional");
        foreach (OptionalComponent part in OptionalComponents.All)
        {
            writer.WriteStartObject();
            writer.WriteString("assembly", part.Assembly);
            writer.WriteString("provides", $"{part.Provides} {part.Name}");
            writer.WriteBoolean("installed", part.IsLoaded);
            writer.WriteString("status", part.Status);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        WriteNames(writer, "learners", LearnerRegistry.Names);
        WriteNames(writer, "environments", Environments);
        writer.WriteEndObject();
    }

    private static void WriteNames(Utf8JsonWriter writer, string key, IEnumerable<string> names)
    {
        writer.WriteStartArray(key);
        foreach (string name in names)
        {
            writer.WriteStringValue(name);
        }

        writer.WriteEndArray();
    }

    private string ChosenBy(string backend) =>
        backend == _auto.Name ? " (auto)" : backend == _autoBf16.Name ? " (auto with bf16)" : string.Empty;

    private static string Memory(DeviceInfo device) => device.MemoryBytes > 0
        ? NumberText.Fixed(device.MemoryBytes / (double)(1L << 30), 1) + " GiB"
        : "unknown";

    private static string Capability(DeviceInfo device) =>
        device.Capability > 0 ? $"{device.Capability / 10}.{device.Capability % 10}" : "none";

    private static string PrecisionName(KernelBackend backend) => backend.Precision.ToString().ToLowerInvariant();

    /// <summary>
    /// What <c>auto</c> takes (the environment variable may force it); no name, and why, where nothing can run.
    /// </summary>
    private static (string? Name, string Text) Choose(PrecisionMode precision)
    {
        try
        {
            string name = KernelRegistry.Default.Resolve(KernelRegistry.Auto, precision).Name;
            return (name, name);
        }
        catch (Exception error) when (error is ArgumentException or NotSupportedException)
        {
            return (null, "none (" + ConsoleOutput.OneLine(error.Message).TrimEnd('.') + ")");
        }
    }
}
