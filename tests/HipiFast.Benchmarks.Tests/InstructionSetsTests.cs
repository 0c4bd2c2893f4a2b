using BenchmarkDotNet.Jobs;

namespace HipiFast.Benchmarks.Tests;

public class InstructionSetsTests
{
    [Fact]
    public void EverySetBecomesAJobOfItsOwn()
    {
        (string[] left, Job[] jobs) = InstructionSets.Take(["--filter", "*SoftQ*", "--isa", "all", "--job", "short"]);
        Assert.Equal(["--filter", "*SoftQ*"], left);
        Assert.Equal(InstructionSets.Names, jobs.Select(job => job.Id));
        Assert.All(jobs, job => Assert.Equal(3, job.Run.IterationCount));
        Assert.Equal(
            ["DOTNET_EnableAVX512=0", "DOTNET_EnableAVX2=0", "DOTNET_EnableHWIntrinsic=0"],
            jobs.Skip(1).Select(job => job.Environment.EnvironmentVariables!.Single()).Select(
                variable => $"{variable.Key}={variable.Value}"));
    }

    [Fact]
    public void WithoutTheOptionArgumentsStay()
    {
        (string[] left, Job[] jobs) = InstructionSets.Take(["--job", "dry"]);
        Assert.Equal(["--job", "dry"], left);
        Assert.Empty(jobs);
    }

    [Theory]
    [InlineData("--isa", "avx3")]
    [InlineData("--isa")]
    [InlineData("--isa", "best", "--job", "tiny")]
    public void UnknownNamesAreRefused(params string[] args) =>
        Assert.Throws<ArgumentException>(() => InstructionSets.Take(args));
}
