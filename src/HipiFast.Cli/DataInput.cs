using HipiFast.Data;

namespace HipiFast.Cli;

/// <summary>Opens files of transitions of any format, where that takes a plug-in as well.</summary>
internal static class DataInput
{
    /// <summary>Opens a file of transitions.</summary>
    /// <param name="path">File.</param>
    /// <param name="columns">Which columns are what, as <see cref="ColumnMap.Parse"/> reads it; null for usual
    /// names.</param>
    /// <param name="checksValues">Whether values are looked at.</param>
    /// <returns>The reader, for the caller to dispose.</returns>
    /// <exception cref="InvalidDataException">It is damaged, or its columns do not make transitions.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="NotSupportedException">What reads its format is not to be had.</exception>
    public static TransitionReader Open(string path, string? columns, bool checksValues = true)
    {
        ColumnMap? map = columns is null ? null : ColumnMap.Parse(columns);
        OptionalComponents.RequireFormat(path);
        return TransitionReader.Open(path, map, checksValues);
    }

    /// <summary>Reads candidate tasks.</summary>
    /// <param name="path">File.</param>
    /// <param name="taskDimension">P that is expected, or -1 for any.</param>
    /// <returns>The tasks, for the caller to dispose.</returns>
    /// <exception cref="InvalidDataException">It is damaged, or does not hold such tasks.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="NotSupportedException">What reads its format is not to be had.</exception>
    public static TaskTable ReadTasks(string path, int taskDimension)
    {
        OptionalComponents.RequireFormat(path);
        return TaskTable.Read(path, taskDimension);
    }

    /// <summary>Opens a file of soft Q-values.</summary>
    /// <param name="path">File.</param>
    /// <param name="rows">Rows that it must have.</param>
    /// <returns>The values, for the caller to dispose.</returns>
    /// <exception cref="InvalidDataException">It is damaged, or does not hold such a matrix.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="NotSupportedException">What reads its format is not to be had.</exception>
    public static SoftQTable OpenSoftQ(string path, long rows)
    {
        OptionalComponents.RequireFormat(path);
        return SoftQTable.Open(path, rows);
    }

    /// <summary>The format of a file that is to be written.</summary>
    /// <param name="path">Its path, whose ending may say it.</param>
    /// <param name="source">What it is made of, whose format it has otherwise.</param>
    public static string FormatOf(string path, TransitionReader source) =>
        DataFormats.OfName(path)?.Name ?? source.Format;

    /// <summary>Says in one line what is done to a file's columns, where anything is.</summary>
    /// <param name="console">Where to.</param>
    /// <param name="reader">The file.</param>
    public static void Describe(ConsoleOutput console, TransitionReader reader)
    {
        if (reader.Conversions.Count > 0)
        {
            console.Line($"Note: '{reader.Path}' ({reader.Format}): {string.Join("; ", reader.Conversions)}.");
        }
    }
}
