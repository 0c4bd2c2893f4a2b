using HipiFast.Kernels.Ptx;
using HipiFast.Testing;

namespace HipiFast.Kernels.Ilgpu.Tests.Ptx;

/// <summary>The program that compiles the kernels to PTX while the CUDA launcher is built.</summary>
public sealed class PtxProgramTests
{
    [Fact]
    public void AFailureIsOneLine()
    {
        // A file where the folder should be.
        using TemporaryDirectory directory = new();
        string path = directory["ptx"];
        File.WriteAllText(path, string.Empty);
        using ChildProcess process = new(new(ChildProgram.Dotnet, [typeof(PtxFiles).Assembly.Location, path]));
        ProcessResult result = process.End();
        Assert.Equal(1, result.ExitCode);
        Assert.Single(result.Error.TrimEnd().Split('\n'));
        Assert.Contains(path, result.Error, StringComparison.Ordinal);
    }
}
