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
    private static readonly Lazy<string[]> s_optimize = new(DebugBuilds);

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
        Assert.Contains($"{Path.GetFileNameWithoutExtension(project)}: Optimize=true.", s_optimize.Value);
    }

    // One process for all projects: starting a build takes longer than reading them.
    private static string[] DebugBuilds()
    {
        using TemporaryDirectory directory = new();
        string target = directory["print.targets"], all = directory["all.proj"];
        File.WriteAllText(
            target,
            """
            <Project>
              <Target Name="PrintOptimize">
                <Message Importance="high" Text="$(MSBuildProjectName): Optimize=$(Optimize)." />
              </Target>
            </Project>
            """);
        string projects = string.Join(
            ";", Projects.Cast<object[]>().Select(
                row => Path.Combine(PluginFolder.OfProgram.Repository!, (string)row[0])));
        File.WriteAllText(
            all,
            $"""
            <Project>
              <Target Name="PrintAll">
                <MSBuild Projects="{projects}" Targets="PrintOptimize"
                         Properties="Configuration=Debug;CustomAfterMicrosoftCommonTargets={target}" />
              </Target>
            </Project>
            """);
        using ChildProcess process = new(new(
            ChildProgram.Dotnet, ["msbuild", all, "-t:PrintAll", "-nologo", "-v:minimal", "-nodeReuse:false"]));
        ProcessResult result = process.End();
        Assert.True(result.ExitCode == 0, result.Output);
        return [.. result.Output.Split('\n').Select(line => line.Trim())];
    }
}
