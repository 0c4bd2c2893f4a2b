using System.Globalization;
using System.Runtime.CompilerServices;
using HipiFast.Kernels.Devices.Runtime;

namespace HipiFast.Kernels.Cuda.Tests.Assembler;

/// <summary>
/// The kernels under NVIDIA's own assembler, which shows without a GPU what a change costs on one: registers, shared
/// memory, spills, and the instructions of every loop, against a kept table. The table names the PTX that it is of.
/// While that is what the kernels compile to, the first architecture stands for all; the others are assembled, too,
/// where the assembler is required (in CI), and once the PTX has changed.
/// </summary>
public sealed class AssemblerTests
{
    /// <summary>When set, the table is written anew before it is compared.</summary>
    private const string WriteVariable = "HIPIFAST_WRITE_SASS";

    // One of a machine's two cores may have something else to do.
    private const int Processes = 2;

    private static string Table { get; } =
        Path.GetFullPath(Path.Combine(SourceFolder(), "../../../kernels/HipiFast.Kernels.Cuda/sass.txt"));

    // Runs where there is no assembler, too: a kernel that has changed must not go by unseen there.
    [Fact]
    public void TheTableIsOfThesePtx() => Assert.True(
        IsOfThesePtx() || IsWriting,
        $"{Table} was made of other PTX than the kernels compile to now. Where ptxas and nvdisasm are "
        + $"(bench/assembler.sh fetches them), run these tests with {WriteVariable}=1, which writes the table anew.");

    [AssemblerFact]
    public void WhatTheKernelsTakeOnADeviceChangesOnlyOnPurpose()
    {
        bool isWhole = IsWriting || NvidiaAssembler.IsRequired || !IsOfThesePtx();
        (string Version, string Architecture)[] targets =
            [.. NvidiaAssembler.Architectures.Take(isWhole ? NvidiaAssembler.Architectures.Count : 1)];
        List<string> lines =
        [
            "# What NVIDIA's assembler makes of every kernel: registers of a thread, bytes of declared shared memory,",
            "# instructions, and for every loop its depth and its own instructions (issue slots of a pass), with the",
            "# FFMA and HMMA among them.",
            PtxLine(),
            .. NvidiaAssembler.Architectures.GroupBy(pair => pair.Version, pair => pair.Architecture).Select(
                group => $"# {string.Join(", ", group)}: ptxas {NvidiaAssembler.Find(group.Key).Version()}"),
        ];
        (string Name, PtxKernel Kernel)[] kernels = [.. PtxCatalog.Embedded.Keys.Select(Kernel).OrderBy(
            kernel => kernel.Name, StringComparer.Ordinal)];
        string[][] found = new string[targets.Length][];
        Parallel.For(
            0, found.Length, new ParallelOptions { MaxDegreeOfParallelism = Processes },
            i => found[i] = Describe(targets[i], kernels));
        lines.AddRange(found.SelectMany(lines => lines));
        if (IsWriting)
        {
            File.WriteAllLines(Table, lines);
        }

        string[] left = [.. NvidiaAssembler.Architectures.Except(targets).Select(target => $" {target.Architecture}: ")];
        string[] table = File.ReadAllLines(Table);
        bool IsOfTarget(string line) => !left.Any(part => line.Contains(part, StringComparison.Ordinal));
        Assert.Equal(
            string.Empty, Difference([.. table.Where(IsOfTarget)], [.. lines.Where(IsOfTarget)]));
    }

    [Fact]
    public void OneMoreInstructionInALoopIsADifference()
    {
        const string Kernel = """
                    /*0000*/                   MOV R1, c[0x0][0x28] ;
            .L_x_1:
                    /*0010*/                   FADD R2, R2, 1 ;
            .L_x_0:
                    /*0020*/                   FFMA R0, R0, R2, R3 ;
            {0}        /*0040*/              @P0 BRA `(.L_x_0) ;
                    /*0050*/                   BRA.U !UP0, `(.L_x_1) ;
                    /*0060*/              @P1 CALL.REL.NOINC `(.L_x_3) ;
                    /*0064*/                   CALL.REL.NOINC `($k$__division) ;
                    /*0068*/                   EXIT ;
            .L_x_3:
                    /*006c*/                   CALL.REL.NOINC `(.L_x_1) ;
            .L_x_2:
                    /*0070*/                   BRA `(.L_x_2);
                    /*0080*/                   NOP;
            """;
        const string More = "        /*0030*/                   HMMA.16816.F32.BF16 R8, R4, R6, R8 ;\n";
        SassText before = SassText.Parse(Kernel.Replace("{0}", string.Empty, StringComparison.Ordinal)),
            after = SassText.Parse(Kernel.Replace("{0}", More, StringComparison.Ordinal));
        Assert.Equal([new SassLoop(1, 4, 0, 0), new SassLoop(2, 2, 1, 0)], before.Loops());
        Assert.Equal([new SassLoop(1, 4, 0, 0), new SassLoop(2, 3, 1, 1)], after.Loops());
        string[] table = [Line("k", "sm_80", new AssembledKernel(8, 0, 0, before))];
        Assert.Equal(string.Empty, Difference(table, table));
        Assert.Contains(
            "k sm_80: 8 registers, 0 shared, 10 instructions, loops 1:4 2:2(1 FFMA)",
            Difference(table, [Line("k", "sm_80", new AssembledKernel(8, 0, 0, after))]), StringComparison.Ordinal);
    }

    private static bool IsWriting => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(WriteVariable));

    private static bool IsOfThesePtx() => File.ReadAllLines(Table).Contains(PtxLine());

    private static string PtxLine() => "# PTX: " + EmbeddedPtx.Hash();

    private static (string Name, PtxKernel Kernel) Kernel((string Kernel, string Family) key)
    {
        string family = key.Family == "-" ? string.Empty : key.Family[key.Family.LastIndexOf('.')..];
        return (key.Kernel + family, PtxCatalog.Embedded.Find(key.Kernel, key.Family, int.MaxValue)!);
    }

    private static string[] Describe(
        (string Version, string Architecture) target, (string Name, PtxKernel Kernel)[] kernels)
    {
        AssembledKernel[] assembled = NvidiaAssembler.Find(target.Version).Assemble(
            [.. kernels.Select(kernel => kernel.Kernel)], target.Architecture);
        return
        [
            .. kernels.Zip(assembled, (kernel, code) =>
            {
                Assert.True(
                    code.LocalBytes == 0,
                    $"{kernel.Name} for {target.Architecture} keeps {code.LocalBytes} bytes in local memory.");
                return Line(kernel.Name, target.Architecture, code);
            }),
        ];
    }

    private static string Line(string name, string architecture, AssembledKernel kernel) => string.Create(
        CultureInfo.InvariantCulture,
        $"{name} {architecture}: {kernel.Registers} registers, {kernel.SharedBytes} shared, "
        + $"{kernel.Code.Count} instructions, loops {string.Join(' ', kernel.Code.Loops().Select(Loop))}").TrimEnd();

    private static string Loop(SassLoop loop)
    {
        string text = string.Create(CultureInfo.InvariantCulture, $"{loop.Depth}:{loop.Slots}");
        (int Count, string Name)[] kinds = [(loop.MultiplyAdds, "FFMA"), (loop.Products, "HMMA")];
        string[] found = [.. kinds.Where(kind => kind.Count > 0).Select(kind => $"{kind.Count} {kind.Name}")];
        return found.Length == 0 ? text : $"{text}({string.Join(' ', found)})";
    }

    // What is not as the table says, with the lines of both.
    private static string Difference(string[] table, string[] found)
    {
        string[] gone = [.. table.Except(found)], come = [.. found.Except(table)];
        return gone.Length + come.Length == 0
            ? string.Empty
            : $"What the kernels take is not what {Table} says. Where that is meant, run this test with "
                + $"{WriteVariable}=1, which writes the table anew.\nkept:\n{string.Join('\n', gone)}\nfound:\n"
                + string.Join('\n', come);
    }

    private static string SourceFolder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
