using System.Buffers;

namespace HipiFast.Storage;

/// <summary>
/// Names of what is not finished yet, <c>NAME.TOKEN.tmp</c> beside what it shall become. The token is random, so that
/// two processes never meet, whatever machine or container they run in.
/// </summary>
internal static class TemporaryName
{
    private const string Suffix = ".tmp";
    private const int TokenLength = 12;
    private static readonly SearchValues<char> s_tokenCharacters = SearchValues.Create("0123456789abcdef");

    /// <summary>A new name beside a path.</summary>
    /// <param name="path">What it shall become; no separator at its end.</param>
    public static string Beside(string path) => $"{path}.{Guid.NewGuid().ToString("N").AsSpan(0, TokenLength)}{Suffix}";

    /// <summary>Whether <see cref="Beside"/> makes such names.</summary>
    /// <param name="path">A path or a name.</param>
    public static bool IsOne(ReadOnlySpan<char> path)
    {
        ReadOnlySpan<char> name = Path.GetFileName(path);
        const int Tail = 1 + TokenLength + 4;
        return name.Length > Tail
            && name.EndsWith(Suffix, StringComparison.Ordinal)
            && name[^Tail] == '.'
            && !name.Slice(name.Length - Tail + 1, TokenLength).ContainsAnyExcept(s_tokenCharacters);
    }

    /// <summary>
    /// What names made of one path begin with, for <see cref="Directory.EnumerateFileSystemEntries(string, string)"/>
    /// and its kin.
    /// </summary>
    /// <param name="path">What they shall become.</param>
    public static string PatternOf(string path) => $"{Path.GetFileName(path)}.*{Suffix}";
}
