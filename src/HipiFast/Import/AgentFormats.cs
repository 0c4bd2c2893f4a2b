using HipiFast.Options;

namespace HipiFast.Import;

/// <summary>Names of <see cref="AgentFormat"/>, and how a format is told from the names of tensors.</summary>
internal static class AgentFormats
{
    private static readonly (string Name, AgentFormat Format)[] s_names =
    [
        ("auto", AgentFormat.Auto), ("hipifast", AgentFormat.HipiFast), ("sb3", AgentFormat.Sb3),
        ("cleanrl", AgentFormat.CleanRl),
    ];

    /// <summary>All names, as one writes them.</summary>
    public static IEnumerable<string> Names => s_names.Select(entry => entry.Name);

    /// <summary>The name of a format.</summary>
    public static string NameOf(AgentFormat format) => s_names.First(entry => entry.Format == format).Name;

    /// <summary>The format of a name.</summary>
    /// <exception cref="ArgumentException">There is none; the message says which there are.</exception>
    public static AgentFormat Parse(string name)
    {
        foreach ((string known, AgentFormat format) in s_names)
        {
            if (known.Equals(name, StringComparison.OrdinalIgnoreCase))
            {
                return format;
            }
        }

        throw new ArgumentException($"Unknown agent format '{name}'{NearestName.Suggestion(name, Names)}.");
    }

    /// <summary>Whose names these are.</summary>
    /// <param name="state">The tensors.</param>
    /// <exception cref="InvalidDataException">Nobody's that is known.</exception>
    public static AgentFormat Find(StateDict state)
    {
        if (HasUnder("critic1.") || HasUnder("critic2.") || HasUnder("actor.0."))
        {
            return AgentFormat.HipiFast;
        }

        if (HasUnder("critic.qf") || HasUnder("q_net.") || HasUnder("actor.latent_pi."))
        {
            return AgentFormat.Sb3;
        }

        if (state.Names.Any(name => IsPart(name, "fc1.weight") || IsPart(name, "network.0.weight")))
        {
            return AgentFormat.CleanRl;
        }

        throw new InvalidDataException(
            $"{state.Source} holds {state.Describe()}, names of no format that is known; expected "
            + "critic1.0.weight (hipifast), critic.qf0.0.weight or q_net.q_net.0.weight (sb3), qf1.fc1.weight or "
            + "network.0.weight (cleanrl), or a description that lists the layers under \"critics\".");

        bool HasUnder(string prefix) => state.HasUnder(prefix);

        static bool IsPart(string name, string ending) =>
            name == ending || name.EndsWith("." + ending, StringComparison.Ordinal);
    }
}
