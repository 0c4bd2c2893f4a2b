namespace HipiFast.Storage;

/// <summary>What a safetensors header says of one tensor.</summary>
/// <param name="Name">Name, for example <c>actor.0.weight</c>.</param>
/// <param name="Type">Element type.</param>
/// <param name="Shape">Extents, outermost first (row-major); empty for a scalar. Extents of 0 are allowed.</param>
/// <param name="Offset">First byte of the tensor, counted from the start of the file.</param>
/// <param name="ByteLength">
/// Bytes of the tensor: <see cref="ElementCount"/> times the size of an element; of <see cref="TensorType.Other"/>,
/// what the file says.
/// </param>
public sealed record TensorInfo(string Name, TensorType Type, IReadOnlyList<long> Shape, long Offset, long ByteLength)
{
    /// <summary>
    /// Name of the type in the file, also of one that is <see cref="TensorType.Other"/>: <c>F32</c>, <c>BF16</c>.
    /// </summary>
    public string TypeName { get; init; } = Type == TensorType.Other ? "?" : TensorTypes.FormatName(Type);

    /// <summary>Number of elements: the product of <see cref="Shape"/>, 1 for a scalar.</summary>
    /// <exception cref="OverflowException">
    /// The product is above <see cref="long.MaxValue"/>; never for a tensor read from a file.
    /// </exception>
    public long ElementCount
    {
        get
        {
            long count = 1;
            foreach (long extent in Shape)
            {
                count = checked(count * extent);
            }

            return count;
        }
    }

    /// <summary>Product of the extents.</summary>
    /// <returns>False when an extent is negative or the product exceeds <see cref="long.MaxValue"/>.</returns>
    internal static bool TryCountElements(ReadOnlySpan<long> shape, out long count)
    {
        count = 1;
        foreach (long extent in shape)
        {
            if (extent < 0 || (extent != 0 && count > long.MaxValue / extent))
            {
                return false;
            }

            count *= extent;
        }

        return true;
    }

    /// <summary>Whether the shape has these extents, where -1 matches any.</summary>
    internal bool HasShape(ReadOnlySpan<long> expected)
    {
        if (expected.Length != Shape.Count)
        {
            return false;
        }

        for (int d = 0; d < expected.Length; d++)
        {
            if (expected[d] != -1 && expected[d] != Shape[d])
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>
    /// How a reshape makes this shape the expected one (where -1 matches any), for the end of an error's sentence;
    /// empty when none of the extents that are 1, left out or added, would.
    /// </summary>
    internal string ReshapeTo(ReadOnlySpan<long> expected)
    {
        long[] extents = new long[expected.Length];
        int taken = 0;
        for (int d = 0; d < expected.Length; d++)
        {
            while (taken < Shape.Count && Shape[taken] == 1 && Shape.Count - taken > expected.Length - d)
            {
                taken++;
            }

            bool isAdded = Shape.Count - taken < expected.Length - d
                && (expected[d] == 1 || (expected[d] == -1 && d > 0));
            extents[d] = isAdded ? 1 : taken < Shape.Count ? Shape[taken++] : 0;
            if (expected[d] != -1 && expected[d] != extents[d])
            {
                return string.Empty;
            }
        }

        while (taken < Shape.Count && Shape[taken] == 1)
        {
            taken++;
        }

        return taken == Shape.Count && !extents.Contains(0)
            ? $": reshape it with .reshape({string.Join(", ", extents)})"
            : string.Empty;
    }

    /// <summary>
    /// A shape as text, <c>[3, 4]</c>; an extent equal to <paramref name="wildcard"/> is written <c>*</c>.
    /// </summary>
    internal static string Describe(ReadOnlySpan<long> shape, long? wildcard = null)
    {
        const int MostExtents = 8;
        var text = new System.Text.StringBuilder("[");
        for (int d = 0; d < shape.Length && d < MostExtents; d++)
        {
            text.Append(d == 0 ? "" : ", ");
            text.Append(
                shape[d] == wildcard ? "*" : shape[d].ToString(System.Globalization.CultureInfo.InvariantCulture));
        }

        return text.Append(shape.Length > MostExtents ? ", ...]" : "]").ToString();
    }
}
