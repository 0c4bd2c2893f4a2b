using HipiFast.Testing;

namespace HipiFast.Hostile.Tests;

/// <summary>Programs that the program starts are never those that happen to lie in the current directory.</summary>
public sealed class ChildProcessTests : IDisposable
{
    // What the scripts use before they start anything that takes time.
    private static readonly string[] s_tools = ["dirname", "find", "head", "id", "mkdir", "basename"];

    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [UnixFact]
    public void ADotnetInTheCurrentDirectoryIsNotRun()
    {
        // A bare name would be found beside the runtime first, one with a folder only here.
        Plant("dotnet");
        Directory.CreateDirectory(_directory["here"]);
        Plant("here/dotnet");

        // No benchmark has the name, so that it ends soon.
        string folder = AppContext.BaseDirectory;
        ProcessResult result = HostileProgram.Shell(
            _directory.Root,
            "DOTNET_HOST_PATH=here/dotnet PATH=.:$PATH $HIPIFAST "
            + $"bench compare --paired {folder} {folder} --filter no-such-benchmark");
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("no benchmark's name contains that", result.Error);
        Assert.False(File.Exists(_directory["was-run"]));
    }

    [UnixTheory]
    [InlineData("hipifast", "dotnet", "info")]
    [InlineData("test", "dotnet")]
    [InlineData("native/check.sh", "cmake", "build")]
    [InlineData("bench/gpu.sh", "dotnet", "pack", "packed")]
    [InlineData(".ci/run", "dotnet")]
    public void ScriptsStartNoProgramOfTheCurrentDirectory(string script, string missing, params string[] arguments)
    {
        // There is no other dotnet or cmake, so that the script ends where it would start one.
        Directory.CreateDirectory(_directory["tools"]);
        foreach (string tool in s_tools)
        {
            File.CreateSymbolicLink(_directory["tools/" + tool], ChildProgram.Find(tool));
            Plant(tool);
        }

        Plant("dotnet");
        Plant("cmake");
        Plant("apt-get");
        string path = Path.Combine(Repository.Root, script);
        Assert.True(File.Exists(path), path);
        ProcessResult result = HostileProgram.Shell(
            _directory.Root, $"PATH=.:{_directory["tools"]}::tools /bin/sh {path} {string.Join(' ', arguments)}");
        Assert.NotEqual(0, result.ExitCode);
        Assert.Matches($@"\b{missing}\b.* not found", result.Error);
        Assert.False(File.Exists(_directory["was-run"]), result.Error);
    }

    private void Plant(string name)
    {
        string planted = _directory[name];
        File.WriteAllText(planted, $"#!/bin/sh\necho {name} >>{_directory["was-run"]}\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(planted, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }
}
