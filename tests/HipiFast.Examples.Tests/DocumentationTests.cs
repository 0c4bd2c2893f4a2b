using System.Text.RegularExpressions;
using HipiFast.Testing;
using HipiFast.Training;

namespace HipiFast.Examples.Tests;

/// <summary>The pages of the documentation point at what is there.</summary>
public sealed partial class DocumentationTests
{
    private static string[] Pages { get; } =
    [
        Path.Combine(Repository.Root, "README.md"),
        .. Directory.GetFiles(Path.Combine(Repository.Root, "docs"), "*.md"),
    ];

    [Fact]
    public void EveryLinkLeadsSomewhere()
    {
        List<string> broken = [];
        int links = 0;
        foreach (string page in Pages)
        {
            foreach (Match match in Link().Matches(File.ReadAllText(page)))
            {
                string target = match.Groups[1].Value;
                if (target.Contains("://", StringComparison.Ordinal))
                {
                    continue;
                }

                links++;
                string[] parts = target.Split('#');
                string file = parts[0].Length == 0 ? page : Path.Combine(Path.GetDirectoryName(page)!, parts[0]);
                bool isThere = File.Exists(file) || Directory.Exists(file);
                if (!isThere || (parts.Length > 1 && !Headings(file).Contains(parts[1])))
                {
                    broken.Add($"{Path.GetFileName(page)}: {target}");
                }
            }
        }

        Assert.Empty(broken);
        Assert.True(links > 50, $"{links} links were found");
    }

    [Theory]
    [InlineData(typeof(MetricColumn))]
    [InlineData(typeof(TimingColumn))]
    public void EveryColumnIsExplained(Type columns)
    {
        string page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "metrics.md"));
        foreach (string name in Enum.GetNames(columns))
        {
            string column = Capital().Replace(name, "_$0").ToLowerInvariant();
            Assert.Contains($"`{column}`", page, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void TheIndexListsEveryPage()
    {
        string index = File.ReadAllText(Path.Combine(Repository.Root, "docs", "index.md"));
        foreach (string page in Pages.Select(Path.GetFileName).Except(["README.md", "index.md"])!)
        {
            Assert.Contains($"({page})", index, StringComparison.Ordinal);
        }
    }

    // As GitHub names them: lower case, words joined by hyphens, punctuation dropped.
    private static HashSet<string> Headings(string file) =>
    [
        .. from line in File.ReadLines(file)
           where line.StartsWith('#')
           let text = line.TrimStart('#').Trim().ToLowerInvariant()
           select string.Concat(text.Where(c => char.IsLetterOrDigit(c) || c is ' ' or '-' or '_')).Replace(' ', '-'),
    ];

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex("(?<!^)[A-Z]")]
    private static partial Regex Capital();
}
