using HipiFast.Benchmarking.Gate;
using HipiFast.Benchmarking.Timing;

namespace HipiFast.Benchmarking.Tests.Gate;

public class MeasuringProtocolTests
{
    [Fact]
    public void ATurnIsReadAsItWasWritten() =>
        Assert.Equal((3, 4e-3), MeasuringProtocol.ParseTurn(MeasuringProtocol.Turn(3, 4e-3), 5));

    [Theory]
    [InlineData("")]
    [InlineData("5 0.1")]
    [InlineData("-1 0.1")]
    [InlineData("0 0")]
    [InlineData("0 x")]
    [InlineData("0")]
    [InlineData("0 1 2")]
    public void AnythingElseIsRefused(string line) =>
        Assert.Throws<InvalidDataException>(() => MeasuringProtocol.ParseTurn(line, 5));

    [Fact]
    public void AnAnswerIsReadAsItWasWritten()
    {
        LatencyHistogram calls = new();
        calls.Record(1000);
        calls.Record(900_000);
        string line = MeasuringProtocol.Answer(new MeasuredTurn(1.25e-6, calls, 48));
        Assert.True(MeasuringProtocol.TryParseAnswer(line, out MeasuredTurn turn));
        Assert.Equal((1.25e-6, 48, 2), (turn.MedianSeconds, turn.AllocatedBytes, turn.Calls!.Count));
        Assert.Equal(calls.Buckets.ToArray(), turn.Calls.Buckets.ToArray());
    }

    [Fact]
    public void AMedianAloneIsTheAnswerOfAnOlderProgram()
    {
        Assert.True(MeasuringProtocol.TryParseAnswer("0.001", out MeasuredTurn turn));
        Assert.Equal((1e-3, null), (turn.MedianSeconds, turn.Calls));
        Assert.Equal(("a name", double.NaN), MeasuringProtocol.ParseEntry("a name"));
        Assert.Equal(
            ("a name", 0.25), MeasuringProtocol.ParseEntry(MeasuringProtocol.Entry("a name", 0.25)));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("-1 0 1:1")]
    [InlineData("Infinity 0 1:1")]
    [InlineData("1 2")]
    [InlineData("1 -2 1:1")]
    [InlineData("1 2 x")]
    [InlineData("1 2 ")]
    public void AnAnswerThatIsNoneIsRefused(string? line) =>
        Assert.False(MeasuringProtocol.TryParseAnswer(line, out _));
}
