using System.Runtime.CompilerServices;

namespace HipiFast.Kernels.Cuda.Tests;

/// <summary>The PTX that the build put into the launcher, and the kept table of what it is.</summary>
public sealed class PtxHashTests
{
    /// <summary>When set, the table is written anew before it is compared.</summary>
    private const string WriteVariable = "HIPIFAST_WRITE_PTX";

    private const string Heading = "# SHA-256 of the PTX of every kernel, and of their list.";
    private const string Manifest = "manifest.txt";

    private static string Table { get; } =
        Path.GetFullPath(Path.Combine(SourceFolder(), "../../kernels/HipiFast.Kernels.Cuda/ptx.sha256"));

    [Fact]
    public void WhatTheKernelsCompileToChangesOnlyOnPurpose()
    {
        string[] hashes = [Heading, .. EmbeddedPtx.Hashes()];
        Assert.Contains(hashes, line => line.EndsWith("  " + Manifest, StringComparison.Ordinal));
        if (!string.IsNullOrEmpty(Environment.GetEnvironmentVariable(WriteVariable)))
        {
            File.WriteAllLines(Table, hashes);
        }

        string[] changed = [.. hashes.Except(File.ReadAllLines(Table)).Union(
            File.ReadAllLines(Table).Except(hashes)).Select(line => line[66..]).Distinct()];
        Assert.True(
            changed.Length == 0,
            $"The PTX of {string.Join(", ", changed)} is not what {Table} says. Where that is meant, run this test "
            + $"with {WriteVariable}=1, which writes the table anew.");
    }

    private static string SourceFolder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
