using HipiFast.Kernels.Memory;

namespace HipiFast.Data;

/// <summary>
/// Soft Q-values of a file of any format, computed by whatever critic: a column <c>soft_q [B, K]</c>, in nats, a row
/// for
/// every row of the transitions that they are of. Read a block at a time.
/// </summary>
public sealed class SoftQTable : IDisposable
{
    /// <summary>Name of the column, which <c>relabel --dump soft-q</c> writes, too.</summary>
    public const string ColumnName = "soft_q";

    private readonly DataFile _file;
    private readonly DataColumn _column;
    private readonly ColumnReader _reader;
    private UseGuard _use;

    private SoftQTable(DataFile file, DataColumn column)
    {
        _file = file;
        _column = column;
        _reader = new ColumnReader(file);
    }

    /// <summary>The path as it was given.</summary>
    public string Path => _file.Path;

    /// <summary>Rows of the column.</summary>
    public long Rows => _column.Rows;

    /// <summary>K, candidate tasks.</summary>
    public int Candidates => (int)_column.Width;

    /// <summary>Opens a file.</summary>
    /// <param name="path">File.</param>
    /// <param name="rows">Rows that it must have: those of the transitions.</param>
    /// <returns>The values, for the caller to dispose.</returns>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">
    /// It breaks its format, or has no matrix of that name with so many rows.
    /// </exception>
    /// <exception cref="IOException">The path is a directory or cannot be read.</exception>
    public static SoftQTable Open(string path, long rows)
    {
        DataFile file = DataFormats.Open(path);
        try
        {
            DataColumn column = file.Find(ColumnName) ?? throw new InvalidDataException(
                $"'{path}' has no {file.Format.ColumnNoun.ToLowerInvariant()} '{ColumnName}'; expected one, [{rows}, "
                + "K], with the soft Q-values of every transition under every candidate task.");
            if (column.Shape.Count != 2 || column.Rows != rows || column.Width is < 1 or > int.MaxValue)
            {
                throw new InvalidDataException(
                    $"{file.Describe(column)} has shape {column.ShapeText}; expected [{rows}, K], a row for every row "
                    + "of the transitions and a column for every candidate task.");
            }

            return new SoftQTable(file, column);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Reads rows.</summary>
    /// <param name="rowOf">Which, in the order wanted; fastest where they follow each other.</param>
    /// <param name="softQ">Receives them, <c>[rows, K]</c>.</param>
    /// <exception cref="ArgumentException">There is not room for as many as were asked for.</exception>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public unsafe void Read(ReadOnlySpan<long> rowOf, Span<float> softQ)
    {
        using UseGuard.Scope use = _use.Enter(this);
        if (softQ.Length != (long)rowOf.Length * Candidates)
        {
            throw new ArgumentException(
                $"There is room for {softQ.Length} soft Q-values; expected {rowOf.Length} rows x {Candidates}.",
                nameof(softQ));
        }

        fixed (float* destination = softQ)
        {
            for (int first = 0, rows; first < rowOf.Length; first += rows)
            {
                rows = 1;
                while (first + rows < rowOf.Length && rowOf[first + rows] == rowOf[first] + rows)
                {
                    rows++;
                }

                _reader.ReadSingles(
                    _column, rowOf[first], rows, destination + ((long)first * Candidates), Candidates);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_use.Close(this))
        {
            _file.Dispose();
        }
    }
}
