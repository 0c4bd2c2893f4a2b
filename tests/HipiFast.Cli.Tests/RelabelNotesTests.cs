using System.Text.Json;
using HipiFast.Learning;
using HipiFast.Replay;
using HipiFast.Storage;
using HipiFast.Testing;

namespace HipiFast.Cli.Tests;

/// <summary>What <c>relabel</c> and <c>clone</c> say of files that may not be what was meant.</summary>
public sealed class RelabelNotesTests : IDisposable
{
    private const int Rows = 30;

    private readonly TemporaryDirectory _directory = new();

    private string Agent => _directory["agent.safetensors"];

    private string Transitions => _directory["transitions.safetensors"];

    private string Out => _directory["out.safetensors"];

    private string[] Relabel => ["relabel", "--agent", Agent, "--transitions", Transitions, "--out", Out];

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(null, "2 of 30 transitions", "the first in row 17: 2 in column 1")]
    [InlineData("8", "2 of 30 transitions", "the first in row 17: 2 in column 1")]
    public void ActionsOutsideThePolicysRangeAreAWarningWithTheCritic(string? batch, string count, string first)
    {
        Save(outside: true);
        ProcessResult result = HipifastProgram.Run([.. Relabel, .. batch is null ? [] : (string[])["--batch", batch]]);
        Assert.Equal(0, result.ExitCode);
        Assert.StartsWith("hipifast: warning: " + count, result.Error, StringComparison.Ordinal);
        Assert.Contains(first, result.Error, StringComparison.Ordinal);
        Assert.Single(result.Error.TrimEnd().Split('\n'));
        Assert.True(File.Exists(Out));
    }

    [Theory]
    [InlineData("soft-critic")]
    [InlineData("bellman")]
    public void TheyAreRefusedWhereThePolicyIsAsked(string estimator)
    {
        Save(outside: true);
        string family = _directory["family.json"];
        File.WriteAllText(family, """{"kind": "goal", "achieved": [0, 1], "margin": 0.5, "reward": [-1, 0]}""");
        ProcessResult result = HipifastProgram.Run([.. Relabel, "--estimator", estimator, "--family", family]);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("2 of 30 transitions have actions outside [-1, 1]", result.Error, StringComparison.Ordinal);
        Assert.Contains("row 17", result.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(Out));
    }

    [Fact]
    public void CloningWarnsOfThem()
    {
        // The shapes of nav2d.
        string file = _directory["demonstrations.safetensors"];
        using (TransitionBatch batch = RelabelData.Batch(Rows, shape: new TransitionShape(2, 2, 2)))
        {
            batch.Terminated.Clear();
            batch.Action[(4 * 2) + 1] = -3;
            TransitionFile.Save(file, batch, [.. Enumerable.Range(0, Rows).Select(row => (long)(row / 10))]);
        }

        ProcessResult result = HipifastProgram.Run(
            ["clone", "nav2d", "--demonstrations", file, "--max-epochs", "1", "--out", _directory["clone"]]);
        Assert.Equal(0, result.ExitCode);
        Assert.Contains(
            "1 of 30 transitions have actions outside [-1, 1], the first in row 4: -3 in column 1", result.Error,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "batch", "over all 30 transitions", false)]
    [InlineData("30", "batch", "over all 30 transitions", false)]
    [InlineData("8", "batch", "over each block of 8 transitions by itself", true)]
    [InlineData("8", "none", "none", false)]
    public void APartitionOfEachBlockByItselfIsSaid(string? batch, string partition, string expected, bool isNoted)
    {
        Save(outside: false);
        string[] arguments =
            [.. Relabel, "--partition", partition, .. batch is null ? [] : (string[])["--batch", batch]];
        ProcessResult result = HipifastProgram.Run(arguments);
        Assert.Equal((0, string.Empty), (result.ExitCode, result.Error));
        Assert.Equal(isNoted ? 1 : 0, result.Output.Split('\n').Count(
            line => line.Contains("the partition is over each block of 8", StringComparison.Ordinal)));
        using (SafetensorsFile output = SafetensorsFile.Open(Out))
        {
            Assert.Equal(expected, output.Metadata["partition"]);
        }

        using JsonDocument document = JsonDocument.Parse(HipifastProgram.Run([.. arguments, "--json"]).Output);
        Assert.Equal(expected, document.RootElement.GetProperty("partition").GetString());
    }

    private void Save(bool outside)
    {
        using AgentNetworks networks = RelabelData.Agent(RelabelData.Shape);
        AgentFile.Save(networks, Agent);
        using TransitionBatch batch = RelabelData.Batch(Rows);
        if (outside)
        {
            batch.Action[(17 * 2) + 1] = 2;
            batch.Action[(20 * 2) + 1] = -7;
        }

        TransitionFile.Save(Transitions, batch);
    }
}
