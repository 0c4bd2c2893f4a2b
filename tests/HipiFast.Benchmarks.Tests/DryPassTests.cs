using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Filters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using HipiFast.Kernels.Backends;

namespace HipiFast.Benchmarks.Tests;

/// <summary>
/// Runs every benchmark once, in this process, so that none rots: its set-up, the check against the oracle, one call,
/// its clean-up. The largest sizes, which run the same code for longer, are left out.
/// </summary>
public class DryPassTests
{
    private const int LargestSize = 331;
    private const int LargestCandidates = 32_768;

    public static TheoryData<string> Suites => [.. SuiteTypes.Select(type => type.Name)];

    private static IEnumerable<Type> SuiteTypes =>
        typeof(KernelBenchmark).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(KernelBenchmark)));

    [Theory]
    [MemberData(nameof(Suites))]
    public void EveryBenchmarkRunsAndIsRight(string suite)
    {
        AccumulationLogger log = new();
        string artifacts = Directory.CreateTempSubdirectory("hipifast-dry-").FullName;
        IConfig config = ManualConfig.CreateEmpty()
            .AddLogger(log)
            .AddJob(Job.Dry.WithToolchain(InProcessEmitToolchain.Instance))
            .AddColumn(MetricColumn.All)
            .AddFilter(new SimpleFilter(IsSmall))
            .WithOptions(ConfigOptions.DisableOptimizationsValidator)
            .WithArtifactsPath(artifacts);
        try
        {
            Summary summary = BenchmarkRunner.Run(SuiteTypes.Single(type => type.Name == suite), config);
            Assert.False(summary.HasCriticalValidationErrors, log.GetLog());
            Assert.NotEmpty(summary.BenchmarksCases);
            Assert.Equal(summary.BenchmarksCases.Length, summary.Reports.Length);
            Assert.All(summary.Reports, report => Assert.True(report.Success, log.GetLog()));
        }
        finally
        {
            Directory.Delete(artifacts, recursive: true);
        }
    }

    [Fact]
    public void EveryKernelFamilyHasASuite()
    {
        string[] expected =
        [
            "LatencyBenchmarks", "LogPartitionBenchmarks", "RelabelBenchmarks", "RelabelBySoftQBenchmarks",
            "ReplayBenchmarks", "SacStepBenchmarks", "SoftQBenchmarks", "TaskSamplingBenchmarks", "TrainingBenchmarks",
        ];
        Assert.Equal(expected, SuiteTypes.Select(type => type.Name).Order());
    }

    [Fact]
    public void EmulatedDevicesAreNotMeasured()
    {
        Assert.Contains("managed", RelabelBenchmarks.Backends);
        Assert.All(
            RelabelBenchmarks.Backends,
            family =>
                Assert.NotEqual(DeviceInfo.Cpu, KernelRegistry.Default.Resolve(family).Devices.FirstOrDefault()?.Id));
    }

    private static bool IsSmall(BenchmarkCase benchmark) =>
        benchmark.Parameters.Items.All(parameter => (parameter.Name, parameter.Value) switch
    {
        ("Size", int size) => size <= LargestSize,
        ("Candidates", int candidates) => candidates <= LargestCandidates,
        _ => true,
    });
}
