using HipiFast.Data;
using HipiFast.Replay;
using HipiFast.Testing;

namespace HipiFast.Tests.Data;

/// <summary>Transitions of files whose columns are not ours.</summary>
public sealed class TransitionReaderTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public static TheoryData<string> Formats => ["x.npz", "x.safetensors"];

    public void Dispose() => _directory.Dispose();

    [Theory]
    [MemberData(nameof(Formats))]
    public void NumbersOfAnyTypeBecomeFloatsAndItIsSaidOnce(string name)
    {
        DataArrays.Write(
            _directory[name],
            DataArrays.Of("observations", new double[] { 1, 2, 3, 4, 0.1, 6 }, 3, 2),
            DataArrays.Of("actions", new Half[] { (Half)0.5, (Half)1, (Half)(-1) }, 3, 1),
            DataArrays.Of("next_observations", ElementType.BFloat16, new ushort[6], 3, 2),
            DataArrays.Of("goal", new short[] { -1, 0, 7 }, 3, 1),
            DataArrays.Of("rewards", new int[] { 0, -1, 1 << 25 }, 3, 1),
            DataArrays.Of("terminals", new float[] { 0, 1, 0 }),
            DataArrays.Of("timeouts", new bool[] { false, false, true }));
        using TransitionReader reader = TransitionReader.Open(_directory[name]);
        Assert.Equal(new TransitionShape(2, 1, 1), reader.Shape());
        Assert.Equal(3, reader.Count);
        using TransitionBatch batch = new(reader.Shape(), 3);
        Assert.Equal(3, reader.Read(batch, 0, 3));
        Assert.Equal([1, 2, 3, 4, 0.1f, 6], batch.Observation);
        Assert.Equal([0.5f, 1, -1], batch.Action);
        Assert.Equal([-1, 0, 7], batch.Task);
        Assert.Equal([0, -1, 1 << 25], batch.Reward);
        Assert.Equal([0, 1, 0], batch.Terminated.ToArray());
        Assert.Equal(
            [
                "observation float64 to float32", "action float16 to float32", "next_observation bfloat16 to float32",
                "task int16 to float32", "reward int32 to float32", "terminated float32 to flags",
            ],
            reader.Conversions);
        Assert.Equal([0L, 0, 1], Episodes(reader));
    }

    [Fact]
    public void NextStatesAreThoseOfTheRowAfterWithinEpisodes()
    {
        string path = Flat(("timeouts", [0, 0, 1, 0, 0, 0, 1]));
        using TransitionReader reader = TransitionReader.Open(path);
        Assert.True(reader.DerivesNextStates);
        Assert.Equal((7, 5, 2L), (reader.Rows, reader.Count, reader.EpisodeCount));
        foreach (int block in (int[])[7, 3, 2, 1])
        {
            List<(long, float, float)> found = Read(reader, block);
            Assert.Equal([(0, 0, 1), (1, 1, 2), (3, 3, 4), (4, 4, 5), (5, 5, 6)], found);
        }
    }

    [Fact]
    public void TheLastRowOfAFileHasNoNextState()
    {
        using TransitionReader reader = TransitionReader.Open(Flat(("terminals", [0, 1, 0, 0, 0, 0, 0])));
        Assert.Equal(5, reader.Count);
        Assert.Equal([0L, 2, 3, 4, 5], Read(reader, 3).Select(row => row.Row));
        Assert.Equal([0L, 0, 1, 1, 1, 1, 1], Episodes(reader));
    }

    // OGBench: the last state of a trajectory is called invalid, and terminations mark it and the step before.
    [Fact]
    public void RowsCalledInvalidAreLeftOutAndEndEpisodes()
    {
        using TransitionReader reader = TransitionReader.Open(
            Flat(("valids", [1, 1, 0, 1, 1, 1, 0]), ("terminals", [0, 1, 1, 0, 0, 1, 1])));
        Assert.Equal(5, reader.Count);
        Assert.Equal([(0, 0, 1), (1, 1, 2), (3, 3, 4), (4, 4, 5), (5, 5, 6)], Read(reader, 4));
        Assert.Equal(3, reader.EpisodeEnd(0) + 1);
    }

    [Fact]
    public void OneMoreStateThanStepsInEachEpisode()
    {
        string path = _directory["x.npz"];
        DataArrays.Write(
            path, DataArrays.Of("actions", new float[5], 5, 1), DataArrays.Of("observations", DataArrays.Count(7), 7, 1),
            DataArrays.Of("truncations", new bool[] { false, true, false, false, true }),
            DataArrays.Of("desired_goal", DataArrays.Count(7, 10), 7, 1));
        using TransitionReader reader = TransitionReader.Open(path);
        Assert.Equal(5, reader.Count);
        foreach (int block in (int[])[5, 2, 1, 3])
        {
            Assert.Equal([(0, 0, 1), (1, 1, 2), (2, 3, 4), (3, 4, 5), (4, 5, 6)], Read(reader, block));
        }

        using TransitionBatch batch = new(reader.Shape(), 5);
        reader.Read(batch, 0, 5);
        Assert.Equal([0, 10, 30, 40, 50], batch.Task);
    }

    [Fact]
    public void OneTrajectoryIsItsStatesAndSteps()
    {
        string path = _directory["x.npz"];
        DataArrays.Write(
            path, DataArrays.Of("actions", new float[2], 2, 1), DataArrays.Of("observations", DataArrays.Count(3), 3, 1));
        using TransitionReader reader = TransitionReader.Open(path);
        Assert.Equal([(0, 0, 1), (1, 1, 2)], Read(reader, 2));
        Assert.Equal([0L, 0], Episodes(reader));
    }

    [Fact]
    public void EpisodeNumbersAreTheFilesOwn()
    {
        using TransitionReader reader = TransitionReader.Open(Flat(("episode_index", [9, 9, 9, 4, 4, 4, 4])));
        Assert.Equal([9L, 9, 9, 4, 4, 4, 4], Episodes(reader));
        Assert.Equal(5, reader.Count);
    }

    [Fact]
    public void ColumnsAreJoinedAndFlattenedAndChosen()
    {
        string path = _directory["x.npz"];
        DataArrays.Write(
            path, DataArrays.Of("pos", DataArrays.Count(8), 2, 2, 2), DataArrays.Of("vel", new double[] { 10, 20 }),
            DataArrays.Of("act", new float[2], 2, 1), DataArrays.Of("after", DataArrays.Count(10, 2), 2, 5),
            DataArrays.Of("reward", new float[] { float.NaN, 0 }));
        using TransitionReader reader = TransitionReader.Open(
            path, ColumnMap.Parse("""{"observation": ["pos", "vel"], "action": "act", "next_observation": "after", "reward": null}"""));
        using TransitionBatch batch = new(reader.Shape(3), 2);
        reader.Read(batch, 0, 2);
        Assert.Equal([0, 1, 2, 3, 10, 4, 5, 6, 7, 20], batch.Observation);
        Assert.Equal([0, 0], batch.Reward);
        Assert.Equal((false, 0), (reader.HasReward, reader.TaskDimension));
        Assert.Equal(new float[6], batch.Task.ToArray());
    }

    [Theory]
    [InlineData("observation=nope", "no array 'nope', which the map of columns names for observation")]
    [InlineData("observaton=observations", "did you mean 'observation'?")]
    [InlineData("observation", "does not exist; expected a map of columns (JSON)")]
    [InlineData("{\"action\": 3}", "has 3 for 'action'; expected a name, a list of names or null")]
    [InlineData("reward=actions", "[2, 2]; expected [B] or [B, 1] for reward")]
    [InlineData("action=short", "rows and 'short' 1; expected as many")]
    public void AWrongMapIsOneSentence(string map, string expected)
    {
        string path = _directory["x.npz"];
        DataArrays.Write(
            path, DataArrays.Of("observations", DataArrays.Count(2), 2, 1), DataArrays.Of("actions", new float[4], 2, 2),
            DataArrays.Of("short", new float[1], 1, 1), DataArrays.Of("terminals", new byte[] { 1, 0 }));
        Exception? error = Record.Exception(() =>
        {
            using TransitionReader reader = TransitionReader.Open(path, ColumnMap.Parse(map));
        });
        Assert.NotNull(error);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("\n", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("x.npz", "Array 'actions' of")]
    [InlineData("x.safetensors", "Tensor 'actions' of")]
    public void AValueThatCannotBeIsNamedByItsRowInTheFile(string name, string expected)
    {
        string path = _directory[name];
        DataArrays.Write(
            path, DataArrays.Of("observations", DataArrays.Count(4), 4, 1),
            DataArrays.Of("actions", new double[] { 0, double.NaN, 0, 1e300 }, 4, 1),
            DataArrays.Of("episode", new int[] { 0, 0, 1, 1 }));
        using (TransitionReader reader = TransitionReader.Open(path))
        {
            // Rows 1 and 3 are the last of their episodes, and no transitions.
            Assert.Equal([0L, 2], Read(reader, 4).Select(row => row.Row));
        }

        DataArrays.Write(
            path, DataArrays.Of("observations", DataArrays.Count(4), 4, 1),
            DataArrays.Of("actions", new double[] { 0, 0, 1e300, 0 }, 4, 1),
            DataArrays.Of("episode", new int[] { 0, 0, 1, 1 }));
        using TransitionReader beyond = TransitionReader.Open(path);
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => Read(beyond, 4));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.Contains("row 2, column 0", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("terminated", 0.5f)]
    [InlineData("valid", 2f)]
    public void AFlagThatIsNoneIsRefused(string column, float value)
    {
        string path = _directory["x.npz"];
        DataArrays.Write(
            path, DataArrays.Of("observation", new float[2], 2, 1), DataArrays.Of("action", new float[2], 2, 1),
            DataArrays.Of("next_observation", new float[2], 2, 1), DataArrays.Of(column, new float[] { 0, value }));
        using TransitionReader reader = TransitionReader.Open(path);
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => Read(reader, 2));
        Assert.Equal(
            $"Array '{column}' of '{path}' holds a value that is neither 0 nor 1 at row 1.", error.Message);
    }

    [Fact]
    public void WithoutNextStatesAndEndsNothingIsGuessed()
    {
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => TransitionReader.Open(Flat()));
        Assert.Contains("neither next observations nor anything that says where episodes end", error.Message);
    }

    [Fact]
    public void BlocksOfASizeAllocateNothingAfterTheFirst()
    {
        string path = _directory["x.npz"];
        DataArrays.Write(
            path, DataArrays.Of("observation", new float[8000], 4000, 2), DataArrays.Of("action", new float[4000], 4000, 1),
            DataArrays.Of("next_observation", new double[8000], 4000, 2), DataArrays.Of("reward", new double[4000]));
        using TransitionReader reader = TransitionReader.Open(path);
        using TransitionBatch batch = new(reader.Shape(), 256);
        reader.Read(batch, 0, 256);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int block = 1; block < 15; block++)
        {
            reader.Read(batch, block * 256, 256);
        }

        // Enumerators of a few parts each; nothing that goes with the rows.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 14 * 2048);
    }

    // Observations 0 to 6, one entry each.
    private string Flat(params (string Name, byte[] Values)[] flags)
    {
        string path = _directory["flat.npz"];
        DataArrays.Write(
            path,
            [
                DataArrays.Of("observations", DataArrays.Count(7), 7, 1), DataArrays.Of("actions", new float[7], 7, 1),
                .. flags.Select(flag => DataArrays.Of(flag.Name, flag.Values)),
            ]);
        return path;
    }

    private static long[] Episodes(TransitionReader reader)
    {
        long[] episodes = new long[reader.Rows];
        reader.ReadEpisodes(episodes);
        return episodes;
    }

    // Row, state and next state of every transition, read in blocks.
    private static List<(long Row, float State, float Next)> Read(TransitionReader reader, int block)
    {
        List<(long, float, float)> found = [];
        using TransitionBatch batch = new(reader.Shape(), block);
        long[] rowOf = new long[block];
        for (long first = 0; first < reader.Rows; first += block)
        {
            int count = reader.Read(batch, first, (int)Math.Min(block, reader.Rows - first), rowOf);
            Assert.Equal(count, batch.Count);
            for (int i = 0; i < count; i++)
            {
                found.Add((rowOf[i], batch.Observation[i], batch.NextObservation[i]));
            }
        }

        return found;
    }
}
