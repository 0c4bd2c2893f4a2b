using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.Json;

namespace HipiFast.Training;

/// <summary>One key of <see cref="TrainingConfig"/>: its names, its type, its range, and how to read and write it.</summary>
public sealed class ConfigKey
{
    /// <summary>The word that stands for "no value given" where a key may have none.</summary>
    public const string DefaultWord = "default";

    private readonly PropertyInfo _property;
    private readonly ConfigKeyAttribute _attribute;

    private ConfigKey(PropertyInfo property, ConfigKeyAttribute attribute)
    {
        _property = property;
        _attribute = attribute;
        string kebab = Kebab(property.Name == nameof(TrainingConfig.LearnerName) ? "Learner" : property.Name);
        Name = kebab.Replace('-', '_');
        OptionName = "--" + kebab;
        ValueType = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        IsNullable = ValueType != property.PropertyType;
    }

    /// <summary>All keys, in the order of declaration.</summary>
    public static IReadOnlyList<ConfigKey> All { get; } =
    [
        .. typeof(TrainingConfig).GetProperties()
            .Select(property => (Property: property, Attribute: property.GetCustomAttribute<ConfigKeyAttribute>()))
            .Where(pair => pair.Attribute is not null)
            .Select(pair => new ConfigKey(pair.Property, pair.Attribute!)),
    ];

    /// <summary>Name in JSON, snake_case.</summary>
    public string Name { get; }

    /// <summary>Name on the command line, --kebab-case.</summary>
    public string OptionName { get; }

    /// <summary>Type of the value, without the nullable wrapper.</summary>
    public Type ValueType { get; }

    /// <summary>Whether the key may have no value.</summary>
    public bool IsNullable { get; }

    /// <summary>Heading under which help lists the key.</summary>
    public string Group => _attribute.Group;

    /// <summary>One line that a newcomer understands, with what is allowed.</summary>
    public string Help => _attribute.DefaultMeans is null ? _attribute.Help : $"{_attribute.Help} Unset: {_attribute.DefaultMeans}.";

    /// <summary>What may be given, in a few words: the names of an enumeration, or the kind and range of a number.</summary>
    public string Expected
    {
        get
        {
            if (ValueType.IsEnum)
            {
                return _attribute.Choices ?? string.Join("|", Enum.GetNames(ValueType).Select(Kebab));
            }

            if (ValueType == typeof(bool))
            {
                return "true|false";
            }

            if (ValueType == typeof(string))
            {
                return "a name";
            }

            string kind = ValueType == typeof(float) || ValueType == typeof(double) ? "a number" : "a whole number";
            string low = Text(_attribute.Minimum), high = Text(_attribute.Maximum);
            string range = (double.IsFinite(_attribute.Minimum), double.IsFinite(_attribute.Maximum)) switch
            {
                (true, true) => _attribute.AboveMinimum ? $" above {low}, at most {high}" : $" from {low} to {high}",
                (true, false) => _attribute.AboveMinimum ? $" above {low}" : $", {low} or more",
                (false, true) => $", {high} or less",
                _ => ValueType == typeof(ulong) ? ", 0 or more" : string.Empty,
            };
            return kind + range + (IsNullable ? $", or {DefaultWord}" : string.Empty);
        }
    }

    /// <summary>A short name of the value's kind for help: N, F, or the choices.</summary>
    public string Placeholder => ValueType.IsEnum || ValueType == typeof(bool) ? Expected
        : ValueType == typeof(string) ? "NAME"
        : ValueType == typeof(float) || ValueType == typeof(double) ? "F" : "N";

    /// <summary>The key of a JSON name.</summary>
    /// <param name="name">snake_case.</param>
    /// <param name="where">Where the name stood, for the message.</param>
    /// <returns>The key.</returns>
    /// <exception cref="ArgumentException">There is no such key; the message suggests the nearest.</exception>
    public static ConfigKey Find(string name, string where) =>
        All.FirstOrDefault(key => key.Name == name)
        ?? throw new ArgumentException($"Unknown key '{name}'{where}{NearestName.Suggestion(name, All.Select(key => key.Name))}.");

    /// <summary>Turns PascalCase into kebab-case.</summary>
    /// <param name="name">For example <c>SoftCritic</c>.</param>
    /// <returns>For example <c>soft-critic</c>.</returns>
    public static string Kebab(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        StringBuilder text = new();
        foreach (char letter in name)
        {
            if (char.IsUpper(letter) && text.Length > 0)
            {
                text.Append('-');
            }

            text.Append(char.ToLowerInvariant(letter));
        }

        return text.ToString();
    }

    /// <summary>The key's value in a configuration.</summary>
    /// <param name="config">The configuration.</param>
    /// <returns>The value; null where it has none.</returns>
    public object? Get(TrainingConfig config) => _property.GetValue(config);

    /// <summary>Sets the key in a configuration that nobody else holds yet.</summary>
    /// <param name="config">A fresh copy.</param>
    /// <param name="value">From <see cref="Parse"/> or <see cref="FromJson"/>.</param>
    internal void Set(TrainingConfig config, object? value) => _property.SetValue(config, value);

    /// <summary>Reads a value from the command line.</summary>
    /// <param name="text">What stood after the option.</param>
    /// <returns>The value; null for the word <c>default</c> where the key may have none.</returns>
    /// <exception cref="ArgumentException">One sentence naming the option, what was found and what was expected.</exception>
    public object? Parse(string text) => Read(text, OptionName, string.Empty);

    /// <summary>Reads a value from JSON.</summary>
    /// <param name="element">The value.</param>
    /// <param name="where">Where it stood, for the message (" in FILE").</param>
    /// <returns>The value.</returns>
    /// <exception cref="ArgumentException">One sentence naming the key, what was found and what was expected.</exception>
    public object? FromJson(JsonElement element, string where)
    {
        bool number = ValueType != typeof(string) && ValueType != typeof(bool) && !ValueType.IsEnum;
        bool fits = element.ValueKind switch
        {
            JsonValueKind.Null => IsNullable,
            JsonValueKind.True or JsonValueKind.False => ValueType == typeof(bool),
            JsonValueKind.Number => number,
            JsonValueKind.String => !number && ValueType != typeof(bool),
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

    /// <summary>Writes the value of a configuration as JSON.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="config">The configuration.</param>
    public void WriteJson(Utf8JsonWriter writer, TrainingConfig config)
    {
        ArgumentNullException.ThrowIfNull(writer);
        switch (Get(config))
        {
            case null:
                writer.WriteNull(Name);
                break;
            case string text:
                writer.WriteString(Name, text);
                break;
            case bool flag:
                writer.WriteBoolean(Name, flag);
                break;
            case Enum choice:
                writer.WriteString(Name, Kebab(choice.ToString()));
                break;
            case object value:
                writer.WritePropertyName(Name);
                writer.WriteRawValue(Text(value));
                break;
        }
    }

    /// <summary>Writes the value of a configuration as the command line would give it.</summary>
    /// <param name="config">The configuration.</param>
    /// <returns>The text.</returns>
    public string Format(TrainingConfig config) => Get(config) switch
    {
        null => DefaultWord,
        bool flag => flag ? "true" : "false",
        Enum choice => Kebab(choice.ToString()),
        object value => Text(value),
    };

    internal void Check(object? value, string where)
    {
        if (value is null or string or bool or Enum)
        {
            bool good = value switch
            {
                null => IsNullable,
                string text => text.Length > 0,
                Enum choice => Expected.Split('|').Contains(Kebab(choice.ToString())),
                _ => true,
            };
            if (!good)
            {
                throw Wrong(Name, value?.ToString() ?? "null", where);
            }

            return;
        }

        double number = Convert.ToDouble(value, CultureInfo.InvariantCulture);
        bool inRange = double.IsFinite(number) && number <= _attribute.Maximum
            && (_attribute.AboveMinimum ? number > _attribute.Minimum : number >= _attribute.Minimum);
        if (!inRange)
        {
            throw Wrong(Name, Text(value), where);
        }
    }

    private static string Text(object value) => Convert.ToString(value, CultureInfo.InvariantCulture)!;

    private static string Shorten(string text) => text.Length <= 40 ? text : text[..37] + "...";

    private object? Read(string text, string shownName, string where)
    {
        const NumberStyles Whole = NumberStyles.AllowLeadingSign;
        const NumberStyles Real = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        CultureInfo culture = CultureInfo.InvariantCulture;
        if (IsNullable && text == DefaultWord)
        {
            return null;
        }

        object? value = null;
        if (ValueType == typeof(string))
        {
            value = text;
        }
        else if (ValueType.IsEnum)
        {
            string? name = Enum.GetNames(ValueType).FirstOrDefault(candidate => Kebab(candidate) == text);
            value = name is null ? null : Enum.Parse(ValueType, name);
        }
        else if (ValueType == typeof(bool))
        {
            value = text switch { "true" => true, "false" => false, _ => null };
        }
        else if (ValueType == typeof(int))
        {
            value = int.TryParse(text, Whole, culture, out int number) ? number : null;
        }
        else if (ValueType == typeof(long))
        {
            value = long.TryParse(text, Whole, culture, out long number) ? number : null;
        }
        else if (ValueType == typeof(ulong))
        {
            value = ulong.TryParse(text, NumberStyles.None, culture, out ulong number) ? number : null;
        }
        else if (ValueType == typeof(float))
        {
            value = float.TryParse(text, Real, culture, out float number) ? number : null;
        }
        else if (ValueType == typeof(double))
        {
            value = double.TryParse(text, Real, culture, out double number) ? number : null;
        }

        if (value is null)
        {
            throw Wrong(shownName, Shorten(text), where);
        }

        try
        {
            Check(value, where);
        }
        catch (ArgumentException)
        {
            throw Wrong(shownName, Shorten(text), where);
        }

        return value;
    }

    private ArgumentException Wrong(string shownName, string found, string where) =>
        new($"{shownName} is '{found.Trim('"')}'{where}; expected {Expected.Replace("|", ", ")}.");
}
