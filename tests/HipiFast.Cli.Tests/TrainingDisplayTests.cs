namespace HipiFast.Cli.Tests;

/// <summary>The live table of a training.</summary>
public sealed class TrainingDisplayTests
{
    [Theory]
    [InlineData(0, 0, "0%")]
    [InlineData(500, 9, "50%")]
    [InlineData(1000, 18, "100%")]
    [InlineData(1023, 18, "100%")]
    [InlineData(5000, 18, "100%")]
    public void ABarIsFullWhenMoreStepsWereTakenThanAskedFor(long envSteps, int filled, string percent)
    {
        string full = new('━', filled), left = new('━', 18 - filled);
        Assert.Equal($"[green]{full}[/][grey]{left}[/] {percent}", TrainingDisplay.Bar(envSteps, 1000));
    }
}
