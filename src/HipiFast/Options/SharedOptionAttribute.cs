namespace HipiFast.Options;

/// <summary>
/// Marks an option that another record states: its key, help and range are read there. A configuration of which both
/// records are parts has one key for the two, and passes its value on.
/// </summary>
/// <param name="owner">The record that states the option.</param>
/// <param name="property">Name of the property there, which has an <see cref="OptionAttribute"/>.</param>
[AttributeUsage(AttributeTargets.Property)]
public sealed class SharedOptionAttribute(Type owner, string property) : Attribute
{
    /// <summary>The record that states the option.</summary>
    public Type Owner { get; } = owner;

    /// <summary>Name of the property there.</summary>
    public string Property { get; } = property;
}
