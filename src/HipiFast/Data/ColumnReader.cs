using System.Runtime.InteropServices;

namespace HipiFast.Data;

/// <summary>Reads rows of a file's columns as the types that transitions have, through a buffer of its own.</summary>
/// <param name="file">The file.</param>
internal sealed unsafe class ColumnReader(DataFile file)
{
    private const int BufferBytes = 1 << 20;

    private byte[] _raw = [];
    private float[] _floats = [];

    /// <summary>Reads numbers as 32-bit floats.</summary>
    /// <param name="column">The column.</param>
    /// <param name="firstRow">First row.</param>
    /// <param name="rows">How many.</param>
    /// <param name="destination">Receives the first row; others follow <paramref name="stride"/> floats apart.</param>
    /// <param name="stride">Floats from row to row, as many as the column has or more.</param>
    public void ReadSingles(DataColumn column, long firstRow, long rows, float* destination, int stride)
    {
        int width = (int)column.Width;
        if (column.Type == ElementType.Float32 && stride == width)
        {
            long most = Math.Max(1, (1 << 30) / column.RowBytes);
            for (long done = 0; done < rows; done += most)
            {
                int part = (int)Math.Min(most, rows - done);
                file.ReadRows(
                    column, firstRow + done,
                    new Span<byte>((byte*)(destination + (done * stride)), (int)(part * column.RowBytes)));
            }

            return;
        }

        foreach ((long done, int part) in Parts(column, rows))
        {
            ReadOnlySpan<byte> raw = Raw(column, firstRow + done, part);
            if (stride == width)
            {
                ElementTypes.ToSingle(column.Type, raw, new Span<float>(destination + (done * stride), part * width));
                continue;
            }

            Array.Resize(ref _floats, Math.Max(_floats.Length, part * width));
            ElementTypes.ToSingle(column.Type, raw, _floats);
            for (int row = 0; row < part; row++)
            {
                _floats.AsSpan(row * width, width).CopyTo(new Span<float>(destination + ((done + row) * stride), width));
            }
        }
    }

    /// <summary>Reads flags: 0, 1 or <see cref="ElementTypes.NoFlag"/>.</summary>
    /// <param name="column">A column of one element a row.</param>
    /// <param name="firstRow">First row.</param>
    /// <param name="destination">Receives one for each row.</param>
    public void ReadFlags(DataColumn column, long firstRow, Span<byte> destination)
    {
        foreach ((long done, int part) in Parts(column, destination.Length))
        {
            ElementTypes.ToFlags(
                column.Type, Raw(column, firstRow + done, part), destination.Slice((int)done, part));
        }
    }

    /// <summary>Reads whole numbers.</summary>
    /// <param name="column">A column of one element a row.</param>
    /// <param name="firstRow">First row.</param>
    /// <param name="destination">Receives one for each row.</param>
    /// <exception cref="InvalidDataException">A number is none; one sentence that says where.</exception>
    public void ReadIntegers(DataColumn column, long firstRow, Span<long> destination)
    {
        foreach ((long done, int part) in Parts(column, destination.Length))
        {
            int wrong = ElementTypes.ToInt64(
                column.Type, Raw(column, firstRow + done, part), destination.Slice((int)done, part));
            if (wrong >= 0)
            {
                throw new InvalidDataException(
                    $"{file.Describe(column)} holds no whole number at row {firstRow + done + wrong}; expected the "
                    + "numbers of episodes.");
            }
        }
    }

    private ReadOnlySpan<byte> Raw(DataColumn column, long firstRow, int rows)
    {
        int bytes = checked((int)(rows * column.RowBytes));
        Array.Resize(ref _raw, Math.Max(_raw.Length, bytes));
        file.ReadRows(column, firstRow, _raw.AsSpan(0, bytes));
        return _raw.AsSpan(0, bytes);
    }

    private static IEnumerable<(long Done, int Rows)> Parts(DataColumn column, long rows)
    {
        long most = Math.Max(1, BufferBytes / Math.Max(1, column.RowBytes));
        for (long done = 0; done < rows; done += most)
        {
            yield return (done, (int)Math.Min(most, rows - done));
        }
    }
}
