using System.Text.RegularExpressions;
using HipiFast.Testing;

namespace HipiFast.Architecture.Tests;

/// <summary>
/// Folders point one way: what is shipped knows neither tests nor benchmarks, kernels know nothing above them.
/// </summary>
public sealed partial class FolderTests
{
    public static TheoryData<string> Projects => [.. Project.All.Select(project => project.Name)];

    [Theory]
    [MemberData(nameof(Projects))]
    public void SourcesBelongToOneProject(string name)
    {
        Project project = Project.Named(name);
        Assert.All(
            project.Compiled,
            file => Assert.True(
                IsBelow(file, project.Folder), $"{name} compiles {Path.GetRelativePath(Repository.Root, file)}."));
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void WhatIsShippedKnowsNoTestsAndNoBenchmarks(string name)
    {
        Project project = Project.Named(name);
        string[] forbidden = project.Part switch
        {
            "src" => ["bench", "tests"],
            "kernels" => ["bench", "tests", "src"],
            _ => [],
        };
        foreach ((string file, _) in project.References)
        {
            Assert.DoesNotContain(forbidden, part => IsBelow(file, Path.Combine(Repository.Root, part)));
        }

        Assert.DoesNotContain(forbidden, part => project.Text.Contains($"../{part}/", StringComparison.Ordinal));
    }

    [Fact]
    public void TheNativeLibraryKnowsNoTestsOfOursAndNoBenchmarks()
    {
        foreach (string file in Directory.EnumerateFiles(
            Path.Combine(Repository.Root, "native"), "*", SearchOption.AllDirectories)
            .Where(
                file =>
                    Path.GetFileName(file) is "CMakeLists.txt"
                        || Path.GetExtension(file) is ".cpp" or ".h" or ".cmake"))
        {
            Assert.False(
                OtherFolders().IsMatch(File.ReadAllText(file)),
                $"{Path.GetRelativePath(Repository.Root, file)} names another folder.");
        }
    }

    [GeneratedRegex(@"\.\./(bench|tests|src|kernels)/")]
    private static partial Regex OtherFolders();

    private static bool IsBelow(string file, string folder) =>
        file.StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal);
}
