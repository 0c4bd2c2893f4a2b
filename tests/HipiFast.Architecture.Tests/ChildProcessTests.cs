using System.Text.RegularExpressions;
using HipiFast.Testing;

namespace HipiFast.Architecture.Tests;

/// <summary>Child processes are started by full paths alone, which one function finds.</summary>
public sealed partial class ChildProcessTests
{
    private static readonly string s_thisFile = Path.Combine("HipiFast.Architecture.Tests", "ChildProcessTests.cs");

    /// <summary>Sources that start a process, of all in the repository but this one, which shows how not to.</summary>
    public static TheoryData<string> Sources =>
    [
        .. Project.All.SelectMany(project => project.Sources)
            .Append(Path.Combine(Repository.Root, ".build", "test.cs"))
            .Where(file => Start().IsMatch(File.ReadAllText(file)) && !file.EndsWith(s_thisFile))
            .Select(file => Path.GetRelativePath(Repository.Root, file)).Order(StringComparer.Ordinal),
    ];

    [Theory]
    [MemberData(nameof(Sources))]
    public void AProcessIsStartedByAFullPath(string source)
    {
        string text = File.ReadAllText(Path.Combine(Repository.Root, source));
        foreach (Match start in Start().Matches(text))
        {
            Assert.True(
                FullPath().IsMatch(start.Groups["first"].Value),
                $"{source} starts {start.Groups["first"].Value.Split('\n')[0]}; expected a path of ExecutablePath "
                + "(ChildProgram in tests), or one that begins with '/'.");
        }

        Assert.DoesNotMatch(FileName(), text);
    }

    [Fact]
    public void TheSourcesThatStartProcessesAreFound() => Assert.True(Sources.Count >= 8);

    [Theory]
    [InlineData("Process.Start(\"git\", [])", false)]
    [InlineData("ProcessStartInfo start = new(\n    \"dotnet\", [])", false)]
    [InlineData("new ProcessStartInfo(\"./x\")", false)]
    [InlineData("new ProcessStartInfo(name)", false)]
    [InlineData("Process.Start(\"/bin/sh\", [])", true)]
    [InlineData("Process.Start(start)", true)]
    [InlineData("ProcessStartInfo start = new(ExecutablePath.Dotnet(), [])", true)]
    [InlineData("new ChildProcess(new(\"git\", []))", false)]
    [InlineData("using ChildProcess process = new(\n    new(\"dotnet\", []))", false)]
    [InlineData("ProcessStartInfo Endless() => new(\"sleep\", [])", false)]
    [InlineData("ChildProcess process = new(new(ChildProgram.Dotnet, []))", true)]
    public void TheRuleTellsNamesFromPaths(string text, bool allowed) =>
        Assert.Equal(allowed, FullPath().IsMatch(Start().Match(text).Groups["first"].Value));

    // By a name of the type or by "new" alone, which a field, a parameter or a result gives its type.
    [GeneratedRegex(
        @"(?:Process\.Start|new ProcessStartInfo|ProcessStartInfo \w+(?:\([^)\n]*\))? =>? new"
        + @"|(?:new ChildProcess|ChildProcess \w+ = new)\(\s*new)\(\s*(?<first>[^)\n]+)")]
    private static partial Regex Start();

    // A start info that was made elsewhere by the same rule, or a path.
    [GeneratedRegex(
        @"^(?:start\b|StartInfo\(|new ProcessStartInfo\(|ExecutablePath\.|ChildProgram\.|FindProgram\(|""/)")]
    private static partial Regex FullPath();

    [GeneratedRegex(@"\bFileName = (?!null)[^=].*;")]
    private static partial Regex FileName();
}
