namespace HipiFast.Options;

/// <summary>
/// Says all there is to say of an option, on the property that holds it: its range, which the record's own check and
/// the command line ask of it alike, and its key and help text for configuration files and command lines.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class OptionAttribute : Attribute
{
    /// <summary>
    /// An option of the library alone: checked, but no key of a configuration that its record is a part of.
    /// </summary>
    public OptionAttribute()
    {
    }

    /// <summary>An option that users set.</summary>
    /// <param name="group">Heading under which help lists it.</param>
    /// <param name="help">One line that a newcomer understands.</param>
    public OptionAttribute(string group, string help)
    {
        Group = group;
        Help = help;
    }

    /// <summary>Heading under which help lists the option; null where users do not set it.</summary>
    public string? Group { get; }

    /// <summary>One line that a newcomer understands; null where users do not set the option.</summary>
    public string? Help { get; }

    /// <summary>Key in snake_case; null for the property's own name.</summary>
    public string? Key { get; init; }

    /// <summary>Key after which files and help list this one; null for the order of declaration.</summary>
    public string? After { get; init; }

    /// <summary>Smallest value allowed.</summary>
    public double Minimum { get; init; } = double.NegativeInfinity;

    /// <summary>Largest value allowed.</summary>
    public double Maximum { get; init; } = double.PositiveInfinity;

    /// <summary>Whether <see cref="Minimum"/> itself is too small.</summary>
    public bool AboveMinimum { get; init; }

    /// <summary>Whether <see cref="Maximum"/> itself is too large.</summary>
    public bool BelowMaximum { get; init; }

    /// <summary>
    /// Largest value that files and command lines take, where a program may pass a larger one, up to <see
    /// cref="Maximum"/>.
    /// </summary>
    public double TypedMaximum { get; init; } = double.PositiveInfinity;

    /// <summary>
    /// Whether <see cref="Minimum"/> itself is too small in files and on command lines, though not for a program.
    /// </summary>
    public bool TypedAboveMinimum { get; init; }

    /// <summary>
    /// Names allowed, separated by <c>|</c>: of a text, or in kebab-case where not all of an enumeration are.
    /// </summary>
    public string? Choices { get; init; }

    /// <summary>What the word <c>default</c> (JSON null) stands for; only on nullable properties.</summary>
    public string? DefaultMeans { get; init; }
}
