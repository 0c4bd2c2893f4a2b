using System.Text.Json;
using System.Xml.Linq;
using HipiFast.Testing;

namespace HipiFast.Architecture.Tests;

/// <summary>What is restored is written down: versions and hashes of every package, of whatever feed.</summary>
public sealed class LockFileTests
{
    private const string Lock = "packages.lock.json";

    public static TheoryData<string> Projects => [.. Project.All.Where(
        project => File.Exists(Path.Combine(project.Folder, Lock))).Select(project => project.Name)];

    // The compiler of the C library is that of the SDK, of its version and for its system.
    [Fact]
    public void EveryShippedProjectHasALockFile() => Assert.All(
        Project.All.Where(project => project.Part is "src" or "kernels" && project.Name != "HipiFast.Native"),
        project => Assert.True(
            File.Exists(Path.Combine(project.Folder, Lock)),
            $"{project.Name} has no {Lock}; dotnet restore writes it."));

    [Fact]
    public void ARestoreTakesWhatTheLockFilesName()
    {
        // Of a restore that makes no use of them, nothing would compare the hashes.
        using ChildProcess process = new(new(
            ChildProgram.Dotnet,
            [
                "msbuild", Path.Combine(Project.Named("HipiFast").Folder, "HipiFast.csproj"), "-p:CI=true",
                "-getProperty:RestorePackagesWithLockFile", "-getProperty:RestoreLockedMode", "-nodeReuse:false"
            ]));
        using JsonDocument document = JsonDocument.Parse(process.End().Output);
        Assert.All(
            document.RootElement.GetProperty("Properties").EnumerateObject(),
            property => Assert.Equal((property.Name, "true"), (property.Name, property.Value.GetString())));
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void ALockFileHoldsTheStatedVersionsAndHashesAndNoAddress(string name)
    {
        Dictionary<string, string> stated = XDocument.Load(Path.Combine(Repository.Root, "Directory.Packages.props"))
            .Descendants("PackageVersion").ToDictionary(
                item => (string)item.Attribute("Include")!,
                item => ((string)item.Attribute("Version")!).Trim('[', ']'));
        string text = File.ReadAllText(Path.Combine(Project.Named(name).Folder, Lock));
        Assert.DoesNotContain("://", text, StringComparison.Ordinal);
        using JsonDocument document = JsonDocument.Parse(text);
        foreach (JsonProperty package in document.RootElement.GetProperty("dependencies").EnumerateObject().SelectMany(
            framework => framework.Value.EnumerateObject()))
        {
            if (package.Value.GetProperty("type").GetString() == "Project")
            {
                continue;
            }

            // SHA-512 in base 64.
            Assert.Equal(64, Convert.FromBase64String(package.Value.GetProperty("contentHash").GetString()!).Length);
            if (package.Value.GetProperty("type").GetString() == "Direct")
            {
                Assert.Equal((package.Name, stated[package.Name]), (
                    package.Name, package.Value.GetProperty("resolved").GetString()));
            }
        }
    }
}
