using System.Diagnostics;

namespace HipiFast.Kernels.Ilgpu.Tests.Ptx;

/// <summary>The kept PTX is what the compiler makes of the kernels today.</summary>
public sealed class KeptPtxTests
{
    /// <summary>When set, the files are written anew instead of compared.</summary>
    private const string WriteVariable = "HIPIFAST_WRITE_PTX";

    /// <summary>Set in the process that does the work.</summary>
    private const string ChildVariable = "HIPIFAST_PTX_PROCESS";

    /// <summary>
    /// ILGPU numbers values through the whole process and orders some by their numbers, so that what was compiled before shows in the text: the
    /// files are compiled in a process of their own.
    /// </summary>
    [Fact]
    public async Task KeptFilesAreWhatTheCompilerMakes()
    {
        if (!string.IsNullOrEmpty(Environment.GetEnvironmentVariable(ChildVariable)))
        {
            Compare();
            return;
        }

        ProcessStartInfo start = new(
            Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
            ["test", typeof(KeptPtxTests).Assembly.Location, "--filter", $"FullyQualifiedName~{nameof(KeptFilesAreWhatTheCompilerMakes)}"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment[ChildVariable] = "1";
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync() + await error;
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0 && output.Contains("Passed:     1", StringComparison.Ordinal), output);
    }

    private static void Compare()
    {
        SortedDictionary<string, string> files = KeptPtx.Compile();
        if (!string.IsNullOrEmpty(Environment.GetEnvironmentVariable(WriteVariable)))
        {
            Directory.CreateDirectory(KeptPtx.Folder);
            foreach (string old in Directory.GetFiles(KeptPtx.Folder, "*.ptx"))
            {
                File.Delete(old);
            }

            foreach ((string name, string text) in files)
            {
                File.WriteAllText(Path.Combine(KeptPtx.Folder, name), text);
            }
        }

        string how = $"Set {WriteVariable}=1 and run this test to write the files of {KeptPtx.Folder} anew.";
        foreach ((string name, string text) in files)
        {
            string path = Path.Combine(KeptPtx.Folder, name);
            Assert.True(File.Exists(path), $"{name} is missing. {how}");
            Assert.True(text == File.ReadAllText(path).ReplaceLineEndings("\n"), $"{name} differs from what the kernel compiles to. {how}");
        }

        Assert.Equal(files.Count - 1, Directory.GetFiles(KeptPtx.Folder, "*.ptx").Length);
    }
}
