using System.Diagnostics;
using System.Runtime.Intrinsics.X86;

namespace HipiFast.Kernels.Tests.Numerics;

/// <summary>
/// Runs the tests of the vector code once more in processes whose runtime is told that the processor has only narrower vectors: the code then takes
/// its other branches, and vectors of the runtime's choice are narrower.
/// </summary>
public sealed class NarrowVectorTests
{
    [Theory]
    [InlineData("DOTNET_EnableAVX512", "Vector512MathTests", "Managed256")]
    [InlineData("DOTNET_EnableAVX2", "Vector256MathTests", "ManagedPortable")]
    public async Task TheSameTestsPassOnNarrowerVectors(string instructionSet, string widerMath, string variant)
    {
        string tests = $"FullyQualifiedName~{widerMath}|FullyQualifiedName~PortableVectorMathTests|FullyQualifiedName~NarrowVectorTests.TheSwitch"
            + $"|FullyQualifiedName~{variant}TaskSamplingConformance.EveryTemperature|FullyQualifiedName~{variant}TaskSamplingConformance.Nothing"
            + $"|FullyQualifiedName~{variant}TaskSamplingConformance.RowsWithout|FullyQualifiedName~{variant}LogPartitionConformance.SpecialValues"
            + $"|FullyQualifiedName~{variant}LogPartitionConformance.Nothing|FullyQualifiedName~{variant}LogPartitionConformance.Blocks";
        string host = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        ProcessStartInfo start = new(host, ["test", typeof(NarrowVectorTests).Assembly.Location, "--filter", tests])
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
