using System.CommandLine;
using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using HipiFast.Benchmarking.Machine;
using HipiFast.Environments;
using HipiFast.Kernels.Backends;
using HipiFast.Storage;
using HipiFast.Training;

namespace HipiFast.Cli;

/// <summary><c>hipifast info</c>: what this machine has, and what the program makes of it.</summary>
internal static class InfoCommand
{
    public static Command Create(Option<bool> json)
    {
        Command command = new("info", "Show this machine, its instruction sets, the backends and packages found, and the environments.");
        command.SetAction(parsed => Run(new ConsoleOutput(parsed.GetValue(json))));
        return command;
    }

    private static int Run(ConsoleOutput output)
    {
        string instructions = string.Join(", ", MachineDescription.InstructionSets.Where(set => set.Has).Select(set => set.Name));
        (string? chosen, string chosenText) = Choose(PrecisionMode.Auto);
        (string? bf16, string bf16Text) = Choose(PrecisionMode.Bf16);
        (KernelBackend Backend, bool Supported, string Text)[] backends =
        [
            .. KernelRegistry.Default.Backends.Select(backend => backend.IsSupported(out string reason)
                ? (backend, true, backend.Description)
                : (backend, false, "cannot run here: " + reason)),
        ];

        (KernelBackend Backend, DeviceInfo Device)[] devices =
        [
            .. backends.Where(entry => entry.Supported).SelectMany(entry => entry.Backend.Devices.Select(device => (entry.Backend, device))),
        ];

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
        output.Line(string.Empty);
        output.Table(
            ["backend", "family", "precision", "status"],
            backends.Select(entry => (IReadOnlyList<string>)
            [
                entry.Backend.Name + (entry.Backend.Name == chosen ? " (auto)" : entry.Backend.Name == bf16 ? " (auto with bf16)" : string.Empty),
                entry.Backend.Family,
                PrecisionName(entry.Backend),
                entry.Text,
            ]));
        output.Line($"auto takes: {chosenText}; with --precision bf16: {bf16Text}");
        if (devices.Length > 0)
        {
            output.Line(string.Empty);
            output.Table(
                ["device", "backend", "name", "memory", "compute capability"],
                devices.Select(entry => (IReadOnlyList<string>)
                [
                    entry.Device.Id,
                    entry.Backend.Name,
                    entry.Device.Name,
                    entry.Device.MemoryBytes > 0 ? NumberText.Fixed(entry.Device.MemoryBytes / (double)(1L << 30), 1) + " GiB" : "unknown",
                    entry.Device.Capability > 0 ? $"{entry.Device.Capability / 10}.{entry.Device.Capability % 10}" : "none",
                ]));
        }

        output.Line(string.Empty);
        output.Table(
            ["optional part", "provides", "status"],
            OptionalComponents.All.Select(part => (IReadOnlyList<string>)[part.Assembly, $"{part.Provides} {part.Name}", part.Status]));
        output.Line(string.Empty);
        output.Line("learners: " + string.Join(", ", LearnerRegistry.Names));
        output.Line("environments: " + string.Join(", ", EnvironmentRegistry.Names.Select(entry => entry.Name)));
        output.Document(writer =>
        {
            writer.WriteStartObject();
            MachineDescription.Write(writer);
            writer.WriteString("commit", MachineDescription.Commit);
            writer.WriteString("auto_backend", chosen);
            writer.WriteString("auto_bf16_backend", bf16);
            writer.WriteStartArray("backends");
            foreach ((KernelBackend backend, bool supported, string text) in backends)
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
            foreach ((KernelBackend backend, DeviceInfo device) in devices)
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
            writer.WriteStartArray("learners");
            foreach (string name in LearnerRegistry.Names)
            {
                writer.WriteStringValue(name);
            }

            writer.WriteEndArray();
            writer.WriteStartArray("environments");
            foreach (string name in EnvironmentRegistry.Names.Select(entry => entry.Name))
            {
                writer.WriteStringValue(name);
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        });
        return CommandLineProgram.Good;
    }

    private static string PrecisionName(KernelBackend backend) => backend.Precision.ToString().ToLowerInvariant();

    /// <summary>What <c>auto</c> takes (the environment variable may force it); no name, and why, where nothing can run.</summary>
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
