using HipiFast.Cli;
using HipiFast.Data;
using HipiFast.Learning;
using HipiFast.Replay;
using HipiFast.Testing;

namespace HipiFast.Formats.Tests;

/// <summary>The same transitions in the layouts that people have, written by their own programs.</summary>
public sealed class LayoutTests : IDisposable
{
    private const int Steps = 33;

    private readonly TemporaryDirectory _directory = new();

    public LayoutTests()
    {
        Registration.Register();
        using AgentNetworks agent = new(new TransitionShape(4, 2, 2), hidden: 16);
        agent.Initialize(5);
        AgentFile.Save(agent, Agent);
        File.WriteAllText(
            Family, """{"kind": "goal", "achieved": [0, 1], "margin": 0.5, "reward": [-1, 0]}""");
    }

    /// <summary>File, columns that have to be named, whether it has tasks.</summary>
    public static TheoryData<string, string, bool> Layouts => new()
    {
        { "minari.hdf5", "", true },
        { "d4rl.hdf5", "task=infos/goal", true },
        { "ogbench.npz", "", false },
        { "ogbench-compact.npz", "", false },
        { "small-types.npz", "", true },
        { "lerobot.parquet", "", true },
    };

    private string Agent => _directory["agent.safetensors"];

    private string Family => _directory["family.json"];

    public void Dispose() => _directory.Dispose();

    [Theory]
    [MemberData(nameof(Layouts))]
    public void TransitionsAreThoseOfTheTwin(string name, string columns, bool hasTasks)
    {
        using TransitionReader twin = TransitionReader.Open(Fixture("twin.safetensors"));
        using TransitionReader reader = TransitionReader.Open(
            Fixture(name), columns.Length == 0 ? null : ColumnMap.Parse(columns));
        Assert.Equal((Steps, 4L), (reader.Count, reader.EpisodeCount));
        Assert.Equal(hasTasks ? 2 : 0, reader.TaskDimension);
        using TransitionBatch expected = new(twin.Shape(), Steps);
        twin.Read(expected, 0, Steps);
        foreach (int block in (int[])[64, 5, 1])
        {
            using TransitionBatch batch = new(reader.Shape(2), block);
            int row = 0;
            for (long first = 0; first < reader.Rows; first += block)
            {
                int count = reader.Read(batch, first, (int)Math.Min(block, reader.Rows - first));
                Assert.Equal(expected.Observation.Slice(row * 4, count * 4), batch.Observation);
                Assert.Equal(expected.Action.Slice(row * 2, count * 2), batch.Action);
                Assert.Equal(expected.NextObservation.Slice(row * 4, count * 4), batch.NextObservation);
                if (hasTasks)
                {
                    Assert.Equal(expected.Task.Slice(row * 2, count * 2), batch.Task);
                }

                row += count;
            }

            Assert.Equal(Steps, row);
        }
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public void LabelsAreThoseOfTheTwin(string name, string columns, bool hasTasks)
    {
        string[] options =
            ["--agent", Agent, "--family", Family, "--tasks", Fixture("tasks.npz"), "--dump", "soft-q"];
        Relabel(Fixture("twin.safetensors"), _directory["twin.safetensors"], options);
        string output = _directory["Y" + Path.GetExtension(name)];
        Relabel(Fixture(name), output, columns.Length == 0 ? options : [.. options, "--columns", columns]);
        using DataFile twin = DataFormats.Open(_directory["twin.safetensors"]), file = DataFormats.Open(output);
        int[] index = DataArrays.Read<int>(file, "task_index");
        int[] kept = [.. Enumerable.Range(0, index.Length).Where(row => index[row] >= 0)];
        Assert.Equal(DataArrays.Read<int>(twin, "task_index"), kept.Select(row => index[row]));
        Assert.Equal(
            DataArrays.Read<float>(twin, "soft_q"),
            kept.SelectMany(row => DataArrays.Read<float>(file, "soft_q").AsSpan(row * 6, 6).ToArray()));

        // What was written reads again as transitions under their new tasks, rewards the family's.
        using TransitionReader before = TransitionReader.Open(_directory["twin.safetensors"]);
        using TransitionReader after = TransitionReader.Open(
            output, columns.Length == 0 ? null : ColumnMap.Parse(columns));
        Assert.Equal(Steps, after.Count);
        using TransitionBatch expected = new(before.Shape(), Steps), batch = new(after.Shape(), (int)after.Rows);
        before.Read(expected, 0, Steps);
        after.Read(batch, 0, (int)after.Rows);
        Assert.Equal(RelabelData.Contents(expected), RelabelData.Contents(batch));
        _ = hasTasks;
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public void LintFindsNothingInThem(string name, string columns, bool hasTasks)
    {
        // The fixtures' last state of an episode in D4RL's layout has an action of 9, which is no transition's.
        string[] options = [.. columns.Length == 0 ? Array.Empty<string>() : ["--columns", columns]];
        string[] judged = hasTasks && name != "d4rl.hdf5" ? ["--family", Family] : [];
        ProcessResult result = Run(["lint", Fixture(name), .. options, .. judged]);
        Assert.Equal((0, string.Empty), (result.ExitCode, result.Error));
        Assert.Contains("no faults found", result.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("minari.hdf5", "Y.hdf5")]
    [InlineData("lerobot.parquet", "Y.parquet")]
    public void GoalsOfTheRestOfTheEpisodeAndCopies(string name, string output)
    {
        Relabel(
            Fixture(name), _directory[output], ["--strategy", "final", "--family", Family, "--copies", "2", "--batch", "9"]);
        using TransitionReader reader = TransitionReader.Open(_directory[output]);
        Assert.Equal((2 * Steps, 8L), (reader.Count, reader.EpisodeCount));
        using TransitionBatch batch = new(reader.Shape(), (int)reader.Rows);
        reader.Read(batch, 0, (int)reader.Rows);
        int[] ends = [7, 19, 24, 33];
        for (int row = 0; row < batch.Count; row++)
        {
            int end = (row / Steps * Steps) + ends.First(end => end > row % Steps) - 1;
            Assert.Equal(
                batch.NextObservation.Slice(end * 4, 2), batch.Task.Slice(row * 2, 2));
        }
    }

    [Theory]
    [InlineData("minari.hdf5")]
    [InlineData("d4rl.hdf5")]
    [InlineData("lerobot.parquet")]
    public void WhatLintKeepsIsTheSameTransitions(string name)
    {
        string output = _directory["kept" + Path.GetExtension(name)];
        ProcessResult result = Run(["lint", Fixture(name), "--drop-bad", "--out", output]);
        Assert.Equal((0, string.Empty), (result.ExitCode, result.Error));
        using TransitionReader twin = TransitionReader.Open(Fixture("twin.safetensors"));
        using TransitionReader kept = TransitionReader.Open(output);
        Assert.False(kept.DerivesNextStates);
        Assert.Equal((Steps, 4L), (kept.Count, kept.EpisodeCount));
        using TransitionBatch expected = new(twin.Shape(), Steps), batch = new(kept.Shape(2), Steps);
        twin.Read(expected, 0, Steps);
        kept.Read(batch, 0, Steps);
        Assert.Equal(expected.NextObservation, batch.NextObservation);
    }

    [ProbedFact("/usr/bin/python3 -c 'import h5py, numpy'", "Debian's python3-h5py is not installed.")]
    public void H5pyReadsWhatIsWritten()
    {
        Relabel(
            Fixture("minari.hdf5"), _directory["Y.hdf5"],
            ["--agent", Agent, "--family", Family, "--tasks", Fixture("tasks.npz")]);
        string script = $"""
            import h5py, numpy
            a, b = h5py.File('{Fixture("minari.hdf5")}'), h5py.File('{_directory["Y.hdf5"]}')
            assert b.attrs['total_episodes'] == 4 and b.attrs['dataset_id'] == 'fixture/goals-v0'
            for e in a:
                assert (a[e]['observations/observation'][:] == b[e]['observations/observation'][:]).all()
                assert (a[e]['rewards'][:] == b[e]['original_rewards'][:]).all()
                assert b[e]['task_index'].shape == a[e]['rewards'].shape and b[e]['rewards'].dtype == 'f4'
            """;
        File.WriteAllText(_directory["check.py"], script);
        using ChildProcess process = new(new(ChildProgram.At("/usr/bin/python3"), [_directory["check.py"]]));
        ProcessResult result = process.End();
        Assert.Equal((0, string.Empty), (result.ExitCode, result.Error));
    }

    private static string Fixture(string name) => Path.Combine(AppContext.BaseDirectory, "Fixtures", name);

    private static ProcessResult Run(string[] arguments) => ProgramRun.Run(arguments);

    private static void Relabel(string transitions, string output, string[] options)
    {
        ProcessResult result = Run(["relabel", "--transitions", transitions, "--out", output, .. options]);
        Assert.Equal((0, string.Empty), (result.ExitCode, result.Error));
    }
}
