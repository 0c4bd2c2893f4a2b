using System.Globalization;
using System.Runtime.InteropServices;
using HipiFast.Data;
using HipiFast.Storage;
using Microsoft.Win32.SafeHandles;
using PureHDF;
using PureHDF.Selections;
using PureHDF.VOL.Native;

namespace HipiFast.Formats;

/// <summary>An open HDF5 file. Datasets are found when it is opened, and read where they lie, chunk by chunk.</summary>
internal sealed class Hdf5File : DataFile
{
    private const int MostDepth = 8;
    private const int MostRank = 32;

    // No object of a file takes less; what has more of them goes in circles.
    private const int BytesPerObject = 32;
    private const int FewObjects = 4096;

    // Deflate packs no tighter; a dataset of more is one that nobody has filled.
    private const long LargestRatio = 1032;

    private readonly NativeFile _file;
    private readonly Dictionary<string, Place> _places;
    private readonly int[] _episodes;
    private readonly Dictionary<string, NativeDataset> _opened = [];
    private int _openedEpisode = -1;

    private Hdf5File(string path, DataFormat format, NativeFile file, Contents contents)
        : base(path, format, contents.Columns)
    {
        _file = file;
        _places = contents.Places;
        _episodes = contents.Episodes;
        Unread = contents.Unread;
        Remarks = contents.Remarks;
        Metadata = contents.Metadata;
        EpisodeSteps = contents.Steps;
    }

    /// <summary>Opens a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="format">Its format.</param>
    /// <returns>The file, for the caller to dispose.</returns>
    public static Hdf5File Open(string path, DataFormat format)
    {
        long length;
        using (SafeFileHandle handle = InputFile.OpenHandle(path, Hdf5Format.Kind, out length))
        {
        }

        NativeFile? file = null;
        try
        {
            return DamagedFile.Guard(path, Hdf5Format.Kind, () =>
            {
                file = H5File.OpenRead(path);
                return new Hdf5File(path, format, file, new Contents(path, file, length));
            });
        }
        catch
        {
            file?.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    protected override void ReadCore(DataColumn column, long firstRow, Span<byte> destination)
    {
        Place place = _places[column.Name];
        int rowBytes = checked((int)column.RowBytes);
        if (place.Starts is null)
        {
            Read(column, -1, firstRow, destination);
            return;
        }

        int episode = Array.BinarySearch(place.Starts, firstRow);
        episode = episode < 0 ? ~episode - 1 : episode;
        while (!destination.IsEmpty)
        {
            long left = place.Starts[episode + 1] - firstRow;
            if (left > 0)
            {
                int bytes = (int)Math.Min(destination.Length, left * rowBytes);
                Read(column, episode, firstRow - place.Starts[episode], destination[..bytes]);
                destination = destination[bytes..];
                firstRow += bytes / rowBytes;
            }

            episode++;
        }
    }

    /// <inheritdoc/>
    protected override void Close() => _file.Dispose();

    private unsafe void Read(DataColumn column, int episode, long firstRow, Span<byte> destination)
    {
        // A span does not go into a closure.
        fixed (byte* target = destination)
        {
            nint address = (nint)target;
            int bytes = destination.Length;
            DamagedFile.Guard(Path, Hdf5Format.Kind, () =>
            {
                NativeDataset dataset = Dataset(column, episode);
                Selection selection = new AllSelection();
                if (column.Shape.Count > 0)
                {
                    int rank = column.Shape.Count;
                    ulong[] starts = new ulong[rank],
                        counts = [.. column.Shape.Select(extent => (ulong)extent)];
                    starts[0] = (ulong)firstRow;
                    counts[0] = (ulong)(bytes / column.RowBytes);
                    selection = new HyperslabSelection(rank, starts, counts);
                }

                Read(dataset, column.Type, selection, new Span<byte>((void*)address, bytes));
                return true;
            });
        }
    }

    // By its own type, so that the library sees to the order of bytes or refuses it.
    private static void Read(NativeDataset dataset, ElementType type, Selection selection, Span<byte> target)
    {
        switch (type)
        {
            case ElementType.Float16:
                dataset.Read(MemoryMarshal.Cast<byte, Half>(target), selection);
                break;
            case ElementType.Float32:
                dataset.Read(MemoryMarshal.Cast<byte, float>(target), selection);
                break;
            case ElementType.Float64:
                dataset.Read(MemoryMarshal.Cast<byte, double>(target), selection);
                break;
            case ElementType.Int8:
                dataset.Read(MemoryMarshal.Cast<byte, sbyte>(target), selection);
                break;
            case ElementType.Int16:
                dataset.Read(MemoryMarshal.Cast<byte, short>(target), selection);
                break;
            case ElementType.Int32:
                dataset.Read(MemoryMarshal.Cast<byte, int>(target), selection);
                break;
            case ElementType.Int64:
                dataset.Read(MemoryMarshal.Cast<byte, long>(target), selection);
                break;
            case ElementType.UInt16:
                dataset.Read(MemoryMarshal.Cast<byte, ushort>(target), selection);
                break;
            case ElementType.UInt32:
                dataset.Read(MemoryMarshal.Cast<byte, uint>(target), selection);
                break;
            case ElementType.UInt64:
                dataset.Read(MemoryMarshal.Cast<byte, ulong>(target), selection);
                break;
            default:
                dataset.Read(target, selection);
                break;
        }
    }

    // Those of one episode at a time, whose headers are read once.
    private NativeDataset Dataset(DataColumn column, int episode)
    {
        if (episode != _openedEpisode)
        {
            _opened.Clear();
            _openedEpisode = episode;
        }

        if (!_opened.TryGetValue(column.Name, out NativeDataset? dataset))
        {
            string path = episode < 0
                ? column.Name
                : string.Create(
                    CultureInfo.InvariantCulture, $"{Hdf5Format.EpisodePrefix}{_episodes[episode]}/{column.Name}");
            dataset = (NativeDataset)_file.Dataset(path);
            _opened.Add(column.Name, dataset);
        }

        return dataset;
    }

    /// <summary>Where a column lies.</summary>
    /// <param name="Starts">First row of each episode, then the number of rows; null for one dataset.</param>
    private sealed record Place(long[]? Starts);

    /// <summary>What a file holds.</summary>
    private sealed class Contents
    {
        private readonly string _path;
        private readonly long _mostObjects;
        private readonly long _mostBytes;
        private long _objects;

        public Contents(string path, NativeFile file, long length)
        {
            _path = path;
            _mostObjects = FewObjects + (length / BytesPerObject);
            _mostBytes = checked(LargestRatio * length);
            List<(int Number, NativeGroup Group)> episodes = [];
            foreach (IH5Object child in file.Children())
            {
                Count();
                if (child is NativeGroup group && NumberOf(group.Name) is int number)
                {
                    episodes.Add((number, group));
                }
                else
                {
                    Walk(child, string.Empty, 0, AddFlat);
                }
            }

            ReadMetadata(file);
            episodes.Sort((a, b) => a.Number.CompareTo(b.Number));
            Episodes = [.. episodes.Select(episode => episode.Number)];
            AddEpisodes(episodes);
        }

        public List<DataColumn> Columns { get; } = [];

        public Dictionary<string, Place> Places { get; } = [];

        public Dictionary<string, string> Unread { get; } = [];

        public Dictionary<string, string> Remarks { get; } = [];

        public Dictionary<string, string> Metadata { get; } = [];

        public int[] Episodes { get; }

        public long[] Steps { get; private set; } = [];

        private static int? NumberOf(string name) =>
            name.StartsWith(Hdf5Format.EpisodePrefix, StringComparison.Ordinal) && int.TryParse(
                name.AsSpan(Hdf5Format.EpisodePrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture,
                out int number)
                ? number
                : null;

        private void Count()
        {
            if (++_objects > _mostObjects)
            {
                throw new InvalidDataException($"'{_path}' has groups that contain themselves.");
            }
        }

        private void Walk(IH5Object item, string prefix, int depth, Action<string, NativeDataset> found)
        {
            if (item is NativeDataset dataset)
            {
                found(prefix + dataset.Name, dataset);
            }
            else if (item is NativeGroup group && depth < MostDepth)
            {
                foreach (IH5Object child in group.Children())
                {
                    Count();
                    Walk(child, $"{prefix}{group.Name}/", depth + 1, found);
                }
            }
        }

        private void AddFlat(string name, NativeDataset dataset)
        {
            if (Describe(dataset, _mostBytes, out long[] shape, out string problem) is ElementType type)
            {
                Columns.Add(new DataColumn(name, type, shape));
                Places[name] = new Place((long[]?)null);
            }
            else
            {
                Unread[name] = problem;
            }
        }

        // A dataset of the same name in every episode is one column.
        private void AddEpisodes(List<(int Number, NativeGroup Group)> episodes)
        {
            if (episodes.Count == 0)
            {
                return;
            }

            Dictionary<string, EpisodeColumn> columns = [];
            for (int episode = 0; episode < episodes.Count; episode++)
            {
                foreach (IH5Object child in episodes[episode].Group.Children())
                {
                    Count();
                    Walk(child, string.Empty, 0, (name, dataset) =>
                    {
                        if (!columns.TryGetValue(name, out EpisodeColumn? column))
                        {
                            column = new EpisodeColumn();
                            columns.Add(name, column);
                        }

                        ElementType? type = Describe(dataset, _mostBytes, out long[] shape, out string problem);
                        column.Add(episodes[episode].Number, episode, type, shape, problem);
                    });
                }
            }

            Steps = StepsOf(columns, episodes.Count);
            foreach ((string name, EpisodeColumn column) in columns)
            {
                if (column.Problem(episodes, Steps) is string problem)
                {
                    Unread[name] = problem;
                    continue;
                }

                long[] starts = column.Starts(Steps, out string? remark);
                if (remark is not null)
                {
                    Remarks[name] = remark;
                }

                Columns.Add(new DataColumn(name, column.Type!.Value, [starts[^1], .. column.RowShape!]));
                Places[name] = new Place(starts);
            }
        }

        // An episode has as many steps as actions; where nothing is called so, as its shortest column has rows.
        private static long[] StepsOf(Dictionary<string, EpisodeColumn> columns, int count)
        {
            EpisodeColumn? actions = columns.GetValueOrDefault("actions") ?? columns.GetValueOrDefault("action");
            long[] steps = new long[count];
            for (int episode = 0; episode < count; episode++)
            {
                steps[episode] = actions is not null && actions.Rows.Count == count
                    ? actions.Rows[episode]
                    : columns.Values.Where(column => column.Rows.Count == count)
                        .Select(column => column.Rows[episode]).DefaultIfEmpty(0).Min();
            }

            return steps;
        }

        private void ReadMetadata(NativeFile file)
        {
            const int Longest = 1 << 16;
            foreach (IH5Attribute attribute in file.Attributes())
            {
                Count();
                if (attribute.Type.Class is H5DataTypeClass.String or H5DataTypeClass.VariableLength
                    && attribute.Space.Type == H5DataspaceType.Scalar)
                {
                    string? text = null;
                    try
                    {
                        text = attribute.Read<string>();
                    }
                    catch (Exception error) when (error is not (OutOfMemoryException or InvalidDataException))
                    {
                        // What is said beside the data is not worth a refusal.
                    }

                    if (text is { Length: <= Longest })
                    {
                        Metadata[attribute.Name] = text;
                    }
                }
            }
        }

        private static ElementType? Describe(
            NativeDataset dataset, long mostBytes, out long[] shape, out string problem)
        {
            IH5DataType type = dataset.Type;
            ElementType? found = (type.Class, type.Size) switch
            {
                (H5DataTypeClass.FloatingPoint, 2) => ElementType.Float16,
                (H5DataTypeClass.FloatingPoint, 4) => ElementType.Float32,
                (H5DataTypeClass.FloatingPoint, 8) => ElementType.Float64,
                (H5DataTypeClass.FixedPoint, 1) => type.FixedPoint.IsSigned ? ElementType.Int8 : ElementType.UInt8,
                (H5DataTypeClass.FixedPoint, 2) => type.FixedPoint.IsSigned ? ElementType.Int16 : ElementType.UInt16,
                (H5DataTypeClass.FixedPoint, 4) => type.FixedPoint.IsSigned ? ElementType.Int32 : ElementType.UInt32,
                (H5DataTypeClass.FixedPoint, 8) => type.FixedPoint.IsSigned ? ElementType.Int64 : ElementType.UInt64,

                // h5py's booleans.
                (H5DataTypeClass.Enumerated, 1) => ElementType.Bool,
                _ => null,
            };
            problem = found is null ? $"its type is {type.Class} of {type.Size} bytes" : string.Empty;
            ulong[] dimensions = dataset.Space.Type == H5DataspaceType.Scalar ? [] : dataset.Space.Dimensions;
            shape = [];
            if (dimensions.Length > MostRank || dimensions.Any(extent => extent > long.MaxValue)
                || dataset.Space.Type == H5DataspaceType.Null)
            {
                problem = "its extents are impossible";
                return null;
            }

            shape = [.. dimensions.Select(extent => (long)extent)];
            if (found is ElementType known && (!DataColumn.IsPossible(shape, known)
                || new DataColumn(string.Empty, known, shape) is var column
                && column.Rows > mostBytes / Math.Max(1, column.RowBytes)))
            {
                problem = "its extents are impossible";
                return null;
            }

            return found;
        }
    }

    /// <summary>Datasets of one name, one in each episode.</summary>
    private sealed class EpisodeColumn
    {
        private string? _problem;

        public ElementType? Type { get; private set; }

        public long[]? RowShape { get; private set; }

        public List<long> Rows { get; } = [];

        public void Add(int number, int episode, ElementType? type, long[] shape, string problem)
        {
            if (type is null || shape.Length == 0)
            {
                _problem ??= type is null ? problem : "it is a scalar in each episode";
                return;
            }

            Type ??= type;
            RowShape ??= shape[1..];
            if (Rows.Count != episode)
            {
                _problem ??= $"episode {number} has it and an earlier one has not";
            }
            else if (type != Type || !shape.AsSpan(1).SequenceEqual(RowShape))
            {
                _problem ??= $"its type or shape in episode {number} is another than before";
            }
            else
            {
                Rows.Add(shape[0]);
            }
        }

        public string? Problem(List<(int Number, NativeGroup Group)> episodes, long[] steps)
        {
            if (_problem is not null || Rows.Count < episodes.Count)
            {
                return _problem ?? $"episode {episodes[Rows.Count].Number} has none";
            }

            int other = Enumerable.Range(0, steps.Length).FirstOrDefault(i => Rows[i] - steps[i] is not (0 or 1), -1);
            return other < 0
                ? null
                : FormattableString.Invariant(
                    $"episode {episodes[other].Number} has {Rows[other]} rows of it for {steps[other]} steps; expected ")
                    + "as many, or one more";
        }

        // Where only some episodes have one row more than steps, those are left out.
        public long[] Starts(long[] steps, out string? remark)
        {
            int more = Enumerable.Range(0, steps.Length).Count(i => Rows[i] > steps[i]);
            bool isMixed = more > 0 && more < steps.Length;
            remark = isMixed
                ? FormattableString.Invariant($"has one row more than steps in {more} of {steps.Length} episodes alone, ")
                    + "which are left out"
                : null;
            IReadOnlyList<long> rows = isMixed ? steps : Rows;
            long[] starts = new long[rows.Count + 1];
            for (int episode = 0; episode < rows.Count; episode++)
            {
                starts[episode + 1] = checked(starts[episode] + rows[episode]);
            }

            return starts;
        }
    }
}
