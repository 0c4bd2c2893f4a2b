using System.Text.RegularExpressions;
using HipiFast.Testing;

namespace HipiFast.Architecture.Tests;

/// <summary>A test's name is a sentence that says what it shows, in one style.</summary>
public sealed partial class TestNameTests
{
    public static TheoryData<string> Projects =>
        [.. Project.All.Where(project => project.Part == "tests").Select(project => project.Name)];

    [Theory]
    [MemberData(nameof(Projects))]
    public void NamesOfTestsAreInPascalCase(string name)
    {
        foreach (string file in Project.Named(name).Sources)
        {
            foreach (Match method in Method().Matches(File.ReadAllText(file)))
            {
                string found = method.Groups[1].Value;
                Assert.True(
                    char.IsAsciiLetterUpper(found[0]) && !found.Contains('_'),
                    $"{found} in {Path.GetRelativePath(Repository.Root, file)} is not PascalCase.");
            }
        }
    }

    [Theory]
    [InlineData("    public void ABatchIsLeftAsItWas()", "ABatchIsLeftAsItWas")]
    [InlineData("    public async Task Two_words()", "Two_words")]
    [InlineData("    public override void Steady_AllocatesNothing(int rows)", "Steady_AllocatesNothing")]
    [InlineData("    public unsafe void lower()", "lower")]
    public void EveryFormOfATestIsSeen(string line, string expected) =>
        Assert.Equal(expected, Assert.Single(Method().Matches(line)).Groups[1].Value);

    [GeneratedRegex(@"^\s+public (?:(?:async|override|virtual|abstract|unsafe) )*(?:void|Task) (\w+)\(",
        RegexOptions.Multiline)]
    private static partial Regex Method();
}
