using System.Globalization;
using System.Text.RegularExpressions;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Devices.SoftQ;
using HipiFast.Kernels.Ilgpu.Runtime;
using HipiFast.Kernels.Tasks;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime.Cuda;

namespace HipiFast.Kernels.Ilgpu;

/// <summary>Turns kernels into PTX. Needs no GPU and no CUDA.</summary>
public sealed partial class PtxCompiler
{
    /// <summary>
    /// The compute capabilities (times ten) that kernels are compiled for, with the oldest PTX version that knows them.
    /// </summary>
    private static readonly (
        int Capability, CudaArchitecture Architecture, CudaInstructionSet InstructionSet)[] s_targets =
        [(80, CudaArchitecture.SM_80, CudaInstructionSet.ISA_70), (
            90, CudaArchitecture.SM_90, CudaInstructionSet.ISA_78)];

    private static readonly SoftQTile s_tile = new(SoftQTile.WideThreads, SoftQTile.WideThreads);

    private readonly Dictionary<int, PTXBackend> _backends = [];

    /// <summary>The compute capabilities (times ten) that there is a target for.</summary>
    public static IEnumerable<int> Targets => s_targets.Select(target => target.Capability);

    /// <summary>The kernels there are.</summary>
    public static IReadOnlyCollection<string> Kernels => KernelTable.Names;

    /// <summary>Whether a kernel judges by a task family.</summary>
    /// <param name="name">The kernel.</param>
    /// <returns>True when it is compiled for each family.</returns>
    public static bool Judges(string name) => KernelTable.Judges(name);

    /// <summary>Compiles a kernel.</summary>
    /// <param name="name">One of <see cref="DeviceKernelNames"/>.</param>
    /// <param name="family">The task family that it is specialised for; null for kernels that judge nothing.</param>
    /// <param name="capability">Compute capability of the device times ten.</param>
    /// <returns>The kernel, for that capability or a lower one.</returns>
    /// <exception cref="NotSupportedException">
    /// The family holds something that no GPU kernel can; one sentence.
    /// </exception>
    public PtxKernel Compile(string name, TaskFamily? family, int capability)
    {
        (int found, CudaArchitecture architecture, CudaInstructionSet instructionSet) =
            s_targets.LastOrDefault(target => target.Capability <= capability);
        if (found == 0)
        {
            throw new NotSupportedException(
                $"The kernels need compute capability {s_targets[0].Capability / 10}.{s_targets[0].Capability % 10} or "
                + "more; "
                + $"found {capability / 10}.{capability % 10}.");
        }

        EntryPointDescription entry = EntryPointDescription.FromExplicitlyGroupedKernel(
            KernelTable.Find(name, KernelTable.TypeOf(family), s_tile));
        lock (_backends)
        {
            if (!_backends.TryGetValue(found, out PTXBackend? backend))
            {
                backend = new PTXBackend(
                    IlgpuContext.Compiler, new CudaCapabilityContext(architecture), architecture, instructionSet, null);
                _backends.Add(found, backend);
            }

            PTXCompiledKernel kernel = (PTXCompiledKernel)backend.Compile(entry, default);

            // ILGPU 1.5.3 names compute capability 8.0 as the target of any later one.
            string text = Renumber(WithoutUncalled(
                TargetPattern().Replace(kernel.PTXAssembly.ReplaceLineEndings("\n"), $".target sm_{found}")));
            text = KeepNaN(ConditionalPattern().Replace(text, "$1bra"));
            return new PtxKernel(text, EntryPattern().Match(text).Groups[1].Value);
        }
    }

    // MathF.Max and Min give NaN where either number is one, as the processor does; the bare instructions give the
    // other number. The .NaN of those for doubles has to be written out.
    private static string KeepNaN(string text) => DoubleExtremumPattern().Replace(
        SingleExtremumPattern().Replace(text, "$1.NaN.f32"),
        match =>
        {
            string operation = match.Groups[1].Value, to = match.Groups[2].Value, a = match.Groups[3].Value,
                b = match.Groups[4].Value;
            return $$"""
                {
                .reg .pred unordered;
                .reg .f64 sum;
                add.rn.f64 sum, {{a}}, {{b}};
                setp.nan.f64 unordered, {{a}}, {{b}};
                {{operation}}.f64 {{to}}, {{a}}, {{b}};
                selp.f64 {{to}}, sum, {{to}}, unordered;
                }
                """.ReplaceLineEndings("\n\t");
        });

    // ILGPU leaves an empty function for every method that an instruction stands for.
    private static string WithoutUncalled(string text) => FunctionPattern().Replace(
        text,
        match => Regex.IsMatch(text, $@"\bcall[\w.]* [^;]*\b{match.Groups[1].Value}\b")
            ? match.Value
            : string.Empty);

    // ILGPU numbers values through the whole process, so that the same kernel would come out differently from run to
    // run.
    private static string Renumber(string text)
    {
        Dictionary<string, string> numbers = [];
        return NumberPattern().Replace(
            text,
            match =>
            {
                if (!numbers.TryGetValue(match.Value, out string? name))
                {
                    name = match.Groups[1].Value + numbers.Count.ToString(CultureInfo.InvariantCulture);
                    numbers.Add(match.Value, name);
                }

                return name;
            });
    }

    // A name and its number, behind an underscore: parameters, labels, functions; not the target's.
    [GeneratedRegex(@"(?<![\w.%])(?!sm_)(\w+_)\d+\b")]
    private static partial Regex NumberPattern();

    // ILGPU calls every branch uniform, those included whose condition differs within a warp, where that is undefined.
    [GeneratedRegex(@"^(\s*@!?%p\d+\s+)bra\.uni\b", RegexOptions.Multiline)]
    private static partial Regex ConditionalPattern();

    [GeneratedRegex(@"\b(max|min)\.f32\b")]
    private static partial Regex SingleExtremumPattern();

    [GeneratedRegex(@"\b(max|min)\.f64\s+(%fd\d+), ([^,;]+), ([^,;]+);")]
    private static partial Regex DoubleExtremumPattern();

    [GeneratedRegex(@"\.target sm_\d+")]
    private static partial Regex TargetPattern();

    // A function's declaration or definition.
    [GeneratedRegex(@"\.visible \.func (?:\([^)]*\) )?(\w+)\([^)]*\)\s*(?:;|\{.*?\n\})\n*", RegexOptions.Singleline)]
    private static partial Regex FunctionPattern();

    [GeneratedRegex(@"\.entry (\w+)\(")]
    private static partial Regex EntryPattern();
}
