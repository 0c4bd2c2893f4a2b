using System.Runtime.InteropServices;

namespace HipiFast.Data;

/// <summary>Where the episodes of a file begin: runs of rows.</summary>
internal sealed class EpisodeTable
{
    private const int BlockRows = 1 << 16;

    private readonly List<long> _starts = [];

    /// <summary>Rows of all episodes.</summary>
    public long Rows { get; private init; }

    /// <summary>Number of episodes.</summary>
    public int Count => _starts.Count;

    /// <summary>First row of an episode; for the one behind the last, the number of rows.</summary>
    public long First(int episode) => episode < _starts.Count ? _starts[episode] : Rows;

    /// <summary>The row behind the last of an episode.</summary>
    public long End(int episode) => First(episode + 1);

    /// <summary>The episode that a row belongs to.</summary>
    public int Of(long row)
    {
        int index = _starts.BinarySearch(row);
        return index >= 0 ? index : ~index - 1;
    }

    /// <summary>Whether a row is the last of its episode.</summary>
    public bool IsLast(long row) => End(Of(row)) == row + 1;

    /// <summary>Episodes of given lengths.</summary>
    public static EpisodeTable OfSteps(IReadOnlyList<long> steps)
    {
        EpisodeTable table = new() { Rows = steps.Sum() };
        long row = 0;
        foreach (long length in steps)
        {
            if (length > 0)
            {
                table._starts.Add(row);
            }

            row += length;
        }

        return table;
    }

    /// <summary>Episodes that begin wherever the number of the episode changes.</summary>
    public static EpisodeTable OfNumbers(ColumnReader reader, DataColumn column)
    {
        EpisodeTable table = new() { Rows = column.Rows };
        long[] numbers = new long[Math.Min(BlockRows, column.Rows)];
        long before = 0;
        for (long first = 0; first < column.Rows; first += numbers.Length)
        {
            Span<long> block = numbers.AsSpan(0, (int)Math.Min(numbers.Length, column.Rows - first));
            reader.ReadIntegers(column, first, block);
            for (int i = 0; i < block.Length; i++)
            {
                if (first + i == 0 || block[i] != before)
                {
                    table._starts.Add(first + i);
                    before = block[i];
                }
            }
        }

        return table;
    }

    /// <summary>Episodes that end with every row that is marked.</summary>
    /// <param name="reader">Reads the marks.</param>
    /// <param name="rows">Rows of the file.</param>
    /// <param name="marks">Columns of flags, each with the value that marks an end.</param>
    public static EpisodeTable OfEnds(
        ColumnReader reader, long rows, params ReadOnlySpan<(DataColumn Column, byte Mark)> marks)
    {
        EpisodeTable table = new() { Rows = rows };
        byte[] flags = new byte[Math.Min(BlockRows, rows)], ends = new byte[flags.Length];
        bool ended = true;
        for (long first = 0; first < rows; first += flags.Length)
        {
            int count = (int)Math.Min(flags.Length, rows - first);
            ends.AsSpan(0, count).Clear();
            foreach ((DataColumn column, byte mark) in marks)
            {
                reader.ReadFlags(column, first, flags.AsSpan(0, count));
                for (int i = 0; i < count; i++)
                {
                    ends[i] |= flags[i] == mark ? (byte)1 : (byte)0;
                }
            }

            for (int i = 0; i < count; i++)
            {
                if (ended)
                {
                    table._starts.Add(first + i);
                }

                ended = ends[i] != 0;
            }
        }

        return table;
    }
}
