using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Storage;
using HipiFast.Testing;

namespace HipiFast.Tests.Replay;

/// <summary>Whatever the schema lists, a batch copies, saves, loads and checks.</summary>
public sealed unsafe class TransitionBatchTests : IDisposable
{
    private const int Rows = 5;
    private static readonly TransitionShape s_shape = new(3, 2, 4);

    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void TheSchemaSaysWhatFilesHaveAlwaysHeld() => Assert.Equal(
        [
            "observation Float32 3 matrix Transition", "action Float32 2 matrix Transition",
            "next_observation Float32 3 matrix Transition", "task Float32 4 matrix Task",
            "reward Float32 1 vector Outcome",
            "terminated UInt8 1 vector Outcome",
        ],
        TransitionBatch.Schema.Where(column => column.IsStored).Select(column =>
            $"{column.Name} {column.Type} {column.Width(s_shape)} {(column.IsMatrix ? "matrix" : "vector")} "
            + $"{column.Owner}"));

    [Fact]
    public void AWrappedBatchIsItsOwnersMemory()
    {
        using TransitionBatch owner = RelabelData.Batch(Rows), twin = RelabelData.Batch(Rows);
        TransitionAddresses columns = new()
        {
            Observation = (float*)owner.Pointer(TransitionBatch.ObservationColumn),
            Action = (float*)owner.Pointer(TransitionBatch.ActionColumn),
            NextObservation = (float*)owner.Pointer(TransitionBatch.NextObservationColumn),
            Task = owner.TaskPointer,
            Reward = owner.RewardPointer,
            Terminated = owner.TerminatedPointer,
        };
        TransitionBatch wrapped = TransitionBatch.Wrap(RelabelData.Shape, columns, Rows);
        Assert.Equal(RelabelData.Contents(owner), RelabelData.Contents(wrapped));
        using Relabeler relabeler = new(RelabelData.GoalFamily, null, new RelabelOptions { RelabelFraction = 1 });
        float[] softQ = [.. Enumerable.Range(0, Rows * Rows).Select(i => (float)(i % 7))];
        relabeler.RelabelBySoftQ(wrapped, softQ);
        relabeler.Call = 0;
        relabeler.RelabelBySoftQ(twin, softQ);
        Assert.Equal(RelabelData.Contents(twin), RelabelData.Contents(owner));

        // Other rows, and a column that nobody gives: in memory of the batch's own, which is not the last owner's.
        wrapped.Rewrap(columns with { Reward = null }, 2);
        wrapped.Reward.Fill(7);
        Assert.Equal(2, wrapped.Count);
        Assert.DoesNotContain(7f, owner.Reward.ToArray());
        wrapped.Rewrap(columns, Rows);
        Assert.Equal(RelabelData.Contents(owner), RelabelData.Contents(wrapped));
        wrapped.Dispose();
        Assert.Equal(RelabelData.Contents(twin), RelabelData.Contents(owner));
        Assert.Throws<ObjectDisposedException>(() => wrapped.Rewrap(columns, Rows));
    }

    [Fact]
    public void CopyAndCheckpointCarryEveryColumn()
    {
        using TransitionBatch batch = Filled(1), loaded = new(s_shape, Rows + 1);
        using TransitionBatch copy = batch.Copy();
        SafetensorsWriter writer = new();
        batch.SaveState(writer, "pool.");
        writer.Save(_directory["x"]);
        using SafetensorsFile file = SafetensorsFile.Open(_directory["x"]);
        loaded.LoadState(file, "pool.", Rows);
        foreach (TransitionColumn column in TransitionBatch.Schema)
        {
            Assert.Equal(Bytes(batch, column), Bytes(copy, column));
            if (column.IsStored)
            {
                Assert.Equal(Bytes(batch, column), Bytes(loaded, column));
            }
        }

        Assert.Throws<InvalidDataException>(() => loaded.LoadState(file, "pool.", Rows + 1));
        Assert.Throws<InvalidDataException>(() => loaded.LoadState(file, string.Empty, Rows));
    }

    [Fact]
    public void ATransitionTakesWithItWhatBelongsToItAlone()
    {
        using TransitionBatch source = Filled(1), target = Filled(2), before = Filled(2);
        source.CopyTransition(4, target, 1);
        foreach (TransitionColumn column in TransitionBatch.Schema)
        {
            int rowBytes = (int)column.RowBytes(s_shape);
            byte[] expected = Bytes(before, column);
            if (column.Owner == ColumnOwner.Transition)
            {
                Bytes(source, column).AsSpan(4 * rowBytes, rowBytes).CopyTo(expected.AsSpan(rowBytes));
            }

            Assert.Equal(expected, Bytes(target, column));
        }
    }

    [Fact]
    public void EveryFloatMustBeFinite()
    {
        foreach (TransitionColumn column in TransitionBatch.Schema.Where(column => column.IsFinite))
        {
            using TransitionBatch batch = Filled(1);
            int last = column.Width(s_shape) - 1;
            ((float*)batch.Pointer(column))[(3 * column.Width(s_shape)) + last] = float.PositiveInfinity;
            NonFiniteEntry expected = new(column, 3, last, float.PositiveInfinity);
            Assert.Equal(expected, batch.FindNonFinite(0, Rows, withOutcome: true));
            Assert.Equal(expected, batch.FindNonFinite(3, 1, withOutcome: true));
            Assert.Null(batch.FindNonFinite(0, 3, withOutcome: true));
            Assert.Null(batch.FindNonFinite(4, 1, withOutcome: true));
            Assert.Equal(column.Owner == ColumnOwner.Outcome, batch.FindNonFinite(0, Rows, withOutcome: false) is null);
            SafetensorsWriter writer = new();
            batch.SaveState(writer, string.Empty);
            writer.Save(_directory["x"]);
            using SafetensorsFile file = SafetensorsFile.Open(_directory["x"]);
            Assert.Contains(
                $"'{column.Name}'",
                Assert.Throws<InvalidDataException>(() => batch.LoadState(file, string.Empty, Rows)).Message,
                StringComparison.Ordinal);
        }
    }

    private static TransitionBatch Filled(int seed)
    {
        TransitionBatch batch = new(s_shape, Rows) { Count = Rows };
        foreach (TransitionColumn column in TransitionBatch.Schema)
        {
            int bytes = Rows * (int)column.RowBytes(s_shape);
            for (int i = 0; i < bytes; i++)
            {
                // Exponents of floats stay below those of infinities; flags are 0 or 1.
                batch.Pointer(column)[i] = (byte)(((31 * i) + seed + column.Index) % (column.IsFlag ? 2 : 63));
            }
        }

        return batch;
    }

    private static byte[] Bytes(TransitionBatch batch, TransitionColumn column)
    {
        byte[] bytes = new byte[batch.Count * column.RowBytes(s_shape)];
        fixed (byte* target = bytes)
        {
            batch.CopyTo(column, target);
        }

        return bytes;
    }
}
