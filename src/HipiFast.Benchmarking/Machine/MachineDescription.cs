using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using System.Text.Json;

namespace HipiFast.Benchmarking.Machine;

/// <summary>What benchmark results were measured on, and of what.</summary>
internal static class MachineDescription
{
    /// <summary>
    /// The processor as the system names it, with family and model where it tells them; the architecture where it has
    /// no name.
    /// </summary>
    public static string Processor { get; } = FindProcessor();

    /// <summary>Operating system.</summary>
    public static string System { get; } = RuntimeInformation.OSDescription.Trim();

    /// <summary>Processor architecture.</summary>
    public static string Architecture { get; } = RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();

    /// <summary>Memory that this process may use, in GiB.</summary>
    public static double MemoryGibibytes => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (double)(1L << 30);

    /// <summary>Instruction sets that kernels use, and whether they are here and not switched off.</summary>
    public static IReadOnlyList<(string Name, bool Has)> InstructionSets { get; } =
    [
        ("Vector512", Vector512.IsHardwareAccelerated),
        ("AVX-512F", Avx512F.IsSupported),
        ("AVX2", Avx2.IsSupported),
        ("FMA", Fma.IsSupported),
        ("AdvSimd", AdvSimd.IsSupported),
    ];

    /// <summary>
    /// The commit that the program was built from; null where it was not built in a repository. Changes not committed
    /// do not show.
    /// </summary>
    public static string? Commit { get; } =
        typeof(MachineDescription).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()
            ?.InformationalVersion.Split('+') is [_, string commit] ? commit : null;

    /// <summary>Writes the properties of the machine, without the commit.</summary>
    /// <param name="writer">Receives them; inside an object.</param>
    public static void Write(Utf8JsonWriter writer)
    {
        writer.WriteString("processor", Processor);
        writer.WriteString("system", System);
        writer.WriteString("architecture", Architecture);
        writer.WriteNumber("cores", Environment.ProcessorCount);
        writer.WriteNumber("memory_gib", Math.Round(MemoryGibibytes, 1));
        writer.WriteStartObject("instruction_sets");
        foreach ((string name, bool has) in InstructionSets)
        {
            writer.WriteBoolean(name, has);
        }

        writer.WriteEndObject();
        writer.WriteString("dotnet", RuntimeInformation.FrameworkDescription);
    }

    private static string FindProcessor()
    {
        const string Linux = "/proc/cpuinfo";
        if (!File.Exists(Linux))
        {
            return Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER") ?? Architecture;
        }

        Dictionary<string, string> first = [];
        foreach (string line in File.ReadLines(Linux))
        {
            if (line.Split(':', 2) is [string key, string value])
            {
                first.TryAdd(key.Trim(), value.Trim());
            }
        }

        string name = first.GetValueOrDefault("model name", Architecture);

        // Virtual machines often hide the name; family and model tell the generation.
        return first.TryGetValue("cpu family", out string? family) && first.TryGetValue("model", out string? model)
            ? string.Create(CultureInfo.InvariantCulture, $"{name}, family {family} model {model}")
            : name;
    }
}
