using HipiFast.Data;
using HipiFast.Learning;
using HipiFast.Replay;
using HipiFast.Testing;

namespace HipiFast.Cli.Tests;

/// <summary><c>relabel</c> and <c>clone</c> on files of other formats and other layouts.</summary>
public sealed class RelabelFormatsTests : IDisposable
{
    private const int Rows = 40;
    private const int Episode = 8;

    private static readonly TransitionShape s_shape = new(3, 2, 2);

    private readonly TemporaryDirectory _directory = new();
    private readonly float[] _states = Numbers(Rows * 3, 1);
    private readonly float[] _actions = Numbers(Rows * 2, 2);
    private readonly float[] _goals = Numbers(Rows * 2, 3);

    public RelabelFormatsTests()
    {
        using (AgentNetworks agent = new(s_shape, hidden: 8))
        {
            agent.Initialize(3);
            AgentFile.Save(agent, Agent);
        }

        File.WriteAllText(
            Family, """{"kind": "goal", "achieved": [0, 1], "margin": 0.5, "reward": [-1, 0]}""");
        DataArrays.Write(_directory["tasks.npz"], DataArrays.Of("task", Numbers(14, 4), 7, 2));
    }

    private string Agent => _directory["agent.safetensors"];

    private string Family => _directory["family.json"];

    public void Dispose() => _directory.Dispose();

    // The columns of D4RL in double precision give the labels of the same transitions as this project's own file.
    [Theory]
    [InlineData("--tasks")]
    [InlineData("--candidates")]
    public void LabelsAreThoseOfTheTwin(string source)
    {
        string[] candidates = source == "--tasks" ? ["--tasks", _directory["tasks.npz"]] : ["--candidates", "both"];
        WriteFlat("flat.npz");
        WriteTwin("twin.safetensors");
        Relabel("flat.npz", "Y.npz", ["--agent", Agent, "--family", Family, .. candidates]);
        Relabel("twin.safetensors", "Y.safetensors", ["--agent", Agent, "--family", Family, .. candidates]);
        using DataFile flat = DataFormats.Open(_directory["Y.npz"]), twin = DataFormats.Open(_directory["Y.safetensors"]);
        int[] kept = [.. Enumerable.Range(0, Rows).Where(row => row % Episode != Episode - 1)];
        int[] found = DataArrays.Read<int>(flat, "task_index"), expected = DataArrays.Read<int>(twin, "task_index");

        // Without given tasks an index is a row of its file, or behind those the row whose state was reached.
        Func<int, int> inFlat = index => source == "--tasks" ? index
            : index < kept.Length ? kept[index] : Rows + kept[index - kept.Length];
        Assert.Equal(expected.Select(inFlat), kept.Select(row => found[row]));
        Assert.Equal(
            DataArrays.Read<float>(twin, "reward"), kept.Select(row => DataArrays.Read<float>(flat, "rewards")[row]));
        float[] task = DataArrays.Read<float>(flat, "goal");
        Assert.Equal(DataArrays.Read<float>(twin, "task"), kept.SelectMany(row => task.AsSpan(row * 2, 2).ToArray()));
        Assert.All(Enumerable.Range(0, Rows).Except(kept), row => Assert.Equal(-1, found[row]));
        Assert.Equal(
            Enumerable.Range(0, Rows).Select(row => kept.Contains(row) ? (byte)1 : (byte)0),
            DataArrays.Read<byte>(flat, "valid"));
    }

    [Fact]
    public void ResultsLieBesideTheOriginalColumns()
    {
        WriteFlat("flat.npz");
        Relabel("flat.npz", "Y.npz", ["--agent", Agent, "--family", Family, "--tasks", _directory["tasks.npz"]]);
        using DataFile before = DataFormats.Open(_directory["flat.npz"]), after = DataFormats.Open(_directory["Y.npz"]);
        Assert.Equal(DataArrays.Read<double>(before, "observations"), DataArrays.Read<double>(after, "observations"));
        Assert.Equal(DataArrays.Read<double>(before, "rewards"), DataArrays.Read<double>(after, "original_rewards"));
        Assert.Equal(DataArrays.Read<float>(before, "goal"), DataArrays.Read<float>(after, "original_goal"));
        Assert.Equal(DataArrays.Read<int>(before, "task_index"), DataArrays.Read<int>(after, "original_task_index"));
        Assert.Equal(DataArrays.Read<short>(before, "loose"), DataArrays.Read<short>(after, "loose"));
        Assert.Equal(
            Enumerable.Range(0, Rows).Select(row => (long)(row / Episode)), DataArrays.Read<long>(after, "episode"));

        // And the result is a file of transitions again, under the new tasks.
        using TransitionReader reader = TransitionReader.Open(_directory["Y.npz"]);
        Assert.Equal(Rows - (Rows / Episode), reader.Count);
        using TransitionBatch batch = new(reader.Shape(), Rows);
        reader.Read(batch, 0, Rows);
        RelabelData.AssertJudged(RelabelData.GoalFamily, batch);
    }

    [Fact]
    public void WhatIsDoneToTheColumnsIsSaidInOneLine()
    {
        WriteFlat("flat.npz");
        string output = Relabel("flat.npz", "Y.npz", ["--agent", Agent, "--tasks", _directory["tasks.npz"]]).Output;
        string note = Assert.Single(output.Split('\n'), line => line.StartsWith("Note: ", StringComparison.Ordinal));
        Assert.Contains("observation float64 to float32; ", note, StringComparison.Ordinal);
        Assert.Contains("without the last row of each episode", note, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("future", "8")]
    [InlineData("future", "40")]
    [InlineData("final", "11")]
    public void GoalsOfTheRestOfTheEpisodeNeedNeitherAgentNorTasks(string strategy, string block)
    {
        WriteFlat("flat.npz");
        Relabel(
            "flat.npz", "Y.npz",
            [
                "--strategy", strategy, "--family", Family, "--columns", "task=,reward=,terminated=", "--copies", "3",
                "--batch", block,
            ]);
        using DataFile file = DataFormats.Open(_directory["Y.npz"]);
        float[] task = DataArrays.Read<float>(file, "task");
        byte[] valid = DataArrays.Read<byte>(file, "valid");
        long[] episode = DataArrays.Read<long>(file, "episode");
        Assert.Equal(3 * Rows * 2, task.Length);
        HashSet<(int, int)> chosen = [];
        for (int copied = 0; copied < 3 * Rows; copied++)
        {
            int row = copied % Rows, end = row - (row % Episode) + Episode - 1;
            Assert.Equal(copied / Episode, episode[copied]);
            Assert.Equal(row == end ? 0 : 1, valid[copied]);
            if (row != end)
            {
                int goal = Enumerable.Range(row + 1, end - row).Single(later =>
                    task.AsSpan(copied * 2, 2).SequenceEqual(_states.AsSpan(later * 3, 2)));
                Assert.True(strategy == "future" || goal == end);
                chosen.Add((row, goal));
            }
        }

        // Copies draw anew.
        Assert.Equal(strategy == "future", chosen.Count > Rows * 5 / 4);
        double[] repeated = DataArrays.Read<double>(file, "observations");
        Assert.Equal(repeated[..(Rows * 3)], repeated[^(Rows * 3)..]);
    }

    [Fact]
    public void TheSameSeedIsTheSameFile()
    {
        WriteFlat("flat.npz");
        string[] options = ["--agent", Agent, "--tasks", _directory["tasks.npz"], "--copies", "2", "--dump", "soft-q"];
        Relabel("flat.npz", "Y.npz", options);
        byte[] bytes = File.ReadAllBytes(_directory["Y.npz"]);
        Relabel("flat.npz", "Y.npz", [.. options, "--threads", "2"]);
        Assert.Equal(bytes, File.ReadAllBytes(_directory["Y.npz"]));
        using DataFile file = DataFormats.Open(_directory["Y.npz"]);
        float[] softQ = DataArrays.Read<float>(file, "soft_q");
        Assert.Equal(2 * Rows * 7, softQ.Length);
        Assert.Equal(softQ[..(Rows * 7)], softQ[(Rows * 7)..]);
        Assert.All(softQ[..7], value => Assert.NotEqual(0, value));
        Assert.All(softQ[(7 * 7)..(8 * 7)], value => Assert.Equal(0, value));
    }

    [Theory]
    [InlineData("has no tasks (no column 'task'), and they are the candidates", "--columns", "task=")]
    [InlineData("named as a file of safetensors; results go into the format", "--out", "Y.safetensors")]
    [InlineData("goals reached later need --family", "--strategy", "future")]
    [InlineData("--candidates reached needs --family", "--candidates", "reached")]
    [InlineData("has no next observations of its own", "--assign", "task")]
    [InlineData("--copies is 0", "--copies", "0")]
    public void WhatDoesNotGoTogetherIsOneSentence(string expected, string option, string value)
    {
        WriteFlat("flat.npz");
        string[] output = option == "--out" ? [] : ["--out", _directory["Y.npz"]];
        ProcessResult result = HipifastProgram.Run(
            [
                "relabel", "--transitions", _directory["flat.npz"], "--agent", Agent, .. output, option,
                option == "--out" ? _directory[value] : value,
            ]);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(expected, result.Error, StringComparison.Ordinal);
        Assert.Single(result.Error.TrimEnd().Split('\n'));
        Assert.False(File.Exists(_directory["Y.npz"]));
    }

    [Fact]
    public void CloningTakesThemToo()
    {
        // The shapes of nav2d, without tasks: inverse RL finds them.
        DataArrays.Write(
            _directory["demonstrations.npz"], DataArrays.Of("obs", Array.ConvertAll(Numbers(Rows * 2, 5), x => (double)x), Rows, 2),
            DataArrays.Of("actions", Numbers(Rows * 2, 6), Rows, 2),
            DataArrays.Of("timeouts", [.. Enumerable.Range(0, Rows).Select(row => row % Episode == Episode - 1)]));
        string[] arguments =
        [
            "clone", "nav2d", "--demonstrations", _directory["demonstrations.npz"], "--max-epochs", "1", "--episodes", "8",
            "--hidden", "16",
        ];
        ProcessResult result = HipifastProgram.Run([.. arguments, "--out", _directory["clone"]]);
        Assert.Equal((0, string.Empty), (result.ExitCode, result.Error));
        Assert.Contains("5 trajectories, 35 transitions", result.Output, StringComparison.Ordinal);
        Assert.Contains("observation float64 to float32", result.Output, StringComparison.Ordinal);
        result = HipifastProgram.Run([.. arguments, "--labels", "commanded", "--out", _directory["commanded"]]);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("has no tasks", result.Error, StringComparison.Ordinal);
    }

    private static float[] Numbers(int count, int seed)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (random.NextSingle() * 2) - 1)];
    }

    private ProcessResult Relabel(string transitions, string output, string[] options)
    {
        ProcessResult result = HipifastProgram.Run(
            ["relabel", "--transitions", _directory[transitions], "--out", _directory[output], .. options]);
        Assert.Equal((0, string.Empty), (result.ExitCode, result.Error));
        return result;
    }

    // As D4RL has it: the state after the last step is a row of its own, with an action that means nothing.
    private void WriteFlat(string name)
    {
        byte[] timeouts = [.. Enumerable.Range(0, Rows).Select(row => row % Episode == Episode - 1 ? (byte)1 : (byte)0)];
        double[] actions = Array.ConvertAll(_actions, value => (double)value);
        for (int row = Episode - 1; row < Rows; row += Episode)
        {
            actions[row * 2] = double.NaN;
        }

        DataTable table = new() { Rows = Rows };
        table.Columns.AddRange(
        [
            DataArrays.Of("observations", Array.ConvertAll(_states, value => (double)value), Rows, 3),
            DataArrays.Of("actions", actions, Rows, 2), DataArrays.Of("rewards", new double[Rows]),
            DataArrays.Of("terminals", new bool[Rows]), DataArrays.Of("timeouts", timeouts),
            DataArrays.Of("goal", _goals, Rows, 2), DataArrays.Of("task_index", new int[Rows]),
        ]);
        table.Extras.Add(DataArrays.Of("loose", new short[] { 1, 2, 3 }));
        DataFormats.OfName(name)!.Write(_directory[name], table);
    }

    private void WriteTwin(string name)
    {
        int[] kept = [.. Enumerable.Range(0, Rows).Where(row => row % Episode != Episode - 1)];
        using TransitionBatch batch = new(s_shape, kept.Length) { Count = kept.Length };
        for (int i = 0; i < kept.Length; i++)
        {
            _states.AsSpan(kept[i] * 3, 3).CopyTo(batch.Observation[(i * 3)..]);
            _states.AsSpan((kept[i] + 1) * 3, 3).CopyTo(batch.NextObservation[(i * 3)..]);
            _actions.AsSpan(kept[i] * 2, 2).CopyTo(batch.Action[(i * 2)..]);
            _goals.AsSpan(kept[i] * 2, 2).CopyTo(batch.Task[(i * 2)..]);
        }

        batch.Reward.Clear();
        batch.Terminated.Clear();
        TransitionFile.Save(_directory[name], batch, [.. kept.Select(row => (long)(row / Episode))]);
    }
}
