using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using HipiFast.Testing;
using HipiFast.TorchSharp.Loading;

namespace HipiFast.TorchSharp.Tests;

/// <summary>How TorchSharp's library is loaded where the C++ runtime is older than its compiler's.</summary>
public sealed class LoadingTests
{
    private const string C = "libc.so.6", OldC = "GLIBC_2.2.5", NoC = "GLIBC_9.99";
    private const string Cxx = "libstdc++.so.6", OldCxx = "GLIBCXX_3.4", Wait =
        "_ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE";

    [GlibcFact]
    public void AVersionThatTheSystemLacksKeepsALibraryOutUntilItIsWeak()
    {
        byte[] image = MadeUpLibrary.Make(C, [NoC, OldC], ("getpid", OldC));
        ElfSymbolVersions versions = new(image);
        Assert.Equal([C], versions.Libraries);
        Assert.True(versions.Wants(NoC));
        Assert.Empty(versions.Uses(NoC));
        Assert.Equal(["getpid"], versions.Uses(OldC));
        Assert.Contains(NoC, Refused(image), StringComparison.Ordinal);

        versions.Weaken(NoC);
        Assert.Equal(AddressOf("getpid"), FirstFound(CompatibleLibrary.LoadImage(image)));
    }

    [GlibcFact]
    public void AFunctionIsFoundInTheVersionThatItIsAskedForInstead()
    {
        byte[] image = MadeUpLibrary.Make(C, [NoC, OldC], ("getpid", NoC), ("getppid", OldC));
        ElfSymbolVersions versions = new(image);
        versions.Weaken(NoC);
        Assert.Contains("getpid", Refused(image), StringComparison.Ordinal);

        versions.Rebind("getuid", NoC, OldC);
        Assert.Equal(["getpid"], versions.Uses(NoC));
        versions.Rebind("getpid", NoC, OldC);
        Assert.Empty(versions.Uses(NoC));
        Assert.Equal(AddressOf("getpid"), FirstFound(CompatibleLibrary.LoadImage(image)));
        Assert.Throws<InvalidDataException>(() => versions.Rebind("getpid", OldC, "GLIBC_1.0"));
    }

    [GlibcFact]
    public void LibrariesInMemoryAreNotTakenForOneAnother()
    {
        foreach (string function in (string[])["getpid", "getppid", "getuid"])
        {
            byte[] image = MadeUpLibrary.Make(C, [OldC], (function, OldC));
            Assert.Equal(AddressOf(function), FirstFound(CompatibleLibrary.LoadImage(image)));
        }
    }

    [Fact]
    public void ACopyDiffersInWhatItAsksOfTheRuntimeAndIsMadeOnce()
    {
        byte[] library = MadeUpLibrary.Make(
            Cxx, [OldCxx, "GLIBCXX_3.4.11", "GLIBCXX_3.4.30", "GLIBCXX_3.4.32"], (Wait, "GLIBCXX_3.4.30"),
            ("_ZSt4cout", OldCxx)), before = [.. library], copy = CompatibleLibrary.Adapt(library);
        Assert.Equal(before, library);
        ElfSymbolVersions versions = new(copy);
        Assert.Equal([Wait], versions.Uses("GLIBCXX_3.4.11"));
        Assert.Equal(["_ZSt4cout"], versions.Uses(OldCxx));

        // Two flags and a version's number.
        Assert.Equal(3, Enumerable.Range(0, copy.Length).Count(i => copy[i] != library[i]));
        Assert.Equal(copy, CompatibleLibrary.Adapt(copy));

        byte[] old = MadeUpLibrary.Make(Cxx, [OldCxx], ("_ZSt4cout", OldCxx));
        Assert.Equal(old, CompatibleLibrary.Adapt(old));
    }

    [Fact]
    public void ALibraryThatCallsWhatAnOlderRuntimeLacksIsRefused()
    {
        byte[] library = MadeUpLibrary.Make(Cxx, [OldCxx, "GLIBCXX_3.4.32"], ("_ZSt4next", "GLIBCXX_3.4.32"));
        Assert.Equal(
            "The file calls _ZSt4next of GLIBCXX_3.4.32, which a C++ runtime older than GCC 13's may not have.",
            Assert.Throws<InvalidDataException>(() => CompatibleLibrary.Adapt(library)).Message);
    }

    [Fact]
    public void ADamagedLibraryIsRefusedWhereverItEnds()
    {
        byte[] library = MadeUpLibrary.Make(
            Cxx, [OldCxx, "GLIBCXX_3.4.11", "GLIBCXX_3.4.30"], (Wait, "GLIBCXX_3.4.30"));
        CompatibleLibrary.Adapt(library);
        for (int length = 0; length < library.Length; length++)
        {
            try
            {
                CompatibleLibrary.Adapt(library.AsSpan(0, length));
                Assert.Fail($"{length} bytes of {library.Length} were taken.");
            }
            catch (InvalidDataException)
            {
            }
        }
    }

    [GlibcFact]
    public void TheFileOfTheLibraryAndItsFolderStayAsTheyAre()
    {
        using TemporaryDirectory cache = new(), output = new();
        string cached = cache[CompatibleLibrary.FileName], linked = output[CompatibleLibrary.FileName];
        File.WriteAllBytes(cached, MadeUpLibrary.Make(Cxx, [OldCxx, "GLIBCXX_3.4.32"], ("_ZSt4cout", OldCxx)));
        using (Process link = Process.Start(ChildProgram.Find("ln"), [cached, linked]))
        {
            link.WaitForExit();
            Assert.Equal(0, link.ExitCode);
        }

        byte[] before = SHA256.HashData(File.ReadAllBytes(cached));
        DateTime written = File.GetLastWriteTimeUtc(cached);
        Assert.NotEqual(nint.Zero, FirstFound(CompatibleLibrary.Load([cache["nowhere"], output.Root], [])));
        Assert.Equal(before, SHA256.HashData(File.ReadAllBytes(cached)));
        Assert.Equal(written, File.GetLastWriteTimeUtc(cached));
        Assert.Equal([linked], Directory.GetFileSystemEntries(output.Root));
        Assert.Contains(
            "libLibTorchSharp.so was not found", Assert.Throws<DllNotFoundException>(
                () => CompatibleLibrary.Load([cache["nowhere"]], [])).Message, StringComparison.Ordinal);
    }

    [GlibcFact]
    public void TorchSharpsOwnLibraryIsThePackagesAndLoads()
    {
        string file = Path.Combine(
            AppContext.BaseDirectory, "runtimes", "linux-x64", "native", CompatibleLibrary.FileName);
        byte[] library = File.ReadAllBytes(file), copy = CompatibleLibrary.Adapt(library);
        Assert.InRange(Enumerable.Range(0, copy.Length).Count(i => copy[i] != library[i]), 1, 4);
        Assert.True(new ElfSymbolVersions(library).Wants("GLIBCXX_3.4.32"));
        Assert.Equal(CompatibleLibrary.IsNeeded, TorchRuntime.Remark is not null);
        Assert.True(TorchRuntime.IsSupported(out string reason), reason);
        Assert.Equal(library, File.ReadAllBytes(file));
    }

    [Theory]
    [InlineData(false, false, Architecture.X64, null)]
    [InlineData(false, true, Architecture.Arm64, null)]
    [InlineData(true, false, Architecture.X64, "glibc, and this system has another, such as Alpine's musl")]
    [InlineData(false, false, Architecture.Arm64, "no package of libtorch for this system on Arm64")]
    [InlineData(false, true, Architecture.X64, "no package of libtorch for macOS on X64")]
    public void SystemsWithoutLibtorchAreToldSo(
        bool lacksGlibc, bool isMac, Architecture architecture, string? sentence)
    {
        string? refusal = TorchRuntime.Refusal(lacksGlibc, isMac, architecture);
        Assert.Equal(sentence is null, refusal is null);
        Assert.Contains(sentence ?? string.Empty, refusal ?? string.Empty, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(
        "Unable to load shared library\n/lib/libstdc++.so.6: version `GLIBCXX_3.4.29' not found (required by x.so)\n",
        "it needs a newer C++ runtime than this system has, libstdc++ of GCC 11 or later: "
        + "version `GLIBCXX_3.4.29' not found (required by x.so)")]
    [InlineData(
        "/lib/libc.so.6: version `GLIBC_2.34' not found (required by x.so)",
        "it needs a newer C library than this system has, glibc 2.34 or later: "
        + "version `GLIBC_2.34' not found (required by x.so)")]
    [InlineData(
        "/x/libLibTorchSharp.so: undefined symbol: _ZN2at3addE.",
        "the libtorch that was found is not the one that TorchSharp was built for: undefined symbol: _ZN2at3addE")]
    [InlineData(
        "libtorch.so: cannot open shared object file",
        "a build with the TorchSharp and libtorch packages for this system puts it beside the program: "
        + "libtorch.so: cannot open shared object file")]
    public void WhatTheLoaderComplainsOfIsOneSentence(string complaint, string sentence) =>
        Assert.Equal(sentence, TorchRuntime.Explain(complaint));

    private static string Refused(byte[] image) =>
        Assert.Throws<DllNotFoundException>(() => CompatibleLibrary.LoadImage(image)).Message;

    private static nint AddressOf(string function) => NativeLibrary.GetExport(NativeLibrary.Load(C), function);

    private static nint FirstFound(nint library) =>
        Marshal.ReadIntPtr(NativeLibrary.GetExport(library, MadeUpLibrary.Table));
}

/// <summary>A test that loads libraries of x64 Linux with glibc; skipped elsewhere.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class GlibcFactAttribute : FactAttribute
{
    public GlibcFactAttribute() => Skip = OperatingSystem.IsLinux() && TorchRuntime.WhyNot is null
        ? null
        : "the system is not Linux on x64 with glibc";
}
