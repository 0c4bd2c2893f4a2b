using HipiFast.Kernels.Memory;
using HipiFast.Storage;

namespace HipiFast.Data;

/// <summary>
/// An open file of arrays with equally many rows, whatever its format: what is in it, and rows of it as they stand.
/// </summary>
/// <remarks>
/// Opening reads what the file says of itself and no rows. Rows are read a block at a time, best in their order, so
/// that
/// no file has to fit in memory. Nothing in a file is trusted: what breaks its format is an
/// <see cref="InvalidDataException"/> of one sentence. One thread at a time uses a file.
/// </remarks>
public abstract class DataFile : IDisposable
{
    private readonly Dictionary<string, DataColumn> _byName = new(StringComparer.Ordinal);
    private UseGuard _use;

    /// <summary>Makes a file of what its header says.</summary>
    /// <param name="path">The path as it was given.</param>
    /// <param name="format">The format.</param>
    /// <param name="columns">Arrays that can be read.</param>
    protected DataFile(string path, DataFormat format, IReadOnlyList<DataColumn> columns)
    {
        ArgumentNullException.ThrowIfNull(columns);
        Path = path;
        Format = format;
        Columns = columns;
        foreach (DataColumn column in columns)
        {
            if (!_byName.TryAdd(column.Name, column))
            {
                throw new InvalidDataException($"'{path}' has {FileMessages.Cut(column.Name)} twice.");
            }
        }
    }

    /// <summary>The path as it was given.</summary>
    public string Path { get; }

    /// <summary>The format.</summary>
    public DataFormat Format { get; }

    /// <summary>The arrays that can be read, in the order of the file.</summary>
    public IReadOnlyList<DataColumn> Columns { get; }

    /// <summary>Names of what the file has besides, each with the reason why it is not read.</summary>
    public IReadOnlyDictionary<string, string> Unread { get; protected init; } = new Dictionary<string, string>();

    /// <summary>What is odd about a column that is read all the same, in a few words that follow its name.</summary>
    public IReadOnlyDictionary<string, string> Remarks { get; protected init; } = new Dictionary<string, string>();

    /// <summary>Text that the file carries, by name.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; protected init; } = new Dictionary<string, string>();

    /// <summary>
    /// Steps T of each episode, where the file keeps every episode apart; else empty. A column may have one row more in
    /// every episode: the states before and after each step.
    /// </summary>
    public IReadOnlyList<long> EpisodeSteps { get; protected init; } = [];

    /// <summary>Finds a column.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>The column, or null.</returns>
    public DataColumn? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>Reads whole rows as they stand in the file.</summary>
    /// <param name="column">One of <see cref="Columns"/>.</param>
    /// <param name="firstRow">First row.</param>
    /// <param name="destination">
    /// Receives elements of the column's type, little-endian and row-major; its length in rows is how many are read.
    /// </param>
    /// <exception cref="ArgumentException">The rows are not in the column, or not whole.</exception>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public void ReadRows(DataColumn column, long firstRow, Span<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(column);
        using UseGuard.Scope use = _use.Enter(this);
        long rowBytes = column.RowBytes;
        if (rowBytes == 0 || destination.IsEmpty)
        {
            return;
        }

        if (destination.Length % rowBytes != 0 || firstRow < 0
            || firstRow > column.Rows - (destination.Length / rowBytes))
        {
            throw new ArgumentOutOfRangeException(
                nameof(firstRow),
                $"{Describe(column)} has {column.Rows} rows of {rowBytes} bytes; asked for {destination.Length} bytes "
                + $"from row {firstRow}.");
        }

        ReadCore(column, firstRow, destination);
    }

    /// <summary>Closes the file; what it says of itself stays. A second call does nothing.</summary>
    /// <exception cref="InvalidOperationException">A call is under way.</exception>
    public void Dispose()
    {
        if (_use.Close(this))
        {
            Close();
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>How errors name a column: <c>Column 'x' of 'data.npz'</c>.</summary>
    internal string Describe(DataColumn column) => Describe(column.Name);

    /// <summary>The same by name.</summary>
    internal string Describe(string column) => $"{Format.ColumnNoun} {DisplayText.Quote(column)} of '{Path}'";

    /// <summary>Reads whole rows; the arguments have been checked.</summary>
    /// <param name="column">As for <see cref="ReadRows"/>.</param>
    /// <param name="firstRow">As for <see cref="ReadRows"/>.</param>
    /// <param name="destination">As for <see cref="ReadRows"/>; not empty.</param>
    protected abstract void ReadCore(DataColumn column, long firstRow, Span<byte> destination);

    /// <summary>Gives back what the file holds.</summary>
    protected abstract void Close();
}
