using System.Runtime.CompilerServices;
using HipiFast.Kernels.Backends;
using HipiFast.Learning;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Storage;
using HipiFast.Testing;

namespace HipiFast.Kernels.Ilgpu.Tests.Replay;

/// <summary>
/// What <see cref="FurtherColumnTests"/> runs in a process whose schema is longer: a float, flags of every entry of a
/// state, and a 64-bit number for every row.
/// </summary>
public static unsafe class FurtherColumns
{
    /// <summary>Transitions of a file, or of a ring that has gone around.</summary>
    public const int Rows = 12;

    /// <summary>A file of transitions without the further columns.</summary>
    public const string FileName = "old.safetensors";

    /// <summary>A checkpoint without them.</summary>
    public const string CheckpointName = "old-checkpoint.safetensors";

    /// <summary>Argument of <see cref="Main"/>: what carries the columns along.</summary>
    public const string CarryWhat = "carry";

    /// <summary>Argument of <see cref="Main"/>: what stands for columns that a file lacks.</summary>
    public const string DefaultsWhat = "defaults";

    /// <summary>Widths.</summary>
    public static TransitionShape Shape { get; } = new(3, 2, 2);

    /// <summary>Entry point of the process.</summary>
    /// <param name="arguments">What to check, and a folder for files.</param>
    /// <returns>0; an assertion that fails ends the process.</returns>
    public static int Main(string[] arguments)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        (string what, string directory) = (arguments[0], arguments[1]);
        Assert.Equal(3, Further.Columns.Length);
        if (what == DefaultsWhat)
        {
            HaveDefaults(directory);
            return 0;
        }

        AreReplayed();
        AreSavedAndLoaded(directory);
        AreRelabeledAlong();
        return 0;
    }

    /// <summary>A ring on the host and its copy on a device draw every column alike, and as it was appended.</summary>
    private static void AreReplayed()
    {
        using ComputeSession session = new IlgpuBackend().CreateSession(new SessionOptions(Device: DeviceInfo.Cpu));
        using TransitionBatch all = Batch(1, 3 * Rows), expected = new(Shape, 20);
        ReplayBuffer host = new(Shape, Rows);
        using (TransitionBatch first = Batch(1, 2 * Rows))
        {
            host.AppendEpisode(first);
        }

        // The last part comes by vector steps.
        using ResidentReplay replay = new(session.Transitions!, host);
        using TransitionBatch step = new(Shape, 1) { Count = 1 };
        for (int row = 2 * Rows; row < 3 * Rows; row++)
        {
            foreach (TransitionColumn column in TransitionBatch.Schema.Where(column => column.IsStored))
            {
                Row(all, column, row).CopyTo(Row(step, column, 0));
            }

            replay.Append(step, [0]);
        }

        using ITransitionBatch batch = replay.CreateBatch(20);
        for (uint call = 0; call < 3; call++)
        {
            host.Sample(expected, 20, 5, call);
            replay.Sample(batch, 20, 5, call);
            AssertSame(expected, batch.ToHost(), TransitionBatch.Schema);
            for (int row = 0; row < 20; row++)
            {
                foreach (TransitionColumn column in TransitionBatch.Schema.Where(column => column.IsStored))
                {
                    Assert.Equal(
                        Row(all, column, (int)expected.ReplayIndex[row]).ToArray(),
                        Row(expected, column, row).ToArray());
                }
            }
        }
    }

    /// <summary>Files and checkpoints keep every column.</summary>
    private static void AreSavedAndLoaded(string directory)
    {
        string path = Path.Combine(directory, "x");
        using TransitionBatch batch = Batch(1, Rows), other = new(Shape, Rows), sampled = new(Shape, 30),
            restored = new(Shape, 30);
        using ReplayBuffer replay = new(Shape, Rows), again = new(Shape, Rows);
        TransitionFile.Save(path, batch);
        using (TransitionFile file = TransitionFile.Open(path))
        using (TransitionBatch read = file.ReadAll())
        {
            AssertSame(batch, read, Stored());
        }

        replay.AppendEpisode(batch);
        SafetensorsWriter writer = new();
        replay.SaveState(writer, "replay.");
        batch.SaveState(writer, "batch.");
        writer.Save(path);
        using (SafetensorsFile file = SafetensorsFile.Open(path))
        {
            again.LoadState(file, "replay.");
            other.LoadState(file, "batch.", Rows);
        }

        AssertSame(batch, other, Stored());
        replay.Sample(sampled, 30, 1, 2);
        again.Sample(restored, 30, 1, 2);
        AssertSame(sampled, restored, TransitionBatch.Schema);
    }

    /// <summary>A relabel call, on the host or on a device, leaves alone what says nothing of tasks.</summary>
    private static void AreRelabeledAlong()
    {
        using ComputeSession session = new IlgpuBackend().CreateSession(new SessionOptions(Device: DeviceInfo.Cpu));
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using TransitionBatch batch = RelabelData.Batch(Rows), before = batch.Copy();
        using Relabeler relabeler = new(session, RelabelData.GoalFamily, agent, new RelabelOptions());
        ReplayBuffer host = new(batch.Shape, Rows);
        host.AppendEpisode(batch);
        using ResidentReplay replay = new(session.Transitions!, host);
        using ITransitionBatch resident = replay.CreateBatch(Rows);
        replay.Sample(resident, Rows, 1, 1);
        using TransitionBatch drawn = resident.ToHost().Copy();
        relabeler.Relabel(batch);
        relabeler.Relabel(resident);
        TransitionColumn[] unchanged =
            [.. TransitionBatch.Schema.Where(column => column.Owner == ColumnOwner.Transition)];
        AssertSame(before, batch, unchanged);
        AssertSame(drawn, resident.ToHost(), unchanged);
    }

    /// <summary>What was written before the columns were there reads as if it held their defaults.</summary>
    private static void HaveDefaults(string directory)
    {
        TransitionColumn[] added = Further.Columns;
        using TransitionBatch expected = Batch(1, Rows), loaded = new(Shape, Rows), sampled = new(Shape, Rows);
        foreach (TransitionColumn column in added)
        {
            column.FillDefault(expected.Pointer(column), Rows * column.Width(Shape));
        }

        using (TransitionBatch fresh = new(Shape, Rows) { Count = Rows })
        {
            AssertSame(expected, fresh, added);
        }

        Assert.Equal([0, 0, 0x80, 0x3f], Row(expected, added[0], Rows - 1).ToArray());
        Assert.Equal([1, 1, 1], Row(expected, added[1], Rows - 1).ToArray());
        Assert.Equal([.. Enumerable.Repeat((byte)255, 8)], Row(expected, added[2], Rows - 1).ToArray());
        using (TransitionFile file = TransitionFile.Open(Path.Combine(directory, FileName)))
        using (TransitionBatch read = file.ReadAll())
        {
            AssertSame(expected, read, Stored());

            // A batch that held something else.
            using TransitionBatch other = Batch(2, Rows);
            file.Read(other, 0, Rows);
            AssertSame(expected, other, Stored());
        }

        using ReplayBuffer replay = new(Shape, Rows);
        using (SafetensorsFile file = SafetensorsFile.Open(Path.Combine(directory, CheckpointName)))
        {
            replay.LoadState(file, "replay.");
            loaded.LoadState(file, "batch.", Rows);
        }

        AssertSame(expected, loaded, Stored());
        replay.Read(0, sampled);
        AssertSame(expected, sampled, Stored());
    }

    /// <summary>Transitions whose every byte of every column follows from a seed.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="rows">Transitions.</param>
    /// <returns>The batch; dispose it.</returns>
    internal static TransitionBatch Batch(int seed, int rows)
    {
        TransitionBatch batch = new(Shape, rows) { Count = rows };
        foreach (TransitionColumn column in Stored())
        {
            Span<byte> bytes = new(batch.Pointer(column), rows * (int)column.RowBytes(Shape));
            for (int i = 0; i < bytes.Length; i++)
            {
                // Exponents of floats stay below those of infinities; flags are 0 or 1.
                bytes[i] = (byte)(((31 * i) + (7 * seed) + (i / 5) + column.Name.Length) % (column.IsFlag ? 2 : 63));
            }
        }

        return batch;
    }

    private static TransitionColumn[] Stored() => [.. TransitionBatch.Schema.Where(column => column.IsStored)];

    private static Span<byte> Row(TransitionBatch batch, TransitionColumn column, int row)
    {
        int bytes = (int)column.RowBytes(batch.Shape);
        return new Span<byte>(batch.Pointer(column) + (row * bytes), bytes);
    }

    private static void AssertSame(
        TransitionBatch expected, TransitionBatch found, IEnumerable<TransitionColumn> columns,
        [CallerArgumentExpression(nameof(found))] string what = "")
    {
        Assert.Equal(expected.Count, found.Count);
        foreach (TransitionColumn column in columns)
        {
            for (int row = 0; row < expected.Count; row++)
            {
                Assert.True(
                    Row(expected, column, row).SequenceEqual(Row(found, column, row)),
                    $"{column.Name} of row {row} of {what} is not what was expected.");
            }
        }
    }

    /// <summary>The further columns; in the schema from the first time that they are asked for.</summary>
    private static class Further
    {
        static Further() => Columns =
        [
            TransitionBatch.Add(
                "further_number", TensorType.Float32, ColumnExtent.One, ColumnOwner.Transition, defaultValue: 1f),
            TransitionBatch.Add(
                "further_flags", TensorType.UInt8, ColumnExtent.Observation, ColumnOwner.Transition, defaultValue: 1f),
            TransitionBatch.Add(
                "further_count", TensorType.Int64, ColumnExtent.One, ColumnOwner.Transition, defaultValue: -1f),
        ];

        public static TransitionColumn[] Columns { get; }
    }
}
