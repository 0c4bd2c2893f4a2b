using System.Runtime.InteropServices;
using HipiFast.Data;
using HipiFast.Storage;
using PureHDF;
using PureHDF.Selections;

namespace HipiFast.Formats;

/// <summary>HDF5: flat files (D4RL), or a group for each episode (Minari).</summary>
internal sealed class Hdf5Format : DataFormat
{
    /// <summary>What errors call such a file.</summary>
    public const string Kind = "HDF5 file";

    /// <summary>What the name of an episode's group begins with; its number follows.</summary>
    public const string EpisodePrefix = "episode_";

    private const int BlockBytes = 1 << 20;

    /// <inheritdoc/>
    public override string Name => "hdf5";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Extensions { get; } = [".hdf5", ".h5"];

    /// <inheritdoc/>
    public override string ColumnNoun => "Dataset";

    /// <inheritdoc/>
    public override bool Matches(ReadOnlySpan<byte> first) =>
        first.StartsWith((ReadOnlySpan<byte>)[0x89, .. "HDF\r\n"u8, 0x1A, .. "\n"u8]);

    /// <inheritdoc/>
    public override DataFile Open(string path) => Hdf5File.Open(path, this);

    /// <inheritdoc/>
    public override void Write(string path, DataTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        H5File file = new();
        foreach ((string name, string text) in table.Metadata)
        {
            file.Attributes[name] = text;
        }

        List<Action<H5NativeWriter>> content = [];
        if (table.EpisodeSteps.Count == 0)
        {
            foreach (DataSource source in table.Columns.Concat(table.Extras))
            {
                Add(file, source, 0, source.Column.Rows, content);
            }
        }
        else
        {
            AddEpisodes(file, table, content);
        }

        AtomicFile.Write(path, stream =>
        {
            using H5NativeWriter writer = file.BeginWrite(stream);
            content.ForEach(write => write(writer));
        });
    }

    private static void AddEpisodes(H5File file, DataTable table, List<Action<H5NativeWriter>> content)
    {
        file.Attributes["total_episodes"] = (long)table.EpisodeSteps.Count;
        file.Attributes["total_steps"] = table.Rows;
        long first = 0;
        for (int episode = 0; episode < table.EpisodeSteps.Count; episode++)
        {
            long steps = table.EpisodeSteps[episode];
            H5Group group = new();
            group.Attributes["id"] = (long)episode;
            group.Attributes["total_steps"] = steps;
            file[$"{EpisodePrefix}{episode}"] = group;
            foreach (DataSource source in table.Columns)
            {
                bool isOfStates = source.Column.Rows == table.Rows + table.EpisodeSteps.Count;
                Add(group, source, first + (isOfStates ? episode : 0), steps + (isOfStates ? 1 : 0), content);
            }

            first += steps;
        }

        foreach (DataSource source in table.Extras)
        {
            Add(file, source, 0, source.Column.Rows, content);
        }
    }

    // Makes the groups of a path and the dataset at its end, and says how it is filled later.
    private static void Add(
        H5Group parent, DataSource source, long first, long rows, List<Action<H5NativeWriter>> content)
    {
        string[] parts = source.Column.Name.Split('/', StringSplitOptions.RemoveEmptyEntries);
        foreach (string part in parts[..^1])
        {
            if (!parent.TryGetValue(part, out object? next) || next is not H5Group)
            {
                next = new H5Group();
                parent[part] = next;
            }

            parent = (H5Group)next;
        }

        DataColumn column = source.Column;
        ulong[] shape = column.Shape.Count == 0
            ? []
            : [(ulong)rows, .. column.Shape.Skip(1).Select(extent => (ulong)extent)];
        (object dataset, Action<H5NativeWriter> fill) = column.Type switch
        {
            ElementType.Float16 => Make<Half>(source, first, rows, shape),
            ElementType.Float32 => Make<float>(source, first, rows, shape),
            ElementType.Float64 => Make<double>(source, first, rows, shape),
            ElementType.Int8 => Make<sbyte>(source, first, rows, shape),
            ElementType.Int16 => Make<short>(source, first, rows, shape),
            ElementType.Int32 => Make<int>(source, first, rows, shape),
            ElementType.Int64 => Make<long>(source, first, rows, shape),
            ElementType.UInt16 => Make<ushort>(source, first, rows, shape),
            ElementType.UInt32 => Make<uint>(source, first, rows, shape),
            ElementType.UInt64 => Make<ulong>(source, first, rows, shape),

            // h5py's booleans are an enumeration, which this library does not write.
            ElementType.UInt8 or ElementType.Bool => Make<byte>(source, first, rows, shape),
            _ => throw new ArgumentException($"HDF5 files hold no {ElementTypes.Name(column.Type)}: '{column.Name}'."),
        };
        parent[parts[^1]] = dataset;
        content.Add(fill);
    }

    private static (object Dataset, Action<H5NativeWriter> Fill) Make<T>(
        DataSource source, long first, long rows, ulong[] shape)
        where T : unmanaged
    {
        H5Dataset<T[]> dataset = new(fileDims: shape);
        return (dataset, writer =>
        {
            long rowBytes = source.Column.RowBytes;
            if (rows == 0 || rowBytes == 0)
            {
                return;
            }

            int width = (int)source.Column.Width, rank = shape.Length;
            int most = (int)Math.Clamp(BlockBytes / rowBytes, 1, rows);
            T[] block = new T[most * width];
            for (long done = 0; done < rows; done += most)
            {
                int count = (int)Math.Min(most, rows - done);
                Array.Resize(ref block, count * width);
                source.Read(first + done, MemoryMarshal.AsBytes(block.AsSpan()));
                if (rank == 0)
                {
                    writer.Write(dataset, block);
                    continue;
                }

                ulong[] starts = new ulong[rank], counts = [.. shape];
                starts[0] = (ulong)done;
                counts[0] = (ulong)count;
                writer.Write(dataset, block, fileSelection: new HyperslabSelection(rank, starts, counts));
            }
        });
    }
}
