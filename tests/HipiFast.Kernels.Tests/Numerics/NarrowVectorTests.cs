using System.Diagnostics;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using System.Xml.Linq;
using HipiFast.Kernels.Backends;
using HipiFast.Testing;

namespace HipiFast.Kernels.Tests.Numerics;

/// <summary>
/// Runs the conformance suite of the managed variants once more in processes whose runtime is told that the processor
/// has only narrower vectors: the JIT then splits wide ones, code takes its other branches, and the variants that need
/// what is missing have to say so.
/// </summary>
public sealed class NarrowVectorTests
{
    private const string Avx512 =
        "DOTNET_EnableAVX512", Avx2Set = "DOTNET_EnableAVX2", AllIntrinsics = "DOTNET_EnableHWIntrinsic";

    private const string Always = "FullyQualifiedName~MathTests|FullyQualifiedName~NarrowVectorTests.TheSwitch";

    // A million tasks and the widest networks take long, and have nothing that other sizes lack for widths of vectors.
    private const string Conformance =
        "(FullyQualifiedName~Conformance|FullyQualifiedName~DenseTests)&FullyQualifiedName~Managed"
        + "&FullyQualifiedName!~AMillion&DisplayName!~1024";

    private const string Whole = Always + "|(" + Conformance + ")";

    // The portable variant's vectors have at most 256 bits as it is.
    private const string WithoutPortable = Always + "|(" + Conformance + "&FullyQualifiedName!~ManagedPortable)";

    // Where the switch takes nothing away, the suite would run as it just did: one kernel's shows that it is obeyed.
    private const string Unchanged =
        Always + "|(FullyQualifiedName~LogPartitionConformance&FullyQualifiedName~Managed"
        + "&FullyQualifiedName!~ManagedPortable)";

    // Without any vectors all is tens of times slower: what differs by width, at sizes that end in their time.
    private const string Part =
        Always
            + "|(FullyQualifiedName~Managed&(FullyQualifiedName~SoftQConformance.EverySize"
            + "|FullyQualifiedName~SoftQConformance.EveryCombination"
        + "|FullyQualifiedName~SoftQConformance.BadInput|FullyQualifiedName~LogPartitionConformance.SpecialValues"
        + "|FullyQualifiedName~LogPartitionConformance.Blocks"
        + "|FullyQualifiedName~TaskSamplingConformance.EveryTemperature"
        + "|FullyQualifiedName~TaskSamplingConformance.ExtremeValues"
        + "|FullyQualifiedName~Conformance.Nothing|FullyQualifiedName~DenseTests.Adam))";

    [Theory]
    [InlineData(Avx512, WithoutPortable, 60)]
    [InlineData(Avx2Set, Whole, 60)]
    [InlineData(AllIntrinsics, Part, 20)]
    public void TheSameTestsPassOnNarrowerVectors(string instructionSet, string tests, int fewestPerVariant)
    {
        tests = instructionSet == Avx512 && !Avx512F.IsSupported ? Unchanged : tests;
        using TemporaryDirectory results = new();
        string assembly = typeof(NarrowVectorTests).Assembly.Location;
        ProcessStartInfo start = new(
            ChildProgram.Dotnet,
            [
                "test", assembly, "--filter", tests, "--logger", "trx;LogFileName=results.trx",
                "--results-directory", results.Root
            ]);
        start.Environment[instructionSet] = "0";
        start.Environment.Remove(KernelRegistry.EnvironmentVariable);
        using ChildProcess process = new(start);
        ProcessResult result = process.End();
        Assert.True(result.ExitCode == 0, result.Output + result.Error);
        XDocument outcomes = XDocument.Load(results["results.trx"]);
        AssertEveryNameIsOfATest(tests, outcomes);
        AssertOutcomes(outcomes, instructionSet, fewestPerVariant);
    }

    [Fact]
    public void TheSwitchHasTheEffectItShould()
    {
        bool noVector512 = IsOff(Avx512) || IsOff(Avx2Set) || IsOff(AllIntrinsics),
            noVector256 = IsOff(Avx2Set) || IsOff(AllIntrinsics);
        Assert.False(noVector512 && (Avx512F.IsSupported || Vector512.IsHardwareAccelerated));
        Assert.False(noVector256 && Avx2.IsSupported);
        foreach ((string name, bool runs) in ((string, bool)[])
        [
            ("managed-512", Vector512.IsHardwareAccelerated), ("managed-256", Avx2.IsSupported && Fma.IsSupported),
            ("managed-portable", true),
        ])
        {
            KernelBackend backend = KernelRegistry.Default.Backends.Single(candidate => candidate.Name == name);
            Assert.Equal(runs, backend.IsSupported(out string reason));
            Assert.Equal(runs, reason.Length == 0);
            if (!runs)
            {
                string message = Assert.Throws<NotSupportedException>(
                    () => KernelRegistry.Default.Resolve(name)).Message;
                Assert.StartsWith($"Backend '{name}' cannot run here: ", message, StringComparison.Ordinal);
            }
        }

        string expected = Vector512.IsHardwareAccelerated
            ? "managed-512"
            : Avx2.IsSupported && Fma.IsSupported
            ? "managed-256"
            : "managed-portable";
        Assert.Equal(expected, KernelRegistry.Default.Resolve("managed").Name);

        static bool IsOff(string instructionSet) => Environment.GetEnvironmentVariable(instructionSet) == "0";
    }

    /// <summary>Fails where a name that the filter asks for is no test's any more.</summary>
    private static void AssertEveryNameIsOfATest(string filter, XDocument results)
    {
        string[] found = [.. results.Descendants(results.Root!.Name.Namespace + "UnitTestResult").Select(
            result => (string)result.Attribute("testName")!)];
        foreach (string part in filter.Split('&', '|', '(', ')'))
        {
            string name = part.Split('~')[^1];
            Assert.True(
                part.Contains("!~", StringComparison.Ordinal) || found.Any(test => test.Contains(name)),
                $"No test that ran is named '{name}'.");
        }
    }

    /// <summary>
    /// Fails unless the variants that lack their instructions were skipped, with the reason, and the others ran and
    /// passed.
    /// </summary>
    private static void AssertOutcomes(XDocument results, string instructionSet, int fewestPerVariant)
    {
        XNamespace ns = results.Root!.Name.Namespace;
        ILookup<string, XElement> byClass = results.Descendants(ns + "UnitTestResult").ToLookup(
            result => ((string)result.Attribute("testName")!).Split('(')[0].Split('.')[^2]);
        bool has256 = Avx2.IsSupported && Fma.IsSupported && instructionSet == Avx512;
        foreach ((string prefix, bool runs) in ((string, bool)[])
        [
            ("Managed512", false), ("Managed256", has256), ("ManagedPortable", instructionSet != Avx512),
        ])
        {
            XElement[] own = [.. byClass.Where(
                group => group.Key.StartsWith(prefix, StringComparison.Ordinal)).SelectMany(group => group)];
            if (prefix == "ManagedPortable" && !runs)
            {
                Assert.Empty(own);
            }
            else if (runs)
            {
                Assert.All(own, result => Assert.Equal("Passed", (string)result.Attribute("outcome")!));
                Assert.True(own.Length >= fewestPerVariant, $"Only {own.Length} tests of {prefix} ran.");
            }
            else
            {
                Assert.NotEmpty(own);
                Assert.All(own, result =>
                {
                    Assert.Equal("NotExecuted", (string)result.Attribute("outcome")!);
                    Assert.Contains("cannot run here: ", result.Value, StringComparison.Ordinal);
                });
            }
        }
    }
}
