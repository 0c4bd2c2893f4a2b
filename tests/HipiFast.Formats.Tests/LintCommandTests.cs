using System.Text.Json;
using HipiFast.Data;
using HipiFast.Testing;

namespace HipiFast.Formats.Tests;

/// <summary><c>hipifast lint</c> on files, and what it leaves of them.</summary>
public sealed class LintCommandTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public LintCommandTests() => Registration.Register();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void TheExitCodeSaysWhetherFaultsWereFound()
    {
        Write([0.5f, 2, 0, 0, -3, 0]);
        ProcessResult result = ProgramRun.Run("lint", _directory["x.npz"]);
        Assert.Equal((1, string.Empty), (result.ExitCode, result.Error));
        Assert.Contains("outside-action", result.Output, StringComparison.Ordinal);
        result = ProgramRun.Run("lint", _directory["x.npz"], "--json");
        using JsonDocument document = JsonDocument.Parse(result.Output);
        JsonElement finding = document.RootElement.GetProperty("findings")[0];
        Assert.Equal(
            ("outside-action", 2, 1L, "2 in column 0"),
            (finding.GetProperty("fault").GetString(), finding.GetProperty("count").GetInt32(),
                finding.GetProperty("first_row").GetInt64(), finding.GetProperty("detail").GetString()));
        Write([0.5f, 1, 0, 0, -1, 0]);
        Assert.Equal(0, ProgramRun.Run("lint", _directory["x.npz"]).ExitCode);
        Assert.Equal(2, ProgramRun.Run("lint", _directory["none.npz"]).ExitCode);
    }

    [Fact]
    public void WhatIsWrongIsDropped()
    {
        Write([0.5f, 0, 2, 0, 0, 0, -3, 0, 0]);
        ProcessResult result = ProgramRun.Run(
            "lint", _directory["x.npz"], "--drop-bad", "--out", _directory["kept.npz"]);
        Assert.Equal((1, string.Empty), (result.ExitCode, result.Error));
        Assert.Equal(0, ProgramRun.Run("lint", _directory["kept.npz"]).ExitCode);
        using DataFile file = DataFormats.Open(_directory["kept.npz"]);
        Assert.Equal([0.5f, 0, 0, 0, 0, 0, 0], DataArrays.Read<float>(file, "action"));

        // Each row that goes begins another episode.
        Assert.Equal([0L, 0, 1, 1, 1, 2, 2], DataArrays.Read<long>(file, "episode"));
    }

    [Theory]
    [InlineData("go together", "--drop-bad")]
    [InlineData("go together", "--out", "y.npz")]
    [InlineData("goes into the format of", "--drop-bad", "--out", "y.parquet")]
    [InlineData("has no tasks", "--family", "{\"kind\": \"goal\", \"achieved\": [0], \"margin\": 1}")]
    public void BadUsageIsOneSentence(string expected, params string[] options)
    {
        Write([0, 0, 0, 0, 0, 0]);
        ProcessResult result = ProgramRun.Run(
            ["lint", _directory["x.npz"], .. options.Select(option => option[0] == 'y' ? _directory[option] : option)]);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(expected, result.Error, StringComparison.Ordinal);
        Assert.Single(result.Error.TrimEnd().Split('\n'));
    }

    // Minari: T states for T actions, in all episodes or in some.
    [Theory]
    [InlineData(0, "as many states as steps in every episode")]
    [InlineData(1, "one row more than steps in 1 of 2 episodes alone")]
    public void StatesAndStepsThatAreConfusedAreFound(int episodesWithMore, string expected)
    {
        string path = _directory["x.hdf5"];
        PureHDF.H5File file = [];
        for (int episode = 0; episode < 2; episode++)
        {
            int steps = 4, states = steps + (episode < episodesWithMore ? 1 : 0);
            file[$"episode_{episode}"] = new PureHDF.H5Group
            {
                ["observations"] = new PureHDF.H5Dataset(DataArrays.Count(states, 0.5f), fileDims: [(ulong)states, 1]),
                ["actions"] = new PureHDF.H5Dataset(new float[steps], fileDims: [(ulong)steps, 1]),
            };
        }

        file.Write(path);
        ProcessResult result = ProgramRun.Run("lint", path);
        Assert.Equal((1, string.Empty), (result.ExitCode, result.Error));
        Assert.Contains("missing-final-state", result.Output, StringComparison.Ordinal);
        Assert.Contains(expected, result.Output, StringComparison.Ordinal);

        // What is there is read without the last step of each.
        using TransitionReader reader = TransitionReader.Open(path);
        Assert.Equal((8, 6L), (reader.Rows, reader.Count));
    }

    private void Write(float[] actions) => DataArrays.Write(
        _directory["x.npz"],
        DataArrays.Of("observation", DataArrays.Count(actions.Length), actions.Length, 1),
        DataArrays.Of("action", actions, actions.Length, 1),
        DataArrays.Of("next_observation", [.. DataArrays.Count(actions.Length + 1)[1..]], actions.Length, 1),
        DataArrays.Of("episode", new int[actions.Length]));
}
