using System.Globalization;
using System.Text.RegularExpressions;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Testing;

namespace HipiFast.Kernels.Cuda.Tests.Assembler;

/// <summary>ptxas and nvdisasm of one version, as bench/assembler.sh fetches them; they need no GPU.</summary>
/// <param name="folder">Where they lie.</param>
internal sealed partial class NvidiaAssembler(string folder)
{
    /// <summary>When set, tests that need the assembler fail where it is missing.</summary>
    private const string RequireVariable = "HIPIFAST_REQUIRE_ASSEMBLER";

    /// <summary>Where the versions lie, when not in the user's cache.</summary>
    private const string FolderVariable = "HIPIFAST_ASSEMBLER";

    /// <summary>The architectures that kernels are assembled for, with the version that does it.</summary>
    public static IReadOnlyList<(string Version, string Architecture)> Architectures { get; } =
        [("11.8", "sm_80"), ("11.8", "sm_86"), ("11.8", "sm_90"), ("12.4", "sm_90a")];

    /// <summary>Why tests are left out; null when they can run, or must.</summary>
    public static string? WhyNot { get; } =
        Architectures.All(pair =>
            File.Exists(Tool(pair.Version, "ptxas")) && File.Exists(Tool(pair.Version, "nvdisasm")))
            || IsRequired
            ? null
            : $"ptxas and nvdisasm were not found in '{Root}' (bench/assembler.sh fetches them).";

    /// <summary>Whether tests must not be skipped, and every architecture be assembled for.</summary>
    public static bool IsRequired => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(RequireVariable));

    private static string Root => Environment.GetEnvironmentVariable(FolderVariable) is { Length: > 0 } folder
        ? folder
        : Path.Combine(
            Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache
                ? cache
                : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"),
            "hipifast", "assembler");

    /// <summary>The assembler of a version.</summary>
    public static NvidiaAssembler Find(string version) => new(Path.Combine(Root, version));

    /// <summary>What ptxas calls itself: <c>V11.8.89</c>.</summary>
    public string Version() => VersionPattern().Match(Run("ptxas", "--version")).Value;

    /// <summary>Assembles kernels, all in one module: starting a tool takes it as long as a kernel.</summary>
    /// <param name="kernels">PTX of one kernel each.</param>
    /// <param name="architecture">Such as <c>sm_80</c>.</param>
    /// <returns>The machine code of each, and what it needs.</returns>
    public AssembledKernel[] Assemble(IReadOnlyList<PtxKernel> kernels, string architecture)
    {
        using TemporaryDirectory directory = new();
        string source = directory["kernels.ptx"], target = directory["kernels.cubin"];
        File.WriteAllText(source, Module(kernels));
        Dictionary<string, string> reports = Split(
            Run("ptxas", "-v", "-arch=" + architecture, "-o", target, source), EntryReportPattern());
        Dictionary<string, string> codes = Split(Run("nvdisasm", "-c", target), EntryCodePattern());
        return
        [
            .. kernels.Select((_, i) =>
            {
                string report = reports[Name(i)];
                return new AssembledKernel(
                    Number(report, RegistersPattern()), Number(report, SharedPattern()),
                    LocalPattern().Matches(report).Sum(
                        match => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)),
                    SassText.Parse(codes[Name(i)]));
            }),
        ];
    }

    private static string Name(int kernel) => string.Create(CultureInfo.InvariantCulture, $"kernel{kernel:000}");

    // Kernels keep their shared memory to themselves; the names of entry points and of what the launch adds are the
    // module's.
    private static string Module(IReadOnlyList<PtxKernel> kernels)
    {
        int header = kernels[0].Text.IndexOf(".address_size", StringComparison.Ordinal);
        string first = kernels[0].Text[..kernels[0].Text.IndexOf('\n', header)];
        return string.Join('\n', [first, .. kernels.Select((kernel, i) =>
            kernel.Text[first.Length..]
                .Replace($".entry {kernel.EntryPoint}(", $".entry {Name(i)}(", StringComparison.Ordinal)
                .Replace("__dyn_shared_alloca", "dynamic_" + Name(i), StringComparison.Ordinal))]);
    }

    // What follows each name, up to the next.
    private static Dictionary<string, string> Split(string text, Regex name)
    {
        Match[] found = [.. name.Matches(text).Cast<Match>()];
        return found.Select((match, i) => (
            match.Groups[1].Value, Text: text[match.Index..(i + 1 < found.Length ? found[i + 1].Index : text.Length)]))
            .GroupBy(part => part.Value, part => part.Text).ToDictionary(group => group.Key, string.Concat);
    }

    private static string Tool(string version, string name) => Path.Combine(Root, version, name);

    private static int Number(string report, Regex pattern) =>
        pattern.Match(report) is { Success: true } found
            ? int.Parse(found.Groups[1].Value, CultureInfo.InvariantCulture)
            : 0;

    private string FindProgram(string tool) => Path.GetFullPath(Path.Combine(folder, tool));

    private string Run(string tool, params string[] arguments)
    {
        using ChildProcess process = new(new(FindProgram(tool), arguments));
        ProcessResult result = process.End();
        string output = result.Output + result.Error;
        Assert.True(result.ExitCode == 0, $"{tool} {string.Join(' ', arguments)}: {output}");
        return output;
    }

    [GeneratedRegex(@"V\d+\.\d+\.\d+")]
    private static partial Regex VersionPattern();

    [GeneratedRegex(@"(?:Compiling entry function '|Function properties for )(\w+)")]
    private static partial Regex EntryReportPattern();

    [GeneratedRegex(@"^//-+ \.text\.(\w+) ", RegexOptions.Multiline)]
    private static partial Regex EntryCodePattern();

    [GeneratedRegex(@"Used (\d+) registers")]
    private static partial Regex RegistersPattern();

    [GeneratedRegex(@"(\d+) bytes smem")]
    private static partial Regex SharedPattern();

    // A stack frame, spill stores and spill loads.
    [GeneratedRegex(@"(\d+) bytes (?:stack frame|spill stores|spill loads|lmem)")]
    private static partial Regex LocalPattern();
}

/// <summary>A kernel in machine code.</summary>
/// <param name="Registers">Of a thread.</param>
/// <param name="SharedBytes">Declared shared memory; what a launch adds is not in it.</param>
/// <param name="LocalBytes">Stack and spills: anything that a thread keeps in memory of its own.</param>
/// <param name="Code">Its instructions.</param>
internal sealed record AssembledKernel(int Registers, int SharedBytes, int LocalBytes, SassText Code);

/// <summary>A test that assembles kernels; skipped where the assembler was not fetched.</summary>
public sealed class AssemblerFactAttribute : FactAttribute
{
    public AssemblerFactAttribute() => Skip = NvidiaAssembler.WhyNot;
}
