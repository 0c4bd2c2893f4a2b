using HipiFast.Experiments;

namespace HipiFast.Experiments.Tests;

public sealed class PaperClaimsTests
{
    [Theory]
    [InlineData(Verdict.BornOut, PaperClaim.NeverWorse, 1, PaperClaim.NeverWorse, 0)]
    [InlineData(Verdict.NotBornOut, PaperClaim.NeverWorse, 1, PaperClaim.NeverWorse, -1)]
    [InlineData(Verdict.Undecided, PaperClaim.NeverWorse, 0, PaperClaim.NeverWorse, 0)]
    [InlineData(Verdict.BornOut, PaperClaim.Better, 1, PaperClaim.Better, 1)]
    [InlineData(Verdict.Undecided, PaperClaim.Better, 1, PaperClaim.Better, 0)]
    [InlineData(Verdict.NotBornOut, PaperClaim.Better, 1, PaperClaim.Better, -1)]
    [InlineData(Verdict.BornOut, PaperClaim.Better, 1, PaperClaim.Level, 0)]
    [InlineData(Verdict.InPart, PaperClaim.Better, 1, PaperClaim.Level, 1)]
    [InlineData(Verdict.InPart, PaperClaim.Better, 1, PaperClaim.Level, -1)]
    [InlineData(Verdict.Undecided, PaperClaim.Better, 0, PaperClaim.Level, 0)]
    [InlineData(Verdict.BornOut, PaperClaim.Better, 1, PaperClaim.NoBetter, -1)]
    [InlineData(Verdict.InPart, PaperClaim.Better, 1, PaperClaim.NoBetter, 1)]
    [InlineData(Verdict.BornOut, PaperClaim.Better, 1, PaperClaim.None, -1)]
    public void JudgeHoldsTheSignsAgainstTheClaims(
        Verdict expected, PaperClaim first, int firstSign, PaperClaim second, int secondSign)
    {
        Assert.Equal(expected, PaperClaims.Judge([(first, firstSign), (second, secondSign)]));
        Assert.Equal(expected, PaperClaims.Judge([(second, secondSign), (first, firstSign)]));
    }
}
