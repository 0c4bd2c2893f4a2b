using System.Collections.Concurrent;
using System.Reflection;

namespace HipiFast.Options;

/// <summary>A property of a record of options: an option, or a part with options of its own.</summary>
internal sealed class OptionProperty
{
    private static readonly ConcurrentDictionary<Type, IReadOnlyList<OptionProperty>> s_ofType = new();

    private OptionProperty(PropertyInfo property, OptionAttribute statement, string name, bool isListed)
    {
        Property = property;
        Statement = statement;
        Name = name;
        IsListed = isListed;
        Rule = new OptionRule(property, statement);
    }

    private OptionProperty(PropertyInfo property, OptionPartAttribute part)
    {
        Property = property;
        Name = property.Name;
        IsListed = part.Listed;
    }

    /// <summary>The property.</summary>
    public PropertyInfo Property { get; }

    /// <summary>What is said of the option; null for a part.</summary>
    public OptionAttribute? Statement { get; }

    /// <summary>The values that the option takes; null for a part.</summary>
    public OptionRule? Rule { get; }

    /// <summary>Key in snake_case; a part has none.</summary>
    public string Name { get; }

    /// <summary>
    /// Whether a configuration that the record is a part of lists the option, or the options of the part.
    /// </summary>
    public bool IsListed { get; }

    /// <summary>The properties of a record that are marked, in the order of declaration.</summary>
    /// <param name="record">The record's type.</param>
    public static IReadOnlyList<OptionProperty> Of(Type record) => s_ofType.GetOrAdd(
        record, static type => [.. type.GetProperties().Select(From).OfType<OptionProperty>()]);

    private static OptionProperty? From(PropertyInfo property)
    {
        if (property.GetCustomAttribute<OptionPartAttribute>() is OptionPartAttribute part)
        {
            return new OptionProperty(property, part);
        }

        if (property.GetCustomAttribute<SharedOptionAttribute>() is SharedOptionAttribute shared)
        {
            OptionProperty owner = Of(shared.Owner).First(candidate => candidate.Property.Name == shared.Property);
            return new OptionProperty(property, owner.Statement!, owner.Name, isListed: false);
        }

        return property.GetCustomAttribute<OptionAttribute>() is OptionAttribute own
            ? new OptionProperty(property, own, own.Key ?? OptionNames.Snake(property.Name), own.Help is not null)
            : null;
    }
}
