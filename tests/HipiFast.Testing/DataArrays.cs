using System.Runtime.InteropServices;
using HipiFast.Data;

namespace HipiFast.Testing;

/// <summary>Files of arrays for tests of formats.</summary>
public static class DataArrays
{
    /// <summary>A column of given values.</summary>
    public static DataSource Of<T>(string name, T[] values, params long[] shape)
        where T : unmanaged => Of(name, ElementTypes.Of<T>(), values, shape);

    /// <summary>A column of given values, whose type is said apart.</summary>
    public static DataSource Of<T>(string name, ElementType type, T[] values, params long[] shape)
        where T : unmanaged
    {
        DataColumn column = new(name, type, shape.Length == 0 ? [values.Length] : shape);
        return new DataSource(column, (first, destination) => MemoryMarshal.AsBytes(values.AsSpan())
            .Slice((int)(first * column.RowBytes), destination.Length).CopyTo(destination));
    }

    /// <summary>Writes columns in the format that the path's ending names.</summary>
    public static void Write(string path, params DataSource[] columns)
    {
        DataTable table = new() { Rows = columns[0].Column.Rows };
        table.Columns.AddRange(columns);
        DataFormats.OfName(path)!.Write(path, table);
    }

    /// <summary>All values of a column.</summary>
    public static T[] Read<T>(DataFile file, string name)
        where T : unmanaged
    {
        DataColumn column = file.Find(name)!;
        Assert.Equal(ElementTypes.Of<T>(), column.Type);
        T[] values = new T[column.Rows * column.Width];
        file.ReadRows(column, 0, MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }

    /// <summary>Whole numbers from 0 as floats.</summary>
    public static float[] Count(int count, float scale = 1) => [.. Enumerable.Range(0, count).Select(i => i * scale)];
}
