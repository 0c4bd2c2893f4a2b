using System.Reflection;
using System.Text.Json;

namespace HipiFast.Options;

/// <summary>One key of a record of options: its names, its type, its range, and how to read and write it.</summary>
/// <typeparam name="TRecord">The record, whose options may stand in parts of it.</typeparam>
public sealed class OptionKey<TRecord>
    where TRecord : class, new()
{
    private readonly PropertyInfo[] _path;
    private readonly OptionAttribute _statement;
    private readonly OptionRule _rule;

    internal OptionKey(IEnumerable<PropertyInfo> path, OptionProperty option)
    {
        _path = [.. path, option.Property];
        _statement = option.Statement!;
        _rule = option.Rule!;
        Name = option.Name;
        OptionName = "--" + Name.Replace('_', '-');
    }

    /// <summary>Name in JSON, snake_case.</summary>
    public string Name { get; }

    /// <summary>Name on the command line, --kebab-case.</summary>
    public string OptionName { get; }

    /// <summary>Heading under which help lists the key; empty where help lists none.</summary>
    public string Group => _statement.Group ?? string.Empty;

    /// <summary>
    /// One line that a newcomer understands, with what is allowed; empty where the record gives none.
    /// </summary>
    public string Help => _statement.DefaultMeans is null
        ? _statement.Help ?? string.Empty
        : $"{_statement.Help} Unset: {_statement.DefaultMeans}.";

    /// <summary>
    /// What may be given, in a few words: the names of an enumeration, separated by <c>|</c>, or the kind and range of
    /// a number.
    /// </summary>
    public string Expected => _rule.Typed;

    /// <summary>A short name of the value's kind for help: N, F, NAME, or the choices.</summary>
    public string Placeholder => _rule.Placeholder;

    /// <summary>The properties that lead from the record to the value.</summary>
    internal IReadOnlyList<PropertyInfo> Path => _path;

    /// <summary>Key after which this one is listed, or null.</summary>
    internal string? After => _statement.After;

    /// <summary>The key's value in a record.</summary>
    /// <param name="record">The record.</param>
    /// <returns>The value; null where it has none.</returns>
    public object? Get(TRecord record)
    {
        object? value = record;
        foreach (PropertyInfo property in _path)
        {
            value = property.GetValue(value);
        }

        return value;
    }

    /// <summary>The record with a value in place of its own.</summary>
    /// <param name="record">The record; not changed.</param>
    /// <param name="value">From <see cref="Parse"/> or <see cref="FromJson"/>.</param>
    /// <returns>A copy.</returns>
    internal TRecord With(TRecord record, object? value) => (TRecord)With(record, _path, value);

    /// <summary>Reads a value from the command line.</summary>
    /// <param name="text">What stood after the option.</param>
    /// <returns>The value; null for the word <c>default</c> where the key may have none.</returns>
    /// <exception cref="ArgumentException">
    /// One sentence naming the option, what was found and what was expected.
    /// </exception>
    public object? Parse(string text) => Read(text, OptionName, string.Empty);

    /// <summary>Reads a value from JSON.</summary>
    /// <param name="element">The value.</param>
    /// <param name="where">Where it stood, for the message (" in FILE").</param>
    /// <returns>The value.</returns>
    /// <exception cref="ArgumentException">
    /// One sentence naming the key, what was found and what was expected.
    /// </exception>
    public object? FromJson(JsonElement element, string where)
    {
        Type type = _rule.ValueType;
        bool number = type != typeof(string) && type != typeof(bool) && !type.IsEnum;
        bool fits = element.ValueKind switch
        {
            JsonValueKind.Null => _rule.IsNullable,
            JsonValueKind.True or JsonValueKind.False => type == typeof(bool),
            JsonValueKind.Number => number,
            JsonValueKind.String => !number && type != typeof(bool),
            _ => false,
        };
        if (!fits)
        {
            throw Wrong(Name, Shorten(element.GetRawText()), where);
        }

        return element.ValueKind switch
        {
            JsonValueKind.Null => null,
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            JsonValueKind.String => Read(element.GetString()!, Name, where),
            _ => Read(element.GetRawText(), Name, where),
        };
    }

    /// <summary>Writes the value of a record as JSON.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="record">The record.</param>
    public void WriteJson(Utf8JsonWriter writer, TRecord record)
    {
        ArgumentNullException.ThrowIfNull(writer);
        switch (Get(record))
        {
            case null:
                writer.WriteNull(Name);
                break;
            case bool flag:
                writer.WriteBoolean(Name, flag);
                break;
            case object value when value is string or Enum:
                writer.WriteString(Name, OptionRule.Format(value));
                break;
            case object value:
                writer.WritePropertyName(Name);
                writer.WriteRawValue(OptionRule.Format(value));
                break;
        }
    }

    /// <summary>Writes the value of a record as the command line would give it.</summary>
    /// <param name="record">The record.</param>
    /// <returns>The text.</returns>
    public string Format(TRecord record) => OptionRule.Format(Get(record));

    /// <summary>Throws when the value of a record is one that could not be typed.</summary>
    /// <param name="record">The record.</param>
    /// <exception cref="ArgumentException">
    /// One sentence naming the key, what was found and what was expected.
    /// </exception>
    internal void Check(TRecord record)
    {
        object? value = Get(record);
        if (!_rule.Accepts(value, typed: true))
        {
            string found = value switch
            {
                null => "null",
                Enum => value.ToString()!,
                _ => OptionRule.Format(value),
            };
            throw Wrong(Name, found, string.Empty);
        }
    }

    private static object With(object record, ReadOnlySpan<PropertyInfo> path, object? value)
    {
        Type type = record.GetType();
        object copy = Activator.CreateInstance(type)!;
        foreach (PropertyInfo property in type.GetProperties().Where(property => property.CanWrite))
        {
            property.SetValue(copy, property.GetValue(record));
        }

        path[0].SetValue(copy, path.Length == 1 ? value : With(path[0].GetValue(record)!, path[1..], value));
        return copy;
    }

    private static string Shorten(string text) => text.Length <= 40 ? text : text[..37] + "...";

    private object? Read(string text, string shownName, string where) =>
        _rule.TryRead(text, out object? value) && _rule.Accepts(value, typed: true)
            ? value
            : throw Wrong(shownName, Shorten(text), where);

    private ArgumentException Wrong(string shownName, string found, string where) =>
        new($"{shownName} is '{found.Trim('"')}'{where}; expected {Expected.Replace("|", ", ")}.");
}
