using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Random;
using HipiFast.Replay;
using HipiFast.Storage;
using HipiFast.Testing;

namespace HipiFast.Tests.Replay;

public sealed class TransitionFileTests : IDisposable
{
    // Five rows of state 3, action 2, task 1.
    private const int Rows = 5;
    private static readonly TransitionShape s_shape = new(3, 2, 1);

    private readonly TemporaryDirectory _directory = new();

    private string FilePath => _directory["x.safetensors"];

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void WhatIsSavedIsReadBack()
    {
        using TransitionBatch saved = Batch();
        TransitionFile.Save(FilePath, saved, [0, 0, 1, 1, 1]);
        using TransitionFile file = TransitionFile.Open(FilePath);
        Assert.Equal(s_shape, file.Shape);
        Assert.Equal(Rows, file.Count);
        Assert.True(file.HasEpisodes);
        long[] episodes = new long[Rows];
        file.ReadEpisodes(episodes);
        Assert.Equal([0L, 0L, 1L, 1L, 1L], episodes);
        using TransitionBatch read = file.ReadAll();
        AssertSameRows(saved, 0, read, Rows);
        Assert.Equal(Enumerable.Repeat(-1L, Rows), read.ReplayIndex.ToArray());
    }

    [Fact]
    public void BlocksOfRowsAreTheSameRows()
    {
        using TransitionBatch saved = Batch();
        TransitionFile.Save(FilePath, saved);
        using TransitionFile file = TransitionFile.Open(FilePath);
        Assert.False(file.HasEpisodes);
        using var block = new TransitionBatch(s_shape, 2);
        for (int first = 0; first < Rows; first += 2)
        {
            int count = Math.Min(2, Rows - first);
            file.Read(block, first, count);
            Assert.Equal(count, block.Count);
            AssertSameRows(saved, first, block, count);
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => file.Read(block, 4, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Read(block, -1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Read(block, 0, 3));
        using var narrow = new TransitionBatch(s_shape with { TaskDimension = 2 }, 2);
        Assert.Throws<ArgumentException>(() => file.Read(narrow, 0, 2));
        Assert.Throws<InvalidDataException>(() => file.ReadEpisodes(new long[1]));
    }

    [Fact]
    public void TerminatedMayBeBool()
    {
        Save(terminated: writer => writer.Add<bool>("terminated", [false, true, false, false, true], Rows));
        using TransitionFile file = TransitionFile.Open(FilePath);
        using TransitionBatch batch = file.ReadAll();
        Assert.Equal([0, 1, 0, 0, 1], batch.Terminated.ToArray());
    }

    [Fact]
    public void TerminatedThatIsNeitherZeroNorOne()
    {
        Save(terminated: writer => writer.Add<byte>("terminated", [0, 1, 0, 7, 1], Rows));
        ExpectRead("Tensor 'terminated' of '{0}' holds 7 at row 3; expected 0 or 1.");
    }

    [Theory]
    [InlineData("observation", 7, float.NaN, "NaN at row 2, column 1")]
    [InlineData("observation", 0, float.PositiveInfinity, "an infinity at row 0, column 0")]
    [InlineData("action", 9, float.NegativeInfinity, "an infinity at row 4, column 1")]
    [InlineData("next_observation", 14, float.NaN, "NaN at row 4, column 2")]
    [InlineData("task", 3, float.NaN, "NaN at row 3, column 0")]
    [InlineData("reward", 1, float.NaN, "NaN at row 1")]
    public void NumbersThatAreNotFinite(string tensor, int index, float value, string what)
    {
        Save(change: (name, values) =>
        {
            if (name == tensor)
            {
                values[index] = value;
            }
        });
        ExpectRead($"Tensor '{tensor}' of '{{0}}' holds {what}; expected finite numbers.");
    }

    [Fact]
    public void ARowIsCountedFromTheStartOfTheFileWhenReadInBlocks()
    {
        Save(change: (name, values) =>
        {
            if (name == "observation")
            {
                values[(3 * 3) + 1] = float.NaN;
            }
        });
        using TransitionFile file = TransitionFile.Open(FilePath);
        using var block = new TransitionBatch(s_shape, 2);
        file.Read(block, 0, 2);
        string message = Assert.Throws<InvalidDataException>(() => file.Read(block, 2, 2)).Message;
        Assert.Contains("NaN at row 3, column 1", message);
    }

    [Theory]
    [InlineData("action", 4, 2, "Tensors 'observation' and 'action' of '{0}' disagree: 5 and 4 rows.")]
    [InlineData(
        "next_observation", 6, 3, "Tensors 'observation' and 'next_observation' of '{0}' disagree: 5 and 6 rows.")]
    [InlineData(
        "next_observation", 5, 4, "Tensors 'observation' and 'next_observation' of '{0}' disagree: 3 and 4 columns.")]
    [InlineData("task", 1, 1, "Tensors 'observation' and 'task' of '{0}' disagree: 5 and 1 rows.")]
    [InlineData("task", 5, 0, "Tensor 'task' of '{0}' has 0 columns; expected 1 to 2147483647.")]
    [InlineData("reward", 4, 0, "Tensors 'observation' and 'reward' of '{0}' disagree: 5 and 4 rows.")]
    public void ShapesThatDisagree(string tensor, int rows, int columns, string sentence)
    {
        Save(shape: name => name == tensor ? (rows, columns) : null);
        ExpectOpen(sentence);
    }

    [Fact]
    public void TerminatedAndEpisodesMustAgreeToo()
    {
        Save(terminated: writer => writer.Add<byte>("terminated", [0, 0], 2));
        ExpectOpen("Tensors 'observation' and 'terminated' of '{0}' disagree: 5 and 2 rows.");
        Save(terminated: writer =>
        {
            writer.Add<byte>("terminated", new byte[Rows], Rows);
            writer.Add<long>("episode", [1], 1);
        });
        ExpectOpen("Tensors 'observation' and 'episode' of '{0}' disagree: 5 and 1 rows.");
        Save(terminated: writer => writer.Add<float>("terminated", new float[Rows], Rows));
        ExpectOpen(
            "Tensor 'terminated' of '{0}' is F32; expected U8: cast it with .astype(numpy.uint8) or .to(torch.uint8).");
        Save(terminated: static writer => { });
        Assert.Contains("has no tensor 'terminated'", Assert.Throws<InvalidDataException>(
            () => TransitionFile.Open(FilePath)).Message);
    }

    [Fact]
    public void AFileWithoutRows()
    {
        Save(shape: name => (
            0, name switch { "action" => 2, "task" => 1, _ => 3 }), terminated: w => w.Add<byte>("terminated", [], 0));
        ExpectOpen("'{0}' has no transitions: tensor 'observation' has 0 rows.");
    }

    [Fact]
    public void SaveChecksItsArguments()
    {
        using TransitionBatch batch = Batch();
        Assert.Throws<ArgumentException>(() => TransitionFile.Save(FilePath, batch, [1, 2]));
        batch.Count = 0;
        Assert.Throws<ArgumentException>(() => TransitionFile.Save(FilePath, batch));
        Assert.False(File.Exists(FilePath));
    }

    [Fact]
    public void CandidateTasksAreAMatrix()
    {
        var writer = new SafetensorsWriter();
        writer.Add<float>("task", [1f, 2f, 3f, 4f, 5f, 6f], 3, 2);
        writer.Save(FilePath);
        using NativeBuffer<float> tasks = TransitionFile.LoadTasks(FilePath, 2);
        Assert.Equal([1f, 2f, 3f, 4f, 5f, 6f], tasks.Span.ToArray());
        Assert.Equal(
            $"Tensor 'task' of '{FilePath}' has shape [3, 2]; expected [*, 4].",
            Assert.Throws<InvalidDataException>(() => TransitionFile.LoadTasks(FilePath, 4)).Message);
    }

    [Fact]
    public void NoCandidateTasks()
    {
        var writer = new SafetensorsWriter();
        writer.Add<float>("task", [], 0, 2);
        writer.Save(FilePath);
        Assert.Equal(
            $"Tensor 'task' of '{FilePath}' is empty; expected candidate tasks [K, P].",
            Assert.Throws<InvalidDataException>(() => TransitionFile.LoadTasks(FilePath)).Message);
    }

    [Fact]
    public void CandidateTasksMayHaveAPrior()
    {
        Save();
        Assert.Empty(TransitionFile.LoadLogPrior(FilePath, 2));
        Save(0f, float.NegativeInfinity);
        Assert.Equal([0f, float.NegativeInfinity], TransitionFile.LoadLogPrior(FilePath, 2));
        Refused(3, "has shape [2]; expected [3]", 0f, 0f);
        Refused(2, "holds NaN at row 1", 0f, float.NaN);
        Refused(2, "holds +infinity at row 0", float.PositiveInfinity, 0f);
        Refused(1, "excludes every task", float.NegativeInfinity);

        void Save(params float[] logPrior)
        {
            SafetensorsWriter writer = new();
            writer.Add<float>("task", [1f, 2f], 2, 1);
            if (logPrior.Length > 0)
            {
                writer.Add<float>("log_prior", logPrior, logPrior.Length);
            }

            writer.Save(FilePath);
        }

        void Refused(int count, string message, params float[] logPrior)
        {
            Save(logPrior);
            string found = Assert.Throws<InvalidDataException>(
                () => TransitionFile.LoadLogPrior(FilePath, count)).Message;
            Assert.StartsWith($"Tensor 'log_prior' of '{FilePath}'", found, StringComparison.Ordinal);
            Assert.Contains(message, found, StringComparison.Ordinal);
        }
    }

    private static TransitionBatch Batch()
    {
        var batch = new TransitionBatch(s_shape, Rows) { Count = Rows };
        Fill(batch.Observation, 1);
        Fill(batch.Action, 2);
        Fill(batch.NextObservation, 3);
        Fill(batch.Task, 4);
        Fill(batch.Reward, 5);
        batch.Terminated[1] = 1;
        batch.Terminated[4] = 1;
        return batch;
    }

    private static void Fill(Span<float> values, uint which)
    {
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = Philox.ToUniform(Philox.Next((uint)i, which, 0, (uint)RandomPurpose.SyntheticData, 1).X) - 0.5f;
        }
    }

    private static void AssertSameRows(TransitionBatch expected, int first, TransitionBatch actual, int count)
    {
        Assert.Equal(expected.Observation.Slice(first * 3, count * 3).ToArray(), actual.Observation.ToArray());
        Assert.Equal(expected.Action.Slice(first * 2, count * 2).ToArray(), actual.Action.ToArray());
        Assert.Equal(expected.NextObservation.Slice(first * 3, count * 3).ToArray(), actual.NextObservation.ToArray());
        Assert.Equal(expected.Task.Slice(first, count).ToArray(), actual.Task.ToArray());
        Assert.Equal(expected.Reward.Slice(first, count).ToArray(), actual.Reward.ToArray());
        Assert.Equal(expected.Terminated.Slice(first, count).ToArray(), actual.Terminated.ToArray());
    }

    /// <summary>
    /// Writes a good file with something changed: values, the rows and columns of a tensor, or what stands for
    /// terminated.
    /// </summary>
    private void Save(
        Action<string, float[]>? change = null, Func<string, (int Rows, int Columns)?>? shape = null,
        Action<SafetensorsWriter>? terminated = null)
    {
        var writer = new SafetensorsWriter();
        void Add(string name, int columns)
        {
            (int rows, int width) = shape?.Invoke(name) ?? (Rows, columns);
            bool isVector = columns == 0;
            float[] values = new float[rows * (isVector ? 1 : width)];
            change?.Invoke(name, values);
            writer.Add<float>(name, values, isVector ? [rows] : [rows, width]);
        }

        Add("observation", 3);
        Add("action", 2);
        Add("next_observation", 3);
        Add("task", 1);
        Add("reward", 0);
        (terminated ?? (w => w.Add<byte>("terminated", new byte[Rows], Rows)))(writer);
        writer.Save(FilePath);
    }

    private void ExpectOpen(string sentence) => Assert.Equal(
        sentence.Replace("{0}", FilePath),
        Assert.Throws<InvalidDataException>(() => TransitionFile.Open(FilePath)).Message);

    private void ExpectRead(string sentence)
    {
        using TransitionFile file = TransitionFile.Open(FilePath);
        Assert.Equal(
            sentence.Replace("{0}", FilePath), Assert.Throws<InvalidDataException>(() => file.ReadAll()).Message);
    }
}
