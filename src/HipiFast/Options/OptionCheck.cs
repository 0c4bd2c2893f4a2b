using System.Globalization;

namespace HipiFast.Options;

/// <summary>Checks the options of a record against the ranges that their attributes state.</summary>
internal static class OptionCheck
{
    /// <summary>Throws at the first option, those of parts included, that is out of its range.</summary>
    /// <param name="record">The record.</param>
    /// <param name="sentence">Makes the message of the property's name, the value found and what is expected.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public static void Ranges(object record, Func<string, string, string, string> sentence)
    {
        foreach (OptionProperty option in OptionProperty.Of(record.GetType()))
        {
            object? value = option.Property.GetValue(record);
            if (option.Rule is not OptionRule rule)
            {
                Ranges(value ?? throw new ArgumentException($"{option.Name} is null; expected options."), sentence);
            }
            else if (!rule.Accepts(value, typed: false))
            {
                string found = Convert.ToString(value, CultureInfo.InvariantCulture)!;
                throw new ArgumentException(sentence(option.Property.Name, found, rule.Passed));
            }
        }
    }
}
