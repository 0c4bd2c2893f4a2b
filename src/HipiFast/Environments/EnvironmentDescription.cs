namespace HipiFast.Environments;

/// <summary>An environment that can be made by name.</summary>
/// <param name="Name">Name on the command line.</param>
/// <param name="Description">One line.</param>
/// <param name="Traits">What its tasks are.</param>
public sealed record EnvironmentDescription(string Name, string Description, EnvironmentTraits Traits);
