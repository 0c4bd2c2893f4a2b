using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using HipiFast.Storage;
using Spectre.Console;

namespace HipiFast.Cli;

/// <summary>
/// All that the program writes to its two streams: tables on a terminal, plain lines when piped, JSON for machines.
/// </summary>
internal sealed partial class ConsoleOutput
{
    private readonly Lock _lock = new();

    public ConsoleOutput(bool json)
    {
        Json = json;
        Interactive = !json && !Console.IsOutputRedirected && AnsiConsole.Profile.Capabilities.Interactive;
    }

    /// <summary>Whether standard output carries JSON and nothing else.</summary>
    public bool Json { get; }

    /// <summary>Whether a person watches: live tables and progress bars.</summary>
    public bool Interactive { get; }

    /// <summary>One sentence on standard error.</summary>
    public static void Error(string sentence) =>
        Console.Error.WriteLine("hipifast: " + DisplayText.Line(OneLine(sentence)));

    /// <summary>One sentence on standard error about what is not wrong, but may not be meant.</summary>
    public static void Warning(string sentence) => Error("warning: " + sentence);

    /// <summary>
    /// One line for people; nothing in JSON mode. What cannot be shown is escaped. Safe to call from several threads.
    /// </summary>
    public void Line(string text)
    {
        if (Json)
        {
            return;
        }

        lock (_lock)
        {
            Console.Out.WriteLine(DisplayText.Line(text));
        }
    }

    /// <summary>A table for people: drawn on a terminal, aligned columns when piped; nothing in JSON mode.</summary>
    public void Table(IReadOnlyList<string> header, IEnumerable<IReadOnlyList<string>> rows)
    {
        if (Json)
        {
            return;
        }

        IReadOnlyList<string>[] all = [.. rows.Select(row => (IReadOnlyList<string>)[.. row.Select(DisplayText.Line)])];
        if (Interactive)
        {
            Table table = new Table().Border(TableBorder.Rounded);
            foreach (string title in header)
            {
                table.AddColumn(new TableColumn(Markup.Escape(title)));
            }

            foreach (IReadOnlyList<string> row in all)
            {
                table.AddRow([.. row.Select(Markup.Escape)]);
            }

            AnsiConsole.Write(table);
            return;
        }

        int[] widths = [.. header.Select(
            (title, column) => all.Select(row => row[column].Length).Append(title.Length).Max())];
        foreach (IReadOnlyList<string> row in all.Prepend(header))
        {
            Line(string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
        }
    }

    /// <summary>One JSON document on standard output, in JSON mode.</summary>
    public void Document(Action<Utf8JsonWriter> write)
    {
        if (Json)
        {
            Console.Out.Write(JsonText.Write(write));
        }
    }

    /// <summary>A time span as h:mm:ss or m:ss.</summary>
    public static string Duration(double seconds)
    {
        if (!double.IsFinite(seconds) || seconds < 0 || seconds > 1e8)
        {
            return "-";
        }

        TimeSpan span = TimeSpan.FromSeconds(Math.Round(seconds));
        string minutes = span.ToString(span.TotalHours >= 1 ? @"mm\:ss" : @"m\:ss", CultureInfo.InvariantCulture);
        return span.TotalHours >= 1
            ? string.Create(CultureInfo.InvariantCulture, $"{(int)span.TotalHours}:{minutes}")
            : minutes;
    }

    /// <summary>Puts an exception's message on one line, without what the runtime adds to it.</summary>
    public static string OneLine(string message) =>
        Spaces().Replace(ParameterNote().Replace(message, string.Empty), " ").Trim();

    [GeneratedRegex(@"\s*\(Parameter '[^']*'\)")]
    private static partial Regex ParameterNote();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
