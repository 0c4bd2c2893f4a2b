using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using HipiFast.Kernels.Ptx;
using HipiFast.Testing;

namespace HipiFast.Kernels.Ilgpu.Tests.Ptx;

/// <summary>
/// The program that compiles the kernels to PTX while the CUDA launcher is built, and the kept table of what it made.
/// </summary>
public sealed class PtxHashTests
{
    /// <summary>When set, the table is written anew before it is compared.</summary>
    private const string WriteVariable = "HIPIFAST_WRITE_PTX";

    private const string Heading = "# SHA-256 of the PTX of every kernel, and of their list.";

    private static string Table { get; } =
        Path.GetFullPath(Path.Combine(SourceFolder(), "../../../kernels/HipiFast.Kernels.Cuda/ptx.sha256"));

    [Fact]
    public void WhatTheKernelsCompileToChangesOnlyOnPurpose()
    {
        using TemporaryDirectory directory = new();
        string folder = directory["ptx"];
        Assert.Equal((0, string.Empty), Compile(folder));
        string[] hashes =
        [
            Heading,
            .. Directory.GetFiles(folder).Order(StringComparer.Ordinal).Select(
                path =>
                    $"{Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path)))}  "
                    + $"{Path.GetFileName(path)}"),
        ];
        Assert.Contains(hashes, line => line.EndsWith("  " + PtxFiles.Manifest, StringComparison.Ordinal));
        if (!string.IsNullOrEmpty(Environment.GetEnvironmentVariable(WriteVariable)))
        {
            File.WriteAllLines(Table, hashes);
        }

        string[] changed = [.. hashes.Except(File.ReadAllLines(Table)).Union(
            File.ReadAllLines(Table).Except(hashes)).Select(line => line[66..]).Distinct()];
        Assert.True(
            changed.Length == 0,
            $"The PTX of {string.Join(", ", changed)} is not what {Table} says. Where that is meant, run this test "
            + $"with {WriteVariable}=1, which "
            + "writes the table anew.");
    }

    [Fact]
    public void AFailureIsOneLine()
    {
        // A file where the folder should be.
        using TemporaryDirectory directory = new();
        string path = directory["ptx"];
        File.WriteAllText(path, string.Empty);
        (int exitCode, string error) = Compile(path);
        Assert.Equal(1, exitCode);
        Assert.Single(error.TrimEnd().Split('\n'));
        Assert.Contains(path, error, StringComparison.Ordinal);
    }

    // The program that the build runs, with its exit code and what it says.
    private static (int ExitCode, string Error) Compile(string folder)
    {
        using ChildProcess process = new(new(ChildProgram.Dotnet, [typeof(PtxFiles).Assembly.Location, folder]));
        ProcessResult result = process.End();
        return (result.ExitCode, result.Error);
    }

    private static string SourceFolder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
