using HipiFast.Benchmarking.Gate;

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
}
