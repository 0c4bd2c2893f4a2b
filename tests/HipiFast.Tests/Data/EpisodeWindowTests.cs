using HipiFast.Data;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Testing;

namespace HipiFast.Tests.Data;

/// <summary>Goals reached later, found in a file.</summary>
public sealed class EpisodeWindowTests : IDisposable
{
    private const int Rows = 60;

    private static readonly int[] s_ends = [6, 7, 30, 31, 45, 59];

    private readonly TemporaryDirectory _directory = new();

    private string Path => _directory["x.npz"];

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(RelabelStrategy.Final, 0)]
    [InlineData(RelabelStrategy.Future, 0)]
    [InlineData(RelabelStrategy.Future, 3)]
    public void GoalsAreNextStatesOfTheSameEpisodeWhateverTheBlocks(RelabelStrategy strategy, int horizon)
    {
        Write();
        using TransitionReader reader = TransitionReader.Open(Path);
        foreach (int block in (int[])[Rows, 7, 1])
        {
            using EpisodeWindow window = new(reader, reader.Shape(2));
            using Relabeler relabeler = new(RelabelData.GoalFamily, null, new RelabelOptions
            {
                Strategy = strategy, FutureHorizon = horizon, RelabelFraction = 1,
            });
            using TransitionBatch batch = new(reader.Shape(2), block);
            long[] rowOf = new long[block];
            HashSet<long> ahead = [];
            for (long first = 0; first < Rows; first += block)
            {
                int count = reader.Read(batch, first, (int)Math.Min(block, Rows - first), rowOf);
                relabeler.Relabel(batch, window.MoveTo(batch, rowOf, strategy == RelabelStrategy.Final ? 0 : horizon));
                for (int i = 0; i < count; i++)
                {
                    // The next state of row r begins with r + 1.
                    long reached = (long)batch.Task[i * 2] - 1, end = s_ends.First(last => last >= rowOf[i]);
                    ahead.Add(reached - rowOf[i]);
                    Assert.InRange(
                        reached, strategy == RelabelStrategy.Final ? end : rowOf[i],
                        horizon == 0 ? end : Math.Min(end, rowOf[i] + horizon - 1));
                }
            }

            Assert.Equal(horizon == 0 ? 10 : 3, Math.Min(10, ahead.Count));
        }
    }

    [Fact]
    public void AFileWithoutEpisodesIsRefused()
    {
        DataArrays.Write(
            Path, DataArrays.Of("observation", new float[6], 2, 3), DataArrays.Of("action", new float[2], 2, 1),
            DataArrays.Of("next_observation", new float[6], 2, 3), DataArrays.Of("terminated", new byte[2]));
        using TransitionReader reader = TransitionReader.Open(Path);
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => new EpisodeWindow(reader, reader.Shape(2)));
        Assert.Contains("does not say which episode", error.Message, StringComparison.Ordinal);
    }

    private void Write()
    {
        float[] states = new float[Rows * 3], next = new float[Rows * 3];
        byte[] timeouts = new byte[Rows];
        for (int row = 0; row < Rows; row++)
        {
            states[row * 3] = row;
            next[row * 3] = row + 1;
            timeouts[row] = s_ends.Contains(row) ? (byte)1 : (byte)0;
        }

        DataArrays.Write(
            Path, DataArrays.Of("observations", states, Rows, 3), DataArrays.Of("actions", new float[Rows], Rows, 1),
            DataArrays.Of("next_observations", next, Rows, 3), DataArrays.Of("timeouts", timeouts),

            // Ends of the commanded task, which no goal of another minds.
            DataArrays.Of("terminals", [.. Enumerable.Range(0, Rows).Select(row => row == 20 ? (byte)1 : (byte)0)]),
            DataArrays.Of("episode", [.. Enumerable.Range(0, Rows).Select(row => (long)s_ends.Count(end => end < row))]));
    }
}
