using System.Globalization;

namespace HipiFast.Data;

/// <summary>One array of a <see cref="DataFile"/>, whose first extent counts rows.</summary>
/// <param name="Name">Name in the file; parts of a path are separated by slashes.</param>
/// <param name="Type">Type of the elements.</param>
/// <param name="Shape">
/// Extents, rows first; none for a scalar. Of a file that groups rows by episodes: of all episodes, one after the
/// other.
/// </param>
public sealed record DataColumn(string Name, ElementType Type, IReadOnlyList<long> Shape)
{
    /// <summary>Rows; 1 for a scalar.</summary>
    public long Rows => Shape.Count == 0 ? 1 : Shape[0];

    /// <summary>Elements of a row.</summary>
    public long Width
    {
        get
        {
            long width = 1;
            for (int axis = 1; axis < Shape.Count; axis++)
            {
                width = checked(width * Shape[axis]);
            }

            return width;
        }
    }

    /// <summary>Bytes of a row.</summary>
    public long RowBytes => checked(Width * ElementTypes.Bytes(Type));

    /// <summary>The shape as NumPy writes it: <c>[1000, 3]</c>.</summary>
    internal string ShapeText => Storage.TensorInfo.Describe([.. Shape]);

    /// <summary>Whether rows, elements and bytes are numbers that a file can have.</summary>
    internal static bool IsPossible(ReadOnlySpan<long> shape, ElementType type) =>
        Storage.TensorInfo.TryCountElements(shape, out long count) && count <= long.MaxValue / ElementTypes.Bytes(type);

    /// <summary>The name and the shape, for messages.</summary>
    /// <returns>For example <c>obs float32 [10, 3]</c>.</returns>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Name} {ElementTypes.Name(Type)} {ShapeText}");
}
