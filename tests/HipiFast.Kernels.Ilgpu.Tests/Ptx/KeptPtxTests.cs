using System.Diagnostics;
using System.Runtime.CompilerServices;
using HipiFast.Ptx;

namespace HipiFast.Kernels.Ilgpu.Tests.Ptx;

/// <summary>The PTX kept beside the CUDA launcher is what the compiler makes of the kernels today.</summary>
public sealed class KeptPtxTests
{
    /// <summary>When set, the files are written anew before they are compared.</summary>
    private const string WriteVariable = "HIPIFAST_WRITE_PTX";

    private static string KeptFolder { get; } = Path.GetFullPath(Path.Combine(SourceFolder(), "../../../kernels/HipiFast.Kernels.Cuda/Ptx"));

    [Fact]
    public async Task KeptFilesAreWhatTheCompilerMakes()
    {
        if (!string.IsNullOrEmpty(Environment.GetEnvironmentVariable(WriteVariable)))
        {
            Assert.Equal((0, string.Empty), await Compile(KeptFolder));
        }

        string folder = Path.Combine(Path.GetTempPath(), $"hipifast-ptx-{Guid.NewGuid():N}");
        try
        {
            Assert.Equal((0, string.Empty), await Compile(folder));
            string how = $"Set {WriteVariable}=1 and run this test to write the files of {KeptFolder} anew.";
            foreach (string path in Directory.GetFiles(folder))
            {
                string name = Path.GetFileName(path), kept = Path.Combine(KeptFolder, name);
                Assert.True(File.Exists(kept), $"{name} is missing. {how}");
                Assert.True(
                    File.ReadAllText(path) == File.ReadAllText(kept).ReplaceLineEndings("\n"),
                    $"{name} differs from what the kernel compiles to. {how}");
            }

            Assert.Contains(PtxFiles.Manifest, Directory.GetFiles(folder).Select(Path.GetFileName));
            Assert.Equal(Directory.GetFiles(folder).Length, Directory.GetFiles(KeptFolder).Length);
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
        ProcessStartInfo start = new(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", [typeof(PtxFiles).Assembly.Location, folder])
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
