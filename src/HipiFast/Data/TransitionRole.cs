using HipiFast.Storage;

namespace HipiFast.Data;

/// <summary>What of a transition one or more columns of a file are.</summary>
internal sealed class TransitionRole
{
    // 64 MB of floats: beyond any state, and small enough for a block of rows.
    private const int LargestWidth = 1 << 24;

    private TransitionRole(string name, DataColumn[] parts, int width, long rows)
    {
        Name = name;
        Parts = parts;
        Width = width;
        Rows = rows;
    }

    /// <summary>The role, one of <see cref="ColumnMap.Roles"/>.</summary>
    public string Name { get; }

    /// <summary>The columns, side by side.</summary>
    public DataColumn[] Parts { get; }

    /// <summary>Entries of a row, of all columns together.</summary>
    public int Width { get; }

    /// <summary>Rows of each column.</summary>
    public long Rows { get; }

    /// <summary>Whether every episode has one row more than it has steps: the states before and after each.</summary>
    public bool HasFinalRows { get; private set; }

    /// <summary>Finds the columns of a role.</summary>
    /// <param name="file">The file.</param>
    /// <param name="map">Which columns are what.</param>
    /// <param name="role">The role.</param>
    /// <param name="isMatrix">Whether rows may have any number of entries, rather than one.</param>
    /// <returns>The role; null where the file has no such thing.</returns>
    /// <exception cref="InvalidDataException">The columns do not go together, or cannot be that.</exception>
    public static TransitionRole? Find(DataFile file, ColumnMap map, string role, bool isMatrix)
    {
        DataColumn[] parts = map.Find(file, role);
        if (parts.Length == 0)
        {
            return null;
        }

        long width = 0;
        foreach (DataColumn part in parts)
        {
            if (part.Shape.Count == 0 || part.Width < 1 || (width += part.Width) > LargestWidth
                || (!isMatrix && width != 1))
            {
                string expected = isMatrix ? $"[B, N] with N from 1 to {LargestWidth}" : "[B] or [B, 1]";
                throw new InvalidDataException(
                    $"{file.Describe(part)} has shape {part.ShapeText}; expected {expected} for {role}.");
            }

            if (part.Rows != parts[0].Rows)
            {
                throw Disagree(file, parts[0], part);
            }
        }

        return new TransitionRole(role, parts, (int)width, parts[0].Rows);
    }

    /// <summary>Checks the number of rows against that of steps.</summary>
    /// <param name="file">The file.</param>
    /// <param name="steps">What has a row for each step.</param>
    /// <param name="episodes">Number of episodes; asked for where the rows are more than the steps.</param>
    /// <exception cref="InvalidDataException">There are as many neither as steps nor as states.</exception>
    public void Align(DataFile file, TransitionRole steps, Func<int> episodes)
    {
        if (Rows == steps.Rows)
        {
            return;
        }

        int count = Rows > steps.Rows ? episodes() : 0;
        HasFinalRows = count > 0 && Rows == steps.Rows + count;
        if (!HasFinalRows)
        {
            throw count == 0
                ? Disagree(file, steps.Parts[0], Parts[0])
                : new InvalidDataException(
                    $"{file.Describe(Parts[0])} has {Rows} rows and '{steps.Parts[0].Name}' {steps.Rows}; expected as "
                    + $"many, or one more in each of the {count} episodes.");
        }
    }

    /// <summary>What is done to the columns so that they are the role, in a few words; empty where nothing
    /// is.</summary>
    /// <param name="wanted">Type that the role has in memory.</param>
    public string Conversion(ElementType wanted)
    {
        List<string> words = [];
        ElementType[] types = [.. Parts.Select(part => part.Type).Distinct()];
        bool isFlag = wanted == ElementType.UInt8;
        if (types.Any(type => type != wanted && !(isFlag && type == ElementType.Bool)))
        {
            string what = isFlag ? "flags" : ElementTypes.Name(wanted);
            words.Add($"{string.Join(" and ", types.Select(ElementTypes.Name))} to {what}");
        }

        if (Parts.Length > 1)
        {
            words.Add($"of {Parts.Length} columns side by side");
        }
        else if (Parts[0].Shape.Count > 2)
        {
            words.Add($"rows of {TensorInfo.Describe([.. Parts[0].Shape.Skip(1)])} as vectors");
        }

        return words.Count == 0 ? string.Empty : $"{Name} {string.Join(", ", words)}";
    }

    private static InvalidDataException Disagree(DataFile file, DataColumn first, DataColumn second) => new(
        $"{file.Format.ColumnNoun}s {DisplayText.Quote(first.Name)} and {DisplayText.Quote(second.Name)} of "
        + $"'{file.Path}' disagree: {first.Rows} and {second.Rows} rows.");
}
