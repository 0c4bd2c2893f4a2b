using System.Diagnostics;
using System.Reflection;
using HipiFast.Kernels.Backends;
using HipiFast.Relabeling;
using HipiFast.Testing;
using HipiFast.Training;

namespace HipiFast.Cli.Tests;

/// <summary>
/// The engine is optimised in every configuration: without that, a plain <c>dotnet run</c> is a hundred times slower.
/// </summary>
public sealed class OptimizationTests
{
    public static TheoryData<string> Engine =>
    [
        .. new[] { typeof(KernelRegistry), typeof(Relabeler), typeof(TrainingConfig), typeof(CommandLineProgram) }
            .Select(type => type.Assembly.GetName().Name!),
    ];

    [Theory]
    [MemberData(nameof(Engine))]
    public void AnAssemblyIsOptimised(string assembly)
    {
        DebuggableAttribute? debuggable = Assembly.Load(assembly).GetCustomAttribute<DebuggableAttribute>();
        Assert.False(debuggable?.IsJITOptimizerDisabled == true, $"{assembly} was compiled without optimisation.");
    }

    /// <summary>Every library and program that is shipped.</summary>
    public static TheoryData<string> Projects =>
    [
        .. new[] { "kernels", "src" }.SelectMany(part => Directory.EnumerateFiles(
            Path.Combine(PluginFolder.OfProgram.Repository!, part), "*.csproj", SearchOption.AllDirectories))
            .Select(project => Path.GetRelativePath(PluginFolder.OfProgram.Repository!, project))
            .Order(StringComparer.Ordinal),
    ];

    [Theory]
    [MemberData(nameof(Projects))]
    public void ADebugBuildIsOptimised(string project)
    {
        using ChildProcess process = new(new(
            ChildProgram.Dotnet,
            [
                "msbuild", Path.Combine(PluginFolder.OfProgram.Repository!, project), "-p:Configuration=Debug",
                "-getProperty:Optimize", "-nodeReuse:false"
            ]));
        Assert.Equal("true", process.End().Output.Trim());
    }
}
