using System.Globalization;
using System.Text;

namespace HipiFast.Storage;

/// <summary>A table of numbers with named columns, kept in memory and written as CSV: <c>metrics.csv</c> and <c>timing.csv</c> of a run.</summary>
/// <remarks>
/// The bytes depend on the numbers alone: no culture, no clock, <c>\n</c> line ends, every number in the shortest form that reads back to the
/// same double (<c>nan</c>, <c>inf</c>, <c>-inf</c> for those that are not finite). Not thread-safe.
/// </remarks>
/// <example>
/// <code>
/// var log = new MetricsLog("env_steps", "success_rate");
/// log.Add(1000, 0.25);
/// log.Save("run/metrics.csv");
///
/// MetricsLog resumed = MetricsLog.Load("run/metrics.csv", "env_steps", "success_rate");
/// resumed.RemoveAfter(checkpointStep);
/// </code>
/// </example>
public sealed class MetricsLog
{
    private const string Kind = "CSV file of metrics";

    private readonly string[] _columns;
    private readonly List<double[]> _rows = [];

    /// <summary>Makes an empty table.</summary>
    /// <param name="columns">
    /// One or more different names without comma, quote or line break; the first is the step that <see cref="RemoveAfter"/> looks at.
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
                    $"{FileMessages.Quote(column ?? "")} cannot name a column; expected different names without comma, quote or line break.",
                    nameof(columns));
            }
        }

        _columns = columns.ToArray();
    }

    /// <summary>Names of the columns, in order.</summary>
    public IReadOnlyList<string> Columns => _columns;

    /// <summary>Number of rows.</summary>
    public int Count => _rows.Count;

    /// <summary>Reads a table written by <see cref="Save"/>.</summary>
    /// <param name="path">File.</param>
    /// <param name="columns">Columns that the file must have, in order; none to accept any.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is no such table, or has other columns; one sentence with the file and the line.</exception>
    /// <exception cref="IOException">The path is a directory or cannot be read.</exception>
    public static MetricsLog Load(string path, params ReadOnlySpan<string> columns)
    {
        using var stream = new FileStream(InputFile.OpenHandle(path, Kind, out _), FileAccess.Read);
        using var reader = new StreamReader(stream, Encoding.UTF8);
        string header = reader.ReadLine() ?? "";
        MetricsLog log;
        try
        {
            log = new MetricsLog(header.Split(','));
        }
        catch (ArgumentException error)
        {
            throw new InvalidDataException($"Line 1 of '{path}' does not name the columns of a {Kind}: {FileMessages.Quote(header)}.", error);
        }

        if (!columns.IsEmpty && !columns.SequenceEqual(log._columns))
        {
            throw new InvalidDataException($"'{path}' has the columns {FileMessages.Quote(header)}; expected {string.Join(',', columns.ToArray())}.");
        }

        double[] row = new double[log._columns.Length];
        for (int line = 2; reader.ReadLine() is string text; line++)
        {
            int column = 0;
            foreach (Range field in text.AsSpan().Split(','))
            {
                if (column < row.Length && !TryParse(text.AsSpan()[field], out row[column]))
                {
                    throw new InvalidDataException(
                        $"Line {line} of '{path}' has {FileMessages.Quote(text[field])} in column '{log._columns[column]}'; expected a number.");
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
            throw new ArgumentException($"A row has {values.Length} numbers; expected {_columns.Length}, one per column.", nameof(values));
        }

        _rows.Add(values.ToArray());
    }

    /// <summary>The numbers of one row.</summary>
    /// <param name="index">Row, in [0, <see cref="Count"/>).</param>
    public ReadOnlySpan<double> Row(int index) => _rows[index];

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
                $"There is no column {FileMessages.Quote(name)}; expected one of {string.Join(", ", _columns)}.", nameof(name));
        }

        return [.. _rows.Select(row => row[column])];
    }

    /// <summary>Drops the rows whose first column is above a step, as a run must that continues from a checkpoint of that step.</summary>
    /// <param name="step">Last step to keep.</param>
    /// <returns>Number of rows dropped.</returns>
    public int RemoveAfter(double step) => _rows.RemoveAll(row => row[0] > step);

    /// <summary>Writes the table, atomically.</summary>
    /// <param name="path">File to make or replace.</param>
    /// <exception cref="IOException">The path cannot be written; one sentence with the path and the reason.</exception>
    public void Save(string path) => AtomicFile.WriteAllText(path, ToCsv());

    /// <summary>The text of the CSV file.</summary>
    internal string ToCsv()
    {
        var text = new StringBuilder().AppendJoin(',', _columns).Append('\n');
        foreach (double[] row in _rows)
        {
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

    private static bool TryParse(ReadOnlySpan<char> text, out double value)
    {
        switch (text)
        {
            case "nan":
                value = double.NaN;
                return true;
            case "inf":
                value = double.PositiveInfinity;
                return true;
            case "-inf":
                value = double.NegativeInfinity;
                return true;
            default:
                return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value);
        }
    }
}
