namespace HipiFast.Options;

/// <summary>
/// Marks a property whose value is a record of options: they are options of the record that holds it too.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class OptionPartAttribute : Attribute
{
    /// <summary>
    /// Whether the part's options are keys of a configuration that the holding record is itself a part of; false where
    /// that configuration has them from elsewhere.
    /// </summary>
    public bool Listed { get; init; } = true;
}
