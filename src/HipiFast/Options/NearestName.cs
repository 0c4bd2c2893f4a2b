namespace HipiFast.Options;

/// <summary>Finds the name that somebody who mistyped one probably meant.</summary>
public static class NearestName
{
    private const int MostListed = 32;

    /// <summary>A half-sentence for an error message.</summary>
    /// <param name="typed">What was typed.</param>
    /// <param name="known">The names there are.</param>
    /// <returns>
    /// <c> (did you mean 'NAME'?)</c>, or the whole list when none is near and the list is short, or nothing.
    /// </returns>
    public static string Suggestion(string typed, IEnumerable<string> known)
    {
        ArgumentNullException.ThrowIfNull(typed);
        string[] names = [.. known];
        string? nearest = names.MinBy(name => Distance(typed, name));
        if (nearest is not null && Distance(typed, nearest) <= Math.Max(
            1, 2 * Math.Min(typed.Length, nearest.Length) / 5))
        {
            return $" (did you mean '{nearest}'?)";
        }

        return names.Length is > 0 and <= MostListed ? $"; expected {string.Join(", ", names)}" : string.Empty;
    }

    /// <summary>
    /// Levenshtein distance: insertions, deletions and replacements that turn one word into the other.
    /// </summary>
    private static int Distance(string a, string b)
    {
        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[^1];
    }
}
