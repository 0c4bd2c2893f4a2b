namespace HipiFast.Data;

/// <summary>Reads rows of a column that is being written.</summary>
/// <param name="firstRow">First row.</param>
/// <param name="destination">Receives whole rows, little-endian and row-major.</param>
public delegate void RowReader(long firstRow, Span<byte> destination);

/// <summary>A column to write, and where its rows come from.</summary>
/// <param name="Column">Name, type and shape.</param>
/// <param name="Read">
/// Gives rows, a block at a time; in their order unless the format asks twice, and never more than are left.
/// </param>
public sealed record DataSource(DataColumn Column, RowReader Read)
{
    private const int BlockBytes = 1 << 20;

    /// <summary>Copies all rows into a stream.</summary>
    /// <param name="stream">Receives them.</param>
    public void CopyTo(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        CopyTo(0, Column.Rows, stream);
    }

    /// <summary>Copies rows into a stream.</summary>
    /// <param name="firstRow">First row.</param>
    /// <param name="rows">How many.</param>
    /// <param name="stream">Receives them.</param>
    public void CopyTo(long firstRow, long rows, Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        long rowBytes = Column.RowBytes;
        if (rowBytes == 0 || rows == 0)
        {
            return;
        }

        long blockRows = Math.Min(rows, Math.Max(1, BlockBytes / rowBytes));
        byte[] block = new byte[checked(blockRows * rowBytes)];
        for (long done = 0; done < rows; done += blockRows)
        {
            Span<byte> part = block.AsSpan(0, (int)(Math.Min(blockRows, rows - done) * rowBytes));
            Read(firstRow + done, part);
            stream.Write(part);
        }
    }
}

/// <summary>What is to be written as one file.</summary>
public sealed class DataTable
{
    /// <summary>Transitions: rows of every column but those of <see cref="Extras"/> and of states.</summary>
    public required long Rows { get; init; }

    /// <summary>
    /// The columns: of <see cref="Rows"/> rows, or with <see cref="EpisodeSteps"/> of one more for each episode.
    /// </summary>
    public List<DataSource> Columns { get; } = [];

    /// <summary>Arrays whose extents are their own.</summary>
    public List<DataSource> Extras { get; } = [];

    /// <summary>Text to carry, by name.</summary>
    public Dictionary<string, string> Metadata { get; } = [];

    /// <summary>Steps of each episode, where the file is to keep them apart as its source does; else empty.</summary>
    public IReadOnlyList<long> EpisodeSteps { get; init; } = [];
}
