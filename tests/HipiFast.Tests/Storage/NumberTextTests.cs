using HipiFast.Storage;

namespace HipiFast.Tests.Storage;

public sealed class NumberTextTests
{
    [Theory]
    [InlineData(-120.12, 74.782, "-120 ± 75")]
    [InlineData(-120.12, 7.4782, "-120.1 ± 7.5")]
    [InlineData(0.664, 0.0781, "0.664 ± 0.078")]
    [InlineData(0.5, 0.00001, "0.500 ± 0.000")]
    [InlineData(1, 0, "1.00 ± 0.00")]
    [InlineData(0, 0, "0.000 ± 0.000")]
    [InlineData(-1234.5, 0, "-1234 ± 0")]
    [InlineData(12345, 12345, "12345 ± 12345")]
    [InlineData(double.NaN, double.NaN, "- ± -")]
    public void AMeanHasTheDigitsThatItsDeviationLeavesAMeaning(double mean, double deviation, string expected) =>
        Assert.Equal(expected, NumberText.MeanAndDeviation(mean, deviation));
}
