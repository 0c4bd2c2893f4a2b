using System.Reflection;
using System.Reflection.Emit;
using System.Text;
using HipiFast.Storage;
using HipiFast.Testing;

namespace HipiFast.Cli.Tests;

/// <summary>Environments of the user's own, from an assembly that the program is given.</summary>
public sealed class EnvironmentAssemblyTests
{
    private static string Plugin { get; } = Repository.AssemblyOf(
        Path.Combine(Repository.Root, "docs", "examples", "PluginEnvironment", "PluginEnvironment.csproj"));

    [Fact]
    public void TheProgramTrainsAndPlaysInAnEnvironmentOfOnesOwn()
    {
        using TemporaryDirectory directory = new();
        string run = directory["run"];
        ProcessResult trained = Run(
            "train", "spring", "--environment-assembly", Plugin, "--seed", "1", "--steps", "3000", "--eval-every",
            "1500", "--out", run);
        Assert.True(trained.ExitCode == 0, trained.Error);
        MetricsLog log = MetricsLog.Load(Path.Combine(run, "metrics.csv"));
        Assert.Equal(2, log.Count);
        Assert.True(log.Column("success_rate")[^1] > 0.5, trained.Output);

        ProcessResult resumed = Run(
            "train", "--resume", run, "--environment-assembly", Plugin, "--steps", "4500"),
            played = Run("eval", run, "--environment-assembly", Plugin, "--episodes", "5");
        Assert.Equal(0, resumed.ExitCode);
        Assert.Equal(0, played.ExitCode);
        Assert.Contains(
            "--environment-assembly", Run("eval", run).Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nothing.dll", "There is no file")]
    [InlineData("text.dll", "is not a .NET assembly")]
    [InlineData(".", "is a directory")]
    [InlineData("HipiFast.dll", "has no class Registration with a public static method Register()")]
    public void WhatIsNoneIsRefusedInOneSentence(string file, string sentence)
    {
        using TemporaryDirectory directory = new();
        File.WriteAllText(directory["text.dll"], "not an assembly", Encoding.UTF8);
        File.Copy(typeof(MetricsLog).Assembly.Location, directory["HipiFast.dll"]);
        ProcessResult refused = HipifastProgram.Run(
            "train", "spring", "--environment-assembly", directory[file], "--out", directory["run"]);
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains(sentence, refused.Error, StringComparison.Ordinal);
        Assert.Single(refused.Error.Trim().Split('\n'));
        Assert.False(Directory.Exists(directory["run"]));
    }

    // The name is taken: what the assembly's own code throws is said with it.
    [Fact]
    public void WhatItsOwnCodeThrowsIsSaid()
    {
        ProcessResult refused = Run(
            "info", "--environment-assembly", Plugin, "--environment-assembly", Plugin);
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("There is an environment 'spring' already", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void OneThatAddsNoEnvironmentIsRefused()
    {
        using TemporaryDirectory directory = new();
        PersistedAssemblyBuilder assembly = new(new AssemblyName("Empty"), typeof(object).Assembly);
        TypeBuilder type = assembly.DefineDynamicModule("Empty").DefineType("Registration", TypeAttributes.Public);
        MethodBuilder register = type.DefineMethod("Register", MethodAttributes.Public | MethodAttributes.Static);
        register.GetILGenerator().Emit(OpCodes.Ret);
        type.CreateType();
        assembly.Save(directory["Empty.dll"]);

        ProcessResult refused = HipifastProgram.Run("info", "--environment-assembly", directory["Empty.dll"]);
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("added no environment", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void InfoListsIt() => Assert.Contains(
        "spring", Run("info", "--environment-assembly", Plugin).Output, StringComparison.Ordinal);

    // In a process of its own: what is registered stays.
    private static ProcessResult Run(params string[] args)
    {
        using ChildProcess process = HipifastProgram.Start(args);
        return process.End();
    }
}
