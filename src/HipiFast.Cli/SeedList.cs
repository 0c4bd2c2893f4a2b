using System.Globalization;

namespace HipiFast.Cli;

/// <summary>The option <c>--seeds a,b,c</c>.</summary>
internal static class SeedList
{
    /// <summary>Reads different whole numbers, 0 or more, separated by commas.</summary>
    /// <exception cref="ArgumentException">The text is something else.</exception>
    public static ulong[] Parse(string list)
    {
        List<ulong> seeds = [];
        foreach (string part in list.Split(',', StringSplitOptions.TrimEntries))
        {
            if (!ulong.TryParse(
                part, NumberStyles.None, CultureInfo.InvariantCulture, out ulong seed) || seeds.Contains(seed))
            {
                throw new ArgumentException(
                    $"--seeds is '{list}'; expected different whole numbers, 0 or more, separated by commas.");
            }

            seeds.Add(seed);
        }

        return [.. seeds];
    }
}
