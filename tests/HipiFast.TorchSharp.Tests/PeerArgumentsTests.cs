using HipiFast.TorchPeers;

namespace HipiFast.TorchSharp.Tests;

/// <summary>The command line of the comparison with plain torch.</summary>
public sealed class PeerArgumentsTests
{
    [Theory]
    [InlineData(1, new[] { 1 })]
    [InlineData(2, new[] { 1, 2 })]
    [InlineData(64, new[] { 1, 2 })]
    public void TheDefaultThreadsAreThoseThatTheMachineHas(int cores, int[] expected) =>
        Assert.Equal(expected, PeerArguments.Read([], cores).Threads);

    [Fact]
    public void ListsAndNumbersAreRead()
    {
        PeerArguments asked = PeerArguments.Read(
            ["--work", "soft-q", "--size", "8,16", "--hidden", "24", "--threads", "3", "--rounds", "9", "--json", "x"],
            cores: 4);
        Assert.Equal(["soft-q"], asked.Works);
        Assert.Equal([8, 16], asked.Sizes);
        Assert.Equal([24], asked.Widths);
        Assert.Equal([3], asked.Threads);
        Assert.Equal((9, "x"), (asked.Rounds, asked.File));
    }

    [Theory]
    [InlineData("--rounds is '7,9'; expected a whole number from 1 to 1000.", "--rounds", "7,9")]
    [InlineData("--threads is '1,5'; expected whole numbers from 1 to 4, separated by commas.", "--threads", "1,5")]
    [InlineData("--size is ''; expected whole numbers from 1 to 4096, separated by commas.", "--size", "")]
    [InlineData("--work names 'sac'; expected relabel, soft-q or sac-step.", "--work", "relabel,sac")]
    [InlineData("--json needs a value.", "--json")]
    [InlineData("--json was given twice; expected it once.", "--json", "a", "--json", "b")]
    [InlineData("Unknown option '--moon'; --help lists them.", "--moon", "1")]
    public void WhatIsWrongIsOneSentence(string expected, params string[] args) =>
        Assert.Equal(expected, Assert.Throws<ArgumentException>(() => PeerArguments.Read(args, cores: 4)).Message);
}
