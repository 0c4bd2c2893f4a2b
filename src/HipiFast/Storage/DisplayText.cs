using System.Globalization;
using System.Text;

namespace HipiFast.Storage;

/// <summary>
/// Makes text that came from outside (names, paths, keys, values of files and command lines) fit to stand in a
/// sentence, on a terminal or in a Markdown table: cut to a readable length, with everything escaped that is not a
/// visible character.
/// </summary>
public static class DisplayText
{
    private const int LongestName = 80;
    private const int LongestWord = 300;
    private const int LongestSentence = 4000;
    private const string Gap = "...";

    /// <summary>A name from a file as it can stand in a sentence, whatever bytes the file held.</summary>
    /// <param name="name">The name.</param>
    /// <returns>
    /// The name in single quotes, at most its first 80 characters, on one line and without control characters.
    /// </returns>
    public static string Quote(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        var text = new StringBuilder("'");
        AppendEscaped(text, CutAfter(name, LongestName));
        return text.Append(name.Length > LongestName ? "...'" : "'").ToString();
    }

    /// <summary>
    /// One line for a terminal: control characters escaped, words and text of more than some hundred characters cut in
    /// their middle.
    /// </summary>
    /// <param name="text">Any text.</param>
    /// <returns>The text itself where nothing is to be changed.</returns>
    public static string Line(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length <= LongestWord && !NeedsEscape(text))
        {
            return text;
        }

        var cut = new StringBuilder();
        for (int first = 0; first < text.Length;)
        {
            int length = text.AsSpan(first).IndexOf(' ');
            length = length < 0 ? text.Length - first : length;
            AppendCut(cut, text.AsSpan(first, length), LongestWord);
            first += length;
            while (first < text.Length && text[first] == ' ')
            {
                cut.Append(text[first++]);
            }
        }

        var whole = new StringBuilder();
        AppendCut(whole, cut.ToString(), LongestSentence);
        var escaped = new StringBuilder();
        AppendEscaped(escaped, whole.ToString());
        return escaped.ToString();
    }

    /// <summary>One cell of a Markdown table.</summary>
    /// <param name="text">Any text.</param>
    /// <returns>As <see cref="Line"/>, with the characters escaped that end a cell or begin a tag.</returns>
    public static string MarkdownCell(string text) =>
        Line(text).Replace("\\", "\\\\", StringComparison.Ordinal).Replace("|", "\\|", StringComparison.Ordinal)
            .Replace("<", "&lt;", StringComparison.Ordinal);

    private static void AppendCut(StringBuilder text, ReadOnlySpan<char> part, int longest)
    {
        if (part.Length <= longest)
        {
            text.Append(part);
            return;
        }

        int tail = longest / 4;
        text.Append(CutAfter(part, longest - tail)).Append(Gap).Append(part[^tail..]);
    }

    private static ReadOnlySpan<char> CutAfter(ReadOnlySpan<char> text, int longest) =>
        text[..Math.Min(text.Length, longest)];

    private static bool NeedsEscape(ReadOnlySpan<char> text)
    {
        foreach (char c in text)
        {
            if (!IsVisible(c))
            {
                return true;
            }
        }

        return false;
    }

    private static void AppendEscaped(StringBuilder text, ReadOnlySpan<char> part)
    {
        for (int i = 0; i < part.Length; i++)
        {
            if (i + 1 < part.Length && char.IsSurrogatePair(part[i], part[i + 1]))
            {
                text.Append(part.Slice(i++, 2));
            }
            else if (IsVisible(part[i]))
            {
                text.Append(part[i]);
            }
            else
            {
                text.Append(part[i] switch
                {
                    '\n' => "\\n",
                    '\r' => "\\r",
                    '\t' => "\\t",
                    char other => string.Create(CultureInfo.InvariantCulture, $"\\u{(int)other:x4}"),
                });
            }
        }
    }

    // Formats steer the terminal as controls do: they turn the direction of writing, or show nothing at all.
    private static bool IsVisible(char c) => char.GetUnicodeCategory(c) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
}
