using System.Diagnostics;
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
    public async Task WhatTheKernelsCompileToChangesOnlyOnPurpose()
    {
        string folder = Path.Combine(Path.GetTempPath(), $"hipifast-ptx-{Guid.NewGuid():N}");
        try
        {
            Assert.Equal((0, string.Empty), await Compile(folder));
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
        finally
        {
            if (Directory.Exists(folder))
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }

    [Fact]
    public async Task AFailureIsOneLine()
    {
        // A file where the folder should be.
        string path = Path.GetTempFileName();
        try
        {
            (int exitCode, string error) = await Compile(path);
            Assert.Equal(1, exitCode);
            Assert.Single(error.TrimEnd().Split('\n'));
            Assert.Contains(path, error, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
    }

    // The program that the build runs, with its exit code and what it says.
    private static async Task<(int ExitCode, string Error)> Compile(string folder)
    {
        ProcessStartInfo start = new(
            ChildProgram.Dotnet,
            [typeof(PtxFiles).Assembly.Location, folder])
        {
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        string error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, error);
    }

    private static string SourceFolder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
