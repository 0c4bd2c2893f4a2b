using HipiFast.Storage;
using HipiFast.Testing;

namespace HipiFast.Tests.Storage;

/// <summary>Programs are found by the absolute entries of the search path.</summary>
public sealed class ExecutablePathTests : IDisposable
{
    private const string Name = "some-program";

    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void RelativeEntriesOfTheSearchPathArePassedOver()
    {
        string here = Path.GetRelativePath(Directory.GetCurrentDirectory(), _directory["bin"]);
        Make("bin", executable: true);
        Assert.Null(ExecutablePath.Find(Name, $"{Path.PathSeparator}.{Path.PathSeparator}{here}"));
        Assert.Equal(
            Make("other", executable: true),
            ExecutablePath.Find(Name, string.Join(Path.PathSeparator, here, "", _directory["other"], "/nowhere")));
        Assert.Null(ExecutablePath.Find(Name, null));
    }

    [UnixFact]
    public void AFileThatIsNoProgramIsPassedOver()
    {
        Make("data", executable: false);
        string program = Make("bin", executable: true);
        Assert.Equal(program, ExecutablePath.Find(Name, $"{_directory["data"]}:{_directory["bin"]}"));
    }

    [Fact]
    public void TheRuntimesOwnDotnetIsAFullPath() => Assert.True(Path.IsPathFullyQualified(ExecutablePath.Dotnet()));

    [Fact]
    public void AMissingProgramIsNamed() => Assert.Equal(
        "'no-such-program' was not found in any of the folders that PATH names in full.",
        Assert.Throws<FileNotFoundException>(() => ExecutablePath.Find("no-such-program")).Message);

    private string Make(string folder, bool executable)
    {
        Directory.CreateDirectory(_directory[folder]);
        string path = Path.Combine(_directory[folder], OperatingSystem.IsWindows() ? Name + ".exe" : Name);
        File.WriteAllText(path, "#!/bin/sh\n");
        if (!OperatingSystem.IsWindows() && executable)
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }

        return path;
    }
}
