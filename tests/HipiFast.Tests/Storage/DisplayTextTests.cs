using HipiFast.Storage;

namespace HipiFast.Tests.Storage;

public class DisplayTextTests
{
    [Theory]
    [InlineData("plain", "'plain'")]
    [InlineData("été ☀ 😀", "'été ☀ 😀'")]
    [InlineData("a\u001b[31mred", "'a\\u001b[31mred'")]
    [InlineData("two\nlines\r\t", "'two\\nlines\\r\\t'")]
    [InlineData("\u202egnirts\u200b\u2028", "'\\u202egnirts\\u200b\\u2028'")]
    public void AQuotedNameIsVisible(string name, string expected) => Assert.Equal(expected, DisplayText.Quote(name));

    [Fact]
    public void HalfASurrogatePairIsVisible() => Assert.Equal("'\\ud83d'", DisplayText.Quote("\ud83d"));

    [Fact]
    public void AQuotedNameIsShort()
    {
        Assert.Equal("'" + new string('x', 80) + "...'", DisplayText.Quote(new string('x', 800_000)));
        Assert.Equal("'" + new string('x', 80) + "'", DisplayText.Quote(new string('x', 80)));
    }

    [Fact]
    public void ALineKeepsWhatIsShortAndVisible()
    {
        string line = "seed 1  env steps 100/300  success 0.000 ± 0.1";
        Assert.Same(line, DisplayText.Line(line));
        string path = "/" + new string('p', 250) + "/metrics.csv";
        Assert.Equal($"wrote {path}, {path}", DisplayText.Line($"wrote {path}, {path}"));
    }

    [Fact]
    public void ALineCutsWordsAndItself()
    {
        string cut = DisplayText.Line($"'{new string('x', 800_000)}' does not exist; expected a file.");
        Assert.InRange(cut.Length, 300, 400);
        Assert.StartsWith("'xxx", cut);
        Assert.Contains("x...x", cut);
        Assert.EndsWith("x' does not exist; expected a file.", cut);
        Assert.InRange(DisplayText.Line(string.Join(' ', Enumerable.Repeat("name", 100_000))).Length, 3000, 4100);
        Assert.Equal("a\\u001b]0;title\\u0007 b\\nc", DisplayText.Line("a\u001b]0;title\u0007 b\nc"));
    }

    [Fact]
    public void ACellEndsWhereItsTextEnds() =>
        Assert.Equal("a \\| b\\\\n\\\\\\|", DisplayText.MarkdownCell("a | b\n\\|"));
}
