namespace HipiFast.Training;

/// <summary>Marks a property of <see cref="TrainingConfig"/> as a key, with what help texts and checks need to know of it.</summary>
/// <param name="group">Heading under which help lists the key.</param>
/// <param name="help">One line that a newcomer understands.</param>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ConfigKeyAttribute(string group, string help) : Attribute
{
    /// <summary>Heading under which help lists the key.</summary>
    public string Group { get; } = group;

    /// <summary>One line that a newcomer understands.</summary>
    public string Help { get; } = help;

    /// <summary>Smallest value allowed.</summary>
    public double Minimum { get; init; } = double.NegativeInfinity;

    /// <summary>Largest value allowed.</summary>
    public double Maximum { get; init; } = double.PositiveInfinity;

    /// <summary>Whether <see cref="Minimum"/> itself is too small.</summary>
    public bool AboveMinimum { get; init; }

    /// <summary>Names allowed, separated by <c>|</c>, where not all of an enumeration are.</summary>
    public string? Choices { get; init; }

    /// <summary>What the word <c>default</c> (JSON null) stands for; only on nullable properties.</summary>
    public string? DefaultMeans { get; init; }
}
