using System.CommandLine;
using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using HipiFast.Kernels.Backends;
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
        (string Name, bool Has)[] sets =
        [
            ("Vector512", Vector512.IsHardwareAccelerated),
            ("AVX-512F", Avx512F.IsSupported),
            ("AVX2", Avx2.IsSupported),
            ("FMA", Fma.IsSupported),
            ("AdvSimd", AdvSimd.IsSupported),
        ];
        string instructions = string.Join(", ", sets.Where(set => set.Has).Select(set => set.Name));
        double memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (double)(1L << 30);
        string chosen = KernelRegistry.Default.Resolve().Name;
        (string Name, bool Supported, string Text)[] backends =
        [
            .. KernelRegistry.Default.Backends.Select(backend => backend.IsSupported(out string reason)
                ? (backend.Name, true, backend.Description)
                : (backend.Name, false, "cannot run here: " + reason)),
        ];

        output.Table(
            ["machine", string.Empty],
            [
                ["system", $"{RuntimeInformation.OSDescription.Trim()} ({RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()})"],
                ["cores", Environment.ProcessorCount.ToString(CultureInfo.InvariantCulture)],
                ["memory", ConsoleOutput.Fixed(memory, 1) + " GiB"],
                ["instruction sets", instructions.Length == 0 ? "none that the kernels use" : instructions],
                ["vector width", $"{Vector<byte>.Count * 8} bits (Vector<T>)"],
                [".NET", RuntimeInformation.FrameworkDescription],
                ["hipifast", typeof(InfoCommand).Assembly.GetName().Version!.ToString(3)],
            ]);
        output.Line(string.Empty);
        output.Table(
            ["backend", "status"],
            backends.Select(backend => (IReadOnlyList<string>)[backend.Name + (backend.Name == chosen ? " (auto)" : string.Empty), backend.Text]));
        output.Line(string.Empty);
        output.Table(
            ["optional part", "provides", "status"],
            OptionalComponents.All.Select(part => (IReadOnlyList<string>)[part.Assembly, $"{part.Provides} {part.Name}", part.Status]));
        output.Line(string.Empty);
        output.Line("learners: " + string.Join(", ", LearnerRegistry.Names));
        output.Line("environments: " + string.Join(", ", EnvironmentFactory.Names));
        output.Document(writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("system", RuntimeInformation.OSDescription.Trim());
            writer.WriteString("architecture", RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant());
            writer.WriteNumber("cores", Environment.ProcessorCount);
            writer.WriteNumber("memory_gib", Math.Round(memory, 1));
            writer.WriteStartObject("instruction_sets");
            foreach ((string name, bool has) in sets)
            {
                writer.WriteBoolean(name, has);
            }

            writer.WriteEndObject();
            writer.WriteString("dotnet", RuntimeInformation.FrameworkDescription);
            writer.WriteString("auto_backend", chosen);
            writer.WriteStartArray("backends");
            foreach ((string name, bool supported, string text) in backends)
            {
                writer.WriteStartObject();
                writer.WriteString("name", name);
                writer.WriteBoolean("supported", supported);
                writer.WriteString("status", text);
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
            foreach (string name in EnvironmentFactory.Names)
            {
                writer.WriteStringValue(name);
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        });
        return CommandLineProgram.Good;
    }
}
