using HipiFast.Testing;

namespace HipiFast.Cli.Tests;

/// <summary>What came from outside is cut and escaped in what the program says, whatever command says it.</summary>
public class MessageTests
{
    private const string Hostile = "a\u001b]0;title\u0007\nb\u202e|";
    private const string Shown = @"a\u001b]0;title\u0007 b\u202e|";

    [Theory]
    [InlineData("NAME")]
    [InlineData("train", "NAME")]
    [InlineData("train", "nav2d", "--NAME")]
    [InlineData("train", "nav2d", "NAME")]
    [InlineData("train", "nav2d", "--steps", "NAME")]
    [InlineData("train", "nav2d", "--device", "NAME")]
    [InlineData("train", "nav2d", "--learner", "NAME")]
    [InlineData("train", "nav2d", "--backend", "NAME")]
    [InlineData("train", "nav2d", "--preset", "NAME")]
    [InlineData("train", "nav2d", "--seeds", "NAME")]
    [InlineData("train", "--resume", "NAME")]
    [InlineData("train", "--config", "NAME")]
    [InlineData("eval", "NAME")]
    [InlineData("eval", "x", "--episodes", "NAME")]
    [InlineData("compare", "NAME")]
    [InlineData("clone", "NAME", "--agent", "x")]
    [InlineData("clone", "nav2d", "--agent", "NAME")]
    [InlineData("clone", "nav2d", "--labels", "NAME")]
    [InlineData("relabel", "--transitions", "NAME", "--out", "y", "--agent", "a")]
    [InlineData("relabel", "--transitions", "x", "--out", "no/NAME", "--agent", "a")]
    [InlineData("relabel", "--transitions", "x", "--out", "y", "--agent", "a", "--dump", "NAME")]
    [InlineData("reproduce", "NAME")]
    [InlineData("reproduce", "fig4", "--panels", "NAME")]
    [InlineData("bench", "NAME")]
    [InlineData("bench", "compare", "NAME", "x")]
    [InlineData("bench", "compare", "--paired", "NAME", "x")]
    [InlineData("bench", "roofline", "--kernel", "NAME")]
    [InlineData("bench", "quick", "--backend", "NAME")]
    public void NamesAreShownAsOneShortVisibleLine(params string[] command)
    {
        foreach (string name in (string[])[Hostile, new string('x', 800_000)])
        {
            ProcessResult result = HipifastProgram.Run(
                [.. command.Select(part => part.Replace("NAME", name, StringComparison.Ordinal))]);
            Assert.Equal((2, string.Empty), (result.ExitCode, result.Output));
            string line = Assert.Single(result.Error.TrimEnd('\n').Split('\n'));
            Assert.InRange(line.Length, 10, 5000);
            Assert.DoesNotContain(line, char.IsControl);
            Assert.DoesNotContain('\u202e', line);
            Assert.StartsWith("hipifast: ", line);
            if (name == Hostile)
            {
                Assert.Contains(Shown, line);
            }
        }
    }

    [Fact]
    public void AnArgumentThatBeginsWithAnAtSignIsThatArgument()
    {
        ProcessResult result = HipifastProgram.Run("@/etc/passwd");
        Assert.Equal(2, result.ExitCode);
        Assert.StartsWith("hipifast: Unknown command '@/etc/passwd'", result.Error);
    }

    [Fact]
    public void AnUnknownNameIsAnsweredWithThoseThereAre() =>
        Assert.Contains("expected nav2d, ", HipifastProgram.Run("train", "quux").Error);
}
