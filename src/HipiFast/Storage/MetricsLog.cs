using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace HipiFast.Storage;

/// <summary>
/// A table of numbers with named columns, kept in memory and written as CSV: <c>metrics.csv</c> and <c>timing.csv</c>
/// of a run.
/// </summary>
/// <remarks>
/// The bytes depend on the numbers alone: no culture, no clock, <c>\n</c> line ends, every number in the shortest form
/// that reads back to the same double (<c>nan</c>, <c>inf</c>, <c>-inf</c> for those that are not finite). Not
/// thread-safe.
/// </remarks>
/// <example>
/// <code>
/// var log = new MetricsLog("env_steps", "success_rate");
/// log.Add(1000, 0.25);
/// log.Save("run/metrics.csv");
///
/// MetricsLog resumed = MetricsLog.Load("run/metrics.csv", "env_steps", "success_rate");
/// </code>
/// </example>
public sealed class MetricsLog
{
    private const string Kind = "CSV file of metrics";
    private const int BlockNumbers = 1024;

    private readonly string[] _columns;

    // Rows by blocks: a table never moves while it grows, and a row takes no more than its numbers.
    private readonly List<double[]> _blocks = [];
    private readonly int _blockRows;

    /// <summary>Makes an empty table.</summary>
    /// <param name="columns">
    /// One or more different names without comma, quote or line break.
    /// </param>
    /// <exception cref="ArgumentException">A name is missing, given twice, or holds such a character.</exception>
    public MetricsLog(params ReadOnlySpan<string> columns)
    {
        if (columns.IsEmpty)
        {
            throw new ArgumentException("A table of metrics needs at least one column.", nameof(columns));
        }

        var seen = new HashSet<string>();
        foreach (string column in columns)
        {
            if (string.IsNullOrWhiteSpace(column) || column.AsSpan().IndexOfAny(",\"\r\n") >= 0 || !seen.Add(column))
            {
                throw new ArgumentException(
                    $"{DisplayText.Quote(column ?? "")} cannot name a column; expected different names without comma, "
                    + "quote or line break.",
                    nameof(columns));
            }
        }

        _columns = columns.ToArray();
        _blockRows = Math.Max(1, BlockNumbers / _columns.Length);
    }

    /// <summary>Names of the columns, in order.</summary>
    public IReadOnlyList<string> Columns => _columns;

    /// <summary>Number of rows.</summary>
    public int Count { get; private set; }

    /// <summary>Reads a table written by <see cref="Save"/>; a file that breaks off within a line is refused.</summary>
    /// <param name="path">File.</param>
    /// <param name="columns">Columns that the file must have, in order; none to accept any.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">
    /// It is no such table, or has other columns; one sentence with the file and the line.
    /// </exception>
    /// <exception cref="IOException">The path is a directory or cannot be read.</exception>
    public static MetricsLog Load(string path, params ReadOnlySpan<string> columns)
    {
        using SafeFileHandle handle = InputFile.OpenHandle(path, Kind, out long length);
        CsvLines lines = new(handle, path, length);
        lines.Next(out ReadOnlySpan<byte> first);
        string header = Encoding.UTF8.GetString(
            first.StartsWith(Encoding.UTF8.Preamble) ? first[Encoding.UTF8.Preamble.Length..] : first);
        MetricsLog log;
        try
        {
            log = new MetricsLog(header.Split(','));
        }
        catch (ArgumentException error)
        {
            throw new InvalidDataException(
                $"Line 1 of '{path}' does not name the columns of a {Kind}: {DisplayText.Quote(header)}.", error);
        }

        if (!columns.IsEmpty && !columns.SequenceEqual(log._columns))
        {
            throw new InvalidDataException(
                $"'{path}' has the columns {DisplayText.Quote(header)}; expected "
                + $"{string.Join(',', columns.ToArray())}.");
        }

        double[] row = new double[log._columns.Length];
        for (int line = 2; lines.Next(out ReadOnlySpan<byte> text); line++)
        {
            int column = 0;
            foreach (Range field in text.Split((byte)','))
            {
                if (column < row.Length && !TryParse(text[field], out row[column]))
                {
                    string found = DisplayText.Quote(Encoding.UTF8.GetString(text[field]));
                    throw new InvalidDataException(
                        $"Line {line} of '{path}' has {found} in column '{log._columns[column]}'; expected a number.");
                }

                column++;
            }

            if (column != row.Length)
            {
                throw new InvalidDataException($"Line {line} of '{path}' has {column} fields; expected {row.Length}.");
            }

            log.Add(row);
        }

        return log;
    }

    /// <summary>Adds a row.</summary>
    /// <param name="values">One number per column; copied.</param>
    /// <exception cref="ArgumentException">There are more or fewer numbers than columns.</exception>
    public void Add(params ReadOnlySpan<double> values)
    {
        if (values.Length != _columns.Length)
        {
            throw new ArgumentException(
                $"A row has {values.Length} numbers; expected {_columns.Length}, one per column.", nameof(values));
        }

        int row = Count % _blockRows;
        if (row == 0 && Count / _blockRows == _blocks.Count)
        {
            _blocks.Add(new double[_blockRows * _columns.Length]);
        }

        values.CopyTo(_blocks[Count / _blockRows].AsSpan(row * _columns.Length));
        Count++;
    }

    /// <summary>The numbers of one row.</summary>
    /// <param name="index">Row, in [0, <see cref="Count"/>).</param>
    public ReadOnlySpan<double> Row(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        return _blocks[index / _blockRows].AsSpan(index % _blockRows * _columns.Length, _columns.Length);
    }

    /// <summary>The numbers of one column.</summary>
    /// <param name="name">Name of the column.</param>
    /// <returns>A new array of <see cref="Count"/> numbers.</returns>
    /// <exception cref="ArgumentException">There is no such column.</exception>
    public double[] Column(string name)
    {
        int column = Array.IndexOf(_columns, name);
        if (column < 0)
        {
            throw new ArgumentException(
                $"There is no column {DisplayText.Quote(name)}; expected one of {string.Join(", ", _columns)}.",
                nameof(name));
        }

        double[] values = new double[Count];
        for (int row = 0; row < values.Length; row++)
        {
            values[row] = Row(row)[column];
        }

        return values;
    }

    /// <summary>Writes the table, atomically.</summary>
    /// <param name="path">File to make or replace.</param>
    /// <exception cref="IOException">The path cannot be written; one sentence with the path and the reason.</exception>
    public void Save(string path) => AtomicFile.WriteAllText(path, ToCsv());

    /// <summary>The text of the CSV file.</summary>
    internal string ToCsv() => ToCsv(Count);

    /// <summary>The text of the CSV file of the first rows.</summary>
    internal string ToCsv(int rows)
    {
        var text = new StringBuilder().AppendJoin(',', _columns).Append('\n');
        for (int index = 0; index < rows; index++)
        {
            ReadOnlySpan<double> row = Row(index);
            for (int i = 0; i < row.Length; i++)
            {
                text.Append(i == 0 ? "" : ",").Append(Format(row[i]));
            }

            text.Append('\n');
        }

        return text.ToString();
    }

    private static string Format(double value) => value switch
    {
        double.NaN => "nan",
        double.PositiveInfinity => "inf",
        double.NegativeInfinity => "-inf",
        _ => value.ToString("R", CultureInfo.InvariantCulture),
    };

    private static bool TryParse(ReadOnlySpan<byte> text, out double value)
    {
        if (text.SequenceEqual("nan"u8) || text.SequenceEqual("inf"u8) || text.SequenceEqual("-inf"u8))
        {
            value = text[0] == 'n' ? double.NaN : text[0] == 'i' ? double.PositiveInfinity : double.NegativeInfinity;
            return true;
        }

        // A number beyond the range of a double parses to infinity, and other spellings of what is not a number parse
        // as well.
        return double.TryParse(
            text, NumberStyles.Float, CultureInfo.InvariantCulture, out value) && double.IsFinite(value);
    }
}
