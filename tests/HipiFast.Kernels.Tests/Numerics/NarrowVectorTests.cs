using System.Diagnostics;
using System.Runtime.Intrinsics.X86;

namespace HipiFast.Kernels.Tests.Numerics;

/// <summary>
/// Runs the tests of the code that is written on 512-bit vectors once more in processes whose runtime is told that the processor has only narrower
/// ones: the JIT then splits each vector, and the code takes its other branches.
/// </summary>
public sealed class NarrowVectorTests
{
    private const string Tests =
        "FullyQualifiedName~PhiloxTests.Vector|FullyQualifiedName~VectorMathTests|FullyQualifiedName~NarrowVectorTests.TheSwitch"
        + "|FullyQualifiedName~ManagedPortableTaskSamplingConformance.EveryTemperature|FullyQualifiedName~ManagedPortableTaskSamplingConformance.Nothing"
        + "|FullyQualifiedName~ManagedPortableTaskSamplingConformance.RowsWithout|FullyQualifiedName~ManagedPortableLogPartitionConformance.SpecialValues"
        + "|FullyQualifiedName~ManagedPortableLogPartitionConformance.Nothing|FullyQualifiedName~ManagedPortableLogPartitionConformance.Blocks";

    [Theory]
    [InlineData("DOTNET_EnableAVX512")]
    [InlineData("DOTNET_EnableAVX2")]
    public async Task TheSameTestsPassOnNarrowerVectors(string instructionSet)
    {
        string host = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        ProcessStartInfo start = new(host, ["test", typeof(NarrowVectorTests).Assembly.Location, "--filter", Tests])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment[instructionSet] = "0";
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync() + await error;
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, output);
        Assert.Contains("Passed!", output, StringComparison.Ordinal);
    }

    [Fact]
    public void TheSwitchHasTheEffectItShould()
    {
        Assert.False(IsOff("DOTNET_EnableAVX512") && Avx512F.IsSupported);
        Assert.False(IsOff("DOTNET_EnableAVX2") && Avx2.IsSupported);

        static bool IsOff(string instructionSet) => Environment.GetEnvironmentVariable(instructionSet) == "0";
    }
}
