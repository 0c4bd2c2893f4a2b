using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Exporters.Json;
using BenchmarkDotNet.Jobs;

namespace HipiFast.Benchmarks;

/// <summary>How the suites are run and reported.</summary>
internal static class SuiteConfig
{
    /// <summary>
    /// BenchmarkDotNet's defaults, our columns, bytes allocated, and full JSON reports for
    /// <c>hipifast bench compare</c>.
    /// </summary>
    /// <param name="jobs">Jobs; none for what the command line says.</param>
    public static IConfig Create(params Job[] jobs) => ManualConfig.Create(DefaultConfig.Instance)
        .AddColumn(MetricColumn.All)
        .AddDiagnoser(MemoryDiagnoser.Default)
        .AddExporter(JsonExporter.Full)
        .AddJob(jobs);
}
