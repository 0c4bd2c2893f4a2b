using System.Globalization;
using System.Reflection;

namespace HipiFast.Options;

/// <summary>The values that an option takes: their type, their range, and how they are written.</summary>
/// <param name="property">The property that holds the option.</param>
/// <param name="statement">What is said of it.</param>
internal sealed class OptionRule(PropertyInfo property, OptionAttribute statement)
{
    /// <summary>The word that stands for "no value given" where an option may have none.</summary>
    public const string DefaultWord = "default";

    /// <summary>Type of the value, without the nullable wrapper.</summary>
    public Type ValueType { get; } = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;

    /// <summary>Whether the option may have no value.</summary>
    public bool IsNullable { get; } = Nullable.GetUnderlyingType(property.PropertyType) is not null;

    private bool IsReal => ValueType == typeof(float) || ValueType == typeof(double);

    private string[]? Texts => ValueType == typeof(string) ? statement.Choices?.Split('|') : null;

    private IEnumerable<string> Names =>
        Enum.GetNames(ValueType).Where(name => statement.Choices?.Split('|').Contains(OptionNames.Kebab(name)) ?? true);

    /// <summary>
    /// What may be typed, in a few words: the names of an enumeration, separated by <c>|</c>, or the kind and range of
    /// a number.
    /// </summary>
    public string Typed
    {
        get
        {
            if (ValueType.IsEnum || Texts is not null)
            {
                return statement.Choices ?? string.Join("|", Names.Select(OptionNames.Kebab));
            }

            return ValueType == typeof(bool) ? "true|false"
                : ValueType == typeof(string) ? "a name"
                : NumberIn(typed: true) + (IsNullable ? $", or {DefaultWord}" : string.Empty);
        }
    }

    /// <summary>What a program may pass, in a few words; names as in C#.</summary>
    public string Passed => ValueType.IsEnum ? string.Join(" or ", Names)
        : ValueType == typeof(string) ? (Texts is string[] texts ? string.Join(" or ", texts) : "a name")
        : NumberIn(typed: false);

    /// <summary>A short name of the value's kind for help: N, F, NAME, or the choices.</summary>
    public string Placeholder => ValueType.IsEnum || ValueType == typeof(bool) || Texts is not null ? Typed
        : ValueType == typeof(string) ? "NAME"
        : IsReal ? "F" : "N";

    /// <summary>Whether a value is in range.</summary>
    /// <param name="value">The value; null for none.</param>
    /// <param name="typed">Whether a user typed it, rather than a program passing it.</param>
    public bool Accepts(object? value, bool typed)
    {
        switch (value)
        {
            case null:
                return IsNullable;
            case bool:
                return true;
            case string text:
                return text.Length > 0 && Texts?.Contains(text) != false;
            case Enum choice:
                return Names.Contains(choice.ToString());
            default:
                double number = Convert.ToDouble(value, CultureInfo.InvariantCulture);
                return double.IsFinite(number) && number <= Maximum(typed)
                    && (!statement.BelowMaximum || number < statement.Maximum)
                    && (AboveMinimum(typed) ? number > statement.Minimum : number >= statement.Minimum);
        }
    }

    /// <summary>Reads a value as a user types it, whether in range or not.</summary>
    /// <param name="text">What was typed.</param>
    /// <param name="value">The value; null for the word <c>default</c> where the option may have none.</param>
    /// <returns>Whether the text is of the option's type.</returns>
    public bool TryRead(string text, out object? value)
    {
        value = null;
        if (IsNullable && text == DefaultWord)
        {
            return true;
        }

        value = ReadValue(text);
        return value is not null;
    }

    /// <summary>Writes a value as a user would type it.</summary>
    /// <param name="value">The value; null for none.</param>
    public static string Format(object? value) => value switch
    {
        null => DefaultWord,
        bool flag => flag ? "true" : "false",
        Enum choice => OptionNames.Kebab(choice),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private object? ReadValue(string text)
    {
        const NumberStyles Whole = NumberStyles.AllowLeadingSign;
        const NumberStyles Real = Whole | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        CultureInfo culture = CultureInfo.InvariantCulture;
        if (ValueType == typeof(string))
        {
            return text;
        }

        if (ValueType.IsEnum)
        {
            string? name = Enum.GetNames(ValueType).FirstOrDefault(candidate => OptionNames.Kebab(candidate) == text);
            return name is null ? null : Enum.Parse(ValueType, name);
        }

        return Type.GetTypeCode(ValueType) switch
        {
            TypeCode.Boolean => text switch { "true" => true, "false" => false, _ => null },
            TypeCode.Int32 => int.TryParse(text, Whole, culture, out int number) ? number : null,
            TypeCode.Int64 => long.TryParse(text, Whole, culture, out long number) ? number : null,
            TypeCode.UInt64 => ulong.TryParse(text, NumberStyles.None, culture, out ulong number) ? number : null,
            TypeCode.Single => float.TryParse(text, Real, culture, out float number) ? number : null,
            TypeCode.Double => double.TryParse(text, Real, culture, out double number) ? number : null,
            _ => throw new NotSupportedException(
                $"{property.DeclaringType}.{property.Name} is of {ValueType}, which no option is."),
        };
    }

    private double Maximum(bool typed) =>
        typed ? Math.Min(statement.Maximum, statement.TypedMaximum) : statement.Maximum;

    private bool AboveMinimum(bool typed) => statement.AboveMinimum || (typed && statement.TypedAboveMinimum);

    private string NumberIn(bool typed)
    {
        double lowest = statement.Minimum, highest = Maximum(typed);
        bool above = AboveMinimum(typed);
        string low = Format(lowest), high = Format(highest);
        string range = (double.IsFinite(lowest), double.IsFinite(highest)) switch
        {
            (true, true) when statement.BelowMaximum => $" {(above ? "above" : "from")} {low}, below {high}",
            (true, true) => above ? $" above {low}, at most {high}" : $" from {low} to {high}",
            (true, false) => above ? $" above {low}" : $", {low} or more",
            (false, true) => $", {high} or less",
            _ => ValueType == typeof(ulong) ? ", 0 or more" : string.Empty,
        };
        return (IsReal ? "a number" : "a whole number") + range;
    }
}
